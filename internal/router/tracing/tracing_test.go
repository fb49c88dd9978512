package tracing

import (
	"strconv"
	"strings"
	"testing"

	"sdp/internal/wire"
)

func TestTracesAreBounded(t *testing.T) {
	traces := New()
	for i := range 3 * maxTraces {
		for range maxTraceHops + 1 {
			traces.Record(strconv.Itoa(i), wire.Hop{})()
		}
	}
	if len(traces.byID) != maxTraces || len(traces.order) != maxTraces || len(traces.Hops("0")) != 0 {
		t.Errorf("%d traces kept", len(traces.byID))
	}
	if got := len(traces.Hops(strconv.Itoa(3*maxTraces - 1))); got != maxTraceHops {
		t.Errorf("%d hops kept", got)
	}
}

func TestTraceID(t *testing.T) {
	for header, want := range map[string]string{"": "", "abc-1_.Z": "abc-1_.Z", "a b": "", "<x>": "", strings.Repeat("a", 65): ""} {
		if got := ID(header); got != want {
			t.Errorf("ID(%q) = %q, want %q", header, got, want)
		}
	}
}
