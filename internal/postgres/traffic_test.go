package postgres_test

import (
	"testing"
	"time"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
)

// TestTraffic stores what two nodes report and reads it with the sandboxes, without a query per row.
func TestTraffic(t *testing.T) {
	t.Parallel()
	db := platform(t)
	for _, name := range []string{"a", "b", "c"} {
		got(db.CreateSandbox(t.Context(), postgres.NewSandbox{Spec: sdp.SandboxSpec{Name: name}, Owner: "dana", GatewayNode: "gateway-1",
			Operation: sdp.Operation{ID: "o-" + name, Kind: sdp.OpCreate, Sandbox: name, RequestedBy: "dana"}}))(t)
	}
	beat := func(node string, list ...sdp.SandboxTraffic) {
		t.Helper()
		must(t, db.Heartbeat(t.Context(), node, sdp.Heartbeat{Traffic: list}))
	}
	beat("gateway-1") // the first beat of a node is news
	beat("micro-1")
	hub := got(db.Listen(t.Context()))(t)
	followers, cancel := hub.Subscribe("sandbox/a")
	defer cancel()
	everybody, cancelAll := hub.Subscribe("all")
	defer cancelAll()

	at := time.Now().UTC().Truncate(time.Millisecond)
	counted := sdp.Traffic{Requests: 12, Errors: 1, InFlight: 2, P50: 3 * time.Millisecond, P95: 9 * time.Millisecond, PerSecond: 1.5}
	report := sdp.SandboxTraffic{Sandbox: "a", Since: at.Add(-time.Hour), LastActivity: at, Public: counted,
		Services: map[string]sdp.ServiceTraffic{"gateway": {Traffic: counted}}}
	beat("gateway-1", report, report, sdp.SandboxTraffic{Sandbox: "gone"})
	equal(t, "topic", (<-followers).Topic, "traffic/a")

	micro := sdp.SandboxTraffic{Sandbox: "a", LastActivity: at.Add(-time.Minute), Turned: true,
		Services: map[string]sdp.ServiceTraffic{"account": {Trouble: "refused\x00"}}}
	beat("micro-1", micro, sdp.SandboxTraffic{Sandbox: "b", LastActivity: at})
	equal(t, "topic", (<-followers).Topic, "sandbox/a")
	equal(t, "topic for everybody", (<-everybody).Topic, "sandbox/a") // the numbers of a and b before and beside it are none of theirs

	list, _, err := db.Sandboxes(t.Context(), postgres.SandboxFilter{}, postgres.Page{})
	must(t, err)
	sum := sdp.TrafficOf(list[0].Traffic, time.Now())
	if sum.Public != counted || sum.Services["gateway"].Traffic != counted || sum.Services["account"].Trouble != "refused" ||
		!sum.LastActivity.Equal(at) || !sum.Since.Equal(at.Add(-time.Hour)) || time.Since(sum.ReportedAt) > time.Minute {
		t.Errorf("%+v", sum)
	}
	if late := sdp.TrafficOf(list[0].Traffic, time.Now().Add(time.Minute)); late.Public.PerSecond != 0 || late.Public.InFlight != 0 ||
		late.Public.Requests != 12 || late.Services["account"].Trouble != "" {
		t.Errorf("of nodes that fell silent: %+v", late)
	}
	if list[1].Traffic[0].LastActivity.IsZero() || list[2].Traffic != nil {
		t.Errorf("%+v %+v", list[1].Traffic, list[2].Traffic)
	}
	one := got(db.Sandbox(t.Context(), "a"))(t)
	equal(t, "nodes", len(one.Traffic), 2)
}
