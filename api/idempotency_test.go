package api_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"sdp/api/apitest"
	"sdp/api/rest"
	"sdp/internal/sdp"
)

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	createShop(t, me)
	keyed := me.with("Idempotency-Key", "key-1")
	first := keyed.post("/api/v1/sandboxes/shop/deployments", deployBody("user", "main")).want(http.StatusAccepted)
	again := keyed.post("/api/v1/sandboxes/shop/deployments", deployBody("user", "main")).want(http.StatusAccepted)
	if string(first.body) != string(again.body) || first.header.Get("Location") != again.header.Get("Location") ||
		again.header.Get("Content-Type") != "application/json" || again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("%s\n%s\n%v", first.body, again.body, again.header)
	}
	keyed.post("/api/v1/sandboxes/shop/deployments", deployBody("user", "other")).problem(http.StatusUnprocessableEntity, "idempotency-key-reused")
	keyed.post("/api/v1/sandboxes/shop/services/user/restart", nil).problem(http.StatusUnprocessableEntity, "idempotency-key-reused")
	keyed.post("/api/v1/sandboxes/shop/trace", rest.TraceRequest{Path: "/"}).want(http.StatusOK) // holds what a service said: not kept
	if list := decode[rest.Page[rest.Deployment]](me.get("/api/v1/deployments?service=user")); len(list.Items) != 1 {
		t.Errorf("%d deployments", len(list.Items))
	}
	me.with("Idempotency-Key", strings.Repeat("x", 201)).post("/api/v1/sandboxes", shop).problem(http.StatusBadRequest, "bad-idempotency-key")
	accepted := 0
	for _, e := range audited(t, me, "deployment.create") {
		if e.Service == "user" && e.Outcome == "accepted" {
			accepted++
		}
	}
	if accepted != 1 {
		t.Errorf("%d accepted events", accepted)
	}
}

func TestRefusedRequestMayBeSentAgain(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed).with("Idempotency-Key", "key-2")
	bed.Node("micro-1", "POST", "heartbeat", sdp.NodeHealth{DockerError: "down"})
	me.post("/api/v1/sandboxes", shop).problem(http.StatusServiceUnavailable, "docker-down")
	bed.Node("micro-1", "POST", "heartbeat", sdp.NodeHealth{})
	me.post("/api/v1/sandboxes", shop).want(http.StatusAccepted)
}

func TestSameKeyAtTheSameTimeDoesOneThing(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed).with("Idempotency-Key", "key-3")
	var all sync.WaitGroup
	var mu sync.Mutex
	statuses := map[int]int{}
	for range 8 {
		all.Go(func() {
			a := me.post("/api/v1/sandboxes", shop)
			mu.Lock()
			statuses[a.status]++
			mu.Unlock()
		})
	}
	all.Wait()
	if statuses[http.StatusAccepted] < 1 || statuses[http.StatusAccepted]+statuses[http.StatusConflict] != 8 {
		t.Errorf("statuses %v", statuses)
	}
	refs := bed.Engine.Submitted()
	if len(refs) != 3 {
		t.Errorf("submitted %+v", refs)
	}
}

func TestKeyIsReleasedAfterAPanic(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	createShop(t, me)
	keyed := me.with("Idempotency-Key", "key-4")
	bed.Engine.FailWith(func(call string) error {
		if call == "Trace" {
			panic("Marker in a panic")
		}
		return nil
	})
	a := keyed.post("/api/v1/sandboxes/shop/trace", rest.TraceRequest{Path: "/"})
	a.problem(http.StatusInternalServerError, "internal")
	if strings.Contains(string(a.body), "Marker") {
		t.Errorf("panic shown: %s", a.body)
	}
	contains(t, bed.Log.String(), "Handler panicked")
	bed.Engine.FailWith(nil)
	keyed.post("/api/v1/sandboxes/shop/trace", rest.TraceRequest{Path: "/"}).want(http.StatusOK)
	if e := audited(t, me, "sandbox.trace"); len(e) != 2 || e[1].Outcome != "failed" || time.Since(e[0].At) > time.Minute {
		t.Errorf("audit %+v", e)
	}
}
