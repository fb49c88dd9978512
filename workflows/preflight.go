package workflows

import (
	"context"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"sdp/activities"
	"sdp/internal/sdp"
)

// preflightPickUp is how long a node may take to pick up a plan's questions: somebody waits for all of them.
const preflightPickUp = 5 * time.Second

// PreflightInput asks several nodes about the services of a plan.
type PreflightInput struct {
	ID    string
	Nodes []activities.PreflightInput
}

// PreflightAnswer is what the nodes said.
type PreflightAnswer struct {
	Reports []sdp.PreflightReport
	// Failures are of the nodes that did not answer.
	Failures map[string]sdp.Failure
}

// Preflight asks all nodes at once. A node that does not answer is named in the result.
func Preflight(ctx workflow.Context, in PreflightInput) (PreflightAnswer, error) {
	out := PreflightAnswer{Failures: map[string]sdp.Failure{}}
	futures := make([]workflow.Future, len(in.Nodes))
	for i, node := range in.Nodes {
		ctx := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			TaskQueue:              sdp.NodeQueue(node.Node),
			ScheduleToStartTimeout: preflightPickUp,
			StartToCloseTimeout:    askLimit,
			HeartbeatTimeout:       heartbeatLimit,
			RetryPolicy:            &temporal.RetryPolicy{InitialInterval: 500 * time.Millisecond, MaximumAttempts: 2},
		})
		futures[i] = workflow.ExecuteActivity(ctx, host.Preflight, node)
	}
	for i, node := range in.Nodes {
		var report sdp.PreflightReport
		if err := futures[i].Get(ctx, &report); err != nil {
			out.Failures[node.Node] = failureOf(ctx, "", node.Node, err)
			continue
		}
		out.Reports = append(out.Reports, report)
	}
	return out, nil
}

// Preflight asks nodes about the services of a plan.
func (e *Engine) Preflight(ctx context.Context, in PreflightInput) (PreflightAnswer, error) {
	var out PreflightAnswer
	err := e.run(ctx, "preflight/"+in.ID, Preflight, in, &out)
	return out, err
}
