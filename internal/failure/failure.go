// Package failure is how a domain failure travels through Temporal and back: the code is the application error's type, so
// that it shows in the Temporal UI, and the whole failure its details.
package failure

import (
	"errors"
	"slices"
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"

	"sdp/internal/sdp"
)

// Error is an sdp.Failure as an error; it unwraps to an *sdp.Error.
type Error struct{ sdp.Failure }

func (e *Error) Error() string { return e.Detail }

// Unwrap returns the failure as a domain error.
func (e *Error) Unwrap() error {
	return e.Err()
}

// From describes any error as a failure.
func From(err error) sdp.Failure {
	e := sdp.AsError(err)
	return e.Failure()
}

// Of finds the failure that an activity or a workflow reported, or why its answer was refused. The boolean tells whether
// there is one.
func Of(err error) (*Error, bool) {
	var failed *Error
	if errors.As(err, &failed) {
		return failed, true
	}
	var refused *sdp.Error
	if errors.As(err, &refused) {
		return &Error{From(refused)}, true
	}
	var app *temporal.ApplicationError
	if !errors.As(err, &app) || !app.HasDetails() {
		return nil, false
	}
	var f sdp.Failure
	readable := app.Details(&f) == nil // details of another type are somebody else's error
	return &Error{f}, readable && f.Code != ""
}

// Activity is what an activity ends with. Only what may pass by itself is retried: what does not answer, and the kinds
// that mayPass names.
func Activity(f sdp.Failure, mayPass ...sdp.Kind) error {
	options := temporal.ApplicationErrorOptions{
		NonRetryable: f.Kind != sdp.Unavailable && !slices.Contains(mayPass, f.Kind),
		Details:      []any{f},
	}
	if f.Kind == sdp.Failed {
		options.Category = temporal.ApplicationErrorCategoryBenign // the user's build failed, not SDP
	}
	return temporal.NewApplicationErrorWithOptions(f.Detail, f.Code, options)
}

// Lost is what an activity ends with whose worker is gone: another attempt can begin at once.
func Lost(f sdp.Failure) error {
	return temporal.NewApplicationErrorWithOptions(f.Detail, f.Code, temporal.ApplicationErrorOptions{
		NextRetryDelay: time.Millisecond, Details: []any{f}})
}

// Workflow is what a workflow ends with.
func Workflow(f sdp.Failure) error {
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
