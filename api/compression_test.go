package api_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"sdp/api"
	"sdp/api/apitest"
	"sdp/api/rest"
	"sdp/internal/sdp"
)

// plain is the answer's body with the compression taken off.
func (a answer) plain() string {
	a.t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(a.body))
	if err != nil {
		a.t.Fatal(err)
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		a.t.Fatal(err)
	}
	return string(raw)
}

func (a answer) wantHeader(name, value string) answer {
	a.t.Helper()
	if got := a.header.Get(name); got != value {
		a.t.Errorf("%s: %q, want %q", name, got, value)
	}
	return a
}

func TestAnswersAreCompressed(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed).with("Accept-Encoding", "identity") // else the client asks for gzip and hides it
	d := accountOf(t, createShop(t, me))
	asks := me.with("Accept-Encoding", "gzip")
	for _, path := range []string{"/api/v1/sandboxes", "/openapi.json"} {
		raw := me.get(path).want(http.StatusOK).wantHeader("Vary", "Accept-Encoding").wantHeader("Content-Encoding", "")
		small := asks.get(path).want(http.StatusOK).wantHeader("Content-Encoding", "gzip").wantHeader("Vary", "Accept-Encoding").
			wantHeader("Content-Type", raw.header.Get("Content-Type"))
		if small.plain() != string(raw.body) {
			t.Errorf("%s (%d bytes) differs when it is compressed", path, len(raw.body))
		}
	}
	asks.get("/api/v1/sandboxes/none").problem(http.StatusNotFound, "sandbox-not-found") // too small
	asks.get("/api/v1/session").want(http.StatusOK).wantHeader("Content-Encoding", "")
	login := anonymous(t, bed).with("Accept-Encoding", "gzip").
		post("/api/v1/session?"+strings.Repeat("x", 10), rest.Login{User: apitest.User, Password: apitest.Password})
	login.wantHeader("Content-Encoding", "").wantHeader("Vary", "")

	line := strings.Repeat("a line of a log\n", 500)
	ship(t, bed, "micro-1", sdp.DeploymentStream(d.ID), 0, line, true)
	log := "/api/v1/deployments/" + d.ID + "/logs"
	whole := asks.get(log).want(http.StatusOK).wantHeader("Content-Encoding", "").wantHeader("Content-Length", "8000").wantHeader("Accept-Ranges", "bytes")
	part := asks.with("Range", "bytes=16-4000").get(log).want(http.StatusPartialContent).wantHeader("Content-Encoding", "").
		wantHeader("Content-Range", "bytes 16-4000/8000")
	if string(whole.body) != line || string(part.body) != line[16:4001] {
		t.Errorf("log of %d bytes, part of %d", len(whole.body), len(part.body))
	}
	conn := asks.dial("/api/v1/deployments/" + d.ID + "/logs/stream")
	if got := readLog(t, conn, 0); got != line {
		t.Errorf("streamed %d bytes", len(got))
	}
}

// TestDashboard: what is no route is a page, and only pages have a policy of their own.
func TestDashboard(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{"index.html": {Data: []byte("home")}, "theme.js": {Data: []byte("1")}}
	c := anonymous(t, apitest.New(t, func(c *api.Config) { c.Dashboard = files }))
	home := c.get("/").want(http.StatusOK)
	contains(t, string(home.body), "home")
	contains(t, home.header.Get("Content-Security-Policy"), "script-src 'self'; ")
	contains(t, c.get("/theme.js").header.Get("Content-Security-Policy"), "default-src 'none'")
	c.do(http.MethodHead, "/", nil).want(http.StatusOK)
	c.do(http.MethodHead, "/nope", nil).want(http.StatusNotFound)
	c.get("/api/v1/none").problem(http.StatusNotFound, "no-route")
	c.post("/nope", nil).problem(http.StatusNotFound, "no-route")
}
