package workflows

import (
	"errors"
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"sdp/internal/failure"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// Deploy runs the pipeline for one service: resolve -> fetch -> checkout -> build -> image -> start -> route. Whatever
// fails, the container that served before still serves; what the failed run made is removed before the end is shown.
func Deploy(ctx workflow.Context, op sdp.OperationRef) (wire.Done, error) {
	ctx = shaped(ctx, op.Shape)
	d := &deploy{op: op, progress: newProgress(ctx, op.ID)}
	if err := workflow.SetQueryHandler(ctx, wire.ProgressQuery, func() (wire.Progress, error) { return d.progress.snapshot(), nil }); err != nil {
		return wire.Done{}, err
	}
	return wire.Done{}, d.run(ctx)
}

type deploy struct {
	op       sdp.OperationRef
	job      wire.Job
	progress *progress
	started  bool // a container may exist
	switched *wire.Switch
}

func (d *deploy) run(ctx workflow.Context) (err error) {
	defer func() { err = d.settle(ctx, err) }()

	if err := d.load(ctx); err != nil {
		return err
	}
	source, err := d.fetch(ctx)
	if err != nil {
		return err
	}
	if source.Cached {
		d.progress.cached(ctx, source.Image, sdp.StepCheckout, sdp.StepBuild, sdp.StepImage)
	} else if err := d.makeImage(ctx, source); err != nil {
		return err
	}
	container, err := d.start(ctx, source)
	if err != nil {
		return err
	}
	if d.op.Hold {
		return d.hold(ctx, container)
	}
	return d.route(ctx, container)
}

// load begins the deployment.
func (d *deploy) load(ctx workflow.Context) (err error) {
	if fewEvents.in(ctx) {
		in := wire.Begun{Progress: d.progress.with(ctx, sdp.StepFetch)}
		err = workflow.ExecuteLocalActivity(database(ctx), control.BeginDeploy, in).Get(ctx, &d.job)
	} else {
		err = workflow.ExecuteLocalActivity(database(ctx), control.LoadJob, d.op.ID).Get(ctx, &d.job)
	}
	if err != nil || d.job.Node == d.op.Node {
		return err
	}
	return workflow.UpsertTypedSearchAttributes(ctx, attrNode.ValueSet(d.job.Node))
}

// fetch turns the branch into a commit, once, and has the commit in the node's clone.
func (d *deploy) fetch(ctx workflow.Context) (wire.Fetched, error) {
	var out wire.Fetched
	err := d.step(ctx, sdp.StepFetch, fewEvents.in(ctx), func(ctx workflow.Context) (string, error) {
		ctx = atWork(ctx, d.job.Node, fetchLimit)
		err := begin(ctx, host.Fetch, d.job.ToFetch()).Get(ctx, &out)
		d.progress.resolved(out)
		return out.Detail, err
	})
	return out, err
}

// makeImage checks the commit out into a directory of its own, builds it and makes the image.
func (d *deploy) makeImage(ctx workflow.Context, source wire.Fetched) error {
	in := d.job.ToBuild(source)
	d.started = true // from here on there is something to clean up on the node
	err := d.step(ctx, sdp.StepCheckout, false, func(ctx workflow.Context) (string, error) {
		return d.detail(atWork(ctx, d.job.Node, fetchLimit), host.Checkout, in)
	})
	if err != nil {
		return err
	}
	if d.job.Kind == sdp.GoRepository {
		err = d.step(ctx, sdp.StepBuild, false, func(ctx workflow.Context) (string, error) {
			return d.detail(onBuilder(ctx, d.job.Node), host.Build, in)
		})
		if err != nil {
			return err
		}
	} else {
		d.progress.skip(ctx, sdp.StepBuild, "the Dockerfile builds")
	}
	return d.step(ctx, sdp.StepImage, false, func(ctx workflow.Context) (string, error) {
		return d.detail(onBuilder(ctx, d.job.Node), host.Image, in)
	})
}

func (d *deploy) detail(ctx workflow.Context, activity any, in any) (string, error) {
	var detail string
	err := begin(ctx, activity, in).Get(ctx, &detail)
	return detail, err
}

// start creates the new generation beside the old one and waits until it is healthy.
func (d *deploy) start(ctx workflow.Context, source wire.Fetched) (sdp.Container, error) {
	d.started = true
	var c sdp.Container
	err := d.step(ctx, sdp.StepStart, fewEvents.in(ctx), func(ctx workflow.Context) (string, error) {
		table, err := d.table(ctx)
		if err != nil {
			return "", err
		}
		ctx = atWork(ctx, d.job.Node, startLimit)
		err = begin(ctx, host.Start, d.job.ToStart(source, table)).Get(ctx, &c)
		return c.Address, err
	})
	return c, err
}

// table is the sandbox's routing table as it is now: others may have changed it since the deployment began.
func (d *deploy) table(ctx workflow.Context) (wire.RoutingTable, error) {
	var now wire.Switch
	switch {
	case fewEvents.in(ctx):
		err := workflow.ExecuteLocalActivity(database(ctx), control.BeginStart, d.begun(sdp.Container{})).Get(ctx, &now.Table)
		return now.Table, err
	case freshTable.in(ctx):
		err := workflow.ExecuteLocalActivity(database(ctx), control.CurrentTable, d.op.Sandbox).Get(ctx, &now)
		return now.Table, err
	default:
		return d.job.Table, nil
	}
}

// route commits the switch, tells every router concerned, and lets the old container retire on its own time. Once the
// switch is committed a cancel comes too late; a router that does not confirm takes the switch back.
func (d *deploy) route(ctx workflow.Context, c sdp.Container) error {
	return d.step(ctx, sdp.StepRoute, fewEvents.in(ctx), func(ctx workflow.Context) (string, error) {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		ctx, done := workflow.NewDisconnectedContext(ctx)
		defer done()
		s, err := d.serve(ctx, c)
		if err != nil {
			return "", err
		}
		d.switched = &s
		if err := applyTable(ctx, s, c); err != nil {
			return "", err
		}
		d.switched = nil
		retire(ctx, s.Replaced(d.op.Service), c.Deployment)
		return describeSwitch(d.op.Service, s, c), nil
	})
}

// serve commits the switch.
func (d *deploy) serve(ctx workflow.Context, c sdp.Container) (s wire.Switch, err error) {
	if fewEvents.in(ctx) {
		err = workflow.ExecuteLocalActivity(database(ctx), control.BeginRoute, d.begun(c)).Get(ctx, &s)
	} else {
		err = workflow.ExecuteLocalActivity(database(ctx), control.Serve, c).Get(ctx, &s)
	}
	return s, err
}

func (d *deploy) begun(c sdp.Container) wire.Begun {
	return wire.Begun{Progress: d.progress.snapshot(), Sandbox: d.op.Sandbox, Container: c}
}

func describeSwitch(service string, s wire.Switch, c sdp.Container) string {
	text := service + " -> " + sdp.ShortSHA(c.SHA)
	if previous := s.Replaced(service); previous != nil && previous.SHA != c.SHA {
		text += " (was " + sdp.ShortSHA(previous.SHA) + ")"
	}
	return text
}

// step runs one step and records its beginning and end where people look. A step that is told needs no telling: an activity
// that looks into the database for it also says that it has begun.
func (d *deploy) step(ctx workflow.Context, name sdp.StepName, told bool, do func(workflow.Context) (string, error)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	d.progress.begin(ctx, name)
	if !told {
		if err := d.progress.publish(ctx); err != nil {
			return err
		}
	}
	detail, err := do(ctx)
	if interrupted(ctx, err) {
		err = temporal.NewCanceledError()
	}
	d.progress.end(ctx, name, detail, err)
	if err == nil || temporal.IsCanceledError(err) {
		return err
	}
	f := failureOf(ctx, name, d.job.Node, err)
	if name == sdp.StepFetch && resolving(f.Code) {
		f.Step = sdp.StepResolve
	}
	return failure.Workflow(f)
}

// interrupted reports whether a step ended without a result of its own after it was to be cancelled: its node did not answer
// any more. Whether it has stopped, the node must still say.
func interrupted(ctx workflow.Context, err error) bool {
	if err == nil || ctx.Err() == nil || temporal.IsCanceledError(err) {
		return false
	}
	if f, reported := failure.Of(err); reported && f.Kind != sdp.Unavailable {
		return false
	}
	return honestCancel.in(ctx)
}

// settle writes how the deployment ended. After a failure or a cancel it first takes back what was done, on a context
// of its own: it is shown as cancelled only if the node has confirmed that nothing is left. If a node does not, it is not
// waited for without end, which would hold up its service: the failure says what nobody has confirmed.
func (d *deploy) settle(ctx workflow.Context, cause error) error {
	if codeOf(cause) == sdp.CodeSettled && d.job.Node == "" {
		return cause // nothing has begun, and the row says how it ended
	}
	ctx, done := workflow.NewDisconnectedContext(ctx)
	defer done()
	state, why := d.outcome(cause)
	if cause != nil {
		d.progress.cancelling = state == sdp.DeployCancelled
		d.progress.show(ctx)
		left := d.undo(ctx, why)
		if d.switched != nil && why != nil {
			why.Detail += "; the switch to it could not be taken back, and it may still answer"
		}
		if left != nil && state == sdp.DeployCancelled && honestCancel.in(ctx) {
			state, why = sdp.DeployFailed, d.unconfirmed(ctx, left)
		}
		cause = errors.Join(cause, left)
	}
	d.progress.settled(state, why)
	d.progress.show(ctx)
	err := confirmed(ctx, workflow.ExecuteLocalActivity(database(ctx), control.SettleDeployment, d.progress.snapshot()))
	err = errors.Join(err, workflow.UpsertTypedSearchAttributes(ctx, attrState.ValueSet(string(state))))
	if err := errors.Join(cause, err); err != nil && state == sdp.DeployCancelled {
		return temporal.NewCanceledError()
	} else if err != nil && why != nil {
		return failure.Workflow(*why)
	}
	return err
}

// codeOf is the code of a reported failure, "" where none was reported.
func codeOf(err error) string {
	if f, reported := failure.Of(err); reported {
		return f.Code
	}
	return ""
}

func (d *deploy) outcome(cause error) (sdp.DeploymentState, *sdp.Failure) {
	if cause == nil {
		return sdp.Running, nil
	}
	code := codeOf(cause)
	if temporal.IsCanceledError(cause) || code == sdp.CodeCancelled || code == sdp.CodeSuperseded {
		return sdp.DeployCancelled, nil
	}
	if f, ok := failure.Of(cause); ok {
		return sdp.DeployFailed, &f.Failure
	}
	return sdp.DeployFailed, &sdp.Failure{Kind: sdp.Internal, Code: "internal", Detail: cause.Error(),
		Remedy: "look at the run in the Temporal UI"}
}

// unconfirmed is how a deployment ends that was cancelled and of which something may be left.
func (d *deploy) unconfirmed(ctx workflow.Context, left error) *sdp.Failure {
	f := sdp.Failure{Kind: sdp.Unavailable, Code: sdp.CodeCancelUnconfirmed, Detail: failureOf(ctx, "", d.job.Node, left).Detail}
	if d.switched != nil {
		f.Detail = "it was cancelled, but the switch to it could not be taken back, and it may still answer: " + f.Detail
		f.Remedy = "deploy again, or switch the service's route"
		return &f
	}
	f.Detail = "it was cancelled, but nobody has confirmed that nothing of it is left: " + f.Detail
	f.Remedy = "node " + d.job.Node + " removes what is left by itself once its worker is back; `sdp nodes` shows it"
	return &f
}

// undo takes the switch back if one was committed and removes what the run left on its node. If the node cannot be
// reached its own reconciler does the same when it is back, so that failing here is reported, not fatal.
func (d *deploy) undo(ctx workflow.Context, why *sdp.Failure) error {
	var errs []error
	if d.switched != nil {
		back, err := d.takeBack(ctx)
		if !back && honestCancel.in(ctx) {
			return err // for the database it serves
		}
		errs = append(errs, err)
	}
	if d.job.Node == "" || (why != nil && why.Code == "no-worker" && !d.started) {
		return errors.Join(errs...)
	}
	if d.servesAnyway(ctx) {
		return errors.Join(errs...)
	}
	in := wire.DiscardInput{Deployment: d.op.ID, Sandbox: d.op.Sandbox, Service: d.op.Service, Reason: "CANCELLED"}
	if why != nil {
		in.Reason = why.Detail
	}
	err := confirmed(ctx, begin(onNode(ctx, d.job.Node, quickLimit), host.Discard, in))
	if err != nil {
		workflow.GetLogger(ctx).Error("Discarding a failed deployment was not confirmed", "deployment", d.op.ID, "error", err)
	}
	return errors.Join(append(errs, err)...)
}

// takeBack has what served before serve again. back is false if the database could not be brought to it.
func (d *deploy) takeBack(ctx workflow.Context) (back bool, err error) {
	var s wire.Switch
	err = workflow.ExecuteLocalActivity(database(ctx), control.Unserve, d.op.ID).Get(ctx, &s)
	gone := codeOf(err) == "container-gone" // there is nothing to take back
	if err != nil && !gone {
		return false, err
	}
	d.switched = nil
	if gone {
		return true, nil
	}
	return true, applyTable(ctx, s)
}

// servesAnyway reports whether requests go to the container of a deployment that failed, because others have settled it and
// let it serve while its workflow was away.
func (d *deploy) servesAnyway(ctx workflow.Context) (serves bool) {
	if !settledRow.in(ctx) {
		return false
	}
	if err := workflow.ExecuteLocalActivity(database(ctx), control.Serves, d.op.ID).Get(ctx, &serves); err != nil {
		workflow.GetLogger(ctx).Error("It is not known whether the container serves; it stays", "deployment", d.op.ID, "error", err)
		return true
	}
	return serves
}

// retire removes a replaced container once it has finished its requests, in a run of its own: a deployment does not
// wait for the last request of its predecessor. It returns that run, nil where nothing was replaced.
func retire(ctx workflow.Context, previous *sdp.Container, successor string) workflow.Future {
	if previous == nil {
		return nil
	}
	ctx, _ = workflow.NewDisconnectedContext(ctx) // never cancelled: the caller's end must not end the retirement
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID: sdp.RetireWorkflowID(previous.Deployment), ParentClosePolicy: enums.PARENT_CLOSE_POLICY_ABANDON,
		WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		StaticSummary:         "retire the container of " + previous.Service + " (" + previous.Deployment + ")",
		TypedSearchAttributes: temporal.NewSearchAttributes(
			attrSandbox.ValueSet(previous.Sandbox), attrService.ValueSet(previous.Service), attrNode.ValueSet(previous.Node)),
	})
	child := workflow.ExecuteChildWorkflow(ctx, Retire, wire.RetireInput{Container: *previous, Successor: successor})
	if err := child.GetChildWorkflowExecution().Get(ctx, nil); err != nil {
		workflow.GetLogger(ctx).Error("Retiring did not start", "container", previous.DockerID, "error", err)
	}
	return child
}

// Retire lets a replaced container finish the requests it has, removes it and records that.
func Retire(ctx workflow.Context, in wire.RetireInput) (wire.Done, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue: sdp.WorkQueue(in.Container.Node), StartToCloseTimeout: drainLimit, HeartbeatTimeout: workBeatLimit,
		// No limit on attempts or on waiting for the node: the container must go, whenever its node is back.
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute},
	})
	if err := confirmed(ctx, workflow.ExecuteActivity(ctx, host.Retire, in)); err != nil {
		return wire.Done{}, err
	}
	return wire.Done{}, confirmed(ctx, workflow.ExecuteLocalActivity(database(ctx), control.ContainerRemoved, in.Container.Deployment))
}
