package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"sdp/api"
	"sdp/api/apitest"
	"sdp/internal/sdp"
)

// ship appends to a log as the shipper of the deployment's node does.
func ship(t *testing.T, bed *apitest.Bed, node, stream string, offset int, data string, final bool) {
	t.Helper()
	path := fmt.Sprintf("logs/%s?offset=%d&final=%t", stream, offset, final)
	if status, answer := bed.Node(node, "POST", path, []byte(data)); status != http.StatusOK {
		t.Fatalf("%d %s", status, answer)
	}
}

func TestLogDownload(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	d := accountOf(t, createShop(t, me))
	path := "/api/v1/deployments/" + d.ID + "/logs"
	if a := me.get(path).want(http.StatusOK); len(a.body) != 0 || a.header.Get("X-Log-Final") != "false" {
		t.Errorf("%q %v", a.body, a.header)
	}
	text := strings.Repeat("[BUILD] one line of it\n", 20_000) // more than one read
	ship(t, bed, "micro-1", sdp.DeploymentStream(d.ID), 0, text, true)
	a := me.get(path).want(http.StatusOK)
	if string(a.body) != text || a.header.Get("Content-Type") != "text/plain; charset=utf-8" || a.header.Get("X-Log-Final") != "true" ||
		a.header.Get("Content-Disposition") != `attachment; filename="shop-account-`+d.ID+`.log"` {
		t.Errorf("%d bytes, %v", len(a.body), a.header)
	}
	if a := me.get(path + "?offset=459990").want(http.StatusOK); string(a.body) != text[459990:] {
		t.Errorf("%q", a.body)
	}
	if a := me.get(path + "?offset=999999").want(http.StatusOK); len(a.body) != 0 {
		t.Errorf("%q", a.body)
	}
	me.get(path+"?offset=-1").problem(http.StatusBadRequest, "bad-request")
	for header, want := range map[string]struct{ body, contentRange string }{
		"bytes=0-6":           {"[BUILD]", "bytes 0-6/460000"},
		"bytes=459996-":       {" it\n", "bytes 459996-459999/460000"},
		"bytes=-3":            {"it\n", "bytes 459997-459999/460000"},
		"bytes=459999-999999": {"\n", "bytes 459999-459999/460000"},
	} {
		a := me.with("Range", header).get(path).want(http.StatusPartialContent)
		if string(a.body) != want.body || a.header.Get("Content-Range") != want.contentRange {
			t.Errorf("%s: %q %v", header, a.body, a.header)
		}
	}
	for _, header := range []string{"bytes=460000-", "bytes=-0"} {
		a := me.with("Range", header).get(path)
		a.problem(http.StatusRequestedRangeNotSatisfiable, "bad-range")
		if a.header.Get("Content-Range") != "bytes */460000" {
			t.Errorf("%v", a.header)
		}
	}
	for _, header := range []string{"bytes=0-1,4-5", "lines=1-2", "bytes=5-2", "bytes=-"} { // as if it were not there
		if a := me.with("Range", header).get(path).want(http.StatusOK); len(a.body) != len(text) {
			t.Errorf("%s: %d bytes", header, len(a.body))
		}
	}
}

func TestServiceLog(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	d := accountOf(t, createShop(t, me))
	run(t, bed, d)
	ship(t, bed, "micro-1", sdp.ContainerStream(d.ID), 0, "listening\n", false)
	if a := me.get("/api/v1/sandboxes/shop/services/account/logs").want(http.StatusOK); string(a.body) != "listening\n" {
		t.Errorf("%q", a.body)
	}
	me.get("/api/v1/sandboxes/shop/services/user/logs").problem(http.StatusNotFound, "no-container-log")
	me.get("/api/v1/deployments/d-none/logs").problem(http.StatusNotFound, "deployment-not-found")
}

func TestNodeReports(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	d := accountOf(t, createShop(t, me))
	stream := sdp.DeploymentStream(d.ID)
	ship(t, bed, "micro-1", stream, 0, "0123456789", false)
	ship(t, bed, "micro-1", stream, 5, "56789abc", false) // sent again after a lost answer
	if status, answer := bed.Node("micro-1", "POST", "logs/"+stream+"?offset=50", []byte("x")); status != http.StatusConflict || string(answer) != "{\"offset\":13}\n" {
		t.Errorf("%d %s", status, answer)
	}
	ship(t, bed, "micro-1", stream, 13, "", true) // an empty last chunk
	if a := me.get("/api/v1/deployments/" + d.ID + "/logs"); string(a.body) != "0123456789abc" || a.header.Get("X-Log-Final") != "true" {
		t.Errorf("%q %v", a.body, a.header)
	}
	refused := func(node, path string, body any, status int) {
		t.Helper()
		if got, answer := bed.Node(node, "POST", path, body); got != status {
			t.Errorf("%s: %d %s", path, got, answer)
		}
	}
	refused("gateway-1", "logs/"+stream+"?offset=0", []byte("x"), http.StatusForbidden)
	refused("micro-1", "logs/nonsense?offset=0", []byte("x"), http.StatusNotFound)
	refused("micro-1", "heartbeat", []byte("nonsense"), http.StatusBadRequest)
	refused("micro-1", "register", sdp.NodeRegistration{Node: sdp.Node{Name: "gateway-1", Type: sdp.Gateway, Address: "x"}}, http.StatusForbidden)
	for _, r := range []sdp.NodeRegistration{
		{Node: sdp.Node{Name: "micro-1", Type: "BIG", Address: "x"}},
		{Node: sdp.Node{Name: "micro-1", Type: sdp.Micro}},
		{Node: sdp.Node{Name: "micro-1", Type: sdp.Micro, Address: "x", PortFirst: 9, PortLast: 8}},
		{Node: sdp.Node{Name: "micro-1", Type: sdp.Micro, Address: "x"}, Repositories: []sdp.Repository{{Name: "../x", Port: 1}}},
		{Node: sdp.Node{Name: "micro-1", Type: sdp.Micro, Address: "x"}, Repositories: []sdp.Repository{{Name: "x", Port: 0}}},
		{Node: sdp.Node{Name: "micro-1", Type: sdp.Micro, Address: "x"},
			Repositories: []sdp.Repository{{Name: "x", Port: 1, RemoteURL: "http://u:Marker@git/x"}}},
	} {
		refused("micro-1", "register", r, http.StatusBadRequest)
	}
	for _, token := range []string{"", bed.Keys.NodeToken("gateway-1"), bed.Token()} {
		c := anonymous(t, bed).with("Authorization", "Bearer "+token)
		c.get("/node/v1/micro-1/desired").problem(http.StatusUnauthorized, "bad-node-token")
	}
	status, answer := bed.Node("micro-1", "GET", "desired", nil)
	if status != http.StatusOK || !strings.Contains(string(answer), `"MeshToken":"`+bed.Keys.MeshToken()) || !strings.Contains(string(answer), `"Sandbox":"shop"`) {
		t.Errorf("%d %s", status, answer)
	}
	corrections := []sdp.Correction{{Sandbox: "shop", Service: "account", What: "started stopped container sandbox-shop-account"}}
	if status, answer := bed.Node("micro-1", "POST", "observed", corrections); status != http.StatusOK {
		t.Errorf("%d %s", status, answer)
	}
	if events := audited(t, me, "reconcile"); len(events) != 1 || events[0].User != "system" {
		t.Errorf("audit %+v", events)
	}
	if events := audited(t, me, "node.register"); len(events) != 9 || events[0].User != "node/micro-1" || events[0].Outcome != "refused" {
		t.Errorf("audit %+v", events)
	}
	_ = api.LogOffset{}
}
