package node

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sdp/internal/containers"
	"sdp/internal/docker"
	"sdp/internal/git"
	"sdp/internal/git/gittest"
	"sdp/internal/logs"
	"sdp/internal/logs/mask"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// workshop is a node with Docker whose repository account has a Dockerfile that starts from the image base.
type workshop struct {
	*Node
	docker *docker.Client
	spool  *logs.Spool
	t      *testing.T
	remote *gittest.Remote
	base   string
	clone  string
}

func newWorkshop(t *testing.T) *workshop {
	t.Helper()
	w := &workshop{t: t, remote: gittest.New(t), base: "sdp/workshop-base:" + sdp.NewID("")}
	write(t, filepath.Join(w.remote.Root, "account", "Dockerfile"), "FROM "+w.base+"\nCOPY Dockerfile /\n", 0o644)
	w.remote.Git("-C", "account", "add", "-A")
	w.remote.Git("-C", "account", "commit", "-q", "-m", "Dockerfile")
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
	w.docker, w.spool = d, spool
	w.cloneAnew()
	return w
}

// tidy removes the images that the test made.
func (w *workshop) tidy() {
	ctx := context.Background()
	images, err := w.docker.ListImages(ctx)
	for _, i := range images {
		for _, ref := range append(i.Refs, i.ID) { // those that lost their name have an ID only
			err = errors.Join(err, w.docker.RemoveImage(ctx, ref))
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
	w.remote.Git("init", "-q", w.clone)
	w.remote.Git("-C", w.clone, "remote", "add", "origin", w.remote.URL+"/account")
	account := Repository{Path: w.clone,
		Repository: sdp.Repository{Name: "account", Kind: sdp.DockerfileRepository, RemoteURL: w.remote.URL + "/account"}}
	w.Node = New(Config{Name: "micro-1", Data: w.t.TempDir(), Runtime: w.docker, Spool: w.spool,
		Repositories: map[string]Repository{"account": account}})
}

// build makes an image whose content is what.
func (w *workshop) build(ref, what string, labels map[string]string) {
	w.t.Helper()
	dir := w.t.TempDir()
	write(w.t, filepath.Join(dir, "Dockerfile"), "FROM scratch\nCOPY what /what\n", 0o644)
	write(w.t, filepath.Join(dir, "what"), what+w.base, 0o644) // no other test's image, which that removes
	var out strings.Builder
	if err := w.docker.BuildImage(w.t.Context(), containers.DockerfileBuild{Ref: ref, Dir: dir, Labels: labels}, &out); err != nil {
		w.t.Fatalf("%v\n%s", err, out.String())
	}
}

// made pretends that the commit's image was built.
func (w *workshop) made(f wire.Fetched) {
	w.t.Helper()
	w.build(f.Image, f.Image, map[string]string{sdp.LabelSHA: f.SHA, sdp.LabelRepository: "account"})
}

func (w *workshop) fetchOf(in wire.Job) (wire.Fetched, error) {
	w.t.Helper()
	in.Sandbox, in.Deployment, in.Repository = "box", sdp.NewID("d-"), "account"
	log, err := w.spool.Create(sdp.DeploymentStream(in.Deployment), logs.Options{Masker: mask.New()})
	if err != nil {
		w.t.Fatal(err)
	}
	defer log.Release()
	return w.Resolver.Fetch(w.t.Context(), in, git.Credentials{User: "ann", Password: "right"}, log)
}

func (w *workshop) wantFetched(in wire.Job, image string) wire.Fetched {
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
	main := wire.Job{Branch: "main"}
	first := w.wantFetched(main, "")
	w.made(first)
	w.wantFetched(main, first.Image)

	w.build(w.base, "two", nil)
	second := w.wantFetched(main, "")
	if second.Image == first.Image || second.SHA != first.SHA {
		t.Fatalf("on another base it is %s again", second.Image)
	}
	restart := wire.Job{SHA: first.SHA, Image: first.Image}
	w.wantFetched(restart, first.Image) // what ran runs again
	w.made(second)
	w.wantFetched(main, second.Image)
}

// A clone that was made anew does not have the commit: its Dockerfile must be fetched before the image can be named.
func TestImageIsFoundWithoutTheCommitInTheClone(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	w.build(w.base, "one", nil)
	first := w.wantFetched(wire.Job{Branch: "main"}, "")
	w.made(first)
	w.cloneAnew()
	w.wantFetched(wire.Job{Branch: "main"}, first.Image)
}

func TestImageOutlivesItsCommitAndItsBase(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	w.build(w.base, "one", nil)
	first := w.wantFetched(wire.Job{Branch: "main"}, "")
	if err := w.docker.RemoveImage(t.Context(), w.base); err != nil {
		t.Fatal(err)
	}
	if _, err := w.fetchOf(wire.Job{Branch: "main"}); sdp.AsError(err).Code != "missing-base-image" {
		t.Fatalf("without its base and an image: %v", err)
	}
	w.made(first)
	w.wantFetched(wire.Job{Branch: "main"}, first.Image)

	w.cloneAnew()
	if err := os.RemoveAll(filepath.Join(w.remote.Root, "account")); err != nil {
		t.Fatal(err)
	}
	w.remote.Git("init", "-q", "-b", "main", "account") // the commit vanished
	w.remote.Git("-C", "account", "commit", "-q", "--allow-empty", "-m", "another history")
	w.wantFetched(wire.Job{SHA: first.SHA}, first.Image)
}
