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

// The server dies after it has stored what was asked for and before it has answered: whoever asks again gets what was started,
// and nothing is started twice.
func TestKeyHoldsOverACrash(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	crash := func(call string) error {
		if call == "Submit" { // the rows are there by then
			panic("it ends here")
		}
		return nil
	}
	for _, c := range []struct {
		method, path, key string
		body              any
	}{
		{"POST", "/api/v1/sandboxes", "create", shop},
		{"POST", "/api/v1/sandboxes/shop/deployments", "deploy", deployBody("user", "main")},
		{"POST", "/api/v1/sandboxes/shop/touch", "touch", nil},
		{"DELETE", "/api/v1/sandboxes/shop", "delete", nil},
	} {
		keyed := me.with("Idempotency-Key", c.key)
		bed.Engine.FailWith(crash)
		keyed.do(c.method, c.path, c.body).problem(http.StatusInternalServerError, "internal")
		bed.Engine.FailWith(nil)
		answers := []answer{keyed.do(c.method, c.path, c.body).want(http.StatusAccepted), keyed.do(c.method, c.path, c.body).want(http.StatusAccepted)}
		for _, a := range answers {
			if a.header.Get("Idempotent-Replayed") != "true" || a.header.Get("Location") == "" || string(a.body) != string(answers[0].body) {
				t.Errorf("%s: %v %s", c.key, a.header, a.body)
			}
		}
		me.get(answers[0].header.Get("Location")).want(http.StatusOK)
	}
	for _, path := range []string{"/api/v1/deployments?service=user", "/api/v1/operations?kind=touch", "/api/v1/operations?kind=delete"} {
		if list := decode[rest.Page[map[string]any]](me.get(path)); len(list.Items) != 1 {
			t.Errorf("%s: %d rows", path, len(list.Items))
		}
	}
	created := decode[rest.CreatedSandbox](me.with("Idempotency-Key", "create").post("/api/v1/sandboxes", shop).want(http.StatusAccepted))
	if created.Sandbox.Name != "shop" || len(created.Deployments) != 2 || created.Operation.ID == "" {
		t.Errorf("created %+v", created)
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
