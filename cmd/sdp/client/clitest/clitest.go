// Package clitest has what tests of several verbs need: a screen behind a pipe, golden files, and a sandbox to show.
package clitest

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sdp/api/rest"
	"sdp/cmd/sdp/screen"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Now is when the tests are.
var Now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// Screen returns a Screen as it is behind a pipe; results and errors end up in one buffer.
func Screen() (*screen.Screen, *bytes.Buffer) {
	var out bytes.Buffer
	return &screen.Screen{Out: &out, Err: &out, Format: screen.Text, Now: func() time.Time { return Now },
		Width: func() int { return 100 }}, &out
}

// Golden compares what was shown with the golden file of the test.
func Golden(t *testing.T, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", t.Name()+".golden")
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s\n(`go test -update` accepts what it is now)", got, want)
	}
}

var (
	Running = rest.Deployment{ID: "d-aaaaaaaaaa", Sandbox: "demo", Service: "account", Branch: "feature/loyalty-points",
		SHA: Commit, State: "RUNNING", Settled: true, RequestedBy: "alice", Node: "micro-1",
		CreatedAt: Now.Add(-3 * time.Minute), StartedAt: Now.Add(-3 * time.Minute), FinishedAt: Now.Add(-3*time.Minute + 2340*time.Millisecond)}
	Failed = rest.Deployment{ID: "d-bbbbbbbbbb", Sandbox: "demo", Service: "payment", Branch: "feature/broken",
		SHA: Commit, State: "FAILED", Settled: true, RequestedBy: "bob", Node: "micro-1",
		CreatedAt: Now.Add(-2 * time.Hour), StartedAt: Now.Add(-2 * time.Hour), FinishedAt: Now.Add(-2*time.Hour + 12*time.Second),
		Failure: &rest.Failure{Step: "build", Kind: "failed", Code: "compile-error", Detail: "it does not compile",
			Remedy: "correct the lines above, push, and deploy again", Output: "./main.go:12:5: undefined: points\n./main.go:13:2: missing return\n"}}
	Queued = rest.Deployment{ID: "d-cccccccccc", Sandbox: "demo", Service: "user", Branch: "main", State: "QUEUED",
		WaitingFor: "the creation of demo", RequestedBy: "alice", CreatedAt: Now.Add(-time.Second)}
)

// Box is a sandbox with a service of each kind.
func Box() rest.Sandbox {
	return rest.Sandbox{Name: "demo", State: "ACTIVE", Owner: "alice", Description: "made by hand", Environment: "dev",
		Gateway: "gateway", GatewayNode: "gateway-1", Port: 8080, URL: "http://127.0.0.1:8080", CreatedAt: Now.Add(-26 * time.Hour),
		Services: []rest.Service{
			{Name: "account", Branch: "feature/loyalty-points", Source: "sandbox", Env: map[string]string{"LOG_LEVEL": "debug"},
				SecretKeys: []string{"TOKEN"}, Latest: &Running,
				Serving: &rest.Container{Deployment: Running.ID, Node: "micro-1", SHA: Commit, State: "SERVING"}},
			{Name: "payment", Branch: "feature/broken", Source: "sandbox", Latest: &Failed},
			{Name: "rates", Source: "url", URL: "http://10.0.0.1:9000"},
			{Name: "user", Source: "ocp"},
		}}
}

const Commit = "3f2a9c1d0b7e4f5a6b7c8d9e0f1a2b3c4d5e6f70"
