// Package dashboard serves the dashboard's files, a static export: pages by their path without ".html", each with a content
// security policy for the scripts it was built with, compressed once and cached by browsers for as long as they may.
package dashboard

import (
	"bytes"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"sdp/api/transport"
)

const plainPage = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>SDP</title></head>
<body><h1>Sandbox Deployment Platform</h1>
<p>This server was built without the dashboard. The API is at <code>/api/v1</code>; <a href="/openapi.json">/openapi.json</a> describes it.</p>
<p>On the command line: <code>sdp login --server URL -u USER</code>.</p></body></html>
`

// ServeHTTP answers a GET or HEAD. Without files there is one plain page that says where the API is.
func (files Files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if files == nil && r.URL.Path == "/" {
		w.Header().Set("Content-Security-Policy", pagePolicy(nil))
		answer(w, http.StatusOK, "text/html; charset=utf-8", []byte(plainPage))
		return
	}
	a := files.find(r.URL.Path)
	if a == nil {
		files.notFound(w)
		return
	}
	a.setHeader(w.Header())
	// Vary goes with every answer that could have been compressed; a part of a file is a part of the plain one.
	if data := a.compressed(); data != nil {
		w.Header().Set("Vary", "Accept-Encoding")
		if r.Header.Get("Range") == "" && transport.AcceptsGzip(r.Header.Get("Accept-Encoding")) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Header().Set("Content-Length", strconv.Itoa(len(data)))
			a.send(w, r, data, "-gzip")
			return
		}
	}
	a.send(w, r, a.data, "")
}

func (a *asset) setHeader(h http.Header) {
	if a.policy != "" {
		h.Set("Content-Security-Policy", a.policy)
	}
	h.Set("Content-Type", a.contentType)
	if strings.HasPrefix(a.name, "_next/static/") { // named by their content
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		h.Set("Cache-Control", "no-cache")
	}
}

// send answers with 304 where the browser has the bytes already: the ETag is a hash of them, and another one for each
// encoding, because it names exact bytes.
func (a *asset) send(w http.ResponseWriter, r *http.Request, data []byte, variant string) {
	w.Header().Set("ETag", `"`+a.hash+variant+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

// find returns the file for a path of the browser, nil if there is none: page /x is x.html or x/index.html.
func (files Files) find(urlPath string) *asset {
	clean := strings.TrimPrefix(path.Clean("/"+urlPath), "/")
	for _, name := range []string{clean, clean + ".html", path.Join(clean, "index.html")} {
		if a := files[name]; a != nil {
			return a
		}
	}
	return nil
}

func (files Files) notFound(w http.ResponseWriter) {
	if a := files["404.html"]; a != nil {
		a.setHeader(w.Header())
		answer(w, http.StatusNotFound, a.contentType, a.data)
		return
	}
	answer(w, http.StatusNotFound, "text/plain; charset=utf-8", []byte("There is no such page.\n"))
}

func answer(w http.ResponseWriter, status int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(body) // the browser is gone
}
