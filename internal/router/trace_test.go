package router

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// calling returns a handler that calls url from its container's address, as service code does that knows nothing of
// tracing, or passes the trace header on.
func calling(t *testing.T, ip, url, host string, passOn bool) http.Handler {
	c := newClient(t, ip)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		headers := []string{"Host", host}
		if passOn {
			headers = append(headers, wire.TraceHeader, r.Header.Get(wire.TraceHeader))
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
	user := wire.ServiceRoute{Service: "user", Port: inner, Source: sdp.SourceOCP, URL: "http://" + backend(t, says("user"))}
	table := onGateway(g1, tableOf(1, port, gateway, account, user))
	for n, s := range map[*node]subnet{g1: netG, m1: netM} {
		n.apply(table)
		if err := n.SetNetwork(t.Context(), "x", s.network()); err != nil {
			t.Fatal(err)
		}
	}
	a := get(t, newClient(t, ""), at(port, "/outer"), wire.TraceHeader, "t-1").want(t, 200, "user")
	a.wantHeader(t, wire.TraceHeader, "t-1").wantHeader(t, "X-SDP-Route", "gateway=sandbox@111111111111")
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
	second := wire.ServiceRoute{Service: "user", Port: inner, Source: sdp.SourceOCP, URL: "http://" + backend(t, says("user"))}
	n.apply(tableOf(1, port, first, second))
	if err := n.SetNetwork(t.Context(), "x", s.network()); err != nil {
		t.Fatal(err)
	}
	c := newClient(t, "")
	done := make(chan error, 1)
	go func() {
		_, err := tryAsk(c, "GET", at(port, "/hold"), nil, wire.TraceHeader, "t-hold")
		done <- err
	}()
	<-arrived
	get(t, c, at(port, "/silent"), wire.TraceHeader, "t-silent").want(t, 200, "user")
	get(t, c, at(port, "/honest"), wire.TraceHeader, "t-honest").want(t, 200, "user")
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
	id := get(t, c, at(port, "/silent"), wire.TraceHeader, "new").header.Get(wire.TraceHeader)
	if hops, err := n.Hops(t.Context(), id); len(id) != 11 || len(hops) != 2 || !hops[1].Inferred || hops[1].From != "gateway" {
		t.Errorf("trace %q has hops %+v, %v", id, hops, err)
	}
}
