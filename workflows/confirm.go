package workflows

import (
	"go.temporal.io/sdk/workflow"

	"sdp/internal/wire"
)

// confirmed waits for an activity or a child that has nothing to say but that it is done, and insists that it says so:
// for Temporal an answer without content is success, too.
func confirmed(ctx workflow.Context, f workflow.Future) error {
	var done wire.Done
	if err := f.Get(ctx, &done); err != nil {
		return err
	}
	return done.Err()
}
