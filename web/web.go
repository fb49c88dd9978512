// Package web embeds the dashboard: a Next.js static export that `make web` builds into dist. Without it, as after a
// plain `go build`, the server shows a page that says where the API is.
package web

import (
	"embed"
	"io/fs"
)

// "all:" because Go otherwise leaves out _next/, where the export keeps everything.
//
//go:embed all:dist
var dist embed.FS

// Dashboard returns the exported dashboard, nil if it was not built.
func Dashboard() fs.FS {
	root, err := fs.Sub(dist, "dist")
	if err != nil {
		return nil
	}
	if _, err := fs.Stat(root, "index.html"); err != nil {
		return nil
	}
	return root
}
