package activities

import (
	"context"
	"errors"
	"fmt"
	"testing"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"

	"sdp/internal/sdp"
)

// retried reports whether Temporal would run an activity again that ended with err.
func retried(err error) bool {
	var app *temporal.ApplicationError
	return errors.As(err, &app) && !app.NonRetryable()
}

func benign(err error) bool {
	var app *temporal.ApplicationError
	return errors.As(err, &app) && app.Category() == temporal.ApplicationErrorCategoryBenign
}

// Only what may pass by itself is tried again, and only the user's own failures leave SDP's error rate alone.
func TestFailDecidesWhatIsTriedAgain(t *testing.T) {
	for _, c := range []struct {
		kind           sdp.Kind
		retry, ofUsers bool
	}{
		{sdp.Invalid, false, false},
		{sdp.Unauthenticated, false, false},
		{sdp.Forbidden, false, false},
		{sdp.NotFound, false, false},
		{sdp.Conflict, false, false},
		{sdp.Exhausted, false, false},
		{sdp.Failed, false, true},
		{sdp.Unavailable, true, false},
		{sdp.Internal, true, false},
	} {
		err := fail(fmt.Errorf("while testing: %w", sdp.Errorf(c.kind, "some-code", "it broke").WithRemedy("mend it")))
		equal(t, string(c.kind)+" is retried", retried(err), c.retry)
		equal(t, string(c.kind)+" is the user's", benign(err), c.ofUsers)
	}
}

// sent is err as it comes out of Temporal at the other side.
func sent(err error) error {
	converter := temporal.GetDefaultFailureConverter()
	return converter.FailureToError(converter.ErrorToFailure(err))
}

func TestFailureReachesTheWorkflowWhole(t *testing.T) {
	err := &OutputError{Err: sdp.Errorf(sdp.Failed, "compile-error", "main.go:3").WithRemedy("mend it"), Output: "main.go:3: no"}
	want := sdp.Failure{Kind: sdp.Failed, Code: "compile-error", Detail: "main.go:3", Remedy: "mend it", Output: "main.go:3: no"}
	received := sent(fail(err))
	f := wantFailure(t, received, sdp.Failed, "compile-error")
	equal(t, "failure", f, want)
	again := sent(WorkflowError(f)) // the workflow ends with it
	equal(t, "the workflow's failure", wantFailure(t, again, sdp.Failed, "compile-error"), want)
	equal(t, "the workflow is retried", retried(again), false)

	found, _ := FailureOf(again)
	if e := sdp.AsError(found); e.Kind != sdp.Failed || e.Code != "compile-error" || e.Remedy != "mend it" {
		t.Errorf("the API gets %+v", e)
	}
	equal(t, "shown as", found.Error(), "main.go:3")
}

func TestErrorOfNobodyIsInternal(t *testing.T) {
	f := wantFailure(t, fail(errors.New("surprise")), sdp.Internal, "internal")
	equal(t, "detail", f.Detail, "surprise")
}

func TestFailKeepsSuccessAndCancel(t *testing.T) {
	if err := fail(nil); err != nil {
		t.Errorf("success became %v", err)
	}
	if err := fail(fmt.Errorf("fetching: %w", context.Canceled)); !temporal.IsCanceledError(err) {
		t.Errorf("a cancel became %v", err)
	}
}

func TestFailureOfKnowsOnlyItsOwn(t *testing.T) {
	for what, err := range map[string]error{
		"nothing":               nil,
		"another error":         errors.New("no"),
		"without details":       temporal.NewApplicationError("no", "x"),
		"details of other kind": temporal.NewApplicationError("no", "x", 42),
		"an empty failure":      temporal.NewApplicationError("no", "x", sdp.Failure{}),
		"a timeout":             temporal.NewTimeoutError(enums.TIMEOUT_TYPE_HEARTBEAT, nil),
	} {
		if err != nil {
			err = sent(err)
		}
		if _, found := FailureOf(err); found {
			t.Errorf("%s is taken for a failure", what)
		}
	}
}

func TestTimeoutsAreToldApart(t *testing.T) {
	waited := temporal.NewTimeoutError(enums.TIMEOUT_TYPE_SCHEDULE_TO_START, nil)
	lost := temporal.NewTimeoutError(enums.TIMEOUT_TYPE_HEARTBEAT, nil)
	slow := temporal.NewTimeoutError(enums.TIMEOUT_TYPE_START_TO_CLOSE, nil)
	for _, err := range []error{waited, fmt.Errorf("build: %w", waited)} {
		equal(t, "not picked up", NotPickedUp(err), true)
		equal(t, "lost", WorkerLost(err), false)
	}
	equal(t, "not picked up", NotPickedUp(lost), false)
	equal(t, "lost", WorkerLost(lost), true)
	for _, err := range []error{slow, nil, errors.New("no")} {
		equal(t, "not picked up or lost", NotPickedUp(err) || WorkerLost(err), false)
	}
}
