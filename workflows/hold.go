package workflows

import (
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"sdp/internal/sdp"
)

// held is what a part of an atomic change tells it: its container is healthy, or somebody cancels it after that.
type held struct {
	Deployment string
	Container  sdp.Container
	Cancelled  bool
}

// word is the change's answer: the routers send requests to the container, or all of it came to nothing.
type word struct {
	Serves bool
	Detail string // one line for the route step
}

// hold tells the change that the container is healthy and waits for its word. From here on only the change decides: a
// cancel is passed on to it, because it may have switched already.
func (d *deploy) hold(ctx workflow.Context, c sdp.Container) error {
	return d.step(ctx, sdp.StepRoute, func(ctx workflow.Context) (string, error) {
		deciding, done := workflow.NewDisconnectedContext(ctx)
		defer done()
		said := held{Deployment: d.op.ID, Container: c}
		for asked := false; ; {
			if !d.tell(deciding, said) {
				return d.orphaned(deciding)
			}
			w, answered := awaitWord(deciding, ctx, asked)
			if answered && w.Serves {
				return w.Detail, nil
			} else if answered {
				return "", temporal.NewCanceledError()
			}
			asked, said.Cancelled = true, true
		}
	})
}

// awaitWord waits for the change's answer or, unless that was passed on already, for a cancel of ctx.
func awaitWord(deciding, ctx workflow.Context, asked bool) (w word, answered bool) {
	sel := workflow.NewSelector(deciding)
	sel.AddReceive(workflow.GetSignalChannel(deciding, signalWord), func(c workflow.ReceiveChannel, _ bool) {
		c.Receive(deciding, &w)
		answered = true
	})
	if !asked {
		sel.AddReceive(ctx.Done(), func(workflow.ReceiveChannel, bool) {})
	}
	sel.Select(deciding)
	return w, answered
}

// tell returns false if the change has ended: somebody terminated its run.
func (d *deploy) tell(ctx workflow.Context, said held) bool {
	change := workflow.GetInfo(ctx).ParentWorkflowExecution
	err := workflow.SignalExternalWorkflow(ctx, change.ID, change.RunID, signalHeld, said).Get(ctx, nil)
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
