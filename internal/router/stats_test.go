package router

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

func TestStats(t *testing.T) {
	n, s, port, inner, c := startNode(t, Config{}), newSubnet(), freePort(t), freePort(t), newClient(t, "")
	gen := newGeneration(1)
	gateway := container("gateway", backend(t, gen), sha1)
	gateway.Port = inner
	down := wire.ServiceRoute{Service: "down", Port: inner, Source: sdp.SourceSandbox}
	n.apply(tableOf(1, port, gateway, down))
	if err := n.SetNetwork(t.Context(), "x", s.network()); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		get(t, c, at(port, "/")).want(t, 200, "")
	}
	url := "http://" + s.ip(1) + ":" + strconv.Itoa(inner) + "/"
	get(t, newClient(t, s.ip(2)), url, "Host", "down").want(t, 503, "")
	f := n.front()
	slow := startSlow(t, gen, f.url+"/slow")
	ws := dialWebSocket(t, f.url+"/ws")
	got := statsOf(t, n)
	if got.Requests != 6 || got.Entered.Requests != 5 || got.Entered.InFlight != 2 || got.Errors != 1 || got.InFlight != 2 || got.Services["gateway"].InFlight != 2 {
		t.Errorf("with two in flight: %+v", got)
	}
	before := time.Now()
	close(gen.release)
	<-slow
	ws.CloseNow()
	<-f.over // the client sees the end before it is counted
	<-f.over
	got = statsOf(t, n)
	if got.LastActivity.Before(before) || got.P50 <= 0 || got.P95 < got.P50 || got.Services["gateway"].Requests != 5 {
		t.Errorf("at the end: %+v", got)
	}
}

func statsOf(t *testing.T, n *node) wire.RouterStats {
	t.Helper()
	all, err := n.Stats(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatalf("Stats = %+v, %v", all, err)
	}
	return all[0]
}

// TestNobodyHidesFromTheCounts: what a client says of itself changes nothing about how its requests count.
func TestNobodyHidesFromTheCounts(t *testing.T) {
	n, port := startNode(t, Config{}), freePort(t)
	n.apply(tableOf(1, port, container("gateway", backend(t, says("fine")), sha1)))
	for _, agent := range []string{"sdp-probe/1", "sdp-probe", "kube-probe/1.30"} {
		get(t, newClient(t, ""), at(port, "/"), "User-Agent", agent).want(t, 200, "fine")
	}
	if got := statsOf(t, n); got.Requests != 3 || got.Services["gateway"].Requests != 3 || got.LastActivity.IsZero() {
		t.Errorf("counted %+v", got)
	}
}

// TestStatsAcrossNodes: a request that passes two routers counts in the one where it enters, and is activity in both.
func TestStatsAcrossNodes(t *testing.T) {
	g1, m1 := twoNodes(t)
	port, c := freePort(t), newClient(t, "")
	table := onGateway(g1, tableOf(1, port, on(m1, container("account", backend(t, says("fine")), sha1))))
	g1.apply(table)
	m1.apply(table)
	for range 3 {
		get(t, c, at(port, "/")).want(t, 200, "fine")
	}
	entered, handed := statsOf(t, g1), statsOf(t, m1)
	if entered.Requests != 3 || entered.Entered.Requests != 3 || entered.Services["account"].Requests != 3 || entered.Entered.P95 <= 0 {
		t.Errorf("where it entered: %+v", entered)
	}
	if handed.Requests != 0 || handed.Services["account"].Requests != 0 || handed.LastActivity.IsZero() {
		t.Errorf("where it was handed over: %+v", handed)
	}
}

// TestUnanswered: who does not answer is remembered by the router that asked, until that one answers or another takes
// its place.
func TestUnanswered(t *testing.T) {
	g1, m1 := twoNodes(t)
	port, c := freePort(t), newClient(t, "")
	closed := "127.0.0.1:1" // nobody listens there
	routed := func(version int64, r wire.ServiceRoute) {
		g1.apply(onGateway(g1, tableOf(version, port, r)))
		m1.apply(onGateway(g1, tableOf(version, port, r)))
	}
	unanswered := func() string {
		t.Helper()
		return statsOf(t, g1).Services["account"].Unanswered + statsOf(t, m1).Services["account"].Unanswered
	}
	routed(1, on(m1, container("account", closed, sha1)))
	get(t, c, at(port, "/")).want(t, http.StatusBadGateway, "target-unreachable")
	if why := unanswered(); !strings.Contains(why, "refused") {
		t.Errorf("unanswered %q", why)
	}
	routed(2, on(m1, container("account", backend(t, says("fine")), sha2)))
	if why := unanswered(); why != "" {
		t.Errorf("another target: %q", why)
	}
	get(t, c, at(port, "/")).want(t, 200, "fine")
	routed(3, on(m1, container("account", closed, sha1)))
	if why := unanswered(); why != "" {
		t.Errorf("the first target again, not asked since: %q", why)
	}
	get(t, c, at(port, "/")).want(t, http.StatusBadGateway, "target-unreachable")
	routed(4, on(m1, container("account", backend(t, says("fine")), sha2)))
	get(t, c, at(port, "/")).want(t, 200, "fine")
	if why := unanswered(); why != "" {
		t.Errorf("after an answer: %q", why)
	}
}

// What has not changed for a while is left out where only that is asked for which may have.
func TestRecentStats(t *testing.T) {
	n, port := startNode(t, Config{}), freePort(t)
	n.apply(tableOf(1, port, container("gateway", backend(t, says("fine")), sha1), container("account", "127.0.0.1:1", sha2)))
	recent := func() int {
		t.Helper()
		stats, err := n.RecentStats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return len(stats)
	}
	settle := func() {
		sb, long := n.router.sandboxes.get("x"), time.Now().Add(-2*wire.StatsSettle).UnixNano()
		sb.activity.Store(long)
		sb.replaced.Store(long)
	}
	if recent() != 1 {
		t.Error("a new sandbox is left out")
	}
	if settle(); recent() != 0 {
		t.Error("a quiet sandbox is not left out")
	}
	if get(t, newClient(t, ""), at(port, "/")).want(t, 200, "fine"); recent() != 1 {
		t.Error("a sandbox is left out after a request")
	}
	settle()
	if n.tell(crashed); recent() != 1 {
		t.Error("a sandbox is left out after its container ended")
	}
	if all, err := n.Stats(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("all are %+v, %v", all, err)
	}
}

func TestLocalTables(t *testing.T) {
	n := startNode(t, Config{})
	far := container("account", "127.0.0.1:2", sha2)
	far.Target.Node = "elsewhere"
	n.apply(tableOf(1, 0, container("gateway", "127.0.0.1:1", sha1), far))
	other := tableOf(1, 0, far)
	other.Sandbox = "y"
	n.apply(other)
	tables, err := n.LocalTables(t.Context())
	if err != nil || len(tables) != 1 || tables[0].Sandbox != "x" || len(tables[0].Services) != 1 || tables[0].Services[0].Service != "gateway" {
		t.Errorf("local are %+v, %v", tables, err)
	}
}
