package workflows

import (
	"context"
	"errors"
	"slices"
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"sdp/activities"
	"sdp/internal/sdp"
)

// watchLimit bounds one node's questions to git servers; trackLimit one look at all branches, so that one that hangs is
// not in the way of the next for ever.
const (
	watchLimit = 5 * time.Minute
	trackLimit = 15 * time.Minute
)

// Track looks at the branches of all services once: what is tracked and has moved is deployed, what is gone is marked.
// Each owner's credentials are tried on one repository first; where the git server refuses them no other is asked.
func Track(ctx workflow.Context) error {
	var round activities.TrackRound
	id := workflow.GetInfo(ctx).WorkflowExecution.ID
	if err := workflow.ExecuteLocalActivity(database(ctx), control.BeginTracking, id).Get(ctx, &round); err != nil {
		return err
	}
	if len(round.First) == 0 {
		return nil
	}
	answers := watch(ctx, round.First)
	answers = append(answers, watch(ctx, without(round.Rest, refused(answers)))...)
	return workflow.ExecuteLocalActivity(database(ctx), control.FinishTracking, answers).Get(ctx, nil)
}

// watch asks all nodes at once. A node that does not answer fails its own questions only.
func watch(ctx workflow.Context, inputs []activities.WatchInput) []activities.WatchAnswer {
	futures := make([]workflow.Future, len(inputs))
	for i, in := range inputs {
		futures[i] = workflow.ExecuteActivity(onNode(ctx, in.Node, watchLimit), host.Watch, in)
	}
	var all []activities.WatchAnswer
	for i, in := range inputs {
		var answers []activities.WatchAnswer
		if err := futures[i].Get(ctx, &answers); err != nil {
			failure := failureOf(ctx, "", in.Node, err)
			for _, ask := range in.Asks {
				all = append(all, ask.Failed(failure))
			}
		}
		all = append(all, answers...)
	}
	return all
}

func refused(answers []activities.WatchAnswer) []string {
	var owners []string
	for _, a := range answers {
		if a.Refused() {
			owners = append(owners, a.Owner)
		}
	}
	return owners
}

// without leaves out the questions of some owners.
func without(inputs []activities.WatchInput, owners []string) []activities.WatchInput {
	var out []activities.WatchInput
	for _, in := range inputs {
		in.Asks = slices.DeleteFunc(slices.Clone(in.Asks), func(a activities.WatchAsk) bool { return slices.Contains(owners, a.Owner) })
		if len(in.Asks) > 0 {
			out = append(out, in)
		}
	}
	return out
}

// catchUp is how long after its time a look at the branches that was missed is still made up for: hardly, the next one
// sees the same. Temporal accepts nothing shorter.
const catchUp = 10 * time.Second

// ScheduleTracking has Temporal look at the watched branches regularly; 0 = not at all. It may be called again, with
// another interval too, and by several servers at once.
func (e *Engine) ScheduleTracking(ctx context.Context, every time.Duration) error {
	handle := e.client.ScheduleClient().GetHandle(ctx, sdp.TrackSchedule)
	if every == 0 {
		err := handle.Delete(ctx)
		if isMissing(err) {
			return nil
		}
		return engineError(err)
	}
	options := trackSchedule(every)
	_, err := e.client.ScheduleClient().Create(ctx, options)
	if !errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		return engineError(err)
	}
	return engineError(handle.Update(ctx, client.ScheduleUpdateOptions{
		DoUpdate: func(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
			now := in.Description.Schedule
			now.Spec, now.Action = &options.Spec, options.Action
			now.Policy.Overlap, now.Policy.CatchupWindow = options.Overlap, options.CatchupWindow
			return &client.ScheduleUpdate{Schedule: &now}, nil
		}}))
}

func trackSchedule(every time.Duration) client.ScheduleOptions {
	return client.ScheduleOptions{
		ID:   sdp.TrackSchedule,
		Spec: client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: every}}},
		Action: &client.ScheduleWorkflowAction{
			ID: sdp.TrackSchedule, Workflow: Track, TaskQueue: sdp.ControlQueue, WorkflowExecutionTimeout: trackLimit,
			StaticSummary: "looks at the branches of the sandboxes' services",
		},
		Overlap:       enums.SCHEDULE_OVERLAP_POLICY_SKIP,
		CatchupWindow: catchUp,
	}
}

func isMissing(err error) bool {
	var missing *serviceerror.NotFound
	return errors.As(err, &missing)
}
