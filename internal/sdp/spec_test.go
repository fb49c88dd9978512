package sdp

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

// The text is the format of requests, templates and snapshots that exist: it may get members and lose none.
func TestSpecificationsKeepTheirFormat(t *testing.T) {
	const text = `{"name":"shop","description":"d","labels":{"a":"b"},"environment":"dev","environmentVersion":3,` +
		`"variables":{"A":"1"},"limits":{"container":{"cpus":0.5,"memory":536870912},"total":{"pids":400}},` +
		`"expiry":{"idleAfter":"72h0m0s","deleteAfter":"336h0m0s"},"gateway":{"repository":"gateway","branch":"main","commit":"c",` +
		`"track":true,"variables":{"B":"2"},"limits":{"cpus":1}},"services":{"account":{"branch":"x","commit":"c","track":true,` +
		`"variables":{"C":"3"},"limits":{"memory":1}},"rates":{"url":"http://r"},"user":{"useOCP":true}}}`
	want := SandboxSpec{Name: "shop", Description: "d", Labels: map[string]string{"a": "b"}, Environment: "dev", EnvironmentVersion: 3,
		Variables: map[string]string{"A": "1"}, Limits: SandboxLimits{Container: Limits{CPUs: 0.5, Memory: 512 << 20}, Total: Limits{PIDs: 400}},
		Expiry: Expiry{IdleAfter: "72h0m0s", DeleteAfter: "336h0m0s"},
		Gateway: &GatewaySpec{Repository: "gateway", Branch: "main", Commit: "c", Track: true, Variables: map[string]string{"B": "2"},
			Limits: Limits{CPUs: 1}},
		Services: map[string]ServiceSpec{"account": {Branch: "x", Commit: "c", Track: true, Variables: map[string]string{"C": "3"},
			Limits: Limits{Memory: 1}}, "rates": {URL: "http://r"}, "user": {UseOCP: true}}}
	var got SandboxSpec
	if err := json.Unmarshal([]byte(text), &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read as %+v, %v", got, err)
	}
	if raw, err := json.Marshal(want); err != nil || string(raw) != text {
		t.Errorf("written as %s, %v", raw, err)
	}
	if raw, err := json.Marshal(SandboxSpec{Name: "bare", Services: map[string]ServiceSpec{}}); err != nil || string(raw) != `{"name":"bare"}` {
		t.Errorf("without anything it is %s, %v", raw, err)
	}
}

func TestSpans(t *testing.T) {
	for text, want := range map[string]Span{"72h": "72h0m0s", "90m": "1h30m0s", "": "", "0s": "", "${idle}": "${idle}", "soon": "soon"} {
		var got Span
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q is read as %q, %v", text, got, err)
		}
	}
	if d := Span("72h").Duration(); d != 72*time.Hour {
		t.Errorf("72h is %s", d)
	}
	if d := Span("${idle}").Duration(); d != 0 {
		t.Errorf("what is not a duration is %s", d)
	}
}
