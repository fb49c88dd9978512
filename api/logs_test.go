package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

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
