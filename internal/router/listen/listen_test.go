package listen

import (
	"net/netip"
	"testing"
)

func TestProcAddresses(t *testing.T) {
	for in, want := range map[string]string{"0100007F:1F90": "127.0.0.1:8080", "00000000:0050": "0.0.0.0:80",
		"00000000000000000000000001000000:0016": "[::1]:22"} {
		if got, ok := parseProcAddr(in); !ok || got != netip.MustParseAddrPort(want) {
			t.Errorf("parseProcAddr(%q) = %v, %v", in, got, ok)
		}
	}
	for _, in := range []string{"", "x:y", "01:50", "ZZZZZZZZ:50"} {
		if got, ok := parseProcAddr(in); ok {
			t.Errorf("parseProcAddr(%q) = %v", in, got)
		}
	}
}
