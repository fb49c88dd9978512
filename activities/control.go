// Package activities does the work of the workflows. Control runs on the control worker and is the only one that
// touches the database; Host runs on a node and is the only one that touches git, builds, Docker and the router. Two
// types, two kinds of task queue.
//
// Every activity can be retried: names derive from IDs, and removing what is gone already is no error.
package activities

import (
	"cmp"
	"context"

	"sdp/internal/control"
	"sdp/internal/control/reconcile"
	"sdp/internal/postgres"
	"sdp/internal/sdp"
	"sdp/internal/secret"
	"sdp/internal/wire"
)

// Control are the database activities. They run as local activities of the control worker.
type Control struct {
	DB   *postgres.DB
	Keys *secret.Keyring
	// UseCases do what schedules ask for, with the same checks as for what people ask.
	UseCases *control.Control
}

// Publish records how far a deployment is and tells whoever watches.
func (c *Control) Publish(ctx context.Context, p wire.Progress) (wire.Done, error) {
	return wire.Done{}, c.publish(ctx, p, sdp.Superseder{})
}

func (c *Control) publish(ctx context.Context, p wire.Progress, by sdp.Superseder) error {
	change := postgres.StateChange{SHA: p.SHA, Image: p.Image, Failure: p.Failure, SupersededBy: by}
	return fail(c.DB.Publish(ctx, p.Deployment, p.State, change, p.Steps))
}

// BeginDeploy is LoadJob and Publish at once, as are BeginStart and BeginRoute with what the steps begin with: one marker
// in the history, where each local activity is one.
func (c *Control) BeginDeploy(ctx context.Context, in wire.Begun) (wire.Job, error) {
	job, err := c.LoadJob(ctx, in.Progress.Deployment)
	if err == nil {
		err = c.publish(ctx, in.Progress, sdp.Superseder{})
	}
	return job, err
}

// BeginStart returns the sandbox's routing table as it should be now.
func (c *Control) BeginStart(ctx context.Context, in wire.Begun) (wire.RoutingTable, error) {
	if err := c.publish(ctx, in.Progress, sdp.Superseder{}); err != nil {
		return wire.RoutingTable{}, err
	}
	table, _, err := c.DB.Table(ctx, in.Sandbox)
	return table.Name(), fail(err)
}

// BeginRoute commits that a new container answers for its service.
func (c *Control) BeginRoute(ctx context.Context, in wire.Begun) (wire.Switch, error) {
	if err := c.publish(ctx, in.Progress, sdp.Superseder{}); err != nil {
		return wire.Switch{}, err
	}
	return c.Serve(ctx, in.Container)
}

// SettleDeployment records how a deployment ended, with an audit event of its own.
func (c *Control) SettleDeployment(ctx context.Context, p wire.Progress) (wire.Done, error) {
	by, err := c.superseder(ctx, p)
	if err != nil {
		return wire.Done{}, fail(err)
	}
	d, err := c.DB.Deployment(ctx, p.Deployment)
	if err != nil {
		return wire.Done{}, fail(err)
	}
	switch {
	case by != (sdp.Superseder{}):
		p.Failure = by.Failure()
	case p.State == sdp.DeployCancelled:
		p.Failure = cmp.Or(sdp.CancelledBy(d.CancelRequestedBy), p.Failure)
		if p.Failure == nil && d.Operation != "" {
			p.Failure = sdp.CancelledWith(d.Operation, nil)
		}
	}
	if d.State.Settled() && d.State != p.State {
		return wire.Done{}, fail(d.AlreadyEnded())
	}
	d.SHA = cmp.Or(d.SHA, p.SHA)
	audited, _ := postgres.WithAudit(ctx, func() []sdp.AuditEvent { return []sdp.AuditEvent{d.Ended(p.State, p.Failure)} })
	if d.State != p.State || p.State == sdp.Running { // the first end counts, and why it was one
		if err := c.publishEnd(audited, p, by); err != nil {
			return wire.Done{}, err
		}
	}
	if p.Failure != nil && p.Failure.Code == "branch-not-found" {
		err = c.DB.MarkBranch(ctx, d.Sandbox, d.Service, d.Branch, true)
	}
	return wire.Done{}, fail(err)
}

// superseder is what a cancelled deployment had to make room for. Its workflow knows only that it was cancelled.
func (c *Control) superseder(ctx context.Context, p wire.Progress) (sdp.Superseder, error) {
	if p.State != sdp.DeployCancelled {
		return sdp.Superseder{}, nil
	}
	return c.DB.Superseder(ctx, p.Deployment)
}

// publishEnd makes the steps complete before the state says that all is done. Confirm also ends what ran before.
func (c *Control) publishEnd(ctx context.Context, p wire.Progress, by sdp.Superseder) error {
	if p.State != sdp.Running {
		return c.publish(ctx, p, by)
	}
	if err := c.DB.SetSteps(ctx, p.Deployment, p.Steps); err != nil {
		return fail(err)
	}
	return fail(c.DB.Confirm(ctx, p.Deployment))
}

// Serve commits that a new container answers for its service. Routers are told afterwards.
func (c *Control) Serve(ctx context.Context, container sdp.Container) (wire.Switch, error) {
	container.State = sdp.Starting
	if err := c.DB.PutContainer(ctx, container); err != nil {
		return wire.Switch{}, fail(err)
	}
	s, err := c.DB.Serve(ctx, container.Deployment)
	return c.switched(ctx, s, err)
}

// Unserve takes back a switch that a router did not confirm.
func (c *Control) Unserve(ctx context.Context, deployment string) (wire.Switch, error) {
	s, err := c.DB.Unserve(ctx, deployment)
	return c.switched(ctx, s, err)
}

// ContainerRemoved records that a container is gone.
func (c *Control) ContainerRemoved(ctx context.Context, deployment string) (wire.Done, error) {
	return wire.Done{}, fail(c.DB.SetContainerState(ctx, deployment, sdp.Removed))
}

// Wait records what a queued deployment or operation waits behind.
func (c *Control) Wait(ctx context.Context, in wire.WaitingInput) (wire.Done, error) {
	var err error
	if in.Operation.Kind == sdp.OpDeploy {
		err = c.DB.SetState(ctx, in.Operation.ID, sdp.Queued, postgres.StateChange{WaitingFor: in.Behind})
	} else {
		err = c.DB.SetOperation(ctx, in.Operation.ID, sdp.OpQueued, in.Behind, nil)
	}
	return wire.Done{}, fail(unlessSettled(err))
}

// Left reports whether deployments go on that an operation has started.
func (c *Control) Left(ctx context.Context, op sdp.OperationRef) (bool, error) {
	left, err := c.DB.Left(ctx, op)
	return left, fail(err)
}

// unlessSettled forgives that a row has moved on: what is no longer queued, or has ended, needs no such news.
func unlessSettled(err error) error {
	if sdp.KindOf(err) == sdp.Conflict || sdp.KindOf(err) == sdp.NotFound {
		return nil
	}
	return err
}

// Settle records how an operation stands. For a deployment it writes an end its own workflow could not write.
func (c *Control) Settle(ctx context.Context, in wire.SettleInput) (wire.Done, error) {
	op := in.Operation
	if in.Late && in.State == sdp.OpFailed {
		return wire.Done{}, c.settleLost(ctx, in)
	}
	if op.Kind == sdp.OpDeploy {
		return wire.Done{}, c.settleDeployment(ctx, in)
	}
	if in.State == sdp.OpRunning {
		return wire.Done{}, c.begin(ctx, op)
	}
	if in.State == sdp.OpCancelled {
		now, err := c.DB.Operation(ctx, op.ID)
		if err != nil {
			return wire.Done{}, fail(unlessSettled(err))
		}
		in.Failure = cmp.Or(sdp.CancelledBy(now.CancelRequestedBy), in.Failure)
	}
	if op.Kind.Changes() && in.State.Settled() {
		return wire.Done{}, c.settleChange(ctx, in)
	}
	if in.Late {
		now, err := c.DB.Operation(ctx, op.ID)
		if err != nil || now.State.Settled() {
			return wire.Done{}, fail(unlessSettled(err))
		}
	}
	if in.State.Settled() {
		ctx, _ = postgres.WithAudit(ctx, func() []sdp.AuditEvent { return []sdp.AuditEvent{in.Operation.Ended(in.State, in.Failure)} })
	}
	return wire.Done{}, fail(unlessSettled(c.DB.SetOperation(ctx, op.ID, in.State, "", in.Failure)))
}

// begin lets an operation begin. One that has ended, or was cancelled before, must do nothing; the cancelled one ends here.
func (c *Control) begin(ctx context.Context, op sdp.OperationRef) error {
	err := c.DB.SetOperation(ctx, op.ID, sdp.OpRunning, "", nil)
	if sdp.KindOf(err) != sdp.Conflict {
		return fail(err)
	}
	now, unread := c.DB.Operation(ctx, op.ID)
	if unread != nil || !now.Cancelling() && now.State != sdp.OpCancelled {
		return fail(cmp.Or(unread, err))
	}
	why := sdp.Errorf(sdp.Conflict, sdp.CodeCancelled, "operation %s was cancelled before it began", op.ID)
	f := why.Failure()
	_, err = c.Settle(ctx, wire.SettleInput{Operation: op, State: sdp.OpCancelled, Failure: &f, Late: true})
	return cmp.Or(err, fail(why))
}

// settleLost writes the end of what nobody carries out any more.
func (c *Control) settleLost(ctx context.Context, in wire.SettleInput) error {
	_, err := reconcile.SettleLost(ctx, c.DB, in.Operation, *in.Failure, func(bool) []sdp.AuditEvent { return nil })
	return fail(unlessSettled(err))
}

func (c *Control) settleDeployment(ctx context.Context, in wire.SettleInput) error {
	d, err := c.DB.Deployment(ctx, in.Operation.ID)
	if err != nil || d.State.Settled() {
		return fail(unlessSettled(err))
	}
	state := sdp.DeployFailed
	if in.State == sdp.OpCancelled {
		state = sdp.DeployCancelled
	}
	_, err = c.SettleDeployment(ctx, wire.Progress{Deployment: d.ID, State: state, Steps: d.Steps, Failure: in.Failure})
	return err
}
