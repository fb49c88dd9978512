package activities

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sdp/internal/docker"
	"sdp/internal/git"
	"sdp/internal/logs"
	"sdp/internal/sdp"
)

// workshop is a node with Docker whose repository account has a Dockerfile that starts from the image base.
type workshop struct {
	*Host
	t      *testing.T
	remote *remote
	base   string
	clone  string
}

func newWorkshop(t *testing.T) *workshop {
	t.Helper()
	w := &workshop{t: t, remote: newRemote(t), base: "sdp/workshop-base:" + sdp.NewID("")}
	write(t, filepath.Join(w.remote.root, "account", "Dockerfile"), "FROM "+w.base+"\nCOPY Dockerfile /\n", 0o644)
	w.remote.git("-C", "account", "add", "-A")
	w.remote.git("-C", "account", "commit", "-q", "-m", "Dockerfile")
	spool, err := logs.OpenSpool(filepath.Join(t.TempDir(), "logs"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { spool.Close() })
	d, err := docker.New("unix:///var/run/docker.sock", sdp.NewID("t"), "micro-1", netip.MustParsePrefix("10.214.128.0/18"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	t.Cleanup(w.tidy)
	w.Host = &Host{Node: "micro-1", Data: t.TempDir(), Docker: d, Spool: spool}
	w.cloneAnew()
	return w
}

// tidy removes the images that the test made.
func (w *workshop) tidy() {
	ctx := context.Background()
	images, err := w.Docker.ListImages(ctx)
	for _, i := range images {
		for _, ref := range append(i.Refs, i.ID) { // those that lost their name have an ID only
			err = errors.Join(err, w.Docker.RemoveImage(ctx, ref))
		}
	}
	if err != nil {
		w.t.Error(err)
	}
}

// cloneAnew gives the node a clone that has nothing yet.
func (w *workshop) cloneAnew() {
	w.t.Helper()
	w.clone = filepath.Join(w.t.TempDir(), "account")
	w.remote.git("init", "-q", w.clone)
	w.remote.git("-C", w.clone, "remote", "add", "origin", w.remote.URL+"/account")
	w.Repositories = map[string]Repository{"account": {Path: w.clone,
		Repository: sdp.Repository{Name: "account", Kind: sdp.DockerfileRepository}}}
}

// build makes an image whose content is what.
func (w *workshop) build(ref, what string, labels map[string]string) {
	w.t.Helper()
	dir := w.t.TempDir()
	write(w.t, filepath.Join(dir, "Dockerfile"), "FROM scratch\nCOPY what /what\n", 0o644)
	write(w.t, filepath.Join(dir, "what"), what, 0o644)
	var out strings.Builder
	if err := w.Docker.BuildImage(w.t.Context(), docker.DockerfileBuild{Ref: ref, Dir: dir, Labels: labels}, &out); err != nil {
		w.t.Fatalf("%v\n%s", err, out.String())
	}
}

// made pretends that the commit's image was built.
func (w *workshop) made(f Fetched) {
	w.t.Helper()
	w.build(f.Image, f.Image, map[string]string{sdp.LabelSHA: f.SHA, sdp.LabelRepository: "account"})
}

func (w *workshop) fetchOf(in FetchInput) (Fetched, error) {
	w.t.Helper()
	in.Sandbox, in.Deployment, in.Repository = "box", sdp.NewID("d-"), "account"
	log, err := w.Spool.Create(sdp.DeploymentStream(in.Deployment), logs.Options{Masker: logs.NewMasker()})
	if err != nil {
		w.t.Fatal(err)
	}
	defer log.Release()
	return w.fetch(w.t.Context(), in, git.Credentials{User: "ann", Password: "right"}, log)
}

func (w *workshop) wantFetched(in FetchInput, image string) Fetched {
	w.t.Helper()
	f, err := w.fetchOf(in)
	if err != nil {
		w.t.Fatal(err)
	}
	if f.Cached != (image != "") || image != "" && f.Image != image {
		w.t.Fatalf("fetched %+v, want the image %q", f, image)
	}
	return f
}

// The name of a commit's image says what it was built on, so a base that has become another one is built on again.
func TestChangedBaseImageIsBuiltOnAgain(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	w.build(w.base, "one", nil)
	main := FetchInput{Branch: "main"}
	first := w.wantFetched(main, "")
	w.made(first)
	w.wantFetched(main, first.Image)

	w.build(w.base, "two", nil)
	second := w.wantFetched(main, "")
	if second.Image == first.Image || second.SHA != first.SHA {
		t.Fatalf("on another base it is %s again", second.Image)
	}
	restart := FetchInput{SHA: first.SHA, Image: first.Image}
	w.wantFetched(restart, first.Image) // what ran runs again
	w.made(second)
	w.wantFetched(main, second.Image)
}

// A clone that was made anew does not have the commit: its Dockerfile must be fetched before the image can be named.
func TestImageIsFoundWithoutTheCommitInTheClone(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	w.build(w.base, "one", nil)
	first := w.wantFetched(FetchInput{Branch: "main"}, "")
	w.made(first)
	w.cloneAnew()
	w.wantFetched(FetchInput{Branch: "main"}, first.Image)
}

func TestImageOutlivesItsCommitAndItsBase(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	w.build(w.base, "one", nil)
	first := w.wantFetched(FetchInput{Branch: "main"}, "")
	if err := w.Docker.RemoveImage(t.Context(), w.base); err != nil {
		t.Fatal(err)
	}
	if _, err := w.fetchOf(FetchInput{Branch: "main"}); sdp.AsError(err).Code != "missing-base-image" {
		t.Fatalf("without its base and an image: %v", err)
	}
	w.made(first)
	w.wantFetched(FetchInput{Branch: "main"}, first.Image)

	w.cloneAnew()
	if err := os.RemoveAll(filepath.Join(w.remote.root, "account")); err != nil {
		t.Fatal(err)
	}
	w.remote.git("init", "-q", "-b", "main", "account") // the commit vanished
	w.remote.git("-C", "account", "commit", "-q", "--allow-empty", "-m", "another history")
	w.wantFetched(FetchInput{SHA: first.SHA}, first.Image)
}
