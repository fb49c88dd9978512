package workflows

import (
	"time"

	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"sdp/activities"
	"sdp/internal/failure"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// Method references only: a nil receiver gives the activities their registered names without a value behind them.
var (
	control *activities.Control
	host    *activities.Host
)

// Search attributes by which runs are found in the Temporal UI. They are never encrypted, so they hold names only.
var (
	attrSandbox = temporal.NewSearchAttributeKeyKeyword(wire.SandboxAttribute)
	attrService = temporal.NewSearchAttributeKeyKeyword(wire.ServiceAttribute)
	attrNode    = temporal.NewSearchAttributeKeyKeyword(wire.NodeAttribute)
	attrUser    = temporal.NewSearchAttributeKeyKeyword(wire.UserAttribute)
	attrState   = temporal.NewSearchAttributeKeyKeyword("SdpState")
)

// How long a node may take to pick up a task before it is looked at whether it has a worker, and how old a heartbeat may be.
const (
	pickUpLimit    = 20 * time.Second
	heartbeatLimit = 10 * time.Second
	workBeatLimit  = 30 * time.Second // a worker that was killed says so when it is back: this is for machines that are gone, or busy
	buildLimit     = wire.BoxLifetime // builds wait in it for their turn; how long one may take is the node's own limit
	fetchLimit     = 15 * time.Minute
	startLimit     = 6 * time.Minute
	drainLimit     = 15 * time.Minute
	quickLimit     = 30 * time.Second
	retirePause    = 30 * time.Second // how long a removal may take before the node's liveness is looked at
	databaseLimit  = 10 * time.Second
)

// DatabasePatience is how long a workflow goes on trying to read or write the database, unless Patience says otherwise.
const DatabasePatience = 10 * time.Minute

// database are the options of the control worker's database activities: local, because a remote one costs about
// 50 ms, and patient, because a restart of PostgreSQL must not fail a deployment.
func database(ctx workflow.Context) workflow.Context {
	return workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		StartToCloseTimeout:    databaseLimit,
		ScheduleToCloseTimeout: DatabasePatience,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: 100 * time.Millisecond, BackoffCoefficient: 2, MaximumInterval: 5 * time.Second,
		},
	})
}

// Patience has workflows try what concerns the database for limit. Runs that are under way may go on with another limit:
// what is in their histories does not depend on it.
func Patience(limit time.Duration) interceptor.WorkerInterceptor {
	return &outbound{wrap: func(next interceptor.WorkflowOutboundInterceptor) interceptor.WorkflowOutboundInterceptor {
		out := &patientOutbound{limit: limit}
		out.Next = next
		return out
	}}
}

type patientOutbound struct {
	interceptor.WorkflowOutboundInterceptorBase
	limit time.Duration
}

func (p *patientOutbound) ExecuteLocalActivity(ctx workflow.Context, activity string, args ...any) workflow.Future {
	options := workflow.GetLocalActivityOptions(ctx)
	options.ScheduleToCloseTimeout = p.limit
	return p.Next.ExecuteLocalActivity(workflow.WithLocalActivityOptions(ctx, options), activity, args...)
}

// onNode are the options of a quick step on a node. It ends only when the host has confirmed the end, so that "cancelled"
// is true when it is shown.
func onNode(ctx workflow.Context, node string, limit time.Duration) workflow.Context {
	return onQueue(ctx, node, workflow.ActivityOptions{
		TaskQueue:              sdp.NodeQueue(node),
		ScheduleToStartTimeout: pickUpLimit,
		StartToCloseTimeout:    limit,
		HeartbeatTimeout:       heartbeatLimit,
		WaitForCancellation:    true,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumAttempts: 4},
	})
}

// atWork is onNode for what may take minutes, because it waits for a git server, a container or the last request: nothing
// quick waits behind it.
func atWork(ctx workflow.Context, node string, limit time.Duration) workflow.Context {
	options := workflow.GetActivityOptions(onNode(ctx, node, limit))
	options.TaskQueue, options.HeartbeatTimeout = sdp.WorkQueue(node), workBeatLimit
	return onQueue(ctx, node, options)
}

// onBuilder is onNode for builds.
func onBuilder(ctx workflow.Context, node string) workflow.Context {
	options := workflow.GetActivityOptions(onNode(ctx, node, buildLimit))
	options.TaskQueue, options.HeartbeatTimeout = sdp.BuildQueue(node), workBeatLimit
	options.RetryPolicy.MaximumAttempts = 3
	return onQueue(ctx, node, options)
}

// failureOf describes why a step on a node failed.
func failureOf(ctx workflow.Context, step sdp.StepName, node string, err error) sdp.Failure {
	f := sdp.Failure{Step: step, Kind: sdp.Internal, Code: "internal", Detail: err.Error(),
		Remedy: "look at the run in the Temporal UI"}
	if reported, ok := failure.Of(err); ok {
		f = reported.Failure
	} else if failure.NotPickedUp(err) {
		f = noWorker(ctx, node)
	} else if failure.WorkerLost(err) {
		f = sdp.Failure{Kind: sdp.Unavailable, Code: "worker-lost",
			Detail: "node " + node + ": its worker was lost in the middle of the step, more than once",
			Remedy: "look at the worker's log on the node, then deploy again"}
	} else if temporal.IsTimeoutError(err) {
		f = sdp.Failure{Kind: sdp.Unavailable, Code: "step-timeout", Detail: "node " + node + ": the step took too long",
			Remedy: "look at the deployment's log for what it was doing, then deploy again"}
	}
	f.Step = step
	return f
}

func noWorker(ctx workflow.Context, node string) sdp.Failure {
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	detail := "node " + node + ": no worker"
	var status string
	err := workflow.ExecuteLocalActivity(database(ctx), control.NodeStatus, node).Get(ctx, &status)
	if err == nil {
		detail = status
	} else if f, ok := failure.Of(err); ok && f.Code == wire.NodeRemoved {
		return f.Failure
	}
	return sdp.Failure{Kind: sdp.Unavailable, Code: "no-worker", Detail: detail,
		Remedy: "start `sdp worker` on " + node + " (`sdp nodes` shows it again), then deploy again"}
}
