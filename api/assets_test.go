package api_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"sdp/api"
	"sdp/api/apitest"
	"sdp/internal/sdp"
)

// export is a dashboard as Next.js exports one.
func export() fstest.MapFS {
	script := "console.log(1);" + strings.Repeat("function overview(){return 1}\n", 200)
	return fstest.MapFS{
		"index.html":                       {Data: []byte(`<script src="/theme.js"></script><script>go()</script>home`)},
		"sandbox.html":                     {Data: []byte(`<!doctype html><script id="a">self.x=1</script>` + strings.Repeat("a picture ", 300))},
		"sandbox.txt":                      {Data: []byte(`1:"$Sreact.fragment"`)},
		"sandbox/__next._tree.txt":         {Data: []byte(`0:{}`)},
		"404.html":                         {Data: []byte(`no such page`)},
		"icon.svg":                         {Data: []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`)},
		"_next/static/chunks/abc.js":       {Data: []byte(script)},
		"_next/static/chunks/abc.css":      {Data: []byte(`a{}`)},
		"_next/static/media/font.woff2":    {Data: bytes.Repeat([]byte{1}, 4000)},
		"_next/static/x/_buildManifest.js": {Data: []byte(`1`)},
	}
}

func dashboard(t *testing.T) *caller {
	t.Helper()
	return anonymous(t, apitest.New(t, func(c *api.Config) { c.Dashboard = export() })).with("Accept-Encoding", "identity")
}

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

func TestDashboardFiles(t *testing.T) {
	t.Parallel()
	c := dashboard(t)
	for path, kind := range map[string]string{
		"/": "text/html; charset=utf-8", "/sandbox": "text/html; charset=utf-8", "/sandbox/": "text/html; charset=utf-8",
		"/sandbox?name=shop": "text/html; charset=utf-8", "/sandbox.txt": "text/plain; charset=utf-8",
		"/sandbox/__next._tree.txt": "text/plain; charset=utf-8", "/icon.svg": "image/svg+xml",
		"/_next/static/chunks/abc.js": "text/javascript; charset=utf-8", "/_next/static/chunks/abc.css": "text/css; charset=utf-8",
		"/_next/static/media/font.woff2": "font/woff2",
	} {
		a := c.get(path).want(http.StatusOK).wantHeader("Content-Type", kind)
		cache := "no-cache"
		if strings.HasPrefix(path, "/_next/") {
			cache = "public, max-age=31536000, immutable"
		}
		a.wantHeader("Cache-Control", cache)
		head := c.do(http.MethodHead, path, nil).want(http.StatusOK)
		if len(head.body) != 0 || head.header.Get("ETag") != a.header.Get("ETag") || head.header.Get("Content-Length") != a.header.Get("Content-Length") {
			t.Errorf("HEAD %s: %v", path, head.header)
		}
	}
	contains(t, string(c.get("/nope").want(http.StatusNotFound).wantHeader("Cache-Control", "no-cache").body), "no such page")
	c.do(http.MethodHead, "/nope", nil).want(http.StatusNotFound)
	c.get("/../../../etc/passwd").want(http.StatusNotFound)
	c.get("/api/v1/none").problem(http.StatusNotFound, "no-route")
}

// TestPagePolicy: scripts of a page run by their hash or their address, and by nothing else.
func TestPagePolicy(t *testing.T) {
	t.Parallel()
	c := dashboard(t)
	for path, script := range map[string]string{"/": "go()", "/sandbox": "self.x=1"} {
		policy := c.get(path).want(http.StatusOK).header.Get("Content-Security-Policy")
		sum := sha256.Sum256([]byte(script))
		contains(t, policy, "script-src 'self' 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'; ")
		for _, part := range []string{"default-src 'self';", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "connect-src 'self';"} {
			contains(t, policy, part)
		}
		scripts, _, _ := strings.Cut(strings.SplitN(policy, "script-src ", 2)[1], ";")
		if strings.Contains(scripts, "unsafe") || strings.Contains(scripts, "*") || strings.Contains(scripts, "http") {
			t.Errorf("%s: scripts may come from %s", path, scripts)
		}
	}
	contains(t, c.get("/nope").header.Get("Content-Security-Policy"), "script-src 'self'; ")
	contains(t, c.get("/_next/static/chunks/abc.js").header.Get("Content-Security-Policy"), "default-src 'none'")
}

func TestDashboardIsCompressedAndRevalidated(t *testing.T) {
	t.Parallel()
	c := dashboard(t)
	for _, path := range []string{"/_next/static/chunks/abc.js", "/sandbox"} {
		raw := c.get(path).want(http.StatusOK).wantHeader("Vary", "Accept-Encoding").wantHeader("Content-Encoding", "")
		small := c.with("Accept-Encoding", "br, gzip;q=0.8").get(path).want(http.StatusOK).
			wantHeader("Content-Encoding", "gzip").wantHeader("Vary", "Accept-Encoding").
			wantHeader("Content-Type", raw.header.Get("Content-Type"))
		if small.plain() != string(raw.body) || len(small.body) > len(raw.body)/4 {
			t.Errorf("%s: %d bytes of %d", path, len(small.body), len(raw.body))
		}
		plainTag, smallTag := raw.header.Get("ETag"), small.header.Get("ETag")
		if plainTag == smallTag || !strings.HasPrefix(plainTag, `"`) || !strings.HasPrefix(smallTag, `"`) {
			t.Errorf("%s: tags %s and %s", path, plainTag, smallTag)
		}
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			again := c.with("Accept-Encoding", "gzip").with("If-None-Match", smallTag).do(method, path, nil).want(http.StatusNotModified)
			if len(again.body) != 0 || again.header.Get("ETag") != smallTag || again.header.Get("Vary") != "Accept-Encoding" {
				t.Errorf("%s %s again: %v", method, path, again.header)
			}
		}
		c.with("If-None-Match", plainTag).get(path).want(http.StatusNotModified)
		c.with("If-None-Match", smallTag).get(path).want(http.StatusOK)
		c.with("Accept-Encoding", "gzip;q=0, identity").get(path).want(http.StatusOK).wantHeader("Content-Encoding", "")
		part := c.with("Accept-Encoding", "gzip").with("Range", "bytes=3-9").get(path).want(http.StatusPartialContent).wantHeader("Content-Encoding", "")
		if string(part.body) != string(raw.body[3:10]) {
			t.Errorf("%s: part %q", path, part.body)
		}
	}
	for _, path := range []string{"/", "/_next/static/media/font.woff2"} { // too small, and a format that is compressed
		c.with("Accept-Encoding", "gzip").get(path).want(http.StatusOK).wantHeader("Content-Encoding", "").wantHeader("Vary", "")
	}
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
		post("/api/v1/session?"+strings.Repeat("x", 10), api.Login{User: apitest.User, Password: apitest.Password})
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
