package activities

import (
	"context"
	"errors"

	"go.temporal.io/sdk/temporal"

	"sdp/internal/failure"
	"sdp/internal/node"
	"sdp/internal/sdp"
)

// fail turns an activity's error into what Temporal carries: the code as type, the whole failure as details. Only
// errors that may pass by themselves are retried.
func fail(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, context.Canceled) {
		return temporal.NewCanceledError()
	}
	return failure.Activity(failureFrom(err))
}

func failureFrom(err error) sdp.Failure {
	f := failure.From(err)
	var out *node.OutputError
	if errors.As(err, &out) {
		f.Output = out.Output
	}
	return f
}
