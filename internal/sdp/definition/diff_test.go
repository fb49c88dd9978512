package definition

import (
	"reflect"
	"testing"

	"sdp/internal/sdp"
)

func TestDiff(t *testing.T) {
	before := sdp.SandboxSpec{Description: "a", Environment: "dev", EnvironmentVersion: 3, Labels: map[string]string{"x": ""},
		Variables: map[string]string{"A": "1", "B": "2"}, Limits: sdp.SandboxLimits{Total: sdp.Limits{Memory: 1 << 30}},
		Gateway: &sdp.GatewaySpec{Repository: "gateway", Branch: "main", Commit: shaA},
		Services: map[string]sdp.ServiceSpec{"account": {Branch: "x", Track: true, Variables: map[string]string{"C": "1"}},
			"user": {UseOCP: true}}}
	after := sdp.SandboxSpec{Description: "a", Environment: "dev", EnvironmentVersion: 4, Variables: map[string]string{"A": "2", "D": ""},
		Expiry: sdp.Expiry{IdleAfter: "1h0m0s"}, Gateway: &sdp.GatewaySpec{Repository: "gateway", Branch: "main", Commit: shaB},
		Services: map[string]sdp.ServiceSpec{"account": {Branch: "x", Limits: sdp.Limits{PIDs: 9}}, "rates": {URL: "http://x"}}}
	want := []sdp.Difference{
		difference("label", "x", sdp.RemovedEntry, "", ""),
		difference("environment", "", sdp.Changed, "dev@3", "dev@4"),
		difference("variable", "A", sdp.Changed, "1", "2"), difference("variable", "B", sdp.RemovedEntry, "2", ""), difference("variable", "D", sdp.Added, "", ""),
		difference("limit", "total.memory", sdp.RemovedEntry, "1G", ""),
		difference("expiry", "idleAfter", sdp.Added, "", "1h0m0s"),
		difference("track", "account", sdp.RemovedEntry, "tracked", ""), difference("variable", "account/C", sdp.RemovedEntry, "1", ""),
		difference("limit", "account/pids", sdp.Added, "", "9"),
		difference("commit", "gateway", sdp.Changed, "aaaaaaaaaaaa", "bbbbbbbbbbbb"),
		difference("route", "rates", sdp.Added, "", "http://x"), difference("route", "user", sdp.RemovedEntry, "ocp", ""),
	}
	if got := Diff(before, after); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if got := Diff(after, after); got != nil {
		t.Errorf("equal specifications: %v", got)
	}
}

func difference(what, key string, kind sdp.DifferenceKind, before, after string) sdp.Difference {
	return sdp.Difference{What: what, Key: key, Kind: kind, Before: before, After: after}
}
