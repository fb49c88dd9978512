package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"sdp/api/apitest"
	"sdp/api/rest"
	"sdp/internal/sdp"
)

// dial opens a stream as c; the connection ends with the test.
func (c *caller) dial(path string) *websocket.Conn {
	c.t.Helper()
	conn, response, err := websocket.Dial(c.t.Context(), c.bed.URL+path, &websocket.DialOptions{HTTPHeader: c.header})
	if err != nil {
		c.t.Fatal(err, response)
	}
	c.t.Cleanup(func() { conn.CloseNow() })
	conn.SetReadLimit(1 << 20)
	return conn
}

func message[T any](t *testing.T, conn *websocket.Conn) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, raw, err := conn.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
	return v
}

// readLog reads frames until the log is final and checks that they join.
func readLog(t *testing.T, conn *websocket.Conn, offset int64) string {
	t.Helper()
	var text strings.Builder
	for {
		f := message[rest.LogFrame](t, conn)
		if f.Offset != offset {
			t.Fatalf("frame at %d, want %d", f.Offset, offset)
		}
		if f.Final {
			return text.String()
		}
		text.WriteString(f.Data)
		offset = f.Next
	}
}

func closedWith(t *testing.T, conn *websocket.Conn) websocket.StatusCode {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		if _, _, err := conn.Read(ctx); err != nil {
			return websocket.CloseStatus(err)
		}
	}
}

func TestFollowLog(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	d := accountOf(t, createShop(t, me))
	stream := sdp.DeploymentStream(d.ID)
	conn := me.dial("/api/v1/deployments/" + d.ID + "/logs/stream")
	ship(t, bed, "micro-1", stream, 0, "[FETCH] fetching\n", false)
	if f := message[rest.LogFrame](t, conn); f.Data != "[FETCH] fetching\n" || f.Offset != 0 || f.Next != 17 {
		t.Errorf("frame %+v", f)
	}
	ship(t, bed, "micro-1", stream, 17, "[BUILD] gr\xc3", false) // cut inside a character
	if f := message[rest.LogFrame](t, conn); f.Data != "[BUILD] gr" || f.Next != 27 {
		t.Errorf("frame %+v", f)
	}
	ship(t, bed, "micro-1", stream, 28, "\xbcn \xff\n", true)
	if got := readLog(t, conn, 27); got != "ün \uFFFD\n" {
		t.Errorf("%q", got)
	}
	if code := closedWith(t, conn); code != websocket.StatusNormalClosure {
		t.Errorf("closed with %d", code)
	}
	if got := readLog(t, me.dial("/api/v1/deployments/"+d.ID+"/logs/stream?offset=17"), 17); got != "[BUILD] grün \uFFFD\n" {
		t.Errorf("%q", got)
	}
}

func TestFollowServiceLog(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	d := accountOf(t, createShop(t, me))
	run(t, bed, d)
	conn := me.dial("/api/v1/sandboxes/shop/services/account/logs/stream")
	ship(t, bed, "micro-1", sdp.ContainerStream(d.ID), 0, "listening\n", true)
	if got := readLog(t, conn, 0); got != "listening\n" {
		t.Errorf("%q", got)
	}
}

func TestStreamRefusals(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	d := accountOf(t, createShop(t, me))
	path := "/api/v1/deployments/" + d.ID + "/logs/stream"
	a := me.get(path)
	a.problem(http.StatusUpgradeRequired, "not-a-websocket")
	if a.header.Get("Upgrade") != "websocket" {
		t.Errorf("%v", a.header)
	}
	for origin, want := range map[string]int{
		"http://evil.test": http.StatusForbidden, "null": http.StatusForbidden, "http://sdp.test": http.StatusSwitchingProtocols,
		bed.URL: http.StatusSwitchingProtocols, "http://sdp.test.evil.test": http.StatusForbidden,
	} {
		header := http.Header{"Cookie": {"sdp_session=" + bed.Token()}, "Origin": {origin}}
		conn, response, err := websocket.Dial(t.Context(), bed.URL+path, &websocket.DialOptions{HTTPHeader: header})
		if response == nil || response.StatusCode != want {
			t.Errorf("origin %s: %v %v", origin, response, err)
		}
		if err == nil {
			conn.CloseNow()
		}
	}
	_, response, _ := websocket.Dial(t.Context(), bed.URL+"/api/v1/deployments/d-none/logs/stream", &websocket.DialOptions{HTTPHeader: me.header})
	if response == nil || response.StatusCode != http.StatusNotFound {
		t.Errorf("unknown deployment: %v", response)
	}
	_, response, _ = websocket.Dial(t.Context(), bed.URL+path, nil)
	if response == nil || response.StatusCode != http.StatusUnauthorized {
		t.Errorf("nobody: %v", response)
	}
}

func TestClosingTheServerEndsStreams(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	d := accountOf(t, createShop(t, me))
	conn := me.dial("/api/v1/deployments/" + d.ID + "/logs/stream")
	events := me.dial("/api/v1/events")
	var both sync.WaitGroup
	for _, c := range []*websocket.Conn{conn, events} {
		both.Go(func() {
			if code := closedWith(t, c); code != websocket.StatusServiceRestart {
				t.Errorf("closed with %d", code)
			}
		})
	}
	bed.Server.Close()
	both.Wait()
}

func TestEvents(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	d := accountOf(t, createShop(t, me))
	me.post("/api/v1/sandboxes", sdp.SandboxSpec{Name: "other"}).want(http.StatusAccepted)
	conn := me.dial("/api/v1/events?sandbox=shop")
	ship(t, bed, "micro-1", sdp.DeploymentStream(d.ID), 0, "no event\n", false)
	me.post("/api/v1/sandboxes/other/deployments", deployBody("user", "main")).want(http.StatusAccepted)
	if err := bed.DB.SetState(t.Context(), d.ID, sdp.Fetching, noChange); err != nil {
		t.Fatal(err)
	}
	if e := message[rest.Event](t, conn); e.Topic != "deployment/"+d.ID || e.ID != d.ID || e.Sandbox != "shop" {
		t.Errorf("event %+v", e)
	}
	_, response, _ := websocket.Dial(t.Context(), bed.URL+"/api/v1/events?sandbox=none", &websocket.DialOptions{HTTPHeader: me.header})
	if response == nil || response.StatusCode != http.StatusNotFound {
		t.Errorf("unknown sandbox: %v", response)
	}
}

// TestSlowReader checks that a reader that takes nothing neither holds up others nor makes the server keep what it has
// not taken.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	d := accountOf(t, createShop(t, me))
	me.dial("/api/v1/deployments/" + d.ID + "/logs/stream") // never read
	conn := me.dial("/api/v1/deployments/" + d.ID + "/logs/stream")
	chunk := strings.Repeat("x", 1023) + "\n"
	chunk = strings.Repeat(chunk, 1024)
	go func() {
		for i := range 16 {
			bed.Node("micro-1", "POST", fmt.Sprintf("logs/%s?offset=%d&final=%t", sdp.DeploymentStream(d.ID), i<<20, i == 15), []byte(chunk))
		}
	}()
	if got := readLog(t, conn, 0); len(got) != 16<<20 {
		t.Errorf("%d bytes", len(got))
	}
}

// TestManyStreams follows 10 deployments with 200 lines a second each. How fast they are seen is `make bench`'s to say.
func TestManyStreams(t *testing.T) {
	const streams, lines, every = 10, 300, 5 * time.Millisecond
	bed := apitest.New(t)
	me := signedIn(t, bed)
	var ids []string
	for i := range streams {
		name := fmt.Sprintf("s%d", i)
		in := sdp.SandboxSpec{Name: name, Services: map[string]sdp.ServiceSpec{"account": {Branch: "main"}}}
		ids = append(ids, decode[rest.CreatedSandbox](me.post("/api/v1/sandboxes", in).want(http.StatusAccepted)).Deployments[0].ID)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	var delays []time.Duration
	for _, id := range ids {
		conn := me.dial("/api/v1/deployments/" + id + "/logs/stream")
		all.Go(func() { writeLines(t, bed, id, lines, every) })
		all.Go(func() {
			seen := lineDelays(t, conn)
			mu.Lock()
			delays = append(delays, seen...)
			mu.Unlock()
		})
	}
	all.Wait()
	if len(delays) != streams*lines {
		t.Fatalf("%d lines, want %d", len(delays), streams*lines)
	}
	slices.Sort(delays)
	t.Logf("p50 %v, p95 %v, max %v", delays[len(delays)/2], delays[len(delays)*95/100], delays[len(delays)-1])
}

// writeLines writes lines that say when they were written, a request each.
func writeLines(t *testing.T, bed *apitest.Bed, id string, lines int, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	offset := 0
	for i := range lines {
		<-tick.C
		line := fmt.Sprintf("%d\n", time.Now().UnixNano())
		ship(t, bed, "micro-1", sdp.DeploymentStream(id), offset, line, i == lines-1)
		offset += len(line)
	}
}

func lineDelays(t *testing.T, conn *websocket.Conn) []time.Duration {
	var delays []time.Duration
	var tail string
	for {
		f := message[rest.LogFrame](t, conn)
		if f.Final {
			return delays
		}
		now := time.Now().UnixNano()
		parts := strings.Split(tail+f.Data, "\n")
		tail = parts[len(parts)-1]
		for _, line := range parts[:len(parts)-1] {
			var at int64
			if _, err := fmt.Sscan(line, &at); err != nil {
				t.Errorf("%v in %q", err, line)
			}
			delays = append(delays, time.Duration(now-at))
		}
	}
}
