package activities

import (
	"context"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// BeginChange writes a change's settings and says what there is to do.
func (c *Control) BeginChange(ctx context.Context, operation string) (wire.Change, error) {
	op, before, err := c.DB.BeginChange(ctx, operation)
	if err != nil {
		return wire.Change{}, fail(err)
	}
	out := wire.Change{New: op.Change.New, Atomic: op.Change.Atomic, Front: op.Change.Spec.GatewayName(), Actions: op.Change.Actions}
	out.Gateway, out.Back = out.Front != before, before
	return out, nil
}

// CommitChange commits that services of a change are switched. Routers are told afterwards.
func (c *Control) CommitChange(ctx context.Context, in wire.CommitInput) (wire.Switch, error) {
	for _, container := range in.Containers {
		container.State = sdp.Starting
		if err := c.DB.PutContainer(ctx, container); err != nil {
			return wire.Switch{}, fail(err)
		}
	}
	s, err := c.DB.CommitChange(ctx, in.Operation, in.Services, in.Gateway)
	return c.switched(ctx, s, err)
}

// RevertChange takes back a switch that a router did not confirm.
func (c *Control) RevertChange(ctx context.Context, in wire.CommitInput) (wire.Switch, error) {
	s, err := c.DB.RevertChange(ctx, in.Operation, in.Services, in.Gateway)
	return c.switched(ctx, s, err)
}

// Serves reports whether a deployment's container answers for its service.
func (c *Control) Serves(ctx context.Context, deployment string) (bool, error) {
	serving, err := c.DB.Serves(ctx, deployment)
	return serving, fail(err)
}

// AbandonChange begins to take down the sandbox a change was to make.
func (c *Control) AbandonChange(ctx context.Context, op sdp.OperationRef) (wire.TeardownInput, error) {
	nodes, left, err := c.DB.AbandonChange(ctx, op.ID)
	return c.teardown(ctx, wire.TeardownInput{Sandbox: op.Sandbox, Nodes: nodes, Gone: left}, err)
}

// ReportTeardown tells people that the sandbox of a failed change could not be taken down yet.
func (c *Control) ReportTeardown(ctx context.Context, in wire.SettleInput) (wire.Done, error) {
	e := in.Operation.Ended(in.State, in.Failure)
	e.Action, e.Outcome = in.Operation.Kind.Teardown(), sdp.OutcomeFailed
	return wire.Done{}, fail(c.DB.Audit(ctx, e))
}

// settleChange writes the end of a change, once.
func (c *Control) settleChange(ctx context.Context, in wire.SettleInput) error {
	ctx, _ = postgres.WithAudit(ctx, func() []sdp.AuditEvent { return []sdp.AuditEvent{in.Operation.Ended(in.State, in.Failure)} })
	_, err := c.DB.SettleChange(ctx, in.Operation.ID, in.State, in.Failure)
	return fail(unlessSettled(err))
}
