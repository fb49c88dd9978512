package docker

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"
)

// Nonroot is whom containers run as unless their image or their configuration names another user than root.
const Nonroot = "65532:65532"

// zoneinfo is the time zone database as Go ships it in lib/time/zoneinfo.zip (public domain, from IANA). It comes with
// SDP because a node need not have one.
//
//go:embed zoneinfo.zip
var zoneinfo []byte

// caBundles are where Linux distributions keep the machine's certificate authorities, a company's own among them.
var caBundles = []string{
	"/etc/ssl/certs/ca-certificates.crt",                // Debian, Ubuntu, Alpine
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // Red Hat
	"/etc/ssl/ca-bundle.pem",                            // SUSE
	"/etc/ssl/cert.pem",
}

// layer is a layer of an image: an uncompressed tar archive.
type layer struct {
	tar    []byte
	diffID string // "sha256:..." of tar
}

// ownBase makes the base of Go services for which no base image is configured: an empty file system but for
// certificate authorities, time zones, a user that is not root, and /tmp. It stays the same while the process runs.
var ownBase = sync.OnceValues(func() (layer, error) {
	var buf bytes.Buffer
	a := &archive{w: tar.NewWriter(&buf)}
	a.dir("etc/", 0o755)
	a.file("etc/passwd", "root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n")
	a.file("etc/group", "root:x:0:\nnonroot:x:65532:\n")
	a.file("etc/nsswitch.conf", "hosts: files dns\n")
	a.dir("etc/ssl/", 0o755)
	a.dir("etc/ssl/certs/", 0o755)
	a.file("etc/ssl/certs/ca-certificates.crt", authorities())
	a.dir("home/", 0o755)
	a.owned("home/nonroot/", 0o700, 65532)
	a.dir("tmp/", 0o1777)
	a.dir("usr/", 0o755)
	a.dir("usr/share/", 0o755)
	a.dir("usr/share/zoneinfo/", 0o755)
	a.zones()
	if a.err == nil {
		a.err = a.w.Close()
	}
	sum := sha256.Sum256(buf.Bytes())
	return layer{buf.Bytes(), "sha256:" + hex.EncodeToString(sum[:])}, a.err
})

func authorities() string {
	for _, name := range caBundles {
		if b, err := os.ReadFile(name); err == nil {
			return string(b)
		}
	}
	slog.Warn("Found no certificate authorities, so services cannot verify TLS", "looked", caBundles)
	return ""
}

// archive writes a tar archive that depends on its contents only. Its first error sticks.
type archive struct {
	w   *tar.Writer
	err error
}

func (a *archive) header(h tar.Header) {
	h.ModTime = time.Unix(0, 0)
	if a.err == nil {
		a.err = a.w.WriteHeader(&h)
	}
}

func (a *archive) dir(name string, mode int64) { a.owned(name, mode, 0) }

func (a *archive) owned(name string, mode int64, owner int) {
	a.header(tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: mode, Uid: owner, Gid: owner})
}

func (a *archive) file(name, content string) {
	a.header(tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))})
	if a.err == nil {
		_, a.err = io.WriteString(a.w, content)
	}
}

// zones unpacks the time zones to where Go, and everything else, looks for them: a TZ variable has an effect then.
func (a *archive) zones() {
	z, err := zip.NewReader(bytes.NewReader(zoneinfo), int64(len(zoneinfo)))
	if err != nil {
		a.err = err
		return
	}
	const root = "usr/share/zoneinfo/"
	made := map[string]bool{}
	for _, f := range z.File {
		for i, char := range f.Name {
			if dir := f.Name[:i+1]; char == '/' && !made[dir] {
				made[dir] = true
				a.dir(root+dir, 0o755)
			}
		}
		content, err := fs.ReadFile(z, f.Name)
		if err != nil {
			a.err = err
			return
		}
		a.file(root+f.Name, string(content))
	}
}
