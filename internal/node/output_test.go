package node

import (
	"testing"
	"time"
)

func TestLastTimestamp(t *testing.T) {
	for tail, want := range map[string]string{
		"":                                       "0001-01-01T00:00:00Z",
		"2026-01-02T03:04:05.123456789Z hello\n": "2026-01-02T03:04:05.123456789Z",
		"2026-01-02T03:04:05Z a\n2026-01-02T03:04:06Z b\n":                               "2026-01-02T03:04:06Z",
		"2026-01-02T03:04:05Z a\n[12345 bytes are left out]\n":                           "2026-01-02T03:04:05Z",
		"2026-01-02T03:04:05Z a\n2026-01-02T03:04:06Z cut off by a ki":                   "2026-01-02T03:04:05Z",
		"cut in the middle 2026-01-02T03:04:05Z\n":                                       "0001-01-01T00:00:00Z",
		"2026-01-02T03:04:05Z \n2026-01-02T03:04:06Z\n\n":                                "2026-01-02T03:04:06Z",
		"2026-01-02T03:04:05Z 2026-12-31T00:00:00Z is what the service itself printed\n": "2026-01-02T03:04:05Z",
	} {
		if got := lastTimestamp(tail).Format(time.RFC3339Nano); got != want {
			t.Errorf("of %q it is %s, want %s", tail, got, want)
		}
	}
}
