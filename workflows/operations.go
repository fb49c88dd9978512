package workflows

import (
	"errors"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"sdp/internal/failure"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// Definitions are all workflows there are: what the control worker registers and what tests replay. Those of operations are
// named in the table of kinds (sdp.OperationRules).
func Definitions() []any {
	return []any{Sandbox, Deploy, Create, Restart, Stop, Route, Delete, Apply, Touch, Retire, Login, Branches, Trace,
		Preflight, Track, Images, PruneImages}
}

// portAttempts bounds how many public ports a new sandbox tries before its creation fails.
const portAttempts = 10

// operation is what the short operations share: they load nothing, do a few things, and write how they ended.
type operation struct{ op sdp.OperationRef }

// settled runs do and records its end, also after a cancel.
func (o operation) settled(ctx workflow.Context, do func(workflow.Context) error) (wire.Done, error) {
	ctx = shaped(ctx, o.op.Shape)
	begin := wire.SettleInput{Operation: o.op, State: sdp.OpRunning}
	err := confirmed(ctx, workflow.ExecuteLocalActivity(database(ctx), control.Settle, begin))
	if codeOf(err) == sdp.CodeCancelled {
		return wire.Done{}, temporal.NewCanceledError()
	} else if err != nil {
		return wire.Done{}, err
	}
	cause := do(ctx)
	ctx, done := workflow.NewDisconnectedContext(ctx)
	defer done()
	in := wire.SettleInput{Operation: o.op, State: sdp.OpSucceeded}
	if temporal.IsCanceledError(cause) {
		in.State = sdp.OpCancelled
	} else if cause != nil {
		f := failureOf(ctx, "", "", cause)
		in.State, in.Failure = sdp.OpFailed, &f
	}
	err = confirmed(ctx, workflow.ExecuteLocalActivity(database(ctx), control.Settle, in))
	return wire.Done{}, errors.Join(cause, err, showState(ctx, string(in.State)))
}

func settleCancelled(op sdp.OperationRef, code, detail string) wire.SettleInput {
	return wire.SettleInput{Operation: op, State: sdp.OpCancelled,
		Failure: &sdp.Failure{Kind: sdp.Conflict, Code: code, Detail: detail}}
}

func waiting(op sdp.OperationRef, behind string) wire.WaitingInput {
	return wire.WaitingInput{Operation: op, Behind: behind}
}

// Create makes the gateway node's router own the sandbox's public port. A port that something foreign holds is marked
// and the next one is taken.
func Create(ctx workflow.Context, op sdp.OperationRef) (wire.Done, error) {
	return operation{op}.settled(ctx, func(ctx workflow.Context) error { return claimPort(ctx, op.Sandbox) })
}

func claimPort(ctx workflow.Context, sandbox string) error {
	var s wire.Switch
	if err := workflow.ExecuteLocalActivity(database(ctx), control.CurrentTable, sandbox).Get(ctx, &s); err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		err := applyTable(ctx, s)
		f, reported := failure.Of(err)
		if err == nil || !reported || f.Code != "port-held" || attempt == portAttempts {
			return err
		}
		if err := workflow.ExecuteLocalActivity(database(ctx), control.ReassignPort, s.Table).Get(ctx, &s); err != nil {
			return err
		}
	}
}

// Route sends a service's requests somewhere else, live.
func Route(ctx workflow.Context, op sdp.OperationRef) (wire.Done, error) {
	return operation{op}.settled(ctx, func(ctx workflow.Context) error {
		var s wire.Switch
		if err := workflow.ExecuteLocalActivity(database(ctx), control.SetRoute, op).Get(ctx, &s); err != nil {
			return err
		}
		return applyTable(ctx, s)
	})
}

// Stop takes a service's container out of service, lets it finish its requests and removes it. The route stays with
// the sandbox, so requests are told that the service is stopped instead of silently going to OCP. A node that is away holds
// nobody up, not even the one with the public port: it can only answer that the container is gone.
func Stop(ctx workflow.Context, op sdp.OperationRef) (wire.Done, error) {
	return operation{op}.settled(ctx, func(ctx workflow.Context) error {
		var s wire.Switch
		if err := workflow.ExecuteLocalActivity(database(ctx), control.StopService, op).Get(ctx, &s); err != nil {
			return err
		}
		required := []string{s.Table.GatewayNode}
		if freeStop.in(ctx) {
			required = nil
		}
		if err := tellRouters(ctx, s, required); err != nil {
			return err
		}
		var errs []error
		for _, container := range s.Previous {
			errs = append(errs, retireStopped(ctx, container))
		}
		return errors.Join(errs...)
	})
}

// retireStopped waits until a stopped container is gone, as long as its node is heard of: nobody waits for one that may
// never come back. The container is removed once it does.
func retireStopped(ctx workflow.Context, c sdp.Container) error {
	if !absentNodes.in(ctx) {
		_, err := Retire(ctx, wire.RetireInput{Container: c})
		return err
	}
	var gone, absent bool
	var err error
	sel := workflow.NewSelector(ctx)
	sel.AddFuture(retire(ctx, &c, ""), func(f workflow.Future) { gone, err = true, confirmed(ctx, f) })
	for !gone && !absent {
		timerCtx, stop := workflow.WithCancel(ctx)
		sel.AddFuture(workflow.NewTimer(timerCtx, retirePause), func(workflow.Future) { absent = !alive(ctx, c.Node) })
		sel.Select(ctx)
		stop()
	}
	return err
}

// Restart starts a new container of the commit that runs, or ran last, beside the old one: a deployment whose image
// is there already. A cancel reaches the deployment. If somebody terminates the restart's run the deployment goes on, and the
// sandbox's workflow waits for it.
func Restart(ctx workflow.Context, op sdp.OperationRef) (wire.Done, error) {
	return operation{op}.settled(ctx, func(ctx workflow.Context) error {
		var deployment sdp.OperationRef
		if err := workflow.ExecuteLocalActivity(database(ctx), control.NewRestart, op).Get(ctx, &deployment); err != nil {
			return err
		}
		return confirmed(ctx, startChild(ctx, deployment, enums.PARENT_CLOSE_POLICY_ABANDON))
	})
}

// Touch marks a sandbox as used.
func Touch(ctx workflow.Context, op sdp.OperationRef) (wire.Done, error) {
	return operation{op}.settled(ctx, func(ctx workflow.Context) error {
		return confirmed(ctx, workflow.ExecuteLocalActivity(database(ctx), control.Touch, op))
	})
}

// Delete removes a sandbox: traffic first, then containers and networks, then ports and rows. Each part can be done
// again, so a delete that failed half-way is simply repeated.
func Delete(ctx workflow.Context, op sdp.OperationRef) (wire.Done, error) {
	return operation{op}.settled(ctx, func(ctx workflow.Context) error {
		var in wire.TeardownInput
		if err := workflow.ExecuteLocalActivity(database(ctx), control.BeginTeardown, op).Get(ctx, &in); err != nil {
			return err
		}
		if in.Gone { // the change that was to make it has taken it down; another one may have the name by now
			return nil
		}
		if err := takeDown(ctx, in); err != nil {
			return err
		}
		return confirmed(ctx, workflow.ExecuteLocalActivity(database(ctx), control.FinishDelete, op))
	})
}
