package activities

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"go.temporal.io/sdk/temporal"

	"sdp/internal/failure"
	"sdp/internal/node"
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
		kind                   sdp.Kind
		retry, onNode, ofUsers bool
	}{
		{sdp.Invalid, false, false, false},
		{sdp.Unauthenticated, false, false, false},
		{sdp.Forbidden, false, false, false},
		{sdp.NotFound, false, false, false},
		{sdp.Conflict, false, false, false},
		{sdp.Exhausted, false, false, false},
		{sdp.Failed, false, false, true},
		{sdp.Unavailable, true, true, false},
		{sdp.Internal, false, true, false},
	} {
		broken := fmt.Errorf("while testing: %w", sdp.Errorf(c.kind, "some-code", "it broke").WithRemedy("mend it"))
		err := fail(broken)
		equal(t, string(c.kind)+" is retried", retried(err), c.retry)
		equal(t, string(c.kind)+" is retried on a node", retried(failOnNode(broken)), c.onNode)
		equal(t, string(c.kind)+" is the user's", benign(err), c.ofUsers)
	}
}

// sent is err as it comes out of Temporal at the other side.
func sent(err error) error {
	converter := temporal.GetDefaultFailureConverter()
	return converter.FailureToError(converter.ErrorToFailure(err))
}

func TestFailureReachesTheWorkflowWhole(t *testing.T) {
	err := &node.OutputError{Err: sdp.Errorf(sdp.Failed, "compile-error", "main.go:3").WithRemedy("mend it"), Output: "main.go:3: no"}
	want := sdp.Failure{Kind: sdp.Failed, Code: "compile-error", Detail: "main.go:3", Remedy: "mend it", Output: "main.go:3: no"}
	received := sent(fail(err))
	f := wantFailure(t, received, sdp.Failed, "compile-error")
	equal(t, "failure", f, want)
	again := sent(failure.Workflow(f)) // the workflow ends with it
	equal(t, "the workflow's failure", wantFailure(t, again, sdp.Failed, "compile-error"), want)
	equal(t, "the workflow is retried", retried(again), false)

	found, _ := failure.Of(again)
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
