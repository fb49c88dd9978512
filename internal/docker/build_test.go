package docker

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"sdp/internal/containers"
	"sdp/internal/sdp"
)

func buildFiles(t *testing.T, c *Client, contents map[string]string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := c.BuildImage(context.Background(), containers.DockerfileBuild{
		Ref: "sdp/" + c.instance + ":" + sdp.NewID(""), Dir: files(t, contents), MemoryBytes: 64 << 20,
		Labels: map[string]string{sdp.LabelSHA: sha},
	}, &out)
	return out.String(), err
}

func TestBuild(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	base := image(t, c, "")
	name, tag, _ := strings.Cut(base, ":")
	out, err := buildFiles(t, c, map[string]string{
		"Dockerfile": "ARG TAG=" + tag + "\n# syntax\nFROM " + name + ":${TAG} AS first\n" +
			"FROM first\nCOPY --from=first /app /copy\nCOPY . /src\n" +
			`RUN ["/app/service", "need", "/src/index.php", "/src/keep/this.log", "/copy/service", "/src/link"]` + "\n",
		".dockerignore": "*.log\nsecret\n!keep/this.log\n", "index.php": "<?php", "noise.log": "x",
		"keep/this.log": "x", "secret/key": "x",
		"link": "",
	})
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if !strings.Contains(out, "Successfully built") {
		t.Errorf("output = %s", out)
	}
	out, err = buildFiles(t, c, map[string]string{
		"Dockerfile":    "FROM " + base + "\nCOPY . /src\n" + `RUN ["/app/service", "need", "/src/noise.log"]` + "\n",
		".dockerignore": "*.log\n", "noise.log": "x"})
	wantCode(t, err, sdp.Failed, "image-build-failed")
	if !strings.Contains(out, "no such file or directory") ||
		!strings.Contains(err.Error(), "returned a non-zero code: 1") {
		t.Errorf("error = %v, output = %s", err, out)
	}
	img, err := c.ListImages(context.Background())
	if err != nil || !slices.ContainsFunc(img, func(i containers.Image) bool { return i.Labels[sdp.LabelSHA] == sha }) {
		t.Errorf("images = %+v, %v", img, err)
	}
	if slices.ContainsFunc(img, func(i containers.Image) bool { return len(i.Refs) == 0 }) {
		t.Errorf("images = %+v; the failed build left one without a name", img)
	}
}

// What a step prints is there as it was printed, and before the next step: also what the daemon still held when the
// step was over, because nobody took it.
func TestBuildOutputIsWhole(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	base := image(t, c, "")
	step := `RUN ["/app/service", "long"]` + "\n"
	dir := files(t, map[string]string{"Dockerfile": "FROM " + base + "\n" + step + `RUN ["/app/service", "need", "/app"]` + "\n"})
	out := &lateReader{client: c}
	err := c.BuildImage(t.Context(), containers.DockerfileBuild{Ref: "sdp/" + c.instance + ":long", Dir: dir}, out)
	if err != nil || !out.over {
		t.Errorf("error = %v; the end of the step was waited for: %v", err, out.over)
	}
	first, _, _ := strings.Cut(out.all.String(), "\nStep 3/")
	if printed := "\nbefore\n" + strings.Repeat("x", 1<<20) + "\nafter\n"; !strings.Contains(first, printed) {
		t.Errorf("output of %d bytes: %.600s ... %s", out.all.Len(), out.all.String(), lastLines(out.all.Bytes(), 600))
	}
}

// lateReader takes nothing of the output of a build's first step before that is over.
type lateReader struct {
	client *Client
	step   string
	over   bool
	all    bytes.Buffer
}

func (r *lateReader) Write(p []byte) (int, error) {
	if r.step != "" && !r.over {
		r.over = true
		wait, failed := r.client.api.ContainerWait(context.Background(), r.step, container.WaitConditionNotRunning)
		select {
		case <-wait:
		case err := <-failed:
			return 0, err
		}
	}
	if found := runningIn.FindSubmatch(p); found != nil {
		r.step = cmp.Or(r.step, string(found[1]))
	}
	return r.all.Write(p)
}

func TestBuildRefuses(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	_, err := buildFiles(t, c, map[string]string{"main.go": "package main"})
	wantCode(t, err, sdp.Failed, "no-dockerfile")
	_, err = buildFiles(t, c, map[string]string{"Dockerfile": "FROM scratch\nFROM company/php:8\n"})
	wantCode(t, err, sdp.Failed, "missing-base-image")
	_, err = buildFiles(t, c, map[string]string{"Dockerfile": "FROM scratch\nCOPY --from=company/tools:1 /x /x\n"})
	wantCode(t, err, sdp.Failed, "missing-base-image")
	_, err = buildFiles(t, c, map[string]string{"Dockerfile": "FROM scratch\nFLY away\n"})
	wantCode(t, err, sdp.Failed, "image-build-failed")
	_, err = buildFiles(t, c, map[string]string{"Dockerfile": "FROM scratch\nCOPY nothing /\n"})
	wantCode(t, err, sdp.Failed, "image-build-failed")

	dir := files(t, nil)
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "Dockerfile")); err != nil {
		t.Fatal(err)
	}
	err = c.BuildImage(context.Background(), containers.DockerfileBuild{Ref: "sdp/x:y", Dir: dir}, io.Discard)
	wantCode(t, err, sdp.Failed, "no-dockerfile")
}

// A cancelled build is stopped on the host by the time BuildImage returns, and leaves no container.
func TestBuildCancel(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	base := image(t, c, "")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	run := &watch{want: "hanging", seen: make(chan struct{})}
	failed := make(chan error, 1)
	dir := files(t, map[string]string{"Dockerfile": "FROM " + base + "\n" + `RUN ["/app/service", "hang"]` + "\n"})
	go func() {
		failed <- c.BuildImage(ctx, containers.DockerfileBuild{Ref: "sdp/" + c.instance + ":c", Dir: dir}, run)
	}()
	select {
	case <-run.seen:
	case err := <-failed:
		t.Fatalf("%v: %s", err, run.all.String())
	}
	cancel()
	began := time.Now()
	err := <-failed
	took := time.Since(began)
	if !errors.Is(err, context.Canceled) || took > 2*time.Second {
		t.Errorf("error = %v after %v", err, took)
	}
	t.Logf("the cancel took %v", took)
	step := runningIn.FindStringSubmatch(run.step)
	if step == nil {
		t.Fatalf("no step in %q", run.all.String())
	}
	if info, err := c.api.ContainerInspect(context.Background(), step[1]); err == nil && info.State.Running {
		t.Error("the build's step still runs")
	}
}

// watch closes seen once want was written to it.
type watch struct {
	want, step string
	all        bytes.Buffer
	seen       chan struct{}
}

func (w *watch) Write(p []byte) (int, error) {
	if runningIn.Match(p) {
		w.step = string(p)
	}
	before := strings.Contains(w.all.String(), w.want)
	w.all.Write(p)
	if !before && strings.Contains(w.all.String(), w.want) {
		close(w.seen)
	}
	return len(p), nil
}

// A RUN step that wants more memory than it may have is killed; the machine goes on.
func TestBuildStepsMemoryIsBounded(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	out, err := buildFiles(t, c, map[string]string{"Dockerfile": "FROM " + image(t, c, "") + "\n" + `RUN ["/app/service", "eat"]` + "\n"})
	wantCode(t, err, sdp.Failed, "image-build-failed")
	if !strings.Contains(err.Error(), "returned a non-zero code: 137") {
		t.Errorf("error = %v, output = %s", err, out)
	}
}
