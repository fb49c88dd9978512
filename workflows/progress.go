package workflows

import (
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"sdp/internal/failure"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// progress is what a deployment has done so far. Each change goes to the database, which tells the browsers; the
// workflow's "progress" query answers from the same value.
type progress struct {
	deployment string
	state      sdp.DeploymentState
	shown      sdp.DeploymentState // as a search attribute; "" = that is not known
	sha, image string
	steps      []sdp.Step
	failure    *sdp.Failure
	cancelling bool
	resolving  time.Duration // how long it took to learn the commit
}

func newProgress(ctx workflow.Context, deployment string) *progress {
	p := &progress{deployment: deployment, state: sdp.Queued}
	if fewEvents.in(ctx) {
		p.shown = deployFirstState
	}
	for _, name := range sdp.Steps {
		p.steps = append(p.steps, sdp.Step{Name: name, State: sdp.StepPending})
	}
	return p
}

func (p *progress) snapshot() wire.Progress {
	return wire.Progress{Deployment: p.deployment, State: p.state, SHA: p.sha, Image: p.image, Steps: slices.Clone(p.steps),
		Failure: p.failure, Cancelling: p.cancelling}
}

func (p *progress) step(name sdp.StepName) *sdp.Step {
	return &p.steps[slices.IndexFunc(p.steps, func(s sdp.Step) bool { return s.Name == name })]
}

// begin marks a step as running, and shows it in the Temporal UI. The fetch step includes resolving, which has a row of its
// own for people.
func (p *progress) begin(ctx workflow.Context, name sdp.StepName) {
	p.mark(ctx, name)
	p.show(ctx)
	if p.shown == p.state {
		return
	}
	if fewEvents.in(ctx) {
		p.shown = p.state
	}
	if err := showState(ctx, string(p.state)); err != nil {
		workflow.GetLogger(ctx).Warn("Showing the state failed", "deployment", p.deployment, "error", err)
	}
}

func (p *progress) mark(ctx workflow.Context, name sdp.StepName) {
	for _, n := range withResolve(name) {
		s := p.step(n)
		s.State, s.StartedAt = sdp.StepRunning, workflow.Now(ctx)
	}
	p.state = name.State()
}

// with is how it will be once a step has begun.
func (p *progress) with(ctx workflow.Context, name sdp.StepName) wire.Progress {
	next := *p
	next.steps = slices.Clone(p.steps)
	next.mark(ctx, name)
	return next.snapshot()
}

func withResolve(name sdp.StepName) []sdp.StepName {
	if name == sdp.StepFetch {
		return []sdp.StepName{sdp.StepResolve, sdp.StepFetch}
	}
	return []sdp.StepName{name}
}

// end marks a step's end. It is published with the next step's beginning, or with the deployment's end.
func (p *progress) end(ctx workflow.Context, name sdp.StepName, detail string, err error) {
	state := sdp.StepDone
	switch {
	case err == nil:
	case temporal.IsCanceledError(err):
		state = sdp.StepCancelled
	default:
		state = sdp.StepFailed
	}
	s := p.step(name)
	s.State, s.FinishedAt, s.Detail = state, workflow.Now(ctx), detail
	if name == sdp.StepFetch {
		p.endResolve(ctx, state, err)
	}
}

// endResolve says how the resolving went that is part of the fetch step: where it failed, nothing was fetched.
func (p *progress) endResolve(ctx workflow.Context, state sdp.StepState, err error) {
	resolve, fetch := p.step(sdp.StepResolve), p.step(sdp.StepFetch)
	f, failed := failure.Of(err)
	if failed && resolving(f.Code) {
		resolve.State, resolve.FinishedAt = state, workflow.Now(ctx)
		*fetch = sdp.Step{Name: sdp.StepFetch, State: sdp.StepPending}
		return
	}
	resolve.State, resolve.Detail = sdp.StepDone, fetch.Detail
	resolve.FinishedAt = resolve.StartedAt.Add(p.resolving)
	fetch.StartedAt = resolve.FinishedAt
	if p.sha == "" && !failed { // cancelled, or nobody took the step up: how far it was is not known
		resolve.State = state
	}
}

// resolving reports whether a failure came before the commit was known.
func resolving(code string) bool {
	switch code {
	case "branch-not-found", "wrong-credentials", "git-unreachable", "repository-missing", "credentials-expired":
		return true
	}
	return false
}

func (p *progress) resolved(f wire.Fetched) {
	if f.SHA != "" {
		p.sha, p.image, p.resolving = f.SHA, f.Image, f.Resolved
	}
}

// cached marks steps whose result, the image, was there already.
func (p *progress) cached(ctx workflow.Context, image string, names ...sdp.StepName) {
	for _, name := range names {
		s := p.step(name)
		s.State, s.Detail = sdp.StepCached, image
		s.StartedAt = workflow.Now(ctx)
		s.FinishedAt = s.StartedAt
	}
}

func (p *progress) skip(ctx workflow.Context, name sdp.StepName, why string) {
	s := p.step(name)
	s.State, s.Detail, s.StartedAt = sdp.StepDone, why, workflow.Now(ctx)
	s.FinishedAt = s.StartedAt
}

func (p *progress) settled(state sdp.DeploymentState, failure *sdp.Failure) {
	p.state, p.failure, p.cancelling = state, failure, false
}

// publish tells people. That they do not hear of it is no reason to end, but that the deployment was settled by others is:
// there is nothing to do any more.
func (p *progress) publish(ctx workflow.Context) error {
	ctx, done := workflow.NewDisconnectedContext(ctx)
	defer done()
	err := confirmed(ctx, workflow.ExecuteLocalActivity(database(ctx), control.Publish, p.snapshot()))
	if err == nil {
		return nil
	}
	if f, reported := failure.Of(err); reported && f.Code == sdp.CodeSettled &&
		settledRow.in(ctx) {
		return err
	}
	workflow.GetLogger(ctx).Warn("Publishing progress failed", "deployment", p.deployment, "error", err)
	return nil
}
