package postgres

import (
	"encoding/json"
	"os"
	"reflect"
	"testing"

	"sdp/internal/sdp"
)

// The file is what was stored while documents had a type of their own, with durations in nanoseconds.
func TestChangesStoredBeforeAreRead(t *testing.T) {
	raw, err := os.ReadFile("testdata/change-nanoseconds.json")
	if err != nil {
		t.Fatal(err)
	}
	want := &sdp.Change{New: true, Atomic: true, From: "sandbox.yaml", Plan: "0123456789ab",
		Actions: []sdp.Action{{Service: "account", Kind: sdp.ActionDeploy, Deployment: "d-1"},
			{Service: "rates", Kind: sdp.ActionRoute, Source: sdp.SourceURL, URL: "http://rates.test/x"}},
		Spec: sdp.SandboxSpec{Name: "shop", Description: "for testers", Labels: map[string]string{"team": "pay"}, Environment: "dev",
			EnvironmentVersion: 3, Variables: map[string]string{"LOG_LEVEL": "debug"},
			Limits: sdp.SandboxLimits{Container: sdp.Limits{CPUs: 0.5, Memory: 512 << 20}, Total: sdp.Limits{PIDs: 400}},
			Expiry: sdp.Expiry{IdleAfter: "72h0m0s", DeleteAfter: "1h30m0s"},
			Gateway: &sdp.GatewaySpec{Repository: "gateway", Branch: "main", Commit: "0123456789abcdef0123456789abcdef01234567",
				Limits: sdp.Limits{CPUs: 1}},
			Services: map[string]sdp.ServiceSpec{
				"account": {Branch: "feature/login", Track: true, Variables: map[string]string{"A": ""}, Limits: sdp.Limits{PIDs: 64}},
				"payment": {UseOCP: true}, "rates": {URL: "http://rates.test/x"}}}}
	for what, stored := range map[string][]byte{"before": raw, "now": changeDocument(want)} {
		var d *changeDoc
		if err := json.Unmarshal(stored, &d); err != nil {
			t.Fatal(err)
		}
		if got := d.change(); !reflect.DeepEqual(got, want) {
			t.Errorf("stored %s it is read as\n%+v, want\n%+v", what, got, want)
		}
	}
}
