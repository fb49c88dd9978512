package docker

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sdp/internal/containers"
	"sdp/internal/sdp"
)

// A container finds its files with their content, cannot do anything to them, and still has them after a restart.
// Nothing of them is on this machine outside Docker's storage.
func TestFiles(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	ctx := context.Background()
	s := spec(t, c)
	secret := "marker-" + sdp.NewID("")
	s.Files = []containers.File{{Path: "/etc/app/deep/er/settings.json", Content: []byte(secret)}, {Path: "/etc/empty", Content: nil},
		{Path: "/etc/nsswitch.conf", Content: []byte("replaced")}, {Path: "/tmp/in-sticky", Content: []byte("safe")}}
	ct := start(t, c, s)
	for range 2 {
		healthy(t, c, ct)
		for _, f := range s.Files {
			wantFile(t, ct, f)
		}
		if err := c.Stop(ctx, ct.ID, 5*time.Second); err != nil {
			t.Fatal(err)
		}
		var err error
		if ct, err = c.StartExisting(ctx, ct.ID); err != nil {
			t.Fatal(err)
		}
	}
	back, err := c.Files(ctx, ct)
	if err != nil || len(back) != 4 || string(back[0].Content) != secret {
		t.Errorf("read back %+v, %v", back, err)
	}
	control := files(t, map[string]string{"control": "x" + secret})
	for _, dir := range []string{os.TempDir(), "/run", "/var/tmp"} {
		for _, found := range holding(t, dir, secret) {
			if filepath.Dir(found) != control {
				t.Errorf("%s holds the file's content", found)
			}
		}
	}
	if len(holding(t, control, secret)) != 1 {
		t.Error("the search finds nothing")
	}
	info, err := c.api.ContainerInspect(ctx, ct.ID)
	if err != nil || len(info.Mounts) > 0 || len(info.HostConfig.Binds) > 0 || strings.Contains(strings.Join(info.Config.Env, " "), secret) {
		t.Errorf("mounts %+v, binds %v, %v", info.Mounts, info.HostConfig.Binds, err)
	}
	layer := info.GraphDriver.Data["UpperDir"]
	if _, err := os.Stat(filepath.Join(layer, "etc/app/deep/er/settings.json")); err != nil {
		t.Errorf("the file is not in the container's layer: %v", err)
	}
	if err := c.Remove(ctx, ct.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(layer); !os.IsNotExist(err) {
		t.Errorf("the container's layer stayed: %v", err)
	}
}

// wantFile has the service try everything against a file it was given.
func wantFile(t *testing.T, ct containers.Container, f containers.File) {
	t.Helper()
	seen := get(t, "http://"+ct.Address+"/file?path="+f.Path)
	for _, want := range []string{"content: \"" + string(f.Content) + "\" <nil>", "mode: -r--r--r-- 0\n",
		"write: open " + f.Path + ": permission denied", "chmod: chmod " + f.Path + ": operation not permitted", "rename: rename",
		"link: symlink /tmp " + f.Path + ": file exists", "remove: remove " + f.Path + ": "} {
		if !strings.Contains(seen, want) {
			t.Errorf("%s: %q is not in\n%s", f.Path, want, seen)
		}
	}
	if strings.Contains(seen, "rename: <nil>") {
		t.Errorf("%s: its directory could be moved away", f.Path)
	}
}

// holding lists the files of a directory that hold a text, among those that are small, young and readable.
func holding(t *testing.T, dir, text string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || strings.Contains(p, "/docker/") {
			return nil //nolint:nilerr // gone meanwhile
		}
		if info, err := d.Info(); err != nil || info.Size() > 1<<20 || time.Since(info.ModTime()) > time.Hour {
			return nil //nolint:nilerr // gone meanwhile
		}
		if content, err := os.ReadFile(p); err == nil && bytes.Contains(content, []byte(text)) {
			found = append(found, p)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return found
}

// An image cannot lead a file elsewhere, and a place the service could change is refused. Nothing is left behind.
func TestFilesThatDoNotFitTheImage(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	ctx := context.Background()
	s := spec(t, c)
	dir := files(t, map[string]string{"Dockerfile": "FROM " + s.Image + "\nUSER 0\nCOPY own /srv/own\n" +
		`RUN ["/app/service", "link", "/home/nonroot", "/etc/linked"]` + "\n" +
		`RUN ["/app/service", "link", "/tmp", "/etc/last"]` + "\n" +
		"COPY --chown=65532 own /srv/theirs\nUSER 65532\n", "own/file": "x"})
	s.Image = "sdp/" + c.instance + ":" + sdp.NewID("")
	err := c.BuildImage(ctx, containers.DockerfileBuild{Ref: s.Image, Dir: dir, Labels: map[string]string{sdp.LabelSHA: sha}}, &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	for path, code := range map[string]string{
		"/etc/linked/x": "file-path-link", "/etc/linked/deep/x": "file-path-link", "/etc/last/x": "file-path-link",
		"/srv/own": "file-path-taken", "/srv/own/file/x": "file-path-taken",
		"/home/nonroot/x": "file-unprotected", "/srv/theirs/sub/x": "file-unprotected",
	} {
		s.Files = []containers.File{{Path: path, Content: []byte("content-" + s.Deployment)}}
		_, err := c.Start(ctx, s)
		wantCode(t, err, sdp.Invalid, code)
		if err != nil && strings.Contains(err.Error(), "content-") {
			t.Errorf("the error shows the content: %v", err)
		}
	}
	if list, err := c.List(ctx); err != nil || len(list) != 0 {
		t.Errorf("left behind: %+v, %v", list, err)
	}
	// At the path itself a link is replaced, not followed.
	s.Files = []containers.File{{Path: "/etc/last", Content: []byte("plain")}, {Path: "/srv/own/file", Content: []byte("new")}}
	ct := start(t, c, s)
	healthy(t, c, ct)
	for _, f := range s.Files {
		wantFile(t, ct, f)
	}
}
