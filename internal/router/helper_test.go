package router

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sdp/internal/router/socket"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

const (
	sha1 = "1111111111111111111111111111111111111111"
	sha2 = "2222222222222222222222222222222222222222"
)

// node is a running router and its client.
type node struct {
	*socket.Client
	router *Router
	t      testing.TB
	cfg    Config
	stop   func()
}

// startNode runs a router until the test ends. An empty data directory is made.
func startNode(t testing.TB, cfg Config) *node {
	t.Helper()
	if cfg.DataDir == "" {
		cfg.DataDir = shortTempDir(t)
	}
	if cfg.Node == "" {
		cfg.Node = "n1"
	}
	if cfg.PublicAddr == "" {
		cfg.PublicAddr = "127.0.0.1"
	}
	if cfg.Routes.Allow == nil {
		cfg.Routes.Allow = []string{"127.0.0.0/8"} // where the targets of tests are
	}
	cfg.Instance = "test"
	cfg.Log = slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	n := &node{Client: socket.NewClient(cfg.DataDir + "/" + socket.Name), router: r, t: t, cfg: cfg}
	var stopped atomic.Bool
	n.stop = func() {
		if !stopped.Swap(true) {
			cancel()
			n.Close()
			if err := <-done; err != nil {
				t.Errorf("Run: %v", err)
			}
		}
	}
	t.Cleanup(n.stop)
	select {
	case <-r.Ready():
	case err := <-done:
		done <- nil
		t.Fatalf("Run: %v", err)
	}
	return n
}

func (n *node) apply(table wire.RoutingTable) {
	n.t.Helper()
	if err := n.Apply(n.t.Context(), table); err != nil {
		n.t.Fatalf("Apply: %v", err)
	}
}

// front is another public port of sandbox "x", which says what happens to requests.
type front struct {
	url  string
	dial chan struct{} // a connection to a target is being opened
	over chan struct{} // a request is over, and counted
}

func (n *node) front() front {
	f := front{dial: make(chan struct{}, 100), over: make(chan struct{}, 100)}
	watch := &httptrace.ClientTrace{ConnectStart: func(string, string) { f.dial <- struct{}{} }}
	handler := n.router.handler(public, n.router.sandboxes.get("x"))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() { f.over <- struct{}{} }()
		handler.ServeHTTP(w, r.WithContext(httptrace.WithClientTrace(r.Context(), watch)))
	}))
	n.t.Cleanup(s.Close)
	f.url = s.URL
	return f
}

func (n *node) meshAddr() string {
	n.t.Helper()
	h, err := n.Health(n.t.Context())
	if err != nil || h.MeshAddr == "" {
		n.t.Fatalf("Health = %+v, %v", h, err)
	}
	return h.MeshAddr
}

// shortTempDir is t.TempDir with a path a socket's name fits into.
func shortTempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "rt")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	if w.t.Context().Err() == nil {
		w.t.Log(strings.TrimSpace(string(p)))
	}
	return len(p), nil
}

// tableOf returns a table of sandbox "x" on node n1 whose gateway is the first service.
func tableOf(version int64, port int, services ...wire.ServiceRoute) wire.RoutingTable {
	return wire.RoutingTable{Sandbox: "x", Version: version, State: sdp.Active, GatewayNode: "n1", PublicPort: port,
		Gateway: services[0].Service, Services: services}
}

// container returns the route of a service to a container on node n1.
func container(service, address, sha string) wire.ServiceRoute {
	return wire.ServiceRoute{Service: service, Port: 8080, Source: sdp.SourceSandbox,
		Target: &wire.Target{Node: "n1", Address: address, SHA: sha, Deployment: "d-" + sha[:4]}}
}

// backend starts a server like the one in a container and returns its address.
func backend(t *testing.T, h http.Handler) string {
	t.Helper()
	return backendOn(t, "127.0.0.1", h)
}

func backendOn(t *testing.T, ip string, h http.Handler) string {
	t.Helper()
	ln, err := net.Listen("tcp", ip+":0")
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(h)
	s.Listener.Close()
	s.Listener = ln
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetHTTP1(true)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return ln.Addr().String()
}

// says answers with a fixed text.
func says(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, text) })
}

// nextPort is below the ports the kernel gives to outgoing connections, of which these tests make thousands: one of those
// would be taken by the time a router listens.
var nextPort atomic.Int32

func init() { nextPort.Store(12_000 + rand.Int32N(8_000)) }

// freePort returns a port nobody listens on.
func freePort(t testing.TB) int {
	t.Helper()
	for range 100 {
		port := int(nextPort.Add(1))
		if ln, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port)); err == nil {
			ln.Close()
			return port
		}
	}
	t.Fatal("a hundred ports in a row are taken")
	return 0
}

func at(port int, path string) string { return "http://127.0.0.1:" + strconv.Itoa(port) + path }

// newClient returns an HTTP/1.1 client with connections of its own, which come from local if that is not "".
func newClient(t *testing.T, local string) *http.Client {
	d := net.Dialer{Timeout: 5 * time.Second}
	if local != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(local)}
	}
	tr := &http.Transport{DialContext: d.DialContext, MaxIdleConnsPerHost: 100}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

// h2cClient returns a client that speaks HTTP/2 without TLS.
func h2cClient(t *testing.T) *http.Client {
	tr := &http.Transport{Protocols: new(http.Protocols)}
	tr.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

type answer struct {
	status int
	header http.Header
	body   string
}

// get sends a request with headers given as key, value, key, value...
func get(t *testing.T, c *http.Client, url string, headers ...string) answer {
	t.Helper()
	return ask(t, c, http.MethodGet, url, nil, headers...)
}

func ask(t *testing.T, c *http.Client, method, url string, body io.Reader, headers ...string) answer {
	t.Helper()
	a, err := tryAsk(c, method, url, body, headers...)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	return a
}

func tryAsk(c *http.Client, method, url string, body io.Reader, headers ...string) (answer, error) {
	req, err := http.NewRequest(method, url, body)
	if err != nil {
		return answer{}, err
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
			continue
		}
		req.Header[headers[i]] = append(req.Header[headers[i]], headers[i+1])
	}
	res, err := c.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, string(raw)}, err
}

func (a answer) want(t *testing.T, status int, body string) answer {
	t.Helper()
	if a.status != status || !strings.Contains(a.body, body) {
		t.Fatalf("answer is %d %q, want %d with %q", a.status, a.body, status, body)
	}
	return a
}

func (a answer) wantHeader(t *testing.T, key, value string) answer {
	t.Helper()
	if got := a.header.Values(key); fmt.Sprint(got) != fmt.Sprint([]string{value}) {
		t.Fatalf("%s is %q, want %q", key, got, value)
	}
	return a
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	if err == nil || sdp.AsError(err).Code != code {
		t.Fatalf("error is %v, want code %s", err, code)
	}
}

// loopback hands out subnets of 127/8: on Linux every address in them can be bound and dialled from.
var loopback atomic.Int32

type subnet struct{ prefix string }

func newSubnet() subnet {
	return subnet{fmt.Sprintf("127.%d.%d.", 60+os.Getpid()%100, loopback.Add(1))}
}

func (s subnet) ip(last int) string { return s.prefix + strconv.Itoa(last) }

func (s subnet) network() wire.Network {
	return wire.Network{Gateway: s.ip(1), Subnet: s.ip(0) + "/26"}
}
