package egress

import (
	"net/netip"
	"testing"
)

func TestControlPlaneByName(t *testing.T) {
	c := controlPlane{names: []string{"no-such-host.invalid", "localhost"}}
	if !c.contains(t.Context(), netip.MustParseAddr("127.0.0.1")) || c.contains(t.Context(), netip.MustParseAddr("192.0.2.1")) {
		t.Errorf("known are %v", c.known)
	}
}
