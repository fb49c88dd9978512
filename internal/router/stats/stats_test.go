package stats

import (
	"testing"
	"time"
)

func TestPercentiles(t *testing.T) {
	c := &Counters{}
	for ms := 1; ms <= 1000; ms++ {
		c.Begin()
		c.End(time.Duration(ms)*time.Millisecond, false, false)
		if ms == 500 {
			c.Rotate()
		}
	}
	near := func(got, want time.Duration) bool { return got > want*85/100 && got < want*115/100 }
	if got := c.Traffic(); !near(got.P50, 500*time.Millisecond) || !near(got.P95, 950*time.Millisecond) {
		t.Errorf("p50 %v p95 %v", got.P50, got.P95)
	}
	c.Rotate()
	c.Rotate()
	if got := c.Traffic(); got.P50 != 0 || got.P95 != 0 || got.Requests != 1000 {
		t.Errorf("after two windows: %+v", got)
	}
	for _, d := range []time.Duration{-1, 0, time.Microsecond, time.Hour, 1 << 62} {
		bucket(d) // must be within bounds
	}
}
