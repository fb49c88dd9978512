package worker

import (
	"net"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

func TestTrafficTellsOnlyWhatChanged(t *testing.T) {
	start := time.Now()
	used := func(requests int64, since time.Time) wire.RouterStats {
		n := wire.RouterTraffic{Requests: requests, P50: time.Millisecond}
		return wire.RouterStats{Sandbox: "a", Since: since, LastActivity: start, Entered: n, RouterTraffic: n,
			Services: map[string]wire.RouterServiceTraffic{"account": {RouterTraffic: n}, "user": {}}}
	}
	unused := wire.RouterStats{Sandbox: "b", Since: start}
	var tr traffic
	step := 0
	report := func(bad unhealthy, all ...wire.RouterStats) []sdp.SandboxTraffic {
		step++
		return tr.report(start.Add(time.Duration(step)*2*time.Second), all, bad)
	}
	one := func(list []sdp.SandboxTraffic) sdp.SandboxTraffic {
		t.Helper()
		if len(list) != 1 {
			t.Fatalf("%d reports: %+v", len(list), list)
		}
		return list[0]
	}
	none := func(list []sdp.SandboxTraffic) {
		t.Helper()
		if len(list) != 0 {
			t.Fatalf("reported %+v", list)
		}
	}

	first := report(nil, used(100, start), unused)
	if r := one(first); r.Public.PerSecond != 0 || r.Public.Requests != 100 || len(r.Services) != 1 {
		t.Errorf("a first reading: %+v", r)
	}
	one(report(nil, used(100, start), unused)) // the server did not take it
	tr.took(first)
	none(report(nil, used(100, start), unused))
	busy := report(nil, used(110, start))
	if r := one(busy); r.Services["account"].PerSecond != 5 || r.Services["account"].Requests != 110 || r.Turned {
		t.Errorf("10 requests in 2 s: %+v", r)
	}
	tr.took(busy)
	calm := report(nil, used(110, start))
	if r := one(calm); r.Public.PerSecond != 0 {
		t.Errorf("then none: %+v", r)
	}
	tr.took(calm)
	none(report(nil, used(110, start)))

	bad := unhealthy{"a": {"account": {"d-1", "connection refused"}}}
	ill := report(bad, used(110, start))
	if r := one(ill); !r.Turned || r.Services["account"].Trouble != "connection refused" || r.Services["account"].Deployment != "d-1" {
		t.Errorf("a container that does not answer: %+v", r)
	}
	tr.took(ill)
	if r := one(report(bad, used(110, start))); r.Turned {
		t.Errorf("still not answering: %+v", r) // said again, so that it does not count as out of date
	}
	well := report(nil, used(110, start))
	if r := one(well); !r.Turned {
		t.Errorf("well again: %+v", r)
	}
	tr.took(well)
	none(report(nil, used(110, start)))

	again := start.Add(time.Duration(step)*2*time.Second + time.Second)
	if r := one(report(nil, used(7, again))); r.Public.PerSecond != 7 || r.Public.Requests != 7 {
		t.Errorf("a router that was restarted a second ago: %+v", r)
	}
	tr.forget()
	one(report(nil, used(7, again)))
	none(report(nil))
}

// TestTrafficOfARealRouter sends requests through a router to a container and reads what the server is told; then the
// container dies.
func TestTrafficOfARealRouter(t *testing.T) {
	m := newMachine(t)
	c := m.start("d1")
	d := m.desired(c)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + free.Addr().String() + "/"
	port := free.Addr().(*net.TCPAddr).Port
	free.Close()
	d.tables[0].PublicPort, d.tables[0].Gateway = port, "account"
	m.control.wants(d)
	want(t, m.round(m.reconciler()))
	m.told() // a rate needs two readings
	eventually(t, "an answer", func() bool {
		res, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode < 500
	})
	m.monitor.probeAll(t.Context())
	told := m.told()
	if len(told) != 1 || told[0].Sandbox != m.sandbox || told[0].Public.Requests == 0 || told[0].Public.PerSecond <= 0 ||
		told[0].Services["account"].Trouble != "" {
		t.Fatalf("told %+v", told)
	}
	if err := m.runtime.Stop(t.Context(), c.ID, time.Second); err != nil {
		t.Fatal(err)
	}
	m.monitor.probeAll(t.Context())
	told = m.told()
	if len(told) != 1 || !told[0].Turned || told[0].Services["account"].Trouble == "" || told[0].Services["account"].Deployment != "d1" ||
		strings.Contains(told[0].Services["account"].Trouble, c.Address) {
		t.Fatalf("told %+v", told)
	}
}

// told is what the control plane hears with the next heartbeat.
func (m *machine) told() []sdp.SandboxTraffic {
	m.t.Helper()
	if err := m.heartbeat(m.t.Context()); err != nil {
		m.t.Fatal(err)
	}
	m.control.mu.Lock()
	defer m.control.mu.Unlock()
	return m.control.beats[len(m.control.beats)-1].Traffic
}

// What the router leaves out because nothing has changed is taken from what it said before.
func TestQuietSandboxesAreNotForgotten(t *testing.T) {
	var tr traffic
	now := time.Now()
	quiet := wire.RouterStats{Sandbox: "quiet", Since: now, LastActivity: now, RouterTraffic: wire.RouterTraffic{Requests: 3}}
	tr.took(tr.report(now, []wire.RouterStats{quiet, {Sandbox: "busy", Since: now, LastActivity: now}}, nil))
	all := tr.complete([]wire.RouterStats{{Sandbox: "busy", Since: now, LastActivity: now, RouterTraffic: wire.RouterTraffic{Requests: 7}}})
	if len(all) != 2 || all[0].Requests != 7 || !reflect.DeepEqual(all[1], quiet) {
		t.Errorf("completed to %+v", all)
	}
	for _, r := range tr.report(now.Add(2*time.Second), all, nil) {
		if r.Sandbox == "quiet" {
			t.Errorf("a quiet sandbox is reported again: %+v", r)
		}
	}
}
