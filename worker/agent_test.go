package worker

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sdp/internal/containers"
	"sdp/internal/docker"
	"sdp/internal/logs"
	"sdp/internal/node"
	"sdp/internal/node/gobuild"
	"sdp/internal/router"
	"sdp/internal/router/socket"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

const (
	daemon = "unix:///var/run/docker.sock"
	commit = "abababababababababababababababababababab"
)

// machine is a node as its worker has it: a real Docker daemon, a real router, and a control plane that the test plays.
type machine struct {
	*agent
	t        *testing.T
	image    string
	sandbox  string
	instance string
	files    []containers.File // given to containers
	control  *controlPlane
}

// controlPlane answers what the node asks the server.
type controlPlane struct {
	mu       sync.Mutex
	down     bool
	removed  bool // the node was, and its token is from before
	want     desired
	sent     []string // sandboxes whose tables the node has asked for
	reported []sdp.Correction
	needed   sdp.NeededImages
	pruned   []sdp.WatermarkPrune
	beats    []sdp.Heartbeat
	speaks   wire.Versions // what it answers that it speaks; zero = as a server from before versions: nothing
}

func (c *controlPlane) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.down:
		w.WriteHeader(http.StatusServiceUnavailable)
	case r.Header.Get("Authorization") != "Bearer token":
		w.WriteHeader(http.StatusUnauthorized)
	case c.removed:
		w.WriteHeader(http.StatusForbidden)
		json.NewEncoder(w).Encode(map[string]string{"code": wire.NodeRemoved, "detail": "node micro-1 was removed", "remedy": "sdp node token micro-1"})
	case strings.HasSuffix(r.URL.Path, "/desired"):
		d := c.want.Desired
		if d.Same = r.URL.Query().Get("have") == d.Tables.Digest(); d.Same {
			d.Tables = nil
		}
		json.NewEncoder(w).Encode(d)
	case strings.HasSuffix(r.URL.Path, "/tables"):
		c.sendTable(w, r)
	case strings.HasSuffix(r.URL.Path, "/heartbeat"):
		var h wire.Heartbeat
		if err := json.NewDecoder(r.Body).Decode(&h); err != nil || h.Speaks != wire.Spoken() {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		c.beats = append(c.beats, h.Heartbeat)
		c.welcome(w)
	case strings.HasSuffix(r.URL.Path, "/register"):
		c.welcome(w)
	case strings.HasSuffix(r.URL.Path, "/images/needed"):
		json.NewEncoder(w).Encode(c.needed)
	case strings.HasSuffix(r.URL.Path, "/images/pruned"):
		var p sdp.WatermarkPrune
		if err := json.NewDecoder(r.Body).Decode(&p); err != nil {
			w.WriteHeader(http.StatusBadRequest)
		}
		c.pruned = append(c.pruned, p)
	default:
		var corrections []sdp.Correction
		if err := json.NewDecoder(r.Body).Decode(&corrections); err != nil {
			w.WriteHeader(http.StatusBadRequest)
		}
		c.reported = append(c.reported, corrections...)
	}
}

// sendTable answers with one table: there is never room for two.
func (c *controlPlane) sendTable(w http.ResponseWriter, r *http.Request) {
	var asked wire.TablesRequest
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || len(asked.Sandboxes) == 0 {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.sent = append(c.sent, asked.Sandboxes[0])
	answer := wire.TablesAnswer{Speaks: wire.Spoken(), Rest: asked.Sandboxes[1:]}
	for _, t := range c.want.tables {
		if t.Sandbox == asked.Sandboxes[0] {
			answer.Tables = append(answer.Tables, t)
		}
	}
	json.NewEncoder(w).Encode(answer)
}

func (c *controlPlane) welcome(w http.ResponseWriter) {
	if c.speaks != (wire.Versions{}) {
		json.NewEncoder(w).Encode(wire.Welcome{Speaks: c.speaks})
	}
}

// set changes the control plane.
func (c *controlPlane) set(change func(*controlPlane)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(c)
}

// wants sets what the node should run.
func (c *controlPlane) wants(d desired) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d.MeshToken, d.Speaks, d.Tables = "mesh", wire.Spoken(), nil
	for _, t := range d.tables {
		d.Tables = append(d.Tables, wire.TableVersion{Sandbox: t.Sandbox, Version: t.Version})
	}
	c.want = d
}

// corrections returns what was reported since it was last asked.
func (c *controlPlane) corrections() []sdp.Correction {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.reported
	c.reported = nil
	return out
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	t.Parallel() // they wait for Docker, each with an instance of its own
	m := &machine{t: t, sandbox: sdp.NewID("s"), control: &controlPlane{speaks: wire.Spoken()}}
	m.control.wants(desired{})
	api := httptest.NewServer(m.control)
	t.Cleanup(api.Close)
	data := shortDir(t)
	m.agent = &agent{config: NodeConfig{Node: "micro-1", Data: data, ProbeEvery: time.Second, ReconcileEvery: time.Hour,
		HealthTimeout: 20 * time.Second}, gate: newGate(), log: slog.New(slog.DiscardHandler),
		server: &server{url: api.URL, node: "micro-1", token: "token", http: api.Client()}}
	m.instance = sdp.NewID("t")
	m.runtime = dockerOf(t, m.instance)
	m.router = startRouter(t, data)
	m.openOutput()
	m.image = "sdp/worker-test:" + sdp.NewID("")
	m.assemble(m.image)
	t.Cleanup(func() { removeAll(t, m.runtime) })
	return m
}

// assemble makes an image that goes with the test.
func (m *machine) assemble(ref string) {
	m.t.Helper()
	labels := map[string]string{sdp.LabelSHA: commit, sdp.LabelRepository: "worker-test"}
	g := containers.GoImage{Ref: ref, Binary: program(m.t), Name: "service", Port: 8080, Labels: labels}
	if err := m.runtime.AssembleGoImage(m.t.Context(), g); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() {
		if err := m.runtime.RemoveImage(context.Background(), ref); err != nil {
			m.t.Error(err)
		}
	})
}

// openOutput opens the node's log spool, as a worker does when it starts.
func (m *machine) openOutput() {
	m.t.Helper()
	spool, err := logs.OpenSpool(filepath.Join(m.config.Data, "logs"))
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { spool.Close() })
	m.spool = spool
	m.equip(nil, gobuild.Toolchain{})
}

// dockerOf returns the client of an instance of its own. Its pool is one that the tests of other packages do not use.
func dockerOf(t *testing.T, instance string) *docker.Client {
	t.Helper()
	c, err := docker.New(daemon, instance, "micro-1", netip.MustParsePrefix("10.214.192.0/18"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := c.Ping(t.Context()); err != nil {
		t.Fatalf("this test needs a Docker daemon (deploy/setup.sh test): %v", err)
	}
	return c
}

// removeAll removes all containers and networks of a client's instance.
func removeAll(t *testing.T, c node.Runtime) {
	ctx := context.Background()
	containers, err := c.List(ctx)
	if err != nil {
		t.Error(err)
	}
	for _, ct := range containers {
		if err := c.Remove(ctx, ct.ID); err != nil {
			t.Error(err)
		}
	}
	networks, err := c.Networks(ctx)
	if err != nil {
		t.Error(err)
	}
	for _, n := range networks {
		if err := c.RemoveNetwork(ctx, n.Sandbox); err != nil {
			t.Error(err)
		}
	}
}

// shortDir is t.TempDir with a path that a socket's name fits into.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sdpw")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

var built struct {
	once sync.Once
	raw  []byte
	err  error
}

// program is the path of testdata/service, built for a container.
func program(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "service")
	built.once.Do(func() {
		build := exec.Command("go", "build", "-ldflags=-s -w", "-o", path, "./testdata/service")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		var out []byte
		if out, built.err = build.CombinedOutput(); built.err != nil {
			t.Log(string(out))
			return
		}
		built.raw, built.err = os.ReadFile(path)
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	if err := os.WriteFile(path, built.raw, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func startRouter(t *testing.T, data string) *socket.Client {
	t.Helper()
	r, err := router.New(router.Config{Node: "micro-1", Instance: "test", DataDir: data, PublicAddr: "127.0.0.1",
		Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	c := socket.NewClient(filepath.Join(data, socket.Name))
	t.Cleanup(func() {
		stop()
		c.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-r.Ready():
	case err := <-ended:
		ended <- nil
		t.Fatal(err)
	}
	return c
}

// start starts a container of service account, as a deployment does.
func (m *machine) start(deployment string, env ...string) containers.Container {
	m.t.Helper()
	n, err := m.runtime.EnsureNetwork(m.t.Context(), m.sandbox)
	if err != nil {
		m.t.Fatal(err)
	}
	c, err := m.runtime.Start(m.t.Context(), containers.Spec{
		Name: sdp.ContainerName(m.sandbox, "account"), Sandbox: m.sandbox, Service: "account", Deployment: deployment,
		SHA: commit, Image: m.image, Repository: "account", Env: env, SecretKeys: []string{"SECRET"}, Network: n.Name, Port: 8080,
		Memory: 64 << 20, CPUs: 1, PIDs: 64, Files: m.files})
	if err != nil {
		m.t.Fatal(err)
	}
	return c
}

// desired is what the control plane wants, with the tables.
type desired struct {
	wire.Desired
	tables []wire.RoutingTable
}

// desired is what the control plane wants where one container serves account.
func (m *machine) desired(c containers.Container) desired {
	return desired{
		Desired: wire.Desired{Containers: []sdp.Container{{Deployment: c.Deployment, Sandbox: m.sandbox, Service: "account", Node: "micro-1",
			DockerID: c.ID, Address: c.Address, SHA: commit, State: sdp.Serving}}},
		tables: []wire.RoutingTable{{Sandbox: m.sandbox, Version: 1, State: sdp.Active, GatewayNode: "micro-1", Services: []wire.ServiceRoute{
			{Service: "account", Port: 8080, Source: sdp.SourceSandbox, Target: &wire.Target{Node: "micro-1", Address: c.Address, SHA: commit, Deployment: c.Deployment}}}}},
	}
}

func (m *machine) containers() []string {
	m.t.Helper()
	list, err := m.runtime.List(m.t.Context())
	if err != nil {
		m.t.Fatal(err)
	}
	var out []string
	for _, c := range list {
		out = append(out, c.Deployment)
	}
	slices.Sort(out)
	return out
}

// eventually polls, because what it waits for is another process.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited 30 s for %s", what)
		}
	}
}
