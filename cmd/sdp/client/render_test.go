package client

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sdp/api"
	"sdp/cmd/sdp/screen"
)

var update = flag.Bool("update", false, "write the golden files anew")

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// testApp returns an App as it is behind a pipe; both buffers end up in one golden file.
func testApp() (*App, *bytes.Buffer) {
	var out bytes.Buffer
	return &App{Screen: &screen.Screen{Out: &out, Err: &out, Format: screen.Text, Now: func() time.Time { return now },
		Width: func() int { return 100 }}}, &out
}

func golden(t *testing.T, got []byte) {
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
		t.Errorf("got\n%s\nwant\n%s\n(`go test ./cmd/sdp/client -update` accepts what it is now)", got, want)
	}
}

var (
	running = api.Deployment{ID: "d-aaaaaaaaaa", Sandbox: "demo", Service: "account", Branch: "feature/loyalty-points",
		SHA: commit, State: "RUNNING", Settled: true, RequestedBy: "alice", Node: "micro-1",
		CreatedAt: now.Add(-3 * time.Minute), StartedAt: now.Add(-3 * time.Minute), FinishedAt: now.Add(-3*time.Minute + 2340*time.Millisecond)}
	failed = api.Deployment{ID: "d-bbbbbbbbbb", Sandbox: "demo", Service: "payment", Branch: "feature/broken",
		SHA: commit, State: "FAILED", Settled: true, RequestedBy: "bob", Node: "micro-1",
		CreatedAt: now.Add(-2 * time.Hour), StartedAt: now.Add(-2 * time.Hour), FinishedAt: now.Add(-2*time.Hour + 12*time.Second),
		Failure: &api.Failure{Step: "build", Kind: "failed", Code: "compile-error", Detail: "it does not compile",
			Remedy: "correct the lines above, push, and deploy again", Output: "./main.go:12:5: undefined: points\n./main.go:13:2: missing return\n"}}
	queued = api.Deployment{ID: "d-cccccccccc", Sandbox: "demo", Service: "user", Branch: "main", State: "QUEUED",
		WaitingFor: "the creation of demo", RequestedBy: "alice", CreatedAt: now.Add(-time.Second)}
)

func demoBox() api.Sandbox {
	return api.Sandbox{Name: "demo", State: "ACTIVE", Owner: "alice", Description: "made by hand", Environment: "dev",
		Gateway: "gateway", GatewayNode: "gateway-1", Port: 8080, URL: "http://127.0.0.1:8080", CreatedAt: now.Add(-26 * time.Hour),
		Services: []api.Service{
			{Name: "account", Branch: "feature/loyalty-points", Source: "sandbox", Env: map[string]string{"LOG_LEVEL": "debug"},
				SecretKeys: []string{"TOKEN"}, Latest: &running,
				Serving: &api.Container{Deployment: running.ID, Node: "micro-1", SHA: commit, State: "SERVING"}},
			{Name: "payment", Branch: "feature/broken", Source: "sandbox", Latest: &failed},
			{Name: "rates", Source: "url", URL: "http://10.0.0.1:9000"},
			{Name: "user", Source: "ocp"},
		}}
}

func TestNodes(t *testing.T) {
	a, out := testApp()
	a.showNodes([]api.Node{
		{Name: "gateway-1", Type: "GATEWAY", Alive: true, PortFirst: 8080, PortLast: 8119, Builds: 2, DiskFree: 12e9, MemoryFree: 3e9, Load1: 0.5, LastSeen: now.Add(-time.Second)},
		{Name: "micro-1", Type: "MICRO", Alive: true, Problems: []string{"the Docker daemon does not answer"}, Builds: 2, RunningBuilds: 1, LastSeen: now.Add(-2 * time.Second)},
		{Name: "micro-2", Type: "MICRO", LastSeen: now.Add(-time.Hour)},
	})
	golden(t, out.Bytes())
}

func TestRepositories(t *testing.T) {
	a, out := testApp()
	a.showRepos([]api.Repository{{Name: "account", Node: "micro-1", Kind: "go", Port: 8080, Health: "/healthz", OCP: "http://127.0.0.1:7791", RemoteURL: "http://git/account.git"}})
	a.showRepos(nil)
	a.showBranches([]api.Branch{{Name: "feature/loyalty-points", SHA: commit, Subject: "Show points", Author: "Ada", CommittedAt: now.Add(-time.Hour)}, {Name: "main", SHA: commit}})
	golden(t, out.Bytes())
}

func TestSandbox(t *testing.T) {
	a, out := testApp()
	a.showSandboxes([]api.Sandbox{demoBox(), {Name: "old", State: "ACTIVE", Deleting: true, Owner: "bob", URL: "http://127.0.0.1:8081"}})
	a.Screen.Printf("")
	a.showSandbox(demoBox())
	a.Screen.Printf("")
	a.showSandbox(api.Sandbox{Name: "empty", State: "ACTIVE", Owner: "bob", GatewayNode: "gateway-1", URL: "http://127.0.0.1:8081", CreatedAt: now})
	golden(t, out.Bytes())
}

func TestImagesAndPorts(t *testing.T) {
	a, out := testApp()
	old := api.Image{Node: "micro-1", ID: "sha256:0123456789abcdef", Kind: "leftover", Size: 5 << 20, CreatedAt: now.Add(-48 * time.Hour)}
	used := api.Image{Node: "micro-1", ID: "sha256:1", Name: "sdp/account:3f2a9c1d0b7e-0a1b2c3d", Kind: "service", Size: 9 << 20,
		CreatedAt: now.Add(-time.Hour), NeededBy: []string{"container account of sandbox demo", "snapshot release of sandbox demo"}}
	a.showImages(api.Images{Items: []api.Image{used, old}, Missing: []api.MissingNode{{Node: "micro-2", Reason: "no worker since 11:02"}}})
	a.showImages(api.Images{})
	a.showPruned([]api.PruneReport{{Node: "micro-1", DryRun: true, Removed: []api.Image{old}, Kept: []api.Image{used}, Freed: 5 << 20, DiskFree: 7 << 30},
		{Node: "micro-1", Removed: []api.Image{old}, Kept: []api.Image{used}, Freed: 5 << 20, DiskFree: 7 << 30}, {Node: "gateway-1", DiskFree: 7 << 30}})
	a.showPorts([]api.NodePorts{{Node: "gateway-1", First: 8080, Last: 8119, Free: 38,
		Taken:   []api.TakenPort{{Port: 8081, Sandbox: "demo", Owner: "alice", State: "ACTIVE", URL: "http://127.0.0.1:8081"}},
		Foreign: []api.ForeignPort{{Port: 8080, Reason: "something that is not SDP's holds port 8080 on gateway-1", Until: now}}}})
	a.showPorts(nil)
	a.showNodes([]api.Node{{Name: "micro-1", Alive: true, ImagesUsed: 91, Watermark: 85}, {Name: "micro-2", Alive: true, ImagesUsed: 40, Watermark: 85}})
	golden(t, out.Bytes())
}

func TestHistory(t *testing.T) {
	a, out := testApp()
	a.showHistory([]api.Deployment{queued, running, failed})
	golden(t, out.Bytes())
}

func TestAccepted(t *testing.T) {
	a, out := testApp()
	a.showAccepted([]api.Deployment{queued, {ID: "d-dddddddddd", Service: "account", SHA: commit, State: "QUEUED"}})
	golden(t, out.Bytes())
}

func TestRoutes(t *testing.T) {
	a, out := testApp()
	a.showRoutes(api.Routes{Sandbox: "demo", Version: 7, URL: "http://127.0.0.1:8080", Gateway: "gateway", Routes: []api.ServiceRoute{
		{Service: "account", Port: 8080, Source: "sandbox", Node: "micro-1", Address: "10.213.0.2:8080", SHA: commit},
		{Service: "payment", Port: 8080, Source: "sandbox", Reason: "payment is stopped"},
		{Service: "user", Port: 8080, Source: "ocp", URL: "http://127.0.0.1:7793"},
	}})
	golden(t, out.Bytes())
}

func TestTraffic(t *testing.T) {
	a, out := testApp()
	count := api.TrafficCount{Requests: 1200, PerSecond: 7.48, Errors: 2, P50Millis: 3.836, P95Millis: 19.21}
	a.showTraffic(api.Traffic{Sandbox: "demo", Since: now.Add(-2 * time.Hour), LastActivity: now.Add(-3 * time.Second), Gateway: count, Services: []api.ServiceTraffic{
		{Service: "account", Source: "sandbox", Target: "micro-1/10.213.0.2:8080", Health: "healthy", TrafficCount: count},
		{Service: "payment", Source: "sandbox", Health: "stopped", Reason: "payment is stopped"},
		{Service: "user", Source: "ocp", Target: "http://127.0.0.1:7793", Health: "down", Reason: "the shared environment's user does not answer: dial: connection refused"},
	}})
	a.showTraffic(api.Traffic{Sandbox: "fresh"})
	golden(t, out.Bytes())
}

func TestTrace(t *testing.T) {
	a, out := testApp()
	a.showTrace("GET", api.Trace{ID: "t-1", Path: "/account/summary", Status: 200, Body: "{\"service\": \"account\"}\n", Missing: []string{"micro-2"},
		Hops: []api.Hop{
			{Node: "gateway-1", From: "client", Service: "gateway", Source: "sandbox", Target: "10.213.8.2:8080", SHA: commit, Status: 200, Millis: 21.4},
			{Node: "micro-1", From: "gateway", Service: "account", Source: "sandbox", Target: "10.213.0.2:8080", SHA: commit, Status: 200, Millis: 12},
			{Node: "micro-1", From: "account", Service: "payment", Source: "ocp", Target: "http://127.0.0.1:7792", Status: 200, Millis: 3.25, Inferred: true},
			{Node: "micro-1", From: "account", Service: "user", Source: "ocp", Target: "http://127.0.0.1:7793", Status: 503, Millis: 2},
		}})
	golden(t, out.Bytes())
}

func TestAuditTable(t *testing.T) {
	t.Setenv("TZ", "UTC")
	time.Local = time.UTC
	a, out := testApp()
	a.showAudit([]api.AuditEvent{
		{At: now, User: "alice", Action: "deployment.create", Sandbox: "demo", Service: "account", Branch: "main", SHA: commit, Outcome: "succeeded"},
		{At: now, User: "mallory", Action: "sandbox.create", Sandbox: "../x", Outcome: "refused", Detail: "sandbox name is not valid"},
	})
	golden(t, out.Bytes())
}

func TestStepsOfADeployment(t *testing.T) {
	a, out := testApp()
	w := &watcher{screen: a.Screen, progress: a.Screen.Progress(), width: len("account"), seen: map[string]api.Deployment{}, since: map[string]time.Time{}}
	step := func(name, state, detail string) api.Step {
		return api.Step{Name: name, State: state, Detail: detail, StartedAt: now, FinishedAt: now.Add(140 * time.Millisecond)}
	}
	d := running
	d.Settled, d.State = false, "BUILDING"
	d.Steps = []api.Step{step("resolve", "done", "feature/loyalty-points -> 3f2a9c1d0b7e"), step("fetch", "done", ""), {Name: "build", State: "running"}}
	w.update(queued)
	w.update(d)
	w.update(d) // says nothing new
	d = running
	d.Steps = []api.Step{step("resolve", "done", ""), step("fetch", "done", ""), step("build", "cached", "image exists"), step("route", "done", "")}
	w.update(d)
	w.update(d)
	bad := failed
	bad.Steps = []api.Step{step("build", "failed", "it does not compile")}
	w.update(bad)
	w.progress.Close()
	if err := a.outcome([]api.Deployment{d, bad}); !errors.Is(err, ErrShown) {
		t.Errorf("got %v", err)
	}
	golden(t, out.Bytes())
}

func TestOutputOfAFailureIsBounded(t *testing.T) {
	a, out := testApp()
	long := failed
	long.Failure = &api.Failure{Detail: "x", Output: string(bytes.Repeat([]byte("line\n"), 1000))}
	explain(a.Screen, long)
	if n := bytes.Count(out.Bytes(), []byte("| line\n")); n != maxOutput {
		t.Errorf("%d lines", n)
	}
}
