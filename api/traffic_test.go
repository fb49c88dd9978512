package api_test

import (
	"net/http"
	"testing"
	"time"

	"sdp/api/apitest"
	"sdp/api/rest"
	"sdp/internal/sdp"
)

// beat sends a heartbeat of a node with what its router counted.
func beat(t *testing.T, bed *apitest.Bed, node string, traffic ...sdp.SandboxTraffic) {
	t.Helper()
	if status, answer := bed.Node(node, "POST", "heartbeat", sdp.Heartbeat{Traffic: traffic}); status != http.StatusOK {
		t.Fatalf("%d %s", status, answer)
	}
}

func serviceTraffic(t *testing.T, c *caller, service string) rest.ServiceTraffic {
	t.Helper()
	for _, v := range decode[rest.Traffic](c.get("/api/v1/sandboxes/shop/traffic").want(http.StatusOK)).Services {
		if v.Service == service {
			return v
		}
	}
	t.Fatalf("no traffic of %s", service)
	return rest.ServiceTraffic{}
}

func TestTraffic(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	for _, d := range createShop(t, me).Deployments {
		run(t, bed, d)
	}
	if got := decode[rest.Traffic](me.get("/api/v1/sandboxes/shop/traffic").want(http.StatusOK)); !got.Since.IsZero() ||
		got.Gateway.Requests != 0 || len(got.Services) != 5 { // gateway, three of micro-1, one shared
		t.Errorf("before any request: %+v", got)
	}
	at := time.Now().UTC().Truncate(time.Millisecond)
	public := sdp.Traffic{Requests: 40, Errors: 1, P50: 2500 * time.Microsecond, P95: 8 * time.Millisecond, PerSecond: 4}
	beat(t, bed, "gateway-1", sdp.SandboxTraffic{Sandbox: "shop", Since: at.Add(-time.Hour), LastActivity: at, Public: public,
		Services: map[string]sdp.ServiceTraffic{"gateway": {Traffic: public},
			"account": {Traffic: sdp.Traffic{Requests: 30, PerSecond: 3}}, "user": {Trouble: "connection refused"}}})
	beat(t, bed, "micro-1", sdp.SandboxTraffic{Sandbox: "shop", Since: at, LastActivity: at.Add(-time.Minute),
		Services: map[string]sdp.ServiceTraffic{"account": {Traffic: sdp.Traffic{Requests: 10, PerSecond: 1}}}})
	got := decode[rest.Traffic](me.get("/api/v1/sandboxes/shop/traffic").want(http.StatusOK))
	if !got.LastActivity.Equal(at) || !got.Since.Equal(at.Add(-time.Hour)) || got.Gateway.Requests != 40 || got.Gateway.PerSecond != 4 ||
		got.Gateway.P50Millis != 2.5 || got.Gateway.Errors != 1 {
		t.Errorf("%+v", got)
	}
	if v := serviceTraffic(t, me, "account"); v.Requests != 40 || v.PerSecond != 4 || v.Health != "healthy" || v.Source != "sandbox" ||
		v.Target != "micro-1/10.213.0.5:8080" {
		t.Errorf("account: %+v", v)
	}
	if v := serviceTraffic(t, me, "user"); v.Health != "down" || v.Target != "http://ocp.test/user" || v.Reason == "" {
		t.Errorf("user: %+v", v)
	}
	if v := serviceTraffic(t, me, "notification"); v.Health != "external" {
		t.Errorf("notification: %+v", v)
	}
	if v := serviceTraffic(t, me, "payment"); v.Health != "stopped" || v.Target != "" || v.Reason == "" {
		t.Errorf("payment: %+v", v)
	}
	shown := decode[rest.Page[rest.Sandbox]](me.get("/api/v1/sandboxes").want(http.StatusOK)).Items[0]
	if !shown.LastActivity.Equal(at) || shown.Health != "degraded" || len(shown.HealthReasons) != 1 || shown.Services[0].Health != "healthy" {
		t.Errorf("%+v", shown)
	}
	bed.Advance(time.Minute) // both nodes fall silent
	if v := serviceTraffic(t, me, "account"); v.Requests != 40 || v.PerSecond != 0 || v.Health != "unknown" {
		t.Errorf("account of a silent node: %+v", v)
	}
	me.get("/api/v1/sandboxes/none/traffic").problem(http.StatusNotFound, "sandbox-not-found")
}

// TestTrafficEvents: a follower of the sandbox hears of new numbers at a bearable pace, and of the last ones.
func TestTrafficEvents(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	createShop(t, me)
	beat(t, bed, "gateway-1") // the first beat of a node is news
	beat(t, bed, "micro-1")
	conn, overview := me.dial("/api/v1/events?sandbox=shop"), me.dial("/api/v1/events")
	begin := time.Now()
	for i := range 10 {
		for _, node := range []string{"gateway-1", "micro-1"} {
			beat(t, bed, node, sdp.SandboxTraffic{Sandbox: "shop", Public: sdp.Traffic{Requests: int64(i)}})
		}
	}
	last := time.Now()
	e := message[rest.Event](t, conn)
	for e.Topic == "sandbox/shop" { // that it was made may be told after it listens
		e = message[rest.Event](t, conn)
	}
	if e.Topic != "traffic/shop" || e.Sandbox != "shop" {
		t.Fatalf("%+v", e)
	}
	if e := message[rest.Event](t, conn); e.Topic != "traffic/shop" || time.Since(begin) < 2*time.Second || time.Since(last) < 0 {
		t.Errorf("%+v after %v", e, time.Since(begin))
	}
	beat(t, bed, "micro-1", sdp.SandboxTraffic{Sandbox: "shop", Turned: true})
	e = message[rest.Event](t, overview)
	for e.Topic == "nodes" { // the first beats may be told after it listens
		e = message[rest.Event](t, overview)
	}
	if e.Topic != "sandbox/shop" { // nothing of the traffic before
		t.Errorf("the overview heard of %+v", e)
	}
}
