package router

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// generation is a server like one generation of a service: it says which one it is, holds slow requests until told, and
// echoes WebSocket messages.
type generation struct {
	name    string
	release chan struct{}
	slow    sync.WaitGroup // slow requests that have arrived
	gone    atomic.Bool    // after this nothing may arrive
	late    atomic.Int64
}

func (g *generation) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if g.gone.Load() {
		g.late.Add(1)
	}
	switch r.URL.Path {
	case "/slow":
		io.WriteString(w, g.name+" ")
		http.NewResponseController(w).Flush()
		g.slow.Done()
		<-g.release
		io.WriteString(w, "done")
	case "/ws":
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		for {
			kind, msg, err := c.Read(r.Context())
			if err != nil {
				return
			}
			c.Write(r.Context(), kind, append([]byte(g.name+" "), msg...))
		}
	default:
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s", g.name, body)
	}
}

// TestRedeployUnderLoad replaces the container of a service again and again while requests of all kinds run: none may
// fail or be cut, none that starts after Apply has returned may reach the old container, and a drained container must
// not be reached at all.
func TestRedeployUnderLoad(t *testing.T) {
	n, port := startNode(t, Config{}), freePort(t)
	var current atomic.Int64 // the generation whose Apply has returned
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var load sync.WaitGroup
	var requests atomic.Int64
	reached := make(chan struct{})
	const enough = 3000
	gen := newGeneration(1)
	n.apply(tableOf(1, port, container("gateway", backend(t, gen), sha1)))
	current.Store(1)
	for i := range 12 {
		load.Add(1)
		go func() {
			defer load.Done()
			c := newClient(t, "")
			if i%4 == 3 {
				c = h2cClient(t)
			}
			for ctx.Err() == nil {
				from := current.Load()
				var body io.Reader
				if i%2 == 0 {
					body = strings.NewReader("body")
				}
				a, err := tryAsk(c, []string{"POST", "GET"}[i%2], at(port, "/"), body)
				served, _ := strconv.ParseInt(strings.Fields(a.body + " 0")[0], 10, 64)
				if err != nil || a.status != 200 || served < from {
					cancel()
					t.Errorf("request of generation %d: %d %q %v", from, a.status, a.body, err)
					return
				}
				if requests.Add(1) == enough {
					close(reached)
				}
			}
		}()
	}
	for version := int64(2); version <= 25; version++ {
		gen = redeploy(t, n, port, gen, version, &current)
	}
	select {
	case <-reached:
	case <-ctx.Done():
	}
	cancel()
	load.Wait()
	t.Logf("%d requests over 25 generations", requests.Load())
}

func newGeneration(version int64) *generation {
	return &generation{name: strconv.FormatInt(version, 10), release: make(chan struct{})}
}

// redeploy does what a deploy does: apply, drain, and only then is the old generation gone. It holds a slow request and
// a WebSocket across the switch.
func redeploy(t *testing.T, n *node, port int, old *generation, version int64, current *atomic.Int64) *generation {
	t.Helper()
	before := deploymentOf(t, n)
	slow := startSlow(t, old, at(port, "/slow"))
	ws := dialWebSocket(t, at(port, "/ws"))
	next := newGeneration(version)
	route := container("gateway", backend(t, next), sha2)
	route.Target.Deployment = fmt.Sprint("d", version)
	n.apply(tableOf(version, port, route))
	current.Store(version)
	drained := make(chan error, 1)
	go func() {
		cut, err := n.Drain(t.Context(), before, time.Minute)
		if cut != 0 {
			err = fmt.Errorf("drain cut %d", cut)
		}
		old.gone.Store(true)
		drained <- err
	}()
	ws.echo(t, old.name+" hello")
	close(old.release)
	if body := <-slow; body != old.name+" done" {
		t.Errorf("slow request got %q", body)
	}
	select {
	case err := <-drained:
		t.Errorf("drain returned %v while a WebSocket was open", err)
	default:
	}
	ws.echo(t, old.name+" hello")
	ws.Close(websocket.StatusNormalClosure, "")
	if err := <-drained; err != nil {
		t.Errorf("Drain: %v", err)
	}
	if late := old.late.Load(); late > 0 {
		t.Errorf("%d requests reached a drained container", late)
	}
	return next
}

func deploymentOf(t *testing.T, n *node) string {
	t.Helper()
	tables, err := n.Tables(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return tables[0].Services[0].Target.Deployment
}

// startSlow starts a slow request and returns once it has reached the generation.
func startSlow(t *testing.T, g *generation, url string) <-chan string {
	t.Helper()
	g.slow.Add(1)
	body := make(chan string, 1)
	go func() {
		a, err := tryAsk(newClient(t, ""), "GET", url, nil)
		if err != nil {
			a.body = err.Error()
		}
		body <- a.body
	}()
	g.slow.Wait()
	return body
}

type webSocket struct{ *websocket.Conn }

func dialWebSocket(t *testing.T, url string, headers ...string) webSocket {
	t.Helper()
	h := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	c, res, err := websocket.Dial(t.Context(), url, &websocket.DialOptions{HTTPHeader: h, Host: h.Get("Host")})
	if err != nil {
		t.Fatal(err)
	}
	if res.Header.Get("X-SDP-Route") == "" || res.Header.Get("X-SDP-Sandbox") != "x" {
		t.Errorf("the upgrade's response has no X-SDP headers: %v", res.Header)
	}
	t.Cleanup(func() { c.CloseNow() })
	return webSocket{c}
}

func (w webSocket) echo(t *testing.T, want string) {
	t.Helper()
	_, send, _ := strings.Cut(want, " ")
	if err := w.Write(t.Context(), websocket.MessageText, []byte(send)); err != nil {
		t.Fatal(err)
	}
	_, msg, err := w.Read(t.Context())
	if err != nil || string(msg) != want {
		t.Fatalf("WebSocket said %q, %v; want %q", msg, err, want)
	}
}

func TestDrainTimeoutCuts(t *testing.T) {
	n, port, gen := startNode(t, Config{}), freePort(t), newGeneration(1)
	address := backend(t, gen)
	n.apply(tableOf(1, port, container("gateway", address, sha1)))
	defer close(gen.release)
	slow := startSlow(t, gen, at(port, "/slow"))
	ws := dialWebSocket(t, at(port, "/ws"))
	ws.echo(t, "1 hello")
	n.apply(tableOf(2, port, container("gateway", backend(t, says("new")), sha2)))
	cut, err := n.Drain(t.Context(), "d-1111", 50*time.Millisecond)
	if err != nil || cut != 2 {
		t.Errorf("Drain = %d, %v; want 2", cut, err)
	}
	if body := <-slow; !strings.Contains(body, "EOF") {
		t.Errorf("the slow request ended with %q, want it broken off", body)
	}
	if _, _, err := ws.Read(t.Context()); err == nil {
		t.Error("the WebSocket is still open")
	}
	get(t, newClient(t, ""), at(port, "/")).want(t, 200, "new")
	if cut, err := n.Drain(t.Context(), "d-1111", time.Minute); cut != 0 || err != nil {
		t.Errorf("second Drain = %d, %v", cut, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := n.Drain(ctx, "d-1111", time.Minute); !errors.Is(err, context.Canceled) {
		t.Errorf("Drain with an ended context: %v", err)
	}
}

// TestStaleConnectionsAreReplaced: a target may close a connection that it promised to keep open.
func TestStaleConnectionsAreReplaced(t *testing.T) {
	n, port, c := startNode(t, Config{}), freePort(t), newClient(t, "")
	closing := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Answers as if the connection stayed open, and closes it.
		conn, _, _ := http.NewResponseController(w).Hijack()
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		conn.Close()
	})
	n.apply(tableOf(1, port, container("gateway", backend(t, closing), sha1)))
	for range 200 {
		get(t, c, at(port, "/")).want(t, 200, "ok")
	}
}

// TestUnsafeRequestsAreNotRepeated: a POST whose connection broke may have been done.
func TestUnsafeRequestsAreNotRepeated(t *testing.T) {
	n, port, c := startNode(t, Config{}), freePort(t), newClient(t, "")
	var accepted atomic.Int64
	breaking := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		accepted.Add(1)
		conn, _, _ := http.NewResponseController(w).Hijack()
		conn.Close()
	})
	n.apply(tableOf(1, port, container("gateway", backend(t, breaking), sha1)))
	for _, body := range []io.Reader{nil, strings.NewReader("x")} {
		accepted.Store(0)
		ask(t, c, "POST", at(port, "/"), body).want(t, 502, "target-unreachable")
		if got := accepted.Load(); got != 1 {
			t.Errorf("the target got the request %d times", got)
		}
	}
}

func TestBrokenResponseIsBrokenForTheClient(t *testing.T) {
	n, port := startNode(t, Config{}), freePort(t)
	short := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, "only this")
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	n.apply(tableOf(1, port, container("gateway", backend(t, short), sha1)))
	for _, c := range []*http.Client{newClient(t, ""), h2cClient(t)} {
		if a, err := tryAsk(c, "GET", at(port, "/"), nil); err == nil {
			t.Errorf("the client took %q for a whole answer", a.body)
		}
	}
	stats, _ := n.Stats(t.Context())
	if stats[0].Errors != 2 {
		t.Errorf("errors = %d, want 2", stats[0].Errors)
	}
}
