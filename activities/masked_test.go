package activities

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"sdp/internal/logs"
	"sdp/internal/sdp"
)

func TestFailuresShowNoSecrets(t *testing.T) {
	const secret = "hunter2/hunter2"
	m := logs.NewMasker(secret)
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
			f := failureFrom(got)
			if text := fmt.Sprintf("%v %+v %v", got, f, fail(got)); strings.Contains(text, "hunter2") || !strings.Contains(text, "***") {
				t.Errorf("shows %s", text)
			}
			if before := failureFrom(err); f.Code != before.Code || f.Kind != before.Kind || f.Output != before.Output || !errors.Is(got, cause) {
				t.Errorf("%+v became %+v", before, f)
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

func TestCheckoutsStayBelowTheirDirectory(t *testing.T) {
	h := &Host{Data: "/data"}
	for _, id := range []string{"d-1", "", ".", "..", "/", "../..", "../../etc", "a/../..", "/etc"} {
		if dir := h.checkoutDir(id); filepath.Dir(dir) != "/data/checkouts" {
			t.Errorf("deployment %q is checked out in %s", id, dir)
		}
	}
}
