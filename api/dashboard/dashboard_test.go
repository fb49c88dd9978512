package dashboard_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"sdp/api/dashboard"
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

// browser asks a server for pages, without taking compression off.
type browser struct {
	t      *testing.T
	url    string
	header http.Header
}

func open(t *testing.T) browser {
	t.Helper()
	files, err := dashboard.Load(export())
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(files)
	t.Cleanup(server.Close)
	return browser{t, server.URL, http.Header{"Accept-Encoding": {"identity"}}}
}

// with returns a browser that sends one header field more.
func (b browser) with(name, value string) browser {
	b.header = b.header.Clone()
	b.header.Set(name, value)
	return b
}

type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   []byte
}

func (b browser) do(method, path string) answer {
	b.t.Helper()
	req, err := http.NewRequest(method, b.url+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header = b.header
	response, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{b.t, response.StatusCode, response.Header, body}
}

func (b browser) get(path string) answer { b.t.Helper(); return b.do(http.MethodGet, path) }

func (a answer) want(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	return a
}

func (a answer) wantHeader(name, value string) answer {
	a.t.Helper()
	if got := a.header.Get(name); got != value {
		a.t.Errorf("%s: %q, want %q", name, got, value)
	}
	return a
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

func contains(t *testing.T, text, part string) {
	t.Helper()
	if !strings.Contains(text, part) {
		t.Errorf("%q does not say %q", text, part)
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	c := open(t)
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
		head := c.do(http.MethodHead, path).want(http.StatusOK)
		if len(head.body) != 0 || head.header.Get("ETag") != a.header.Get("ETag") || head.header.Get("Content-Length") != a.header.Get("Content-Length") {
			t.Errorf("HEAD %s: %v", path, head.header)
		}
	}
	contains(t, string(c.get("/nope").want(http.StatusNotFound).wantHeader("Cache-Control", "no-cache").body), "no such page")
	c.do(http.MethodHead, "/nope").want(http.StatusNotFound)
	c.get("/../../../etc/passwd").want(http.StatusNotFound)
}

// TestPagePolicy: scripts of a page run by their hash or their address, and by nothing else.
func TestPagePolicy(t *testing.T) {
	t.Parallel()
	c := open(t)
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
	c.get("/_next/static/chunks/abc.js").wantHeader("Content-Security-Policy", "") // the server's own stays
}

func TestCompressedAndRevalidated(t *testing.T) {
	t.Parallel()
	c := open(t)
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
			again := c.with("Accept-Encoding", "gzip").with("If-None-Match", smallTag).do(method, path).want(http.StatusNotModified)
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

func TestNoDashboard(t *testing.T) {
	t.Parallel()
	files, err := dashboard.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	for path, status := range map[string]int{"/": http.StatusOK, "/sandboxes": http.StatusNotFound} {
		w := httptest.NewRecorder()
		files.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != status {
			t.Errorf("%s: %d, want %d", path, w.Code, status)
		}
	}
}
