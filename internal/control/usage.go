package control

import (
	"context"
	"slices"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
	"sdp/internal/sdp/settings"
)

// Redeployed is what became of restarting what is behind. What cannot be restarted now does not keep the rest from it.
type Redeployed struct {
	Environment settings.Environment
	Operations  []sdp.Operation
	Refused     []RefusedRestart
}

// RefusedRestart says why a service was not restarted.
type RefusedRestart struct {
	Sandbox string
	Service string
	Why     error
}

// RedeployEnvironment restarts what runs with another version than a restart would give it, in the sandboxes named or in
// all.
func (c *Control) RedeployEnvironment(ctx context.Context, call *Call, name string, only []string) (Redeployed, error) {
	if err := c.permit(call, sdp.AuditEnvironmentRedeploy, Object{Environment: name}); err != nil {
		return Redeployed{}, err
	}
	e, err := c.Environment(ctx, name)
	if err != nil {
		return Redeployed{}, err
	}
	users, err := c.behindOf(ctx, e.Name, only)
	if err != nil {
		return Redeployed{}, err
	}
	out := Redeployed{Environment: e}
	var refs []sdp.OperationRef
	for _, u := range users {
		op, err := c.redeploy(ctx, call, e.Name, u)
		if err != nil {
			out.Refused = append(out.Refused, RefusedRestart{u.Sandbox, u.Service, err})
			continue
		}
		out.Operations = append(out.Operations, op)
		refs = append(refs, op.Ref())
	}
	c.submit(ctx, refs)
	return out, nil
}

// behindOf lists what is behind in the sandboxes that are named, or in all.
func (c *Control) behindOf(ctx context.Context, name string, named []string) ([]postgres.EnvironmentUser, error) {
	sandboxes, users, err := c.db.EnvironmentUsers(ctx, name)
	if err != nil {
		return nil, err
	}
	only := sandboxes
	if len(named) > 0 {
		only = named
	}
	for _, sandbox := range only {
		if !slices.Contains(sandboxes, sandbox) {
			return nil, unknown("unknown-sandbox", "sandbox that uses environment "+name, sandbox, sandboxes,
				"`sdp env usage "+name+"` lists them")
		}
	}
	return slices.DeleteFunc(users, func(u postgres.EnvironmentUser) bool {
		return !u.Behind || !slices.Contains(only, u.Sandbox)
	}), nil
}

// redeploy queues the restart of one service. It is a change of its own for the audit.
func (c *Control) redeploy(ctx context.Context, call *Call, environment string, u postgres.EnvironmentUser) (sdp.Operation, error) {
	op := c.newOperation(call, sdp.OpRestart, u.Sandbox, u.Service)
	sandbox, service, err := c.service(ctx, u.Sandbox, u.Service)
	if err != nil {
		return op, err
	}
	if service.Latest != nil && !service.Latest.State.Settled() {
		return op, sdp.Errorf(sdp.Conflict, "deploying", "%s is being deployed in sandbox %s", u.Service, u.Sandbox).
			WithRemedy("wait until deployment %s has ended, then look at `sdp env usage` again", service.Latest.ID)
	}
	last, err := c.db.LastDeployment(ctx, u.Sandbox, u.Service)
	if err != nil {
		return op, err
	}
	if _, err := c.deployableTo(ctx, sandbox, last.Node); err != nil {
		return op, err
	}
	ctx, _ = postgres.WithAudit(ctx, func() []sdp.AuditEvent {
		return []sdp.AuditEvent{{User: call.User, Action: sdp.AuditServiceRestart, Sandbox: u.Sandbox, Service: u.Service,
			Environment: environment, Operation: op.ID}}
	})
	return op, c.db.CreateOperation(ctx, op)
}
