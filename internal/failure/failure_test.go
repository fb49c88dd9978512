package failure

import (
	"errors"
	"fmt"
	"testing"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"

	"sdp/internal/sdp"
)

// sent is err as it comes out of Temporal at the other side.
func sent(err error) error {
	converter := temporal.GetDefaultFailureConverter()
	return converter.FailureToError(converter.ErrorToFailure(err))
}

func TestOfKnowsOnlyItsOwn(t *testing.T) {
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
		if _, found := Of(err); found {
			t.Errorf("%s is taken for a failure", what)
		}
	}
}

func TestTimeoutsAreToldApart(t *testing.T) {
	waited := temporal.NewTimeoutError(enums.TIMEOUT_TYPE_SCHEDULE_TO_START, nil)
	lost := temporal.NewTimeoutError(enums.TIMEOUT_TYPE_HEARTBEAT, nil)
	slow := temporal.NewTimeoutError(enums.TIMEOUT_TYPE_START_TO_CLOSE, nil)
	for _, err := range []error{waited, fmt.Errorf("build: %w", waited)} {
		if got := NotPickedUp(err); got != true {
			t.Errorf("%v: not picked up is %v", err, got)
		}
		if got := WorkerLost(err); got != false {
			t.Errorf("%v: lost is %v", err, got)
		}
	}
	if got := NotPickedUp(lost); got != false {
		t.Errorf("not picked up is %v", got)
	}
	if got := WorkerLost(lost); got != true {
		t.Errorf("lost is %v", got)
	}
	for _, err := range []error{slow, nil, errors.New("no")} {
		if got := NotPickedUp(err) || WorkerLost(err); got != false {
			t.Errorf("%v: not picked up or lost is %v", err, got)
		}
	}
}
