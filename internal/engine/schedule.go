package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// trackLimit bounds one look at all branches, so that one that hangs is not in the way of the next for ever.
const trackLimit = 15 * time.Minute

// catchUp is how long after its time a look at the branches that was missed is still made up for: hardly, the next one
// sees the same. Temporal accepts nothing shorter.
const catchUp = 10 * time.Second

// ScheduleTracking has Temporal look at the watched branches regularly; 0 = not at all. It is called again and again, because
// Temporal may lose the schedule, with another interval too, and by several servers at once.
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
			if isAs(now, options) {
				return nil, temporal.ErrSkipScheduleUpdate
			}
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
			ID: sdp.TrackSchedule, Workflow: wire.TrackWorkflow, TaskQueue: sdp.ControlQueue, WorkflowExecutionTimeout: trackLimit,
			StaticSummary: "looks at the branches of the sandboxes' services",
		},
		Overlap:       enums.SCHEDULE_OVERLAP_POLICY_SKIP,
		CatchupWindow: catchUp,
	}
}

// isAs reports whether a schedule does what it would do if it were made with options.
func isAs(now client.Schedule, options client.ScheduleOptions) bool {
	does, known := now.Action.(*client.ScheduleWorkflowAction)
	want := options.Action.(*client.ScheduleWorkflowAction)
	return known && does.Workflow == want.Workflow && does.TaskQueue == want.TaskQueue &&
		does.WorkflowExecutionTimeout == want.WorkflowExecutionTimeout &&
		slices.Equal(now.Spec.Intervals, options.Spec.Intervals) &&
		now.Policy.Overlap == options.Overlap && now.Policy.CatchupWindow == options.CatchupWindow
}

func isMissing(err error) bool {
	var missing *serviceerror.NotFound
	return errors.As(err, &missing)
}
