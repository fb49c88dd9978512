package router

import (
	"net/http"
	"strings"
	"testing"

	"sdp/internal/sdp"
)

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
	routed := func(version int64, r sdp.ServiceRoute) {
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
