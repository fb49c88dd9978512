package control

import (
	"encoding/json"

	"sdp/internal/sdp"
	"sdp/internal/secret"
)

// Actor is who asks for something: a person who is signed in, or the system for a reason of its own.
type Actor struct {
	User    string // who answers for it: owner of what is made, name in the audit
	Why     string // why the system acts; "" for a person
	session secret.Session
	stored  []byte // credentials somebody stored for what the system does in their name
}

// Person is the actor behind a session.
func Person(s secret.Session) Actor { return Actor{User: s.User, session: s} }

// System is SDP itself, which acts for a reason.
func System(why string) Actor { return Actor{User: "system", Why: why} }

// InNameOf is SDP itself where it uses credentials that somebody stored for this.
func InNameOf(user string, credentials []byte, why string) Actor {
	return Actor{User: user, Why: why, stored: credentials}
}

// credentials are those for the git servers, in the form in which nodes read them.
func (a Actor) credentials() ([]byte, error) {
	if a.stored != nil {
		return a.stored, nil
	}
	return json.Marshal(map[string]string{"user": a.session.User, "password": a.session.Password.Reveal()})
}

// Call is one request of an actor and what the audit will say of it. That is filled in as it becomes known, so that the
// audit knows what was refused, too.
type Call struct {
	Actor
	Event  sdp.AuditEvent
	Events []sdp.AuditEvent // replaces Event where one call does several things
	DryRun bool             // the answer only says what would be done
}

// Object is what something is done to. What does not apply is empty.
type Object struct{ Sandbox, Service, Environment, Operation, Node string }

// permit is the one seam all use cases pass: it says whether an actor may do something to an object. Today whoever is
// signed in may do everything; roles will be asked here. What was asked for is noted for the audit, permitted or not.
func (c *Control) permit(call *Call, action sdp.AuditAction, on Object) error {
	call.Event.Action = action
	for _, part := range []struct {
		noted *string
		value string
	}{
		{&call.Event.Sandbox, on.Sandbox}, {&call.Event.Service, on.Service},
		{&call.Event.Environment, on.Environment}, {&call.Event.Operation, on.Operation},
	} {
		if part.value != "" {
			*part.noted = part.value
		}
	}
	if on.Node != "" {
		call.Event.Detail = "node " + sdp.Printable(on.Node, 60)
	}
	if call.User == "" {
		return sdp.Errorf(sdp.Forbidden, "nobody", "nobody asked for %s", action).WithRemedy("sign in: `sdp login`")
	}
	return nil
}

// plan notes what a call asks to deploy, so that the audit names it even if it is refused. The call's own event comes
// first, unless it is nothing but these deployments.
func (call *Call) plan(sandbox, environment string, asks []ask) {
	call.Events = nil
	if call.Event.Action != sdp.AuditDeploymentCreate || len(asks) == 0 {
		call.Events = append(call.Events, call.Event)
	}
	for _, a := range asks {
		call.Events = append(call.Events, sdp.AuditEvent{
			Action: sdp.AuditDeploymentCreate, Sandbox: sandbox, Service: a.service, Repository: a.repository.Name,
			Branch: a.branch, SHA: a.commit, Environment: environment,
		})
	}
}

// started notes the IDs of what was planned, in the same order.
func (call *Call) started(refs []sdp.OperationRef) {
	for n := range min(len(refs), len(call.Events)) {
		call.Events[n].Operation = refs[n].ID
	}
}

// about notes which deployment a call concerns.
func (call *Call) about(d sdp.Deployment) {
	e := &call.Event
	e.Sandbox, e.Service, e.Repository, e.Branch = d.Sandbox, d.Service, d.Repository, d.Branch
	e.SHA, e.Environment, e.Operation = d.SHA, d.Environment, d.ID
}
