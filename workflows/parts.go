package workflows

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"sdp/internal/failure"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// How long a tear-down that failed waits before it is tried again, at first and at the most: a node may be away for
// days, and each attempt is some thirty events of history.
const (
	teardownPause    = 10 * time.Second
	teardownMaxPause = 30 * time.Minute
)

// maxDetail bounds what one part says of its failure where several are told in one sentence, in bytes.
const maxDetail = 300

// listen takes what parts report, and passes on what people want of a single part.
func (a *apply) listen(ctx workflow.Context) {
	workflow.Go(ctx, func(ctx workflow.Context) {
		sel := workflow.NewSelector(ctx)
		sel.AddReceive(workflow.GetSignalChannel(ctx, wire.ReadySignal), func(c workflow.ReceiveChannel, _ bool) {
			var ready wire.Ready
			if c.ReceiveAsync(&ready) {
				a.onReady(ctx, ready)
			}
		})
		sel.AddReceive(workflow.GetSignalChannel(ctx, wire.CancelSignal), func(c workflow.ReceiveChannel, _ bool) {
			var deployment string
			if !c.ReceiveAsync(&deployment) {
				return
			}
			if p := a.part(deployment); p != nil {
				p.cancel()
			}
		})
		for {
			sel.Select(ctx)
		}
	})
}

func (a *apply) onReady(ctx workflow.Context, ready wire.Ready) {
	p := a.part(ready.Deployment)
	if p == nil {
		return
	}
	p.ready = &ready.Container
	a.stopped = a.stopped || ready.Cancelled
	if a.over {
		p.sendDecision(ctx, wire.Decision{})
	}
}

func (a *apply) part(deployment string) *part {
	for _, p := range a.parts {
		if p.child != nil && p.action.Deployment == deployment {
			return p
		}
	}
	return nil
}

// prepared reports whether everything is prepared and only the switch is missing.
func (a *apply) prepared() bool {
	for _, p := range a.parts {
		if p.ready == nil && !p.ended {
			return false
		}
	}
	return true
}

// broken reports whether it cannot be all any more.
func (a *apply) broken() bool {
	for _, p := range a.parts {
		if p.err != nil {
			return true
		}
	}
	return a.stopped
}

// awaitAll waits until every part has ended, cancelled or not.
func (a *apply) awaitAll(ctx workflow.Context) {
	ctx, done := workflow.NewDisconnectedContext(ctx)
	defer done()
	_ = workflow.Await(ctx, func() bool { // only a cancel could interrupt it
		for _, p := range a.parts {
			if !p.ended {
				return false
			}
		}
		return true
	})
}

// stop ends a part, whether it still works or waits for the decision.
func (p *part) stop(ctx workflow.Context) {
	p.cancel()
	p.sendDecision(ctx, wire.Decision{})
}

// sendDecision tells a part that waits for it what the change decided. One that has ended by itself needs nothing.
func (p *part) sendDecision(ctx workflow.Context, d wire.Decision) {
	if p.ready == nil || p.ended {
		return
	}
	if err := p.child.SignalChildWorkflow(ctx, wire.DecisionSignal, d).Get(ctx, nil); err != nil {
		workflow.GetLogger(ctx).Warn("A part has ended before it was told how", "deployment", p.action.Deployment, "error", err)
	}
}

func (p *part) switched(s wire.Switch) string {
	if p.ready == nil {
		return ""
	}
	return describeSwitch(p.name, s, *p.ready)
}

// outcome is nil if every part has succeeded, else it names those that have not.
func (a *apply) outcome(ctx workflow.Context) error {
	failures := a.failures(ctx, true)
	switch {
	case len(failures) == 0:
		return nil
	case ctx.Err() != nil && !unconfirmed(failures):
		return temporal.NewCanceledError()
	}
	return a.failed(failures, "services-failed", fmt.Sprintf("%d of %d services failed: ", len(failures), len(a.parts)))
}

// nothingChanged is how an atomic change ends that was given up; cause is what the parts cannot tell.
func (a *apply) nothingChanged(ctx workflow.Context, cause error) error {
	failures := a.failures(ctx, false)
	switch {
	case unconfirmed(failures):
	case temporal.IsCanceledError(cause) || cause == nil && len(failures) == 0:
		return temporal.NewCanceledError()
	case cause != nil:
		failures = []sdp.Failure{failureOf(ctx, "", "", cause)}
	}
	return a.failed(failures, "nothing-changed", "nothing was changed: ")
}

// unconfirmed reports whether something may be left of a part that was cancelled: then the change is not called cancelled.
func unconfirmed(failures []sdp.Failure) bool {
	return slices.ContainsFunc(failures, func(f sdp.Failure) bool { return f.Code == sdp.CodeCancelUnconfirmed })
}

// failures says how the parts failed that did. Those that were cancelled count if they should.
func (a *apply) failures(ctx workflow.Context, cancelled bool) []sdp.Failure {
	var out []sdp.Failure
	for _, p := range a.parts {
		if p.err == nil || !cancelled && temporal.IsCanceledError(p.err) {
			continue
		}
		f := sdp.Failure{Kind: sdp.Conflict, Code: "cancelled", Detail: "cancelled"}
		if !temporal.IsCanceledError(p.err) {
			f = failureOf(ctx, "", "", p.err)
			if reported, ok := failure.Of(p.err); ok {
				f.Step = reported.Step
			}
		}
		f.Detail = p.name + describeStep(f.Step) + ": " + shorten(f.Detail)
		out = append(out, f)
	}
	return out
}

func describeStep(s sdp.StepName) string {
	if s == "" {
		return ""
	}
	return " (" + string(s) + ")"
}

func shorten(text string) string {
	if len(text) <= maxDetail {
		return text
	}
	return strings.ToValidUTF8(text[:maxDetail], "") + "..."
}

// failed sums up what failed. The compiler's or container's output is told where there is one only.
func (a *apply) failed(failures []sdp.Failure, code, intro string) error {
	var details []string
	for _, f := range failures {
		details = append(details, f.Detail)
	}
	out := sdp.Failure{Kind: failures[0].Kind, Code: code, Detail: intro + strings.Join(details, "; "),
		Remedy: "`sdp history " + a.op.Sandbox + "` shows each of them; correct what is wrong, then try again"}
	if len(failures) == 1 {
		out.Remedy, out.Output = cmp.Or(failures[0].Remedy, out.Remedy), failures[0].Output
	}
	return failure.Workflow(out)
}

// tearDown removes the sandbox the change was to make, however often that must be tried, unless somebody deletes it
// anyway. Its rows become history when the change is settled.
func (a *apply) tearDown(ctx workflow.Context) error {
	ctx, done := workflow.NewDisconnectedContext(ctx)
	defer done()
	for pause := teardownPause; ; pause = min(2*pause, teardownMaxPause) {
		var in wire.TeardownInput
		err := workflow.ExecuteLocalActivity(database(ctx), control.AbandonChange, a.op).Get(ctx, &in)
		if err == nil && !in.Gone {
			err = takeDown(ctx, in)
		}
		if err == nil {
			return nil
		}
		if pause == teardownPause {
			a.reportTeardown(ctx, err)
		}
		if err := workflow.Sleep(ctx, pause); err != nil {
			return err
		}
	}
}

func (a *apply) reportTeardown(ctx workflow.Context, cause error) {
	f := failureOf(ctx, "", "", cause)
	f.Detail += "; tried again until it is done"
	in := wire.SettleInput{Operation: a.op, Failure: &f}
	if err := confirmed(ctx, workflow.ExecuteLocalActivity(database(ctx), control.ReportTeardown, in)); err != nil {
		workflow.GetLogger(ctx).Warn("Reporting a tear-down failed", "operation", a.op.ID, "error", err)
	}
}
