package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// pages are the dashboard's files: a static export, so page /x is x.html or x/index.html.
type pages struct {
	files    fs.FS
	policies map[string]string // content security policy of each HTML file
}

const plainPage = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>SDP</title></head>
<body><h1>Sandbox Deployment Platform</h1>
<p>This server was built without the dashboard. The API is at <code>/api/v1</code>; <a href="/openapi.json">/openapi.json</a> describes it.</p>
<p>On the command line: <code>sdp login --server URL -u USER</code>.</p></body></html>
`

// loadPages computes the policy of each page once: the inline scripts it was built with, by their hashes, and nothing
// else.
func loadPages(files fs.FS) (pages, error) {
	p := pages{files: files, policies: map[string]string{}}
	if files == nil {
		return p, nil
	}
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) != ".html" {
			return err
		}
		html, err := fs.ReadFile(files, name)
		p.policies[name] = pagePolicy(html)
		return err
	})
	if err != nil {
		return p, fmt.Errorf("reading the dashboard: %w", err)
	}
	return p, nil
}

var inlineScript = regexp.MustCompile(`(?s)<script(?:\s[^>]*)?>(.*?)</script>`)

func pagePolicy(html []byte) string {
	scripts := []string{"'self'"}
	for _, m := range inlineScript.FindAllSubmatch(html, -1) {
		if len(m[1]) == 0 { // it has an address
			continue
		}
		sum := sha256.Sum256(m[1])
		scripts = append(scripts, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
	}
	return "default-src 'self'; script-src " + strings.Join(scripts, " ") + "; style-src 'self' 'unsafe-inline'; " +
		"img-src 'self' data:; font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; " +
		"form-action 'self'; frame-ancestors 'none'"
}

// page answers a GET that is no API route.
func (s *Server) page(c *gin.Context) {
	if s.pages.files == nil {
		if c.Request.URL.Path != "/" {
			s.notFoundPage(c)
			return
		}
		c.Header("Content-Security-Policy", pagePolicy(nil))
		c.Data(http.StatusOK, "text/html; charset=utf-8", []byte(plainPage))
		return
	}
	name, data, found := s.pages.find(c.Request.URL.Path)
	if !found {
		s.notFoundPage(c)
		return
	}
	s.servePage(c, http.StatusOK, name, data)
}

func (s *Server) servePage(c *gin.Context, status int, name string, data []byte) {
	if policy, ok := s.pages.policies[name]; ok {
		c.Header("Content-Security-Policy", policy)
	}
	if strings.HasPrefix(name, "_next/static/") { // named by their content
		c.Header("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		c.Header("Cache-Control", "no-cache")
	}
	if status != http.StatusOK {
		c.Data(status, "text/html; charset=utf-8", data)
		return
	}
	c.Status(http.StatusOK)
	http.ServeContent(c.Writer, c.Request, name, time.Time{}, bytes.NewReader(data))
}

// find returns the file for a path of the browser.
func (p pages) find(urlPath string) (string, []byte, bool) {
	clean := strings.TrimPrefix(path.Clean("/"+urlPath), "/")
	for _, name := range []string{clean, clean + ".html", path.Join(clean, "index.html")} {
		data, err := fs.ReadFile(p.files, name)
		if err == nil {
			return name, data, true
		}
		var pathErr *fs.PathError
		if !errors.As(err, &pathErr) {
			break
		}
	}
	return "", nil, false
}

func (s *Server) notFoundPage(c *gin.Context) {
	if s.pages.files != nil {
		if data, err := fs.ReadFile(s.pages.files, "404.html"); err == nil {
			s.servePage(c, http.StatusNotFound, "404.html", data)
			return
		}
	}
	c.Data(http.StatusNotFound, "text/plain; charset=utf-8", []byte("There is no such page.\n"))
}
