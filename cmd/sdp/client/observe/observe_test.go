package observe

import (
	"bytes"
	"testing"
	"time"

	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/client/clitest"
)

func TestHistory(t *testing.T) {
	a, out := testVerbs()
	a.showHistory([]rest.Deployment{clitest.Queued, clitest.Running, clitest.Failed})
	clitest.Golden(t, out.Bytes())
}

func TestRoutes(t *testing.T) {
	a, out := testVerbs()
	a.showRoutes(rest.Routes{Sandbox: "demo", Version: 7, URL: "http://127.0.0.1:8080", Gateway: "gateway", Routes: []rest.ServiceRoute{
		{Service: "account", Port: 8080, Source: "sandbox", Node: "micro-1", Address: "10.213.0.2:8080", SHA: clitest.Commit},
		{Service: "payment", Port: 8080, Source: "sandbox", Reason: "payment is stopped"},
		{Service: "user", Port: 8080, Source: "ocp", URL: "http://127.0.0.1:7793"},
	}})
	clitest.Golden(t, out.Bytes())
}

func TestTraffic(t *testing.T) {
	a, out := testVerbs()
	count := rest.TrafficCount{Requests: 1200, PerSecond: 7.48, Errors: 2, P50Millis: 3.836, P95Millis: 19.21}
	a.showTraffic(rest.Traffic{Sandbox: "demo", Since: clitest.Now.Add(-2 * time.Hour), LastActivity: clitest.Now.Add(-3 * time.Second), Gateway: count, Services: []rest.ServiceTraffic{
		{Service: "account", Source: "sandbox", Target: "micro-1/10.213.0.2:8080", Health: "healthy", TrafficCount: count},
		{Service: "payment", Source: "sandbox", Health: "stopped", Reason: "payment is stopped"},
		{Service: "user", Source: "ocp", Target: "http://127.0.0.1:7793", Health: "down", Reason: "the shared environment's user does not answer: dial: connection refused"},
	}})
	a.showTraffic(rest.Traffic{Sandbox: "fresh"})
	clitest.Golden(t, out.Bytes())
}

func TestTrace(t *testing.T) {
	a, out := testVerbs()
	a.showTrace("GET", rest.Trace{ID: "t-1", Path: "/account/summary", Status: 200, Body: "{\"service\": \"account\"}\n", Missing: []string{"micro-2"},
		Hops: []rest.Hop{
			{Node: "gateway-1", From: "client", Service: "gateway", Source: "sandbox", Target: "10.213.8.2:8080", SHA: clitest.Commit, Status: 200, Millis: 21.4},
			{Node: "micro-1", From: "gateway", Service: "account", Source: "sandbox", Target: "10.213.0.2:8080", SHA: clitest.Commit, Status: 200, Millis: 12},
			{Node: "micro-1", From: "account", Service: "payment", Source: "ocp", Target: "http://127.0.0.1:7792", Status: 200, Millis: 3.25, Inferred: true},
			{Node: "micro-1", From: "account", Service: "user", Source: "ocp", Target: "http://127.0.0.1:7793", Status: 503, Millis: 2},
		}})
	clitest.Golden(t, out.Bytes())
}

func TestAuditTable(t *testing.T) {
	t.Setenv("TZ", "UTC")
	time.Local = time.UTC
	a, out := testVerbs()
	a.showAudit([]rest.AuditEvent{
		{At: clitest.Now, User: "alice", Action: "deployment.create", Sandbox: "demo", Service: "account", Branch: "main", SHA: clitest.Commit, Outcome: "succeeded"},
		{At: clitest.Now, User: "mallory", Action: "sandbox.create", Sandbox: "../x", Outcome: "refused", Detail: "sandbox name is not valid"},
	})
	clitest.Golden(t, out.Bytes())
}

func TestWhen(t *testing.T) {
	time.Local = time.UTC
	for text, want := range map[string]string{
		"2026-11-22": "2026-11-22T00:00:00Z", "2026-11-22 15:04": "2026-11-22T15:04:00Z", "2026-11-22T15:04:05+02:00": "2026-11-22T15:04:05+02:00",
	} {
		var w when
		if err := w.Set(text); err != nil || w.String() != want {
			t.Errorf("%s: %s, %v", text, w.String(), err)
		}
	}
	var w when
	if err := w.Set("24h"); err != nil || time.Since(w.Time).Round(time.Hour) != 24*time.Hour {
		t.Errorf("24h: %s, %v", w.String(), err)
	}
	for _, bad := range []string{"", "yesterday", "-1h", "22.11.2026"} {
		if err := w.Set(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

// testVerbs returns verbs as they are behind a pipe.
func testVerbs() (verbs, *bytes.Buffer) {
	s, out := clitest.Screen()
	return verbs{&cli.App{Screen: s}}, out
}

func TestEventsTable(t *testing.T) {
	t.Setenv("TZ", "UTC")
	time.Local = time.UTC
	a, out := testVerbs()
	events := []rest.LifecycleEvent{
		{Seq: 7, At: clitest.Now, Type: "CHECKOUT_COMPLETED", Sandbox: "demo", Service: "account", Deployment: "d-1", User: "alice", SHA: clitest.Commit, Cached: true},
		{Seq: 8, At: clitest.Now, Type: "DELETE_FAILED", Sandbox: "demo", Operation: "o-1", User: "bob", Code: "no-worker"},
		{Seq: 9, At: clitest.Now, Type: "TOUCH_COMPLETED", Sandbox: "demo", Operation: "o-2"},
	}
	a.showEvents(events)
	for _, e := range events {
		if err := a.showEvent(e); err != nil {
			t.Fatal(err)
		}
	}
	clitest.Golden(t, out.Bytes())
}
