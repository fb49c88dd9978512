package api_test

import (
	"net/http"
	"testing"
	"time"

	"sdp/api/apitest"
	"sdp/api/rest"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

func nodeOf(t *testing.T, me *caller, name string) rest.Node {
	t.Helper()
	for _, n := range decode[rest.Page[rest.Node]](me.get("/api/v1/nodes").want(http.StatusOK)).Items {
		if n.Name == name {
			return n
		}
	}
	return rest.Node{}
}

// serve has account and the gateway of a new shop running, and returns account's deployment.
func serve(t *testing.T, bed *apitest.Bed, me *caller) string {
	t.Helper()
	created := createShop(t, me)
	for _, d := range created.Deployments {
		run(t, bed, d)
	}
	return accountOf(t, created).ID
}

func TestCordonedNodeGetsNothingNew(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	me.post("/api/v1/sandboxes", sdp.SandboxSpec{Name: "before"}).want(http.StatusAccepted)
	n := decode[rest.Node](me.post("/api/v1/nodes/micro-1/cordon", nil).want(http.StatusOK))
	if n.CordonedBy != apitest.User || n.CordonedAt.IsZero() || !n.Alive {
		t.Errorf("node %+v", n)
	}
	if problems := nodeOf(t, me, "micro-1").Problems; len(problems) != 1 {
		t.Errorf("problems %q", problems)
	}
	p := me.post("/api/v1/sandboxes", shop).problem(http.StatusConflict, "node-cordoned")
	contains(t, p.Detail, "node micro-1 is cordoned by "+apitest.User+" since ")
	contains(t, p.Remedy, "sdp node uncordon micro-1")
	me.post("/api/v1/sandboxes/before/deployments", deployBody("account", "main")).problem(http.StatusConflict, "node-cordoned")
	me.put("/api/v1/sandboxes/shop", rest.ApplySandbox{Spec: shop}).problem(http.StatusConflict, "node-cordoned")
	me.post("/api/v1/sandboxes", sdp.SandboxSpec{Name: "other-node"}).want(http.StatusAccepted)

	me.post("/api/v1/nodes/gateway-1/cordon", nil).want(http.StatusOK)
	me.post("/api/v1/sandboxes", sdp.SandboxSpec{Name: "no-port"}).problem(http.StatusConflict, "node-cordoned")
	for _, name := range []string{"micro-1", "gateway-1"} {
		if n := decode[rest.Node](me.post("/api/v1/nodes/"+name+"/uncordon", nil).want(http.StatusOK)); n.CordonedBy != "" {
			t.Errorf("node %+v", n)
		}
	}
	me.post("/api/v1/sandboxes", shop).want(http.StatusAccepted)
	me.post("/api/v1/nodes/nowhere/cordon", nil).problem(http.StatusNotFound, "node-not-found")
	for action, n := range map[string]int{"node.cordon": 1, "node.uncordon": 0} { // the newest cordon was refused
		if events := audited(t, me, action); len(events) <= n || events[n].Outcome != "succeeded" || events[n].Detail != "node gateway-1" {
			t.Errorf("audit of %s: %+v", action, events)
		}
	}
}

func TestDrainStopsServicesOneByOne(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	serving := serve(t, bed, me)
	d := decode[rest.NodeDrain](me.post("/api/v1/nodes/micro-1/drain", nil).want(http.StatusOK))
	if len(d.Operations) != 1 || d.Operations[0].Kind != sdp.OpStop || d.Operations[0].Service != "account" || len(d.Refused) > 0 ||
		len(d.Left.Containers) != 1 || d.Left.Containers[0].Deployment != serving {
		t.Fatalf("drain %+v", d)
	}
	if n := nodeOf(t, me, "micro-1"); n.CordonedBy != apitest.User {
		t.Errorf("node %+v", n)
	}
	if events := audited(t, me, "service.stop"); len(events) != 1 || events[0].Operation != d.Operations[0].ID || events[0].Outcome != "accepted" {
		t.Errorf("audit %+v", events)
	}
	// The port of a sandbox cannot be moved: it is left, and says so.
	d = decode[rest.NodeDrain](me.post("/api/v1/nodes/gateway-1/drain", nil).want(http.StatusOK))
	if len(d.Operations) != 1 || d.Operations[0].Service != "gateway" || len(d.Left.Ports) != 1 || d.Left.Ports[0].Sandbox != "shop" {
		t.Errorf("drain %+v", d)
	}
	bed.Advance(time.Minute)
	d = decode[rest.NodeDrain](me.post("/api/v1/nodes/micro-1/drain", nil).want(http.StatusOK))
	if len(d.Operations) > 0 || len(d.Refused) != 1 {
		t.Errorf("drain of a node that is down %+v", d)
	}
	contains(t, d.Refused[0], "sdp node remove micro-1 --force")
}

func TestDrainSaysWhyItCancels(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	me.post("/api/v1/sandboxes", shop).want(http.StatusAccepted)
	d := decode[rest.NodeDrain](me.post("/api/v1/nodes/micro-1/drain", nil).want(http.StatusOK))
	if len(d.Cancelled) != 1 {
		t.Fatalf("drain %+v", d)
	}
	if events := audited(t, me, "deployment.cancel"); len(events) != 1 || events[0].Operation != d.Cancelled[0] ||
		events[0].Detail != "node micro-1 is drained" || events[0].User != apitest.User || events[0].Outcome != "accepted" {
		t.Errorf("audit %+v", events)
	}
	cancelled, err := bed.DB.Deployment(t.Context(), d.Cancelled[0])
	if want := apitest.User + ", who drains node micro-1"; err != nil || cancelled.CancelRequestedBy != want {
		t.Errorf("cancelled by %q, %v, want %q", cancelled.CancelRequestedBy, err, want)
	}
}

func TestRemovedNodeIsRefusedUntilItHasANewToken(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	serve(t, bed, me)
	p := me.delete("/api/v1/nodes/micro-1").problem(http.StatusConflict, "node-not-drained")
	contains(t, p.Detail, "account of sandbox shop")
	me.delete("/api/v1/nodes/micro-1?force=true").problem(http.StatusConflict, "node-not-drained")
	bed.Advance(time.Minute)
	bed.Node("gateway-1", "POST", "heartbeat", sdp.NodeHealth{})
	p = me.delete("/api/v1/nodes/micro-1").problem(http.StatusConflict, "node-has-work")
	contains(t, p.Remedy, "--force")
	me.delete("/api/v1/nodes/micro-1?force=true").want(http.StatusNoContent)

	if n := nodeOf(t, me, "micro-1"); n.Name != "" {
		t.Errorf("it is listed: %+v", n)
	}
	box := decode[rest.Sandbox](me.get("/api/v1/sandboxes/shop").want(http.StatusOK))
	contains(t, box.Services[0].Reason, "node micro-1, where account ran, was removed by "+apitest.User)
	me.post("/api/v1/sandboxes/shop/deployments", deployBody("account", "main")).problem(http.StatusNotFound, "repository-not-found")
	me.post("/api/v1/nodes/micro-1/cordon", nil).problem(http.StatusNotFound, "node-removed")

	// What comes back is refused, again and again, and the audit has it once.
	for range 2 {
		for _, path := range []string{"register", "heartbeat"} {
			status, answer := bed.Node("micro-1", "POST", path, sdp.NodeHealth{})
			if status != http.StatusForbidden {
				t.Errorf("%s: %d %s", path, status, answer)
			}
			contains(t, string(answer), "node-removed")
			contains(t, string(answer), "sdp node token micro-1")
		}
	}
	refused := 0
	for _, e := range audited(t, me, "node.register") {
		if e.Outcome == "refused" {
			refused++
		}
	}
	if refused != 1 {
		t.Errorf("the audit has %d refusals", refused)
	}
	bed.Tokens = map[string]time.Time{"micro-1": time.Now().Add(2 * time.Minute)} // the server's clock was moved
	bed.Register("micro-1", sdp.Micro, "account", "payment", "user")
	if n := nodeOf(t, me, "micro-1"); !n.Alive || len(n.Problems) > 0 {
		t.Errorf("node %+v", n)
	}
	me.post("/api/v1/sandboxes/shop/deployments", deployBody("account", "main")).want(http.StatusAccepted)
}

// Whether a node lives is judged by one clock, so that clocks which differ kill nobody; that they differ is said.
func TestClocksThatDifferAreNamedAndKillNobody(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	for ahead, want := range map[time.Duration]string{
		10 * time.Minute: "its clock is 10m0s ahead of the server's", -time.Hour: "its clock is 1h0m0s behind the server's", 20 * time.Second: "",
	} {
		bed.Node("micro-1", "POST", "heartbeat", wire.Heartbeat{Speaks: wire.Spoken(), Clock: time.Now().Add(ahead)})
		n := nodeOf(t, me, "micro-1")
		if !n.Alive || (len(n.Problems) > 0) != (want != "") {
			t.Errorf("%s ahead: node %+v", ahead, n)
		}
		if want != "" {
			contains(t, n.Problems[0], want)
		}
	}
	bed.Control.Now = func() time.Time { return time.Now().Add(10 * time.Minute) } // the server's clock, not the database's
	bed.Control.Started = time.Now().Add(-time.Hour)
	bed.Restart()
	if n := nodeOf(t, me, "micro-1"); !n.Alive {
		t.Errorf("node %+v", n)
	}
}

func TestNodeThatProvesLoginsIsRemovedByForceOnly(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	p := me.delete("/api/v1/nodes/micro-1").problem(http.StatusConflict, "node-proves-logins")
	contains(t, p.Detail, "it has repository account")
	contains(t, p.Remedy, "login.repository")
	me.delete("/api/v1/nodes/micro-1?force=true").want(http.StatusNoContent)
	me.delete("/api/v1/nodes/gateway-1").want(http.StatusNoContent)
}
