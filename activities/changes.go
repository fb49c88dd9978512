package activities

import (
	"context"

	"sdp/internal/sdp"
)

// Change is what a workflow needs to know of an sdp.Change: what is done, not with which settings.
type Change struct {
	New     bool
	Atomic  bool
	Gateway bool   // the public port may be answered by another service than before
	Front   string // that service; "" = the router itself
	Back    string // the one before
	Actions []sdp.Action
}

// CommitInput says which services of a change are switched. Containers are new ones among them, not stored yet.
type CommitInput struct {
	Operation  string
	Services   []string
	Gateway    bool
	Containers []sdp.Container
}

// Committed is a switch of several services: the table to apply, where, and by service what lost its place.
type Committed struct {
	Table    sdp.RoutingTable
	Nodes    []string
	Previous map[string]sdp.Container
}

// BeginChange writes a change's settings and says what there is to do.
func (c *Control) BeginChange(ctx context.Context, operation string) (Change, error) {
	op, before, err := c.DB.BeginChange(ctx, operation)
	if err != nil {
		return Change{}, fail(err)
	}
	out := Change{New: op.Change.New, Atomic: op.Change.Atomic, Front: op.Change.Spec.GatewayName(), Actions: op.Change.Actions}
	out.Gateway, out.Back = out.Front != before, before
	return out, nil
}

// CommitChange commits that services of a change are switched. Routers are told afterwards.
func (c *Control) CommitChange(ctx context.Context, in CommitInput) (Committed, error) {
	for _, container := range in.Containers {
		container.State = sdp.Starting
		if err := c.DB.PutContainer(ctx, container); err != nil {
			return Committed{}, fail(err)
		}
	}
	s, err := c.DB.CommitChange(ctx, in.Operation, in.Services, in.Gateway)
	return Committed(s), fail(err)
}

// RevertChange takes back a switch that a router did not confirm.
func (c *Control) RevertChange(ctx context.Context, in CommitInput) (Switch, error) {
	s, err := c.DB.RevertChange(ctx, in.Operation, in.Services, in.Gateway)
	return Switch(s), fail(err)
}

// Serves reports whether a deployment's container answers for its service.
func (c *Control) Serves(ctx context.Context, deployment string) (bool, error) {
	serving, err := c.DB.Serves(ctx, deployment)
	return serving, fail(err)
}

// AbandonChange begins to take down the sandbox a change was to make.
func (c *Control) AbandonChange(ctx context.Context, op sdp.OperationRef) (TeardownInput, error) {
	nodes, left, err := c.DB.AbandonChange(ctx, op.ID)
	return TeardownInput{Sandbox: op.Sandbox, Nodes: nodes, Gone: left}, fail(err)
}

// ReportTeardown tells people that the sandbox of a failed change could not be taken down yet.
func (c *Control) ReportTeardown(ctx context.Context, in SettleInput) error {
	e := operationEvent(in)
	e.Action, e.Outcome = auditAction(in.Operation.Kind)+".teardown", sdp.OutcomeFailed
	return fail(c.DB.Audit(ctx, e))
}

// settleChange writes the end of a change, once.
func (c *Control) settleChange(ctx context.Context, in SettleInput) error {
	settled, err := c.DB.SettleChange(ctx, in.Operation.ID, in.State, in.Failure)
	if err != nil || !settled {
		return fail(unlessSettled(err))
	}
	return fail(c.DB.Audit(ctx, operationEvent(in)))
}
