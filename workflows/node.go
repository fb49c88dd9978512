package workflows

import (
	"errors"

	"go.temporal.io/sdk/workflow"

	"sdp/internal/failure"
	"sdp/internal/sdp"
)

// offers bounds how often a step is offered to a node that is heard of and does not take it up: for half an hour. What is
// busy for longer is a node that cannot reach Temporal.
const offers = 90

type nodeKey struct{}

// onQueue are the options of steps on a node.
func onQueue(ctx workflow.Context, node string, options workflow.ActivityOptions) workflow.Context {
	return workflow.WithValue(workflow.WithActivityOptions(ctx, options), nodeKey{}, node)
}

// nodeStep is a step on a node that has begun, a future like others.
type nodeStep struct {
	workflow.Future
	ctx          workflow.Context
	activity, in any
}

// begin begins a step on the node that ctx has the options for.
func begin(ctx workflow.Context, activity, in any) workflow.Future {
	return &nodeStep{Future: workflow.ExecuteActivity(ctx, activity, in), ctx: ctx, activity: activity, in: in}
}

// Get waits for the step's end. A node that does not take the step up is busy as long as its worker is heard of, and the step
// is offered to it again.
func (s *nodeStep) Get(ctx workflow.Context, out any) error {
	for offered := 1; ; offered++ {
		err := s.Future.Get(ctx, out)
		if !failure.NotPickedUp(err) || offered == offers || !s.patient() {
			return err
		}
		node, _ := s.ctx.Value(nodeKey{}).(string)
		var heard bool
		if e := askAlive(s.ctx, node).Get(ctx, &heard); e != nil || !heard {
			return errors.Join(err, e)
		}
		s.Future = workflow.ExecuteActivity(s.ctx, s.activity, s.in)
	}
}

// askAlive asks whether a node's worker is heard of: a bool.
func askAlive(ctx workflow.Context, node string) workflow.Future {
	return workflow.ExecuteLocalActivity(database(ctx), control.NodeAlive, node)
}

// patient reports whether the step is offered again. Builds always were.
func (s *nodeStep) patient() bool {
	node, _ := s.ctx.Value(nodeKey{}).(string)
	return workflow.GetActivityOptions(s.ctx).TaskQueue == sdp.BuildQueue(node) ||
		busyNode.in(s.ctx)
}
