package wire_test

import (
	"strings"
	"testing"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// Whichever side says no, it says which one is to be upgraded.
func TestVersionsInCommon(t *testing.T) {
	const newest = wire.Newest
	for name, c := range map[string]struct {
		peer    wire.Versions
		upgrade string // the side that is too old, "" = the two work together
	}{
		"the same":                {wire.Spoken(), ""},
		"newer, and this one too": {wire.Versions{Oldest: newest, Newest: newest + 3}, ""},
		"older, and this one too": {wire.Versions{Oldest: 1, Newest: wire.Oldest}, ""},
		"newer only":              {wire.Versions{Oldest: newest + 1, Newest: newest + 3}, "this"},
		"older only":              {wire.Versions{Oldest: 1, Newest: wire.Oldest - 1}, "peer"},
		"from before versions":    {wire.Versions{}, "peer"},
	} {
		for side, check := range map[string]struct {
			err        error
			peer, this string
		}{
			"the server": {wire.CheckNode("micro-1", c.peer), "node micro-1", "the server"},
			"the node":   {wire.CheckServer("micro-1", c.peer), "the server", "node micro-1"},
		} {
			older := map[string]string{"this": check.this, "peer": check.peer}[c.upgrade]
			if c.upgrade == "" {
				if check.err != nil {
					t.Errorf("%s: %s refuses: %v", name, side, check.err)
				}
				continue
			}
			e := sdp.AsError(check.err)
			if check.err == nil || e.Code != wire.VersionMismatch || !strings.Contains(e.Remedy, "upgrades "+older+" to") {
				t.Errorf("%s: %s says %+v, want that %s is to be upgraded", name, side, check.err, older)
			}
		}
	}
}
