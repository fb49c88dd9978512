package api

import (
	"context"

	"sdp/internal/sdp"
	"sdp/internal/secret"
)

// requestInfo is what the parts that handle one request tell each other.
type requestInfo struct {
	server  *Server
	id      string
	session secret.Session // of a signed-in user
	user    string         // for the log and the audit: user name, or "node/<name>"
	address string         // of the peer, without its port
	problem *Problem       // the answer, if it was an error
	// event is the mutation's audit event; events replaces it where one request does several things.
	event  sdp.AuditEvent
	events []sdp.AuditEvent
	replay bool // the answer is a stored one: nothing was done
	dryRun bool // the answer only says what would be done
}

type infoKey struct{}

func withInfo(ctx context.Context, info *requestInfo) context.Context {
	return context.WithValue(ctx, infoKey{}, info)
}

// infoOf returns the request's info. Every request has one: the outermost middleware makes it.
func infoOf(ctx context.Context) *requestInfo {
	return ctx.Value(infoKey{}).(*requestInfo)
}

// plan notes what a request asks to deploy, so that the audit names it even if it is refused. The request's own event
// comes first, unless it is nothing but these deployments.
func (i *requestInfo) plan(sandbox, environment string, asks []ask) {
	i.events = nil
	if i.event.Action != "deployment.create" || len(asks) == 0 {
		i.events = append(i.events, i.event)
	}
	for _, a := range asks {
		i.events = append(i.events, sdp.AuditEvent{
			Action: "deployment.create", Sandbox: sandbox, Service: a.service, Repository: a.repository.Name,
			Branch: a.branch, SHA: a.commit, Environment: environment,
		})
	}
}

// started notes the IDs of what was planned, in the same order.
func (i *requestInfo) started(refs []sdp.OperationRef) {
	for n := range min(len(refs), len(i.events)) {
		i.events[n].Operation = refs[n].ID
	}
}

// about notes which deployment a request concerns.
func (i *requestInfo) about(d sdp.Deployment) {
	e := &i.event
	e.Sandbox, e.Service, e.Repository, e.Branch = d.Sandbox, d.Service, d.Repository, d.Branch
	e.SHA, e.Environment, e.Operation = d.SHA, d.Environment, d.ID
}
