package sdp_test

import (
	"strings"
	"testing"

	"sdp/internal/sdp"
)

// TestTryingAgainIsNotRefused: the name of a sandbox that was being made is taken, so it goes first.
func TestTryingAgainIsNotRefused(t *testing.T) {
	for kind, want := range map[sdp.OperationKind]string{
		sdp.OpClone:   "`sdp sandbox delete box` removes",
		sdp.OpCreate:  "`sdp sandbox delete box` removes",
		sdp.OpRestart: "try again; `sdp sandbox show box`",
	} {
		if got := (sdp.OperationRef{Kind: kind, Sandbox: "box"}).TryAgain(); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q", kind, got)
		}
	}
}
