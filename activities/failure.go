package activities

import (
	"context"
	"errors"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"

	"sdp/internal/logs"
	"sdp/internal/sdp"
)

// OutputError is a failure of the user's own code together with the last lines it printed.
type OutputError struct {
	Err    error
	Output string // secrets masked
}

func (e *OutputError) Error() string { return e.Err.Error() }

// Unwrap returns the failure itself.
func (e *OutputError) Unwrap() error { return e.Err }

// masked takes secrets out of what a failure says: a compiler quotes what it rejects, a Dockerfile's build the command
// that failed, and both may hold a secret somebody has written there.
func masked(err error, m *logs.Masker) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	e := *sdp.AsError(err)
	detail, remedy := m.MaskString(e.Detail), m.MaskString(e.Remedy)
	if detail == e.Detail && remedy == e.Remedy {
		return err
	}
	e.Detail, e.Remedy = detail, remedy
	var out *OutputError
	if errors.As(err, &out) {
		return &OutputError{Err: &e, Output: out.Output}
	}
	return &e
}

// fail turns an activity's error into what Temporal carries: the code as type, the whole failure as details. Only
// errors that may pass by themselves are retried.
func fail(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, context.Canceled) {
		return temporal.NewCanceledError()
	}
	f := failureFrom(err)
	options := temporal.ApplicationErrorOptions{
		NonRetryable: f.Kind != sdp.Unavailable && f.Kind != sdp.Internal,
		Details:      []any{f},
	}
	if f.Kind == sdp.Failed {
		options.Category = temporal.ApplicationErrorCategoryBenign // the user's build failed, not SDP
	}
	return temporal.NewApplicationErrorWithOptions(f.Detail, f.Code, options)
}

func failureFrom(err error) sdp.Failure {
	e := sdp.AsError(err)
	f := sdp.Failure{Kind: e.Kind, Code: e.Code, Detail: e.Detail, Remedy: e.Remedy}
	var out *OutputError
	if errors.As(err, &out) {
		f.Output = out.Output
	}
	return f
}

// FailureOf finds the failure that an activity or a workflow reported. The boolean tells whether there is one.
func FailureOf(err error) (*FailedError, bool) {
	var failed *FailedError
	if errors.As(err, &failed) {
		return failed, true
	}
	var app *temporal.ApplicationError
	if !errors.As(err, &app) || !app.HasDetails() {
		return nil, false
	}
	var f sdp.Failure
	readable := app.Details(&f) == nil // details of another type are somebody else's error
	return &FailedError{Failure: f}, readable && f.Code != ""
}

// FailedError is an sdp.Failure as an error; it unwraps to an *sdp.Error.
type FailedError struct{ sdp.Failure }

func (e *FailedError) Error() string { return e.Detail }

// Unwrap returns the failure as a domain error.
func (e *FailedError) Unwrap() error {
	return &sdp.Error{Kind: e.Kind, Code: e.Code, Detail: e.Detail, Remedy: e.Remedy}
}

// WorkflowError returns a failure as the error a workflow ends with, readable in the Temporal UI and by FailureOf.
func WorkflowError(f sdp.Failure) error {
	return temporal.NewApplicationErrorWithOptions(f.Detail, f.Code, temporal.ApplicationErrorOptions{
		NonRetryable: true, Details: []any{f}, Category: temporal.ApplicationErrorCategoryBenign,
	})
}

// NotPickedUp reports whether err says that no worker took the task in time.
func NotPickedUp(err error) bool {
	var t *temporal.TimeoutError
	return errors.As(err, &t) && t.TimeoutType() == enums.TIMEOUT_TYPE_SCHEDULE_TO_START
}

// WorkerLost reports whether err says that the worker that had the task was not heard of any more.
func WorkerLost(err error) bool {
	var t *temporal.TimeoutError
	return errors.As(err, &t) && t.TimeoutType() == enums.TIMEOUT_TYPE_HEARTBEAT
}
