package e2e

import (
	"strings"
	"testing"

	"sdp/internal/sdp"
)

// A line of 1 MB without an end is in the log as it was printed, in order with what surrounds it.
func TestLongLine(t *testing.T) {
	s := lab(t)
	box := s.newSandbox(t, "services:\n  chatty: {branch: main}\n")
	log := s.ok(t, "logs", s.history(t, box.Name)[0].ID, "-f") // a long log takes a moment to arrive
	before, after := strings.Index(log, "before the long line\n"), strings.Index(log, "\nafter the long line\n")
	if before < 0 || after < before {
		t.Fatalf("the lines around the long one are at %d and %d of %d bytes", before, after, len(log))
	}
	if n := strings.Count(log[before:after], "x"); n != 1<<20 {
		t.Errorf("%d bytes of the long line are in the log, want %d", n, 1<<20)
	}
	if !strings.Contains(log[after:], "is healthy at") {
		t.Errorf("the log ends with %q", log[after:])
	}
}

// 100 MB of output make a log that is bounded, says what it left out, and keeps the end, which the failure shows.
func TestFloodOfOutput(t *testing.T) {
	s := lab(t)
	box := s.newSandbox(t, "")
	d := s.failsWith(t, box.Name, "chatty@feature/flood", fault{
		step: "image", code: "image-build-failed", detail: "returned a non-zero code: 3", remedy: "the output of the failed step",
		output: "the last words",
	})
	log := s.ok(t, "logs", d.ID)
	const limit = 33 << 20
	if len(log) > limit || len(log) < 16<<20 {
		t.Errorf("the log has %d bytes, want up to %d", len(log), limit)
	}
	const first, last = "000000000\n", "0999999\nthe last words\n"
	if !strings.Contains(log, first) || !strings.Contains(log, last) {
		t.Errorf("the log lacks the first or the last lines; it ends with %q", log[max(0, len(log)-2000):])
	}
	if !strings.Contains(log, "bytes left out here") {
		t.Errorf("the log does not say that something is left out")
	}
	if d.State != sdp.DeployFailed || len(d.Failure.Output) > 8<<10 {
		t.Errorf("the failure carries %d bytes of output", len(d.Failure.Output))
	}
}
