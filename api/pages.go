package api

import (
	"bytes"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

const plainPage = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>SDP</title></head>
<body><h1>Sandbox Deployment Platform</h1>
<p>This server was built without the dashboard. The API is at <code>/api/v1</code>; <a href="/openapi.json">/openapi.json</a> describes it.</p>
<p>On the command line: <code>sdp login --server URL -u USER</code>.</p></body></html>
`

// page answers a GET that is no API route.
func (s *Server) page(c *gin.Context) {
	if s.assets == nil {
		if c.Request.URL.Path != "/" {
			s.notFoundPage(c)
			return
		}
		c.Header("Content-Security-Policy", pagePolicy(nil))
		c.Data(http.StatusOK, "text/html; charset=utf-8", []byte(plainPage))
		return
	}
	a := s.assets.find(c.Request.URL.Path)
	if a == nil {
		s.notFoundPage(c)
		return
	}
	a.setHeader(c)
	// Vary goes with every answer that could have been compressed; a part of a file is a part of the plain one.
	if data := a.compressed(); data != nil {
		c.Header("Vary", "Accept-Encoding")
		if c.GetHeader("Range") == "" && acceptsGzip(c.GetHeader("Accept-Encoding")) {
			c.Header("Content-Encoding", "gzip")
			c.Header("Content-Length", strconv.Itoa(len(data)))
			a.send(c, data, "-gzip")
			return
		}
	}
	a.send(c, a.data, "")
}

func (a *asset) setHeader(c *gin.Context) {
	if a.policy != "" {
		c.Header("Content-Security-Policy", a.policy)
	}
	c.Header("Content-Type", a.contentType)
	if strings.HasPrefix(a.name, "_next/static/") { // named by their content
		c.Header("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		c.Header("Cache-Control", "no-cache")
	}
}

// send answers GET and HEAD, with 304 where the browser has the bytes already: the ETag is a hash of them, and another
// one for each encoding, because it names exact bytes.
func (a *asset) send(c *gin.Context, data []byte, variant string) {
	c.Header("ETag", `"`+a.hash+variant+`"`)
	c.Status(http.StatusOK)
	http.ServeContent(c.Writer, c.Request, "", time.Time{}, bytes.NewReader(data))
}

// find returns the file for a path of the browser, nil if there is none: page /x is x.html or x/index.html.
func (files assets) find(urlPath string) *asset {
	clean := strings.TrimPrefix(path.Clean("/"+urlPath), "/")
	for _, name := range []string{clean, clean + ".html", path.Join(clean, "index.html")} {
		if a := files[name]; a != nil {
			return a
		}
	}
	return nil
}

func (s *Server) notFoundPage(c *gin.Context) {
	if a := s.assets["404.html"]; a != nil {
		a.setHeader(c)
		c.Data(http.StatusNotFound, a.contentType, a.data)
		return
	}
	c.Data(http.StatusNotFound, "text/plain; charset=utf-8", []byte("There is no such page.\n"))
}
