package api_test

import (
	"net/http"
	"testing"
	"time"

	"sdp/api/apitest"
	"sdp/api/rest"
	"sdp/internal/sdp"
)

var stock = []sdp.NodeImage{
	{Node: "micro-1", ID: "sha256:1", Name: "sdp/account:1", Kind: sdp.ServiceImage, Repository: "account", Size: 1 << 20, NeededBy: []string{"container account of sandbox shop"}},
	{Node: "micro-1", ID: "sha256:2", Name: "sdp/account:2", Kind: sdp.ServiceImage, Repository: "account", Size: 2 << 20},
	{Node: "micro-1", ID: "sha256:3", Kind: sdp.LeftoverImage, Size: 4 << 20},
	{Node: "gateway-1", ID: "sha256:4", Name: "company/php:8", Kind: sdp.BaseImage, Size: 8 << 20, NeededBy: []string{"images of gateway"}},
}

func TestImages(t *testing.T) {
	bed := apitest.New(t)
	bed.Engine.Stock = stock
	me := signedIn(t, bed)
	all := decode[rest.Images](me.get("/api/v1/images").want(http.StatusOK))
	if len(all.Items) != 4 || all.Items[0].Kind != "base" || all.Items[2].NeededBy == nil || len(all.Missing) > 0 {
		t.Errorf("images %+v", all)
	}
	if one := decode[rest.Images](me.get("/api/v1/images?node=micro-1").want(http.StatusOK)); len(one.Items) != 3 {
		t.Errorf("images of micro-1 %+v", one)
	}
	me.get("/api/v1/images?node=nope").problem(http.StatusNotFound, "node-not-found")
	me.get("/api/v1/images?node=..%2Fx").problem(http.StatusBadRequest, "bad-name")

	// A node that does not answer does not hide what the others have; asked alone, it is an error.
	bed.Engine.Broken = map[string]sdp.Failure{"micro-1": {Kind: sdp.Unavailable, Code: "no-worker", Detail: "node micro-1: no worker", Remedy: "start it"}}
	all = decode[rest.Images](me.get("/api/v1/images").want(http.StatusOK))
	if len(all.Missing) != 1 || all.Missing[0] != (rest.MissingNode{Node: "micro-1", Reason: "node micro-1: no worker"}) {
		t.Errorf("missing %+v", all.Missing)
	}
	me.get("/api/v1/images?node=micro-1").problem(http.StatusServiceUnavailable, "no-worker")
	bed.Engine.Broken = nil
	bed.Node("gateway-1", "POST", "heartbeat", sdp.NodeHealth{DockerError: "connection refused"})
	all = decode[rest.Images](me.get("/api/v1/images").want(http.StatusOK))
	if len(all.Items) != 3 || len(all.Missing) != 1 || all.Missing[0].Node != "gateway-1" {
		t.Errorf("images %+v", all)
	}
}

func TestPruneImages(t *testing.T) {
	bed := apitest.New(t)
	bed.Engine.Stock = stock
	me := signedIn(t, bed)
	const at = "/api/v1/nodes/micro-1/images/prune"
	r := decode[rest.PruneReport](me.post(at, rest.PruneImages{DryRun: true}).want(http.StatusOK))
	if !r.DryRun || len(r.Removed) != 2 || len(r.Kept) != 1 || r.Freed != 6<<20 {
		t.Errorf("report %+v", r)
	}
	r = decode[rest.PruneReport](me.post(at, rest.PruneImages{}).want(http.StatusOK))
	if r.DryRun || len(r.Removed) != 2 || r.Node != "micro-1" {
		t.Errorf("report %+v", r)
	}
	me.post("/api/v1/nodes/nope/images/prune", rest.PruneImages{}).problem(http.StatusNotFound, "node-not-found")
	events := audited(t, me, "images.prune")
	if len(events) != 2 || events[0].Outcome != "refused" || events[1].Outcome != "succeeded" ||
		events[1].Detail != "node micro-1: removed 2 images, 6 MB: sdp/account:2, sha256:3" {
		t.Errorf("audit %+v", events)
	}

	bed.Advance(time.Minute)
	p := me.post(at, rest.PruneImages{}).problem(http.StatusServiceUnavailable, "node-without-worker")
	contains(t, p.Detail, "node micro-1: no worker since ")
	anonymous(t, bed).post(at, rest.PruneImages{}).problem(http.StatusUnauthorized, "not-signed-in")
}

// Whoever made a sandbox whose port something foreign held is told so, and ports shows both.
func TestPorts(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	box := createShop(t, me).Sandbox
	ports := func() rest.NodePorts {
		list := decode[rest.Page[rest.NodePorts]](me.get("/api/v1/ports").want(http.StatusOK)).Items
		if len(list) != 1 {
			t.Fatalf("ports %+v", list)
		}
		return list[0]
	}
	if p := ports(); p.Node != "gateway-1" || p.First != 8080 || p.Last != 8119 || p.Free != 39 || len(p.Foreign) > 0 ||
		p.Taken[0] != (rest.TakenPort{Port: 8080, Sandbox: "shop", Owner: apitest.User, State: "ACTIVE", URL: box.URL}) {
		t.Errorf("ports %+v", p)
	}
	const why = "something that is not SDP's holds port 8080 on gateway-1; the sandbox got 8081"
	if _, err := bed.DB.ReassignPort(t.Context(), "shop", 8080, "something holds it"); err != nil {
		t.Fatal(err)
	}
	told := sdp.AuditEvent{User: "system", Action: sdp.AuditPortReassign, Sandbox: "shop", Outcome: sdp.Succeeded, Detail: why}
	if err := bed.DB.Audit(t.Context(), told); err != nil {
		t.Fatal(err)
	}
	if p := ports(); p.Free != 38 || p.Taken[0].Port != 8081 || p.Foreign[0].Port != 8080 || p.Foreign[0].Until.IsZero() {
		t.Errorf("ports %+v", p)
	}
	shown := decode[rest.Sandbox](me.get("/api/v1/sandboxes/shop").want(http.StatusOK))
	if shown.PortNote != why || shown.Port != 8081 {
		t.Errorf("shown %d %q", shown.Port, shown.PortNote)
	}
}
