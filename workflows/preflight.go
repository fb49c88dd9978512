package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"sdp/internal/sdp"
	"sdp/internal/sdp/planning"
	"sdp/internal/wire"
)

// preflightPickUp is how long a node may take to pick up a plan's questions: somebody waits for all of them.
const preflightPickUp = 5 * time.Second

// Preflight asks all nodes at once. A node that does not answer is named in the result.
func Preflight(ctx workflow.Context, in wire.PlanInput) (wire.PlanAnswer, error) {
	out := wire.PlanAnswer{Failures: map[string]sdp.Failure{}}
	futures := make([]workflow.Future, len(in.Nodes))
	for i, node := range in.Nodes {
		ctx := onQueue(ctx, node.Node, workflow.ActivityOptions{
			TaskQueue:              sdp.NodeQueue(node.Node),
			ScheduleToStartTimeout: preflightPickUp,
			StartToCloseTimeout:    askLimit,
			HeartbeatTimeout:       heartbeatLimit,
			RetryPolicy:            &temporal.RetryPolicy{InitialInterval: 500 * time.Millisecond, MaximumAttempts: 2},
		})
		futures[i] = begin(ctx, host.Preflight, node)
	}
	for i, node := range in.Nodes {
		var report planning.PreflightReport
		if err := futures[i].Get(ctx, &report); err != nil {
			out.Failures[node.Node] = failureOf(ctx, "", node.Node, err)
			continue
		}
		out.Reports = append(out.Reports, report)
	}
	return out, nil
}
