// Package apitest starts an api.Server for tests: on a real PostgreSQL, with real keys, nodes that register over HTTP
// with their tokens, and an Engine in place of Temporal.
package apitest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"sdp/api"
	"sdp/internal/control"
	"sdp/internal/logs"
	"sdp/internal/postgres"
	"sdp/internal/postgres/postgrestest"
	"sdp/internal/sdp"
	"sdp/internal/secret"
	"sdp/internal/wire"
)

// User and Password sign in.
const (
	User     = "dana"
	Password = "pa55-Marker/word"
)

// Bed is a server under test and all it depends on.
type Bed struct {
	URL    string
	Server *api.Server
	DB     *postgres.DB
	Hub    *postgres.Hub
	Keys   *secret.Keyring
	Engine *Engine
	Log    *logs.Buffer
	Config api.Config
	// Tokens says when nodes were given the tokens they have; zero is one that does not say.
	Tokens map[string]time.Time
	// Control is what Start makes the use cases with; a change counts from the next Start on.
	Control control.Config

	t     testing.TB
	url   string // of the database
	http  *httptest.Server
	clock *clock
}

// New starts a server with the nodes micro-1 (repositories account, payment, user) and gateway-1 (gateway), both alive.
func New(t testing.TB, change ...func(*api.Config)) *Bed {
	t.Helper()
	keys, err := secret.LoadKeyring(filepath.Join(t.TempDir(), "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	url := postgrestest.URL(t)
	db := postgrestest.Open(t, url)
	hub, err := db.Listen(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); <-hub.Done() })
	b := &Bed{t: t, url: url, DB: db, Hub: hub, Keys: keys, Log: &logs.Buffer{}, clock: &clock{}, Engine: &Engine{
		Users: map[string]string{User: Password, "erin": "other"}, nodeKeys: map[string]*secret.NodeKeys{},
		Progresses: map[string]wire.Progress{},
	}}
	b.Control = control.Config{
		LoginRepository: "account", DB: db, Keys: keys, Engine: b.Engine, LivenessGrace: time.Nanosecond, Now: b.clock.now,
		Log:            slog.New(slog.NewTextHandler(b.Log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		SharedServices: map[string]postgres.SharedService{"notification": {URL: "http://ocp.test/notification", Port: 8080}},
	}
	b.Config = api.Config{Version: "test", PublicURL: "http://sdp.test", DB: db, Hub: hub, Keys: keys, Log: b.Control.Log,
		Now: b.clock.now}
	dev := postgres.EnvironmentChange{Name: "dev", User: User,
		Change: func(postgres.StoredEnvironment) (*postgres.EnvironmentContent, error) {
			return &postgres.EnvironmentContent{Variables: map[string]string{"LOG_LEVEL": "debug"}}, nil
		}}
	if _, err := db.CreateEnvironment(ctx, dev); err != nil {
		t.Fatal(err)
	}
	if err := db.SetSharedServices(ctx, b.Control.SharedServices); err != nil {
		t.Fatal(err)
	}
	for _, c := range change {
		c(&b.Config)
	}
	b.Start()
	b.Register("micro-1", sdp.Micro, "account", "payment", "user")
	b.Register("gateway-1", sdp.Gateway, "gateway")
	return b
}

// Start starts the server; after Stop it starts another at the same address.
func (b *Bed) Start() {
	b.t.Helper()
	b.Config.Control = control.New(b.Control)
	server, err := api.New(b.Config)
	if err != nil {
		b.t.Fatal(err)
	}
	ts := httptest.NewUnstartedServer(server)
	if b.http != nil {
		ts.Listener.Close()
		if ts.Listener, err = listen(b.http.Listener.Addr().String()); err != nil {
			b.t.Fatal(err)
		}
	}
	ts.Config.ErrorLog = slog.NewLogLogger(b.Config.Log.Handler(), slog.LevelWarn)
	ts.Start()
	b.Server, b.http, b.URL = server, ts, ts.URL
	b.t.Cleanup(func() { stop(server, ts) })
}

// Restart starts the server again with what was changed in Control.
func (b *Bed) Restart() {
	b.t.Helper()
	b.Stop()
	b.Start()
}

// Stop stops the server as a restart would.
func (b *Bed) Stop() { stop(b.Server, b.http) }

func stop(server *api.Server, ts *httptest.Server) {
	server.Close()
	ts.CloseClientConnections()
	ts.Close()
}

// Advance lets time pass: for the server's clock, and for nodes, which are dead then unless they beat again.
func (b *Bed) Advance(d time.Duration) {
	b.t.Helper()
	b.clock.advance(d)
	postgrestest.Silence(b.t, b.url, d)
}

// Register registers a node with repositories of its own, as its worker does.
func (b *Bed) Register(name string, kind sdp.NodeType, repositories ...string) {
	b.t.Helper()
	keys, err := secret.OpenNodeKeys(b.t.TempDir())
	if err != nil {
		b.t.Fatal(err)
	}
	b.Engine.nodeKeys[name] = keys
	r := sdp.NodeRegistration{Node: sdp.Node{Name: name, Type: kind, Address: "127.0.0.1", MeshPort: 7711, Builds: 2}}
	r.Node.KeyID, r.Node.PublicKey = keys.Public()
	if kind == sdp.Gateway {
		r.Node.PortFirst, r.Node.PortLast = 8080, 8119
	}
	for _, repository := range repositories {
		r.Repositories = append(r.Repositories, sdp.Repository{
			Name: repository, Node: name, NodeType: kind, Kind: sdp.GoRepository, Port: 8080, HealthPath: "/healthz",
			RemoteURL: "http://git.test/" + repository + ".git", OCP: ocp(repository),
		})
	}
	if status, answer := b.Node(name, "POST", "register", r); status != http.StatusOK {
		b.t.Fatalf("register %s: %d %s", name, status, answer)
	}
}

// ocp leaves one service out of the shared environment.
func ocp(repository string) string {
	if repository == "payment" {
		return ""
	}
	return "http://ocp.test/" + repository
}

// Node sends a request as a node and returns status and body.
func (b *Bed) Node(name, method, path string, body any) (int, []byte) {
	b.t.Helper()
	raw, ok := body.([]byte)
	if !ok {
		var err error
		if raw, err = json.Marshal(asWorker(body)); err != nil {
			b.t.Fatal(err)
		}
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.URL+"/node/v1/"+name+"/"+path, bytes.NewReader(raw))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+b.Keys.NodeToken(name, b.Tokens[name]))
	response, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return response.StatusCode, answer
}

// asWorker is what a worker of this version sends to say something.
func asWorker(body any) any {
	switch v := body.(type) {
	case sdp.NodeRegistration:
		return wire.Registration{Speaks: wire.Spoken(), NodeRegistration: v}
	case sdp.Heartbeat:
		return wire.Heartbeat{Speaks: wire.Spoken(), Heartbeat: v}
	case sdp.NodeHealth:
		return wire.Heartbeat{Speaks: wire.Spoken(), Heartbeat: sdp.Heartbeat{NodeHealth: v}}
	}
	return body
}

// Token signs User in and returns the session's token.
func (b *Bed) Token() string { return b.TokenOf(User, Password) }

// TokenOf is Token for anybody.
func (b *Bed) TokenOf(user, password string) string {
	b.t.Helper()
	token, _, err := b.Keys.IssueSession(user, secret.New(password), time.Hour)
	if err != nil {
		b.t.Fatal(err)
	}
	return token
}

// clock is the real one, moved on by what a test wants.
type clock struct {
	mu    sync.Mutex
	moved time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.moved)
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.moved += d
}

// listen takes a port that a server has just given up, which the kernel may need a moment for.
func listen(addr string) (net.Listener, error) {
	for attempt := 0; ; attempt++ {
		l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", addr)
		if err == nil || attempt == 50 {
			return l, err
		}
		runtime.Gosched()
	}
}
