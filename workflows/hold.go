package workflows

import (
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// hold tells the change that the container is ready and waits for its decision. From here on only the change decides: a
// cancel is passed on to it, because it may have switched already.
func (d *deploy) hold(ctx workflow.Context, c sdp.Container) error {
	return d.step(ctx, sdp.StepRoute, false, func(ctx workflow.Context) (string, error) {
		deciding, done := workflow.NewDisconnectedContext(ctx)
		defer done()
		ready := wire.Ready{Deployment: d.op.ID, Container: c}
		for asked := false; ; {
			if !d.sendReady(deciding, ready) {
				return d.orphaned(deciding)
			}
			decision, made := awaitDecision(deciding, ctx, asked)
			if made && decision.Serves {
				return decision.Detail, nil
			} else if made {
				return "", temporal.NewCanceledError()
			}
			asked, ready.Cancelled = true, true
		}
	})
}

// awaitDecision waits for the change's decision or, unless that was passed on already, for a cancel of ctx.
func awaitDecision(deciding, ctx workflow.Context, asked bool) (d wire.Decision, made bool) {
	cancelled := false
	sel := workflow.NewSelector(deciding)
	sel.AddReceive(workflow.GetSignalChannel(deciding, wire.DecisionSignal), func(c workflow.ReceiveChannel, _ bool) {
		made = c.ReceiveAsync(&d) // not where it cannot be read
	})
	if !asked {
		sel.AddReceive(ctx.Done(), func(workflow.ReceiveChannel, bool) { cancelled = true })
	}
	for !made && !cancelled {
		sel.Select(deciding)
	}
	return d, made
}

// sendReady returns false if the change has ended: somebody terminated its run.
func (d *deploy) sendReady(ctx workflow.Context, ready wire.Ready) bool {
	change := workflow.GetInfo(ctx).ParentWorkflowExecution
	err := workflow.SignalExternalWorkflow(ctx, change.ID, change.RunID, wire.ReadySignal, ready).Get(ctx, nil)
	if err != nil {
		workflow.GetLogger(ctx).Warn("The change this is a part of has ended", "deployment", d.op.ID, "error", err)
	}
	return err == nil
}

// orphaned ends a part whose change was terminated by what was committed last.
func (d *deploy) orphaned(ctx workflow.Context) (string, error) {
	var serves bool
	if err := workflow.ExecuteLocalActivity(database(ctx), control.Serves, d.op.ID).Get(ctx, &serves); err != nil {
		return "", err
	}
	if !serves {
		return "", temporal.NewCanceledError()
	}
	return d.op.Service + " serves; the change it is a part of was ended from outside", nil
}
