package router

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		weights []int
		order   string
	}{
		{[]int{100}, "[0]"},
		{[]int{50, 50}, "[0 1]"},
		{[]int{75, 25}, "[0 0 1 0]"},
		{[]int{5, 1, 1}, "[0 0 1 0 2 0 0]"}, // the example of nginx's authors
		{[]int{0, 100}, "[1]"},
		{[]int{0, 3, 0, 1}, "[1 1 3 1]"},
		{[]int{0, 0}, "[]"},
		{nil, "[]"},
	} {
		if got := fmt.Sprintf("%d", spread(c.weights)); got != c.order {
			t.Errorf("%v is spread as %s, want %s", c.weights, got, c.order)
		}
	}
	most := make([]int, wire.MaxShares)
	for i := range most {
		most[i] = wire.MaxWeight - i
	}
	counts := make([]int, len(most))
	for _, i := range spread(most) {
		counts[i]++
	}
	if !slices.Equal(counts, most) {
		t.Errorf("weights %v got %v", most, counts)
	}
}

// part is a target of a split.
type part struct {
	address, name string
	weight        int
}

// split returns a table whose only service is split.
func split(version int64, port int, parts ...part) wire.RoutingTable {
	route := wire.ServiceRoute{Service: "account", Port: 8080, Source: sdp.SourceSandbox}
	for _, p := range parts {
		route.Split = append(route.Split, wire.Share{Weight: p.weight,
			Target: wire.Target{Node: "n1", Address: p.address, SHA: sha1, Deployment: p.name}})
	}
	if len(parts) > 0 {
		route.Target = &route.Split[0].Target
	}
	table := tableOf(version, port, route)
	table.Format = 2
	return table
}

// served sends requests and returns how many each target answered.
func served(t *testing.T, port, requests int) map[string]int {
	t.Helper()
	c, got := newClient(t, ""), map[string]int{}
	for range requests {
		got[get(t, c, at(port, "/")).want(t, 200, "").body]++
	}
	return got
}

func wantServed(t *testing.T, got, want map[string]int) {
	t.Helper()
	if !maps.Equal(got, want) {
		t.Errorf("served %v, want %v", got, want)
	}
}

// TestSplit: requests go to the targets of a split by weight, the same way each time; who is down leaves its part to the
// others, and who has the weight 0 gets nothing whatever happens.
func TestSplit(t *testing.T) {
	n, port := startNode(t, Config{}), freePort(t)
	old, canary, idle := backend(t, says("old")), backend(t, says("canary")), backend(t, says("idle"))
	parts := []part{{old, "d-old", 90}, {canary, "d-canary", 10}, {idle, "d-idle", 0}}
	n.apply(split(1, port, parts...))
	wantServed(t, served(t, port, 40), map[string]int{"old": 36, "canary": 4})
	n.apply(split(2, port, parts...))
	first := get(t, newClient(t, ""), at(port, "/")).body
	n.apply(split(3, port, parts...))
	if again := get(t, newClient(t, ""), at(port, "/")).body; again != first {
		t.Errorf("the same table began with %s and then with %s", first, again)
	}
	n.tell(wire.TargetState{Deployment: "d-old", Down: "exited with code 7"})
	wantServed(t, served(t, port, 5), map[string]int{"canary": 5})
	n.tell(wire.TargetState{Deployment: "d-canary", Down: "exited with code 8"})
	get(t, newClient(t, ""), at(port, "/")).want(t, http.StatusServiceUnavailable, "account exited with code 7").
		wantHeader(t, "X-SDP-Route", "account=none")
	n.tell(wire.TargetState{Deployment: "d-old", Address: old})
	wantServed(t, served(t, port, 5), map[string]int{"old": 5})
	n.apply(split(4, port, part{old, "d-old", 0}, part{idle, "d-idle", 0}))
	get(t, newClient(t, ""), at(port, "/")).want(t, http.StatusServiceUnavailable, "no target of account has a weight")
}

// TestSplitOfYesterday: a table without a split is one whose only target has all the weight, and a table that this router
// does not understand is refused.
func TestSplitOfYesterday(t *testing.T) {
	n, port := startNode(t, Config{}), freePort(t)
	n.apply(tableOf(1, port, container("account", backend(t, says("one")), sha1)))
	wantServed(t, served(t, port, 3), map[string]int{"one": 3})
	if s := statsOf(t, n).Services["account"].Targets; len(s) != 1 || s[0].Weight != wire.MaxWeight {
		t.Errorf("targets %+v", s)
	}
	newer := tableOf(2, port, container("account", backend(t, says("two")), sha2))
	newer.Format = wire.RouteFormat + 1
	wantCode(t, n.Apply(t.Context(), newer), "newer-format")
	wantCode(t, n.Apply(t.Context(), split(2, port, part{"127.0.0.1:1", "d-1", -1})), "bad-weight")
	wantServed(t, served(t, port, 1), map[string]int{"one": 1})
}

// TestTargetsAreCounted: each target has counts of its own, which it keeps as long as tables name it; the service's and
// the sandbox's are those of all.
func TestTargetsAreCounted(t *testing.T) {
	n, port, c := startNode(t, Config{}), freePort(t), newClient(t, "")
	failing := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	gen := newGeneration(1)
	parts := []part{{backend(t, gen), "d-good", 3}, {backend(t, failing), "d-bad", 1}}
	n.apply(split(1, port, parts...))
	for range 8 {
		get(t, c, at(port, "/"))
	}
	slow := startSlow(t, gen, at(port, "/slow"))
	check := func(requests, errors, inFlight []int64) {
		t.Helper()
		s := statsOf(t, n)
		all := s.Services["account"]
		for i, tg := range all.Targets {
			if tg.Deployment != parts[i].name || tg.Weight != parts[i].weight || tg.Target != parts[i].address || tg.P95 <= 0 ||
				tg.Requests != requests[i] || tg.Errors != errors[i] || tg.InFlight != inFlight[i] {
				t.Errorf("%s: %+v", parts[i].name, tg)
			}
		}
		if len(all.Targets) != 2 || all.Requests != 9 || s.Requests != 9 || all.Errors != 2 || s.Errors != 2 || all.P95 <= 0 {
			t.Errorf("all: %+v", s)
		}
	}
	check([]int64{7, 2}, []int64{0, 2}, []int64{1, 0})
	parts[0].weight, parts[1].weight = 1, 99
	n.apply(split(2, port, parts...))
	check([]int64{7, 2}, []int64{0, 2}, []int64{1, 0})
	close(gen.release)
	<-slow
	n.apply(split(3, port, part{parts[1].address, "d-new", 1}))
	if s := statsOf(t, n).Services["account"]; s.Requests != 9 || len(s.Targets) != 1 || s.Targets[0].Requests != 0 {
		t.Errorf("after another deployment took its place: %+v", s)
	}
}

// TestSecondTargetTakesOver: a request whose target cannot be reached goes to the one whose turn is next, counts as sent to
// both, and as one request of the service.
func TestSecondTargetTakesOver(t *testing.T) {
	n, port := startNode(t, Config{}), freePort(t)
	n.apply(split(1, port, part{"127.0.0.1:1", "d-gone", 1}, part{backend(t, says("fine")), "d-fine", 1}))
	for _, c := range []*http.Client{newClient(t, ""), h2cClient(t)} {
		for range 2 {
			get(t, c, at(port, "/")).want(t, 200, "fine").wantHeader(t, "X-SDP-Route", "account=sandbox@111111111111")
		}
	}
	s := statsOf(t, n).Services["account"]
	gone, fine := s.Targets[0], s.Targets[1]
	if s.Requests != 4 || s.Errors != 0 || gone.Requests != gone.Errors || gone.Requests == 0 || gone.InFlight != 0 || fine.Requests != 4 || fine.Errors != 0 {
		t.Errorf("counted %+v", s)
	}
}

// TestSplitOverTheMesh: the router where a request enters chooses, and the one it is handed to goes by that.
func TestSplitOverTheMesh(t *testing.T) {
	g1, m1 := twoNodes(t)
	m2 := startNode(t, Config{Node: "m2", MeshAddr: "127.0.0.1:0"})
	if err := m2.SetMeshToken(t.Context(), "mesh-secret"); err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	table := onGateway(g1, split(1, port, part{backend(t, says("m1")), "d-1", 3}, part{backend(t, says("m2")), "d-2", 1}))
	for i, n := range []*node{m1, m2} {
		s := &table.Services[0].Split[i]
		s.Node, s.NodeAddress = n.cfg.Node, n.meshAddr()
	}
	for _, n := range []*node{g1, m1, m2} {
		n.apply(table)
	}
	wantServed(t, served(t, port, 40), map[string]int{"m1": 30, "m2": 10})
	if s := statsOf(t, g1).Services["account"].Targets; s[0].Requests != 30 || s[1].Requests != 10 {
		t.Errorf("counted %+v", s)
	}
	for name, n := range map[string]*node{"m1": m1, "m2": m2} {
		if s := statsOf(t, n); s.Requests != 0 {
			t.Errorf("%s counted %+v again", name, s)
		}
	}
}

// TestSplitSurvivesRestart: the state file has the weights.
func TestSplitSurvivesRestart(t *testing.T) {
	n, port := startNode(t, Config{DataDir: shortTempDir(t)}), freePort(t)
	n.apply(split(1, port, part{backend(t, says("a")), "d-a", 1}, part{backend(t, says("b")), "d-b", 4}))
	n.stop()
	startNode(t, n.cfg)
	wantServed(t, served(t, port, 10), map[string]int{"a": 2, "b": 8})
}

// BenchmarkSplit is BenchmarkPlain with two targets.
func BenchmarkSplit(b *testing.B) {
	target := startBenchTarget(b)
	table := split(1, 0, part{target, "d-1", 90}, part{target, "d-2", 10})
	benchmarkTable(b, table)
}
