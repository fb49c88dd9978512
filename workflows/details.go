package workflows

import (
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"sdp/internal/sdp"
)

// Current details are what the Temporal UI shows of a run while it runs, and after: text in Markdown. They are in no history.

// show shows a deployment's steps as the dashboard does.
func (p *progress) show(ctx workflow.Context) {
	var b strings.Builder
	b.WriteString("**" + string(p.state) + "**")
	if p.cancelling {
		b.WriteString(", being cancelled: waits for its node to confirm that nothing of it runs")
	}
	if p.failure != nil {
		b.WriteString(": " + p.failure.Detail + " (" + p.failure.Code + ")")
	}
	b.WriteString("\n\n| step | state | took | |\n|---|---|---|---|\n")
	for _, s := range p.steps {
		took := ""
		if !s.FinishedAt.IsZero() {
			took = s.FinishedAt.Sub(s.StartedAt).Round(10 * time.Millisecond).String()
		}
		b.WriteString("| " + string(s.Name) + " | " + string(s.State) + " | " + took + " | " + s.Detail + " |\n")
	}
	workflow.SetCurrentDetails(ctx, b.String())
}

// show shows what a sandbox's entity works on.
func (s *entity) show(ctx workflow.Context) {
	var b strings.Builder
	for _, c := range s.running {
		if !c.ended {
			b.WriteString("- running: " + c.op.Title() + ", asked for by " + c.op.User + "\n")
		}
	}
	for i, q := range s.queue {
		b.WriteString("- queued: " + q.Title() + ", asked for by " + q.User)
		if behind, must := s.blocker(i); must {
			b.WriteString(", behind " + behind.Title())
		}
		b.WriteString("\n")
	}
	if b.Len() == 0 {
		b.WriteString("nothing to do; it ends after " + idleLimit.String())
	}
	workflow.SetCurrentDetails(ctx, b.String())
}

// showState has an operation found by its state in the Temporal UI.
func showState(ctx workflow.Context, state string) error {
	if !liveState.in(ctx) {
		return nil
	}
	return workflow.UpsertTypedSearchAttributes(ctx, attrState.ValueSet(state))
}

// firstState is what the run of an operation is found by before it says more.
func firstState(op sdp.OperationRef) string {
	if op.Kind == sdp.OpDeploy {
		return string(deployFirstState)
	}
	return string(sdp.OpRunning)
}

// deployFirstState is what a deployment does as soon as its run has begun.
const deployFirstState = sdp.Fetching
