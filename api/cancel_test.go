package api_test

import (
	"net/http"
	"testing"
	"time"

	"sdp/api"
	"sdp/api/apitest"
	"sdp/api/rest"
	"sdp/internal/control/reconcile"
	"sdp/internal/postgres"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// TestCancelSaysWhatItWaitsFor: from the moment a cancel is accepted everybody sees it, and which node must confirm it.
func TestCancelSaysWhatItWaitsFor(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t, func(c *api.Config) { c.TemporalUI = "http://temporal.test/" })
	me := signedIn(t, bed)
	d := accountOf(t, createShop(t, me))
	path := "/api/v1/deployments/" + d.ID
	if d.Cancelling || d.TemporalURL != "http://temporal.test/namespaces/sdp/workflows/deploy%2F"+d.ID {
		t.Errorf("before: %+v", d)
	}
	if err := bed.DB.SetState(t.Context(), d.ID, sdp.Building, postgres.StateChange{SHA: sha}); err != nil {
		t.Fatal(err)
	}
	events := me.dial("/api/v1/events?sandbox=shop")
	asked := decode[rest.Deployment](me.post(path+"/cancel", nil).want(http.StatusAccepted))
	if e := message[rest.Event](t, events); e.Topic != "deployment/"+d.ID {
		t.Errorf("%+v", e)
	}
	const waits = "node micro-1 to confirm that nothing of it runs any more"
	shown := decode[rest.Deployment](me.get(path).want(http.StatusOK))
	for _, got := range []rest.Deployment{asked, shown} {
		if !got.Cancelling || got.Settled || got.State != "BUILDING" || got.WaitingFor != waits || time.Since(got.CancelRequestedAt) > time.Minute {
			t.Errorf("%+v", got)
		}
	}
	bed.Engine.Progresses[d.ID] = wire.Progress{Deployment: d.ID, State: sdp.Building} // the workflow has not heard of it yet
	if p := decode[rest.Progress](me.get(path + "/progress").want(http.StatusOK)); !p.Cancelling || p.WaitingFor != waits ||
		!p.CancelRequestedAt.Equal(shown.CancelRequestedAt) || p.TemporalURL != d.TemporalURL || p.Source != "workflow" {
		t.Errorf("%+v", p)
	}
	bed.Advance(time.Minute)
	contains(t, decode[rest.Deployment](me.get(path).want(http.StatusOK)).WaitingFor, waits+": no worker since ")
	listed := decode[rest.Page[rest.Deployment]](me.get("/api/v1/deployments?active=true&service=account").want(http.StatusOK)).Items
	if len(listed) != 1 {
		t.Fatalf("%+v", listed)
	}
	contains(t, listed[0].WaitingFor, waits+": no worker since ")
	again := decode[rest.Deployment](me.post(path+"/cancel", nil).want(http.StatusAccepted))
	if !again.CancelRequestedAt.Equal(shown.CancelRequestedAt) {
		t.Errorf("asked again: %v, first %v", again.CancelRequestedAt, shown.CancelRequestedAt)
	}
	if err := bed.DB.SetState(t.Context(), d.ID, sdp.DeployCancelled, noChange); err != nil {
		t.Fatal(err)
	}
	if got := decode[rest.Deployment](me.get(path).want(http.StatusOK)); got.Cancelling || got.WaitingFor != "" || !got.CancelRequestedAt.Equal(shown.CancelRequestedAt) {
		t.Errorf("confirmed: %+v", got)
	}
}

// TestCancelOfAChangeMarksItsParts: it marks the operation and those of its parts that have not ended.
func TestCancelOfAChangeMarksItsParts(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t, func(c *api.Config) { c.TemporalUI, c.TemporalNamespace = "http://temporal.test", "team a" })
	me := signedIn(t, bed)
	created := createShop(t, me)
	for _, d := range created.Deployments {
		run(t, bed, d)
	}
	in := shop
	in.Services = map[string]sdp.ServiceSpec{"account": {Branch: "main"}, "user": {UseOCP: true}}
	applied := decode[rest.Applied](me.put("/api/v1/sandboxes/shop", rest.ApplySandbox{Spec: in}).want(http.StatusAccepted))
	op := applied.Operation
	if op == nil || len(applied.Deployments) == 0 || op.TemporalURL != "http://temporal.test/namespaces/team%20a/workflows/apply%2F"+op.ID {
		t.Fatalf("%+v", applied)
	}
	got := decode[rest.Operation](me.post("/api/v1/operations/"+op.ID+"/cancel", nil).want(http.StatusAccepted))
	shown := decode[rest.Operation](me.get("/api/v1/operations/" + op.ID).want(http.StatusOK))
	part := decode[rest.Deployment](me.get("/api/v1/deployments/" + applied.Deployments[0].ID).want(http.StatusOK))
	if !got.Cancelling || !shown.Cancelling || shown.WaitingFor == "" || !part.Cancelling || !part.CancelRequestedAt.Equal(shown.CancelRequestedAt) {
		t.Errorf("%+v\n%+v\n%+v", got, shown, part)
	}
	done := decode[rest.Deployment](me.get("/api/v1/deployments/" + created.Deployments[0].ID).want(http.StatusOK))
	if done.Cancelling || !done.CancelRequestedAt.IsZero() {
		t.Errorf("what ended before: %+v", done)
	}
	if err := bed.DB.SetOperation(t.Context(), op.ID, sdp.OpCancelled, "", nil); err != nil {
		t.Fatal(err)
	}
	if shown := decode[rest.Operation](me.get("/api/v1/operations/" + op.ID).want(http.StatusOK)); shown.Cancelling || shown.WaitingFor != "" {
		t.Errorf("confirmed: %+v", shown)
	}
}

// TestCancellableIsWhatCancelAccepts: what the views say is what happens to who tries.
func TestCancellableIsWhatCancelAccepts(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	run(t, bed, accountOf(t, createShop(t, me)))
	for _, verb := range []string{"restart", "stop"} {
		for _, state := range []sdp.OperationState{sdp.OpQueued, sdp.OpRunning, sdp.OpSucceeded} {
			op := decode[rest.Operation](me.post("/api/v1/sandboxes/shop/services/account/"+verb, nil).want(http.StatusAccepted))
			if err := bed.DB.SetOperation(t.Context(), op.ID, state, "", nil); err != nil {
				t.Fatal(err)
			}
			op = decode[rest.Operation](me.get("/api/v1/operations/" + op.ID).want(http.StatusOK))
			accepted := me.post("/api/v1/operations/"+op.ID+"/cancel", nil).status == http.StatusAccepted
			if op.Cancellable != accepted || op.Settled != (state == sdp.OpSucceeded) {
				t.Errorf("%s %s: cancel accepted %v, but %+v", verb, state, accepted, op)
			}
		}
	}
}

// TestCancelIsAcceptedWhileTemporalIsDown: the note counts, and Temporal is told until the row is settled.
func TestCancelIsAcceptedWhileTemporalIsDown(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	d := accountOf(t, createShop(t, me))
	bed.Engine.FailWith(func(string) error { return sdp.Errorf(sdp.Unavailable, "temporal-unreachable", "down") })
	if got := decode[rest.Deployment](me.post("/api/v1/deployments/"+d.ID+"/cancel", nil).want(http.StatusAccepted)); !got.Cancelling {
		t.Errorf("%+v", got)
	}
	r := reconcile.Reconciler{DB: bed.DB, Engine: bed.Engine, Log: bed.Config.Log}
	passedOn := func(again time.Duration, want int) {
		t.Helper()
		if err := r.Recancel(t.Context(), 0, again); err != nil {
			t.Fatal(err)
		}
		if got := bed.Engine.Cancelled(); len(got) != want {
			t.Fatalf("passed on %q, want %d", got, want)
		}
	}
	if err := r.Recancel(t.Context(), 0, 0); err == nil {
		t.Error("no error though nothing could be passed on")
	}
	bed.Engine.FailWith(nil)
	passedOn(time.Hour, 1)
	passedOn(time.Hour, 1) // Temporal has it
	if err := bed.DB.SetState(t.Context(), d.ID, sdp.DeployCancelled, noChange); err != nil {
		t.Fatal(err)
	}
	passedOn(0, 1)
}

// TestCancelOfARestartMarksItsDeployment: it says what that waits for.
func TestCancelOfARestartMarksItsDeployment(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	d := accountOf(t, createShop(t, me))
	run(t, bed, d)
	op := decode[rest.Operation](me.post("/api/v1/sandboxes/shop/services/account/restart", nil).want(http.StatusAccepted))
	if err := bed.DB.SetOperation(t.Context(), op.ID, sdp.OpRunning, "", nil); err != nil {
		t.Fatal(err)
	}
	again := postgres.NewDeployment{Deployment: sdp.Deployment{ID: sdp.RestartDeployment(op.ID), Sandbox: "shop", Service: "account",
		Branch: "main", SHA: sha, RequestedBy: "ann"}}
	if _, err := bed.DB.CreateDeployments(t.Context(), []postgres.NewDeployment{again}); err != nil {
		t.Fatal(err)
	}
	if err := bed.DB.SetState(t.Context(), again.ID, sdp.StartingContainer, postgres.StateChange{SHA: sha}); err != nil {
		t.Fatal(err)
	}
	me.post("/api/v1/operations/"+op.ID+"/cancel", nil).want(http.StatusAccepted)
	bed.Advance(time.Minute)
	shown := decode[rest.Operation](me.get("/api/v1/operations/" + op.ID).want(http.StatusOK))
	contains(t, shown.WaitingFor, "node micro-1 to confirm that nothing of it runs any more: no worker since ")
	if got := decode[rest.Deployment](me.get("/api/v1/deployments/" + again.ID).want(http.StatusOK)); !got.Cancelling {
		t.Errorf("%+v", got)
	}
}
