package router

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"sdp/internal/sdp"
)

// calling returns a handler that calls url from its container's address, as service code does that knows nothing of
// tracing, or passes the trace header on.
func calling(t *testing.T, ip, url, host string, passOn bool) http.Handler {
	c := newClient(t, ip)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		headers := []string{"Host", host}
		if passOn {
			headers = append(headers, sdp.TraceHeader, r.Header.Get(sdp.TraceHeader))
		}
		a, err := tryAsk(c, "GET", url, nil, headers...)
		if err != nil {
			a.status, a.body = 500, err.Error()
		}
		w.WriteHeader(a.status)
		io.WriteString(w, a.body)
	})
}

// TestTraceAcrossNodes follows gateway (g1) -> account (m1) -> user (OCP). Neither container passes the header on.
func TestTraceAcrossNodes(t *testing.T) {
	g1, m1 := twoNodes(t)
	netG, netM, port, inner := newSubnet(), newSubnet(), freePort(t), freePort(t)
	url := func(s subnet) string { return "http://" + s.ip(1) + ":" + strconv.Itoa(inner) + "/inner?secret=1" }
	gateway := container("gateway", backendOn(t, netG.ip(7), calling(t, netG.ip(7), url(netG), "account", false)), sha1)
	gateway.Target.Node, gateway.Port = "g1", inner
	account := on(m1, container("account", backendOn(t, netM.ip(8), calling(t, netM.ip(8), url(netM), "user", false)), sha2))
	account.Port = inner
	user := sdp.ServiceRoute{Service: "user", Port: inner, Source: sdp.SourceOCP, URL: "http://" + backend(t, says("user"))}
	table := onGateway(g1, tableOf(1, port, gateway, account, user))
	for n, s := range map[*node]subnet{g1: netG, m1: netM} {
		n.apply(table)
		if err := n.SetNetwork(t.Context(), "x", s.network()); err != nil {
			t.Fatal(err)
		}
	}
	a := get(t, newClient(t, ""), at(port, "/outer"), sdp.TraceHeader, "t-1").want(t, 200, "user")
	a.wantHeader(t, sdp.TraceHeader, "t-1").wantHeader(t, "X-SDP-Route", "gateway=sandbox@111111111111")
	var got []string
	for _, n := range []*node{g1, m1} {
		hops, err := n.Hops(t.Context(), "t-1")
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range hops {
			got = append(got, fmt.Sprint(h.Node, " ", h.From, ">", h.Service, " ", h.Source, " ", sdp.ShortSHA(h.SHA), h.Deployment,
				" ", h.Method, h.Path, " ", h.Status, " ", h.Inferred))
			if age := time.Since(time.UnixMicro(h.StartedAt)); h.Duration <= 0 || age < 0 || age > time.Minute || h.Target == "" {
				t.Errorf("hop is %+v", h)
			}
		}
	}
	want := []string{
		"g1 client>gateway sandbox 111111111111d-1111 GET/outer 200 false",
		"m1 gateway>account sandbox 222222222222d-2222 GET/inner 200 true",
		"m1 account>user ocp  GET/inner 200 true",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("hops:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestTraceIsNotGuessed: with two traced requests in flight to a container nobody can say whose its calls are, unless
// the container passes the header on.
func TestTraceIsNotGuessed(t *testing.T) {
	n, s, port, inner := startNode(t, Config{}), newSubnet(), freePort(t), freePort(t)
	arrived, release := make(chan struct{}), make(chan struct{})
	silent := calling(t, s.ip(7), "http://"+s.ip(1)+":"+strconv.Itoa(inner)+"/", "user", false)
	honest := calling(t, s.ip(7), "http://"+s.ip(1)+":"+strconv.Itoa(inner)+"/", "user", true)
	gateway := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hold" {
			arrived <- struct{}{}
			<-release
			return
		}
		map[string]http.Handler{"/silent": silent, "/honest": honest}[r.URL.Path].ServeHTTP(w, r)
	})
	first := container("gateway", backendOn(t, s.ip(7), gateway), sha1)
	second := sdp.ServiceRoute{Service: "user", Port: inner, Source: sdp.SourceOCP, URL: "http://" + backend(t, says("user"))}
	n.apply(tableOf(1, port, first, second))
	if err := n.SetNetwork(t.Context(), "x", s.network()); err != nil {
		t.Fatal(err)
	}
	c := newClient(t, "")
	done := make(chan error, 1)
	go func() {
		_, err := tryAsk(c, "GET", at(port, "/hold"), nil, sdp.TraceHeader, "t-hold")
		done <- err
	}()
	<-arrived
	get(t, c, at(port, "/silent"), sdp.TraceHeader, "t-silent").want(t, 200, "user")
	get(t, c, at(port, "/honest"), sdp.TraceHeader, "t-honest").want(t, 200, "user")
	close(release)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]int{"t-silent": 1, "t-honest": 2, "t-hold": 1, "t-unknown": 0} {
		hops, err := n.Hops(t.Context(), id)
		if err != nil || len(hops) != want {
			t.Errorf("%s has %d hops, %v; want %d: %+v", id, len(hops), err, want, hops)
		}
		for _, h := range hops {
			if h.Inferred {
				t.Errorf("hop was inferred: %+v", h)
			}
		}
	}
	id := get(t, c, at(port, "/silent"), sdp.TraceHeader, "new").header.Get(sdp.TraceHeader)
	if hops, err := n.Hops(t.Context(), id); len(id) != 11 || len(hops) != 2 || !hops[1].Inferred || hops[1].From != "gateway" {
		t.Errorf("trace %q has hops %+v, %v", id, hops, err)
	}
}

func TestTracesAreBounded(t *testing.T) {
	traces := newTraces()
	for i := range 3 * maxTraces {
		for range maxTraceHops + 1 {
			traces.record(strconv.Itoa(i), sdp.Hop{})()
		}
	}
	if len(traces.byID) != maxTraces || len(traces.order) != maxTraces || len(traces.hops("0")) != 0 {
		t.Errorf("%d traces kept", len(traces.byID))
	}
	if got := len(traces.hops(strconv.Itoa(3*maxTraces - 1))); got != maxTraceHops {
		t.Errorf("%d hops kept", got)
	}
}

func TestTraceID(t *testing.T) {
	for header, want := range map[string]string{"": "", "abc-1_.Z": "abc-1_.Z", "a b": "", "<x>": "", strings.Repeat("a", 65): ""} {
		if got := traceID(header); got != want {
			t.Errorf("traceID(%q) = %q, want %q", header, got, want)
		}
	}
}

func TestStats(t *testing.T) {
	n, s, port, inner, c := startNode(t, Config{}), newSubnet(), freePort(t), freePort(t), newClient(t, "")
	gen := newGeneration(1)
	gateway := container("gateway", backend(t, gen), sha1)
	gateway.Port = inner
	down := sdp.ServiceRoute{Service: "down", Port: inner, Source: sdp.SourceSandbox}
	n.apply(tableOf(1, port, gateway, down))
	if err := n.SetNetwork(t.Context(), "x", s.network()); err != nil {
		t.Fatal(err)
	}
	get(t, c, at(port, "/"), "User-Agent", "sdp-probe/1")
	if got := statsOf(t, n); !got.LastActivity.IsZero() || got.Requests != 0 || got.InFlight != 0 {
		t.Errorf("after a probe: %+v", got)
	}
	for range 3 {
		get(t, c, at(port, "/")).want(t, 200, "")
	}
	url := "http://" + s.ip(1) + ":" + strconv.Itoa(inner) + "/"
	get(t, newClient(t, s.ip(2)), url, "Host", "down").want(t, 503, "")
	slow := startSlow(t, gen, at(port, "/slow"))
	ws := dialWebSocket(t, at(port, "/ws"))
	got := statsOf(t, n)
	if got.Requests != 6 || got.Entered.Requests != 5 || got.Entered.InFlight != 2 || got.Errors != 1 || got.InFlight != 2 || got.Services["gateway"].InFlight != 2 {
		t.Errorf("with two in flight: %+v", got)
	}
	before := time.Now()
	close(gen.release)
	<-slow
	ws.CloseNow()
	for statsOf(t, n).InFlight > 0 {
		runtime.Gosched() // the client sees the end before the router has counted it
	}
	got = statsOf(t, n)
	if got.LastActivity.Before(before) || got.P50 <= 0 || got.P95 < got.P50 || got.Services["gateway"].Requests != 5 {
		t.Errorf("at the end: %+v", got)
	}
}

func statsOf(t *testing.T, n *node) Stats {
	t.Helper()
	all, err := n.Stats(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatalf("Stats = %+v, %v", all, err)
	}
	return all[0]
}

func TestPercentiles(t *testing.T) {
	c := newCounters()
	for ms := 1; ms <= 1000; ms++ {
		c.begin()
		c.end(time.Duration(ms)*time.Millisecond, false, false)
		if ms == 500 {
			c.rotate()
		}
	}
	near := func(got, want time.Duration) bool { return got > want*85/100 && got < want*115/100 }
	if got := c.traffic(); !near(got.P50, 500*time.Millisecond) || !near(got.P95, 950*time.Millisecond) {
		t.Errorf("p50 %v p95 %v", got.P50, got.P95)
	}
	c.rotate()
	c.rotate()
	if got := c.traffic(); got.P50 != 0 || got.P95 != 0 || got.Requests != 1000 {
		t.Errorf("after two windows: %+v", got)
	}
	for _, d := range []time.Duration{-1, 0, time.Microsecond, time.Hour, 1 << 62} {
		bucket(d) // must be within bounds
	}
}
