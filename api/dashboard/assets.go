package dashboard

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"sync"

	"sdp/api/transport"
)

// Files are the dashboard's files by name, ready to be sent; nil = there is no dashboard.
type Files map[string]*asset

type asset struct {
	name        string
	data        []byte
	hash        string // of data
	contentType string
	policy      string        // content security policy of an HTML file
	compressed  func() []byte // data in gzip; nil where that is not worth it
}

// contentTypes of what a static export consists of: what the machine's MIME tables say differs from one to the next.
// The .txt files are what the router of Next.js fetches in place of a page; from an export it takes them as plain text.
var contentTypes = map[string]string{
	".css":         "text/css; charset=utf-8",
	".html":        "text/html; charset=utf-8",
	".ico":         "image/x-icon",
	".jpg":         "image/jpeg",
	".js":          "text/javascript; charset=utf-8",
	".json":        "application/json",
	".map":         "application/json",
	".png":         "image/png",
	".svg":         "image/svg+xml",
	".txt":         "text/plain; charset=utf-8",
	".webmanifest": "application/manifest+json",
	".webp":        "image/webp",
	".woff2":       "font/woff2",
}

// Load reads all files once, and computes what is sent with them.
func Load(files fs.FS) (Files, error) {
	if files == nil {
		return nil, nil
	}
	found := Files{}
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(files, name)
		found[name] = newAsset(name, data)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the dashboard: %w", err)
	}
	return found, nil
}

func newAsset(name string, data []byte) *asset {
	sum := sha256.Sum256(data)
	a := &asset{name: name, data: data, hash: base64.RawURLEncoding.EncodeToString(sum[:16]),
		contentType: contentTypes[path.Ext(name)]}
	if a.contentType == "" {
		a.contentType = "application/octet-stream"
	}
	if path.Ext(name) == ".html" {
		a.policy = pagePolicy(data)
	}
	a.compressed = sync.OnceValue(func() []byte { return compress(a.contentType, data) })
	return a
}

// compress returns data in gzip as small as it gets, nil if that is hardly smaller, as with pictures and fonts.
func compress(contentType string, data []byte) []byte {
	kind, _, _ := strings.Cut(contentType, "/")
	if len(data) < transport.Worthwhile || kind == "font" || kind == "image" && contentType != "image/svg+xml" {
		return nil
	}
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, gzip.BestCompression) // the level is valid
	_, _ = w.Write(data)                                    // memory takes everything
	_ = w.Close()
	if out.Len() > len(data)*9/10 {
		return nil
	}
	return out.Bytes()
}

var inlineScript = regexp.MustCompile(`(?s)<script(?:\s[^>]*)?>(.*?)</script>`)

// pagePolicy allows the inline scripts a page was built with, by their hashes, and no others. Styles may be inline,
// because components set them on elements.
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
