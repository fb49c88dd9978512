package docker

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sdp/internal/sdp"
)

func buildFiles(t *testing.T, c *Client, contents map[string]string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := c.BuildImage(context.Background(), DockerfileBuild{
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
	if err != nil || !slices.ContainsFunc(img, func(i Image) bool { return i.Labels[sdp.LabelSHA] == sha }) {
		t.Errorf("images = %+v, %v", img, err)
	}
	if slices.ContainsFunc(img, func(i Image) bool { return len(i.Refs) == 0 }) {
		t.Errorf("images = %+v; the failed build left one without a name", img)
	}
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
	err = c.BuildImage(context.Background(), DockerfileBuild{Ref: "sdp/x:y", Dir: dir}, io.Discard)
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
	go func() { failed <- c.BuildImage(ctx, DockerfileBuild{Ref: "sdp/" + c.instance + ":c", Dir: dir}, run) }()
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

func TestBaseImages(t *testing.T) {
	for dockerfile, want := range map[string]string{
		"FROM a":                              "a",
		"from --platform=linux/amd64 a AS b":  "a",
		"FROM a AS b\nFROM b\nFROM scratch":   "a",
		"ARG V=1\nARG W=x$V\nFROM a:${W}-$V":  "a:x1-1",
		"ARG V\nFROM a:${V:-2}":               "a:2",
		"ARG V=1\nFROM a${V:+:tag}":           "a:tag",
		"ARG \"V=1\"\nFROM a":                 "a",
		"# FROM x\n\nFROM \\\n # no\n a\nRUN": "a",
		"# escape=`\nFROM `\n a":              "a",
		"FROM a AS b\nCOPY --from=b /x /\nCOPY --from=0 /x /\nCOPY --chown=1 --from=c /x /": "a c",
		"FROM a AS B\nFROM b": "a",
		"ARG V='q'\nFROM $V":  "q",
	} {
		if got := strings.Join(BaseImages(dockerfile), " "); got != want {
			t.Errorf("BaseImages(%q) = %q, want %q", dockerfile, got, want)
		}
	}
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
