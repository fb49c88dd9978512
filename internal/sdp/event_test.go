package sdp_test

import (
	"slices"
	"testing"

	"sdp/internal/sdp"
)

// TestEventTypes has each once, also where a step and an operation have the same name.
func TestEventTypes(t *testing.T) {
	t.Parallel()
	all := sdp.EventTypes()
	if !slices.IsSorted(all) || len(slices.Compact(slices.Clone(all))) != len(all) {
		t.Errorf("not sorted, or twice: %q", all)
	}
	for _, want := range []sdp.EventType{"FETCH_STARTED", "ROUTE_STARTED", "DEPLOY_FAILED", "DELETE_CANCELLED"} {
		if !slices.Contains(all, want) {
			t.Errorf("%s is missing", want)
		}
	}
}
