package node

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"sdp/internal/logs/mask"
	"sdp/internal/sdp"
)

func TestFailuresShowNoSecrets(t *testing.T) {
	const secret = "hunter2/hunter2"
	m := mask.New(secret)
	cause := errors.New("cause")
	failed := sdp.Errorf(sdp.Failed, "compile-error", "main.go:3: cannot use %q: %w", secret, cause).WithRemedy("remove %s", secret)
	for name, err := range map[string]error{
		"domain error": failed,
		"wrapped":      fmt.Errorf("building: %w", failed),
		"with output":  &OutputError{Err: failed, Output: "kept"},
		"unclassified": fmt.Errorf("docker said %s: %w", secret, cause),
	} {
		t.Run(name, func(t *testing.T) {
			got := masked(err, m)
			e, before := sdp.AsError(got), sdp.AsError(err)
			if text := fmt.Sprintf("%v %+v", got, e); strings.Contains(text, "hunter2") || !strings.Contains(text, "***") {
				t.Errorf("shows %s", text)
			}
			if e.Code != before.Code || e.Kind != before.Kind || outputOf(got) != outputOf(err) || !errors.Is(got, cause) {
				t.Errorf("%+v became %+v", before, e)
			}
		})
	}
	if err := masked(context.Canceled, m); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if plain := sdp.Errorf(sdp.Failed, "x", "nothing secret"); !errors.Is(masked(plain, m), plain) || masked(nil, m) != nil {
		t.Error("what holds no secret was changed")
	}
}

// outputOf is the output that comes with a failure.
func outputOf(err error) string {
	var out *OutputError
	if errors.As(err, &out) {
		return out.Output
	}
	return ""
}

func TestCheckoutsStayBelowTheirDirectory(t *testing.T) {
	s := &Sources{data: "/data"}
	for _, id := range []string{"d-1", "", ".", "..", "/", "../..", "../../etc", "a/../..", "/etc"} {
		if dir := s.checkoutDir(id); filepath.Dir(dir) != "/data/checkouts" {
			t.Errorf("deployment %q is checked out in %s", id, dir)
		}
	}
}
