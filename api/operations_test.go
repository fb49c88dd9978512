package api_test

import (
	"net/http"
	"testing"

	"sdp/api/apitest"
	"sdp/api/rest"
	"sdp/internal/postgres"
	"sdp/internal/sdp"
)

var noChange = postgres.StateChange{}

// run brings a deployment to RUNNING as its workflow would.
func run(t *testing.T, bed *apitest.Bed, d rest.Deployment) {
	t.Helper()
	ctx := t.Context()
	steps := []func() error{
		func() error { return bed.DB.SetState(ctx, d.ID, sdp.Fetching, postgres.StateChange{SHA: sha}) },
		func() error {
			return bed.DB.SetState(ctx, d.ID, sdp.StartingContainer, postgres.StateChange{SHA: sha, Image: "sdp/x:1"})
		},
		func() error {
			return bed.DB.PutContainer(ctx, sdp.Container{Deployment: d.ID, Sandbox: d.Sandbox, Service: d.Service, Node: d.Node,
				DockerID: "c1", Address: "10.213.0.5:8080", SHA: sha, Image: "sdp/x:1", State: sdp.Starting})
		},
		func() error { _, err := bed.DB.Serve(ctx, d.ID); return err },
		func() error { return bed.DB.Confirm(ctx, d.ID) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
}

func accountOf(t *testing.T, created rest.CreatedSandbox) rest.Deployment {
	t.Helper()
	for _, d := range created.Deployments {
		if d.Service == "account" {
			return d
		}
	}
	t.Fatal("no deployment of account")
	return rest.Deployment{}
}

func TestRestartAndStop(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	d := accountOf(t, createShop(t, me))
	me.post("/api/v1/sandboxes/shop/services/account/restart", nil).problem(http.StatusConflict, "never-ran")
	me.post("/api/v1/sandboxes/shop/services/account/stop", nil).problem(http.StatusConflict, "not-running")
	p := me.post("/api/v1/sandboxes/shop/services/acount/stop", nil).problem(http.StatusNotFound, "unknown-service")
	contains(t, p.Detail, "sandbox shop has no service acount")
	contains(t, p.Remedy, "did you mean account?")
	contains(t, p.Remedy, "it has account")
	me.post("/api/v1/sandboxes/shop/services/a%20b/stop", nil).problem(http.StatusBadRequest, "bad-name")
	run(t, bed, d)
	for _, verb := range []string{"restart", "stop"} {
		a := me.post("/api/v1/sandboxes/shop/services/account/"+verb, nil).want(http.StatusAccepted)
		op := decode[rest.Operation](a)
		if string(op.Kind) != verb || op.Service != "account" || a.header.Get("Location") != "/api/v1/operations/"+op.ID {
			t.Errorf("operation %+v", op)
		}
		if events := audited(t, me, "service."+verb); events[0].Outcome != "accepted" || events[0].Operation != op.ID || events[0].Service != "account" {
			t.Errorf("audit %+v", events[0])
		}
	}
	list := decode[rest.Page[rest.Operation]](me.get("/api/v1/sandboxes/shop/operations").want(http.StatusOK))
	if len(list.Items) != 3 || list.Items[0].Kind != "stop" {
		t.Errorf("operations %+v", list.Items)
	}
	s := decode[rest.Sandbox](me.get("/api/v1/sandboxes/shop").want(http.StatusOK))
	if c := s.Services[0].Serving; c == nil || c.SHA != sha || c.State != "SERVING" || c.Name != "sandbox-shop-account" {
		t.Errorf("serving %+v", c)
	}
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	d := accountOf(t, createShop(t, me))
	put := func(service string, in any) answer { return me.put("/api/v1/sandboxes/shop/routes/"+service, in) }
	put("account", rest.SetRoute{Source: "sandbox"}).problem(http.StatusConflict, "no-container")
	run(t, bed, d)
	put("account", rest.SetRoute{Source: "sandbox"}).want(http.StatusAccepted)
	put("payment", rest.SetRoute{Source: "ocp"}).problem(http.StatusBadRequest, "not-in-ocp")
	put("nobody", rest.SetRoute{Source: "ocp"}).problem(http.StatusNotFound, "unknown-service")
	put("account", rest.SetRoute{Source: "ocp", URL: "http://x/"}).problem(http.StatusBadRequest, "bad-route")
	put("account", rest.SetRoute{Source: "url"}).problem(http.StatusBadRequest, "bad-url")
	put("account", rest.SetRoute{Source: "url", URL: "javascript:alert(1)"}).problem(http.StatusBadRequest, "bad-url")
	put("account", rest.SetRoute{Source: "url", URL: "HTTP://x/"}).problem(http.StatusBadRequest, "bad-url") // the database's rule
	put("account", rest.SetRoute{Source: "url", URL: "http://x:99999/"}).problem(http.StatusBadRequest, "bad-url")
	put("account", rest.SetRoute{Source: "url", URL: "http://user:Marker@x/"}).problem(http.StatusBadRequest, "bad-url")
	put("account", map[string]string{"source": "elsewhere"}).problem(http.StatusBadRequest, "bad-request")
	toURL := rest.SetRoute{Source: "url", URL: "https://ocp.test/base"}
	op := decode[rest.Operation](put("account", toURL).want(http.StatusAccepted))
	if op.Source != "url" || op.URL != "https://ocp.test/base" {
		t.Errorf("operation %+v", op)
	}
	table := decode[rest.Routes](me.get("/api/v1/sandboxes/shop/routes").want(http.StatusOK))
	found := map[string]rest.ServiceRoute{}
	for _, r := range table.Routes {
		found[r.Service] = r
	}
	if r := found["account"]; r.Source != "sandbox" || r.SHA != sha || r.Deployment != d.ID {
		t.Errorf("account %+v", r)
	}
	if r := found["notification"]; r.Source != "ocp" || r.URL == "" {
		t.Errorf("notification %+v", r)
	}
	if table.URL != "http://127.0.0.1:8080" || table.Gateway != "gateway" || len(table.Nodes) != 2 {
		t.Errorf("table %+v", table)
	}
}

func TestTrace(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	createShop(t, me)
	got := decode[rest.Trace](me.post("/api/v1/sandboxes/shop/trace", rest.TraceRequest{Path: "/account/health?full=1"}).want(http.StatusOK))
	if got.Status != 200 || len(got.Hops) != 1 || got.Hops[0].Millis != 1.5 || got.Hops[0].Method != "GET" {
		t.Errorf("trace %+v", got)
	}
	in := bed.Engine.Traces()[0]
	if in.Node != "gateway-1" || in.Port != 8080 || len(in.Nodes) != 2 {
		t.Errorf("input %+v", in)
	}
	for _, path := range []string{"", "account", "/a b", "/a\r\nHost: x", "/#x"} {
		me.post("/api/v1/sandboxes/shop/trace", rest.TraceRequest{Path: path}).problem(http.StatusBadRequest, "bad-path")
	}
	me.post("/api/v1/sandboxes/shop/trace", rest.TraceRequest{Path: "/", Method: "DELETE"}).problem(http.StatusBadRequest, "bad-request")
}

func TestCancelOfAnOperation(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	created := createShop(t, me)
	create := created.Operation.ID
	d := accountOf(t, created)
	run(t, bed, d)
	restart := decode[rest.Operation](me.post("/api/v1/sandboxes/shop/services/account/restart", nil).want(http.StatusAccepted))
	stop := decode[rest.Operation](me.post("/api/v1/sandboxes/shop/services/account/stop", nil).want(http.StatusAccepted))
	set := func(id string, state sdp.OperationState) {
		t.Helper()
		if err := bed.DB.SetOperation(t.Context(), id, state, "", nil); err != nil {
			t.Fatal(err)
		}
	}
	cancel := func(id string) answer { return me.post("/api/v1/operations/"+id+"/cancel", nil) }
	set(create, sdp.OpSucceeded)
	cancel(create).problem(http.StatusConflict, "already-settled")
	cancel("o-nothing").problem(http.StatusNotFound, "operation-not-found")
	cancel("%00").problem(http.StatusNotFound, "operation-not-found")

	set(restart.ID, sdp.OpRunning)
	if a := cancel(restart.ID).want(http.StatusAccepted); a.header.Get("Location") != "/api/v1/operations/"+restart.ID {
		t.Errorf("location %q", a.header.Get("Location"))
	}
	cancel(stop.ID).want(http.StatusAccepted) // it waits behind the restart
	if err := bed.DB.SetOperation(t.Context(), stop.ID, sdp.OpRunning, "", nil); sdp.KindOf(err) != sdp.Conflict {
		t.Errorf("a cancelled stop began: %v", err)
	}
	set(stop.ID, sdp.OpCancelled)
	cancel(stop.ID).problem(http.StatusConflict, "already-settled")
	if got := bed.Engine.Cancelled(); len(got) != 2 || got[0] != restart.ID || got[1] != stop.ID {
		t.Errorf("cancelled %q", got)
	}
	deleted := decode[rest.Operation](me.delete("/api/v1/sandboxes/shop").want(http.StatusAccepted))
	cancel(deleted.ID).problem(http.StatusConflict, "not-cancellable")
	events := audited(t, me, "operation.cancel")
	if len(events) != 7 || events[3].Operation != restart.ID || events[3].Sandbox != "shop" || events[3].Service != "account" ||
		events[3].Outcome != "accepted" {
		t.Errorf("audit %+v", events)
	}
}

func TestPartOfAChangeThatWaitsIsNotCancelledByItself(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	part := sdp.Deployment{ID: "d-part", Service: "account", Branch: "main", RequestedBy: "ann"}
	op := sdp.Operation{ID: "o-apply", Kind: sdp.OpApply, RequestedBy: "ann", Change: &sdp.Change{New: true,
		Spec:    sdp.SandboxSpec{Name: "shop", Services: map[string]sdp.ServiceSpec{"account": {Branch: "main"}}},
		Actions: []sdp.Action{{Service: "account", Kind: sdp.ActionDeploy, Deployment: part.ID}}}}
	_, _, err := bed.DB.AcceptChange(t.Context(), postgres.NewChange{Operation: op, New: &postgres.NewSandbox{Owner: "ann"},
		Deployments: []postgres.NewDeployment{{Deployment: part}}})
	if err != nil {
		t.Fatal(err)
	}
	cancellable := func() bool {
		t.Helper()
		shown := decode[rest.Deployment](me.get("/api/v1/deployments/d-part").want(http.StatusOK))
		listed := decode[rest.Page[rest.Deployment]](me.get("/api/v1/deployments?sandbox=shop").want(http.StatusOK))
		if len(listed.Items) != 1 || listed.Items[0].Cancellable != shown.Cancellable {
			t.Errorf("listed as %+v, shown as %+v", listed.Items, shown)
		}
		return shown.Cancellable
	}
	if cancellable() {
		t.Error("a part of a change that has not begun says that it can be cancelled")
	}
	me.post("/api/v1/deployments/d-part/cancel", nil).problem(http.StatusConflict, "not-begun")
	if err := bed.DB.SetOperation(t.Context(), op.ID, sdp.OpRunning, "", nil); err != nil {
		t.Fatal(err)
	}
	if !cancellable() {
		t.Error("a part of a change that has begun says that it cannot be cancelled")
	}
	me.post("/api/v1/deployments/d-part/cancel", nil).want(http.StatusAccepted)
	if got := bed.Engine.Cancelled(); len(got) != 1 || got[0] != part.ID {
		t.Errorf("cancelled %q", got)
	}
}
