package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sdp/internal/containers"
	"sdp/internal/sdp"
)

// A service is put on SDP's own base, and on any other image by sending only the layer with the binary.
func TestAssemble(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	ctx := context.Background()
	own := image(t, c, "")
	img, found, err := c.ImageInfo(ctx, own)
	if err != nil || !found || img.User != Nonroot || !slices.Equal(img.Ports, []int{8080}) ||
		img.Labels[sdp.LabelSHA] != sha {
		t.Fatalf("ImageInfo = %+v, %v, %v", img, found, err)
	}

	base := "sdp/" + c.instance + ":base"
	dir := files(t, map[string]string{"Dockerfile": "FROM " + own + "\nENV COLOR=blue\nCMD [\"unused\"]\nUSER root\n" +
		`RUN ["/app/service", "touch", "/from-base"]` + "\n"})
	err = c.BuildImage(ctx, containers.DockerfileBuild{Ref: base, Dir: dir}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	onBase := image(t, c, base)
	info, _, err := c.inspectImage(ctx, onBase)
	if err != nil {
		t.Fatal(err)
	}
	if info.Config.User != Nonroot || !slices.Equal(info.Config.Entrypoint, []string{"/app/service"}) ||
		len(info.Config.Cmd) > 0 ||
		!strings.Contains(strings.Join(info.Config.Env, " "), "COLOR=blue") {
		t.Errorf("configuration = %+v", info.Config)
	}
	history, err := c.api.ImageHistory(ctx, onBase)
	if err != nil || !strings.HasPrefix(history[0].CreatedBy, "sdp: ") {
		t.Errorf("history = %+v, %v; the layer was not loaded but built", history, err)
	}
	s := spec(t, c)
	s.Image = onBase
	ct := start(t, c, s)
	healthy(t, c, ct)

	key, err := c.BaseKey(ctx, base)
	ownKey, ownErr := c.BaseKey(ctx, "")
	if err != nil || ownErr != nil || key == ownKey ||
		!strings.HasPrefix(key, "sha256:") || !strings.HasPrefix(ownKey, "sha256:") {
		t.Errorf("base keys %q %q, %v %v", key, ownKey, err, ownErr)
	}
}

// The archive for a configured base has none of the base's layers in it.
func TestArchiveHasOnlyTheNewLayer(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	info, _, err := c.inspectImage(context.Background(), image(t, c, ""))
	if err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	g := containers.GoImage{Ref: "x:y", Binary: program, Name: "service"}
	if err := c.writeImage(&archive, g, configOf(info), nil); err != nil {
		t.Fatal(err)
	}
	var names []string
	for r := tar.NewReader(&archive); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
		if h.Name == "manifest.json" {
			var m []dockerManifest
			if err := json.NewDecoder(r).Decode(&m); err != nil || len(m) != 1 || len(m[0].Layers) != 3 {
				t.Errorf("manifest = %+v, %v", m, err)
			}
		}
	}
	if len(names) != 3 || names[0] != binaryLayer {
		t.Errorf("entries = %v", names)
	}
}

// Where the daemon wants every layer, the builder does it.
func TestAssembleByBuilding(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	s := spec(t, c)
	s.Image = "sdp/" + c.instance + ":built"
	g := containers.GoImage{
		Ref: s.Image, Base: image(t, c, ""), Binary: program, Name: "service", Port: 8080,
		Labels: map[string]string{sdp.LabelSHA: sha},
	}
	if err := c.buildOnBase(context.Background(), g); err != nil {
		t.Fatal(err)
	}
	healthy(t, c, start(t, c, s))
}

func TestAssembleRefuses(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	ctx := context.Background()
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	wantCode(t, c.AssembleGoImage(ctx, containers.GoImage{Ref: "a:b", Binary: text, Name: "x"}), sdp.Failed, "bad-binary")
	wantCode(t, c.AssembleGoImage(ctx, containers.GoImage{Ref: "a:b", Binary: "/bin/ls", Name: "x"}), sdp.Failed, "dynamic-binary")
	err := c.AssembleGoImage(ctx, containers.GoImage{Ref: "a:b", Base: "company/base:1", Binary: program, Name: "x"})
	wantCode(t, err, sdp.Failed, "missing-base-image")
	if !strings.Contains(err.Error(), "docker save company/base:1 | ssh micro-1 docker load") {
		t.Errorf("error = %v", err)
	}
	_, err = c.BaseKey(ctx, "company/base:1")
	wantCode(t, err, sdp.Failed, "missing-base-image")
	wantCode(t, c.RequireImage(ctx, "Not A Name"), sdp.Invalid, "bad-image-name")
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	err = c.AssembleGoImage(canceled, containers.GoImage{Ref: "a:b", Binary: program, Name: "x"})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v", err)
	}
}

func TestImagesComeAndGo(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	ctx := context.Background()
	s := spec(t, c)
	list, err := c.ListImages(ctx)
	if err != nil || len(list) != 1 || len(list[0].Refs) != 1 || list[0].Refs[0] != s.Image {
		t.Errorf("ListImages = %+v, %v", list, err)
	}
	saved, err := c.api.ImageSave(ctx, []string{s.Image})
	if err != nil {
		t.Fatal(err)
	}
	defer saved.Close()
	archive, err := io.ReadAll(saved)
	if err != nil {
		t.Fatal(err)
	}
	ct := start(t, c, s)
	wantCode(t, c.RemoveImage(ctx, s.Image), sdp.Conflict, "image-in-use")
	if err := c.Remove(ctx, ct.ID); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := c.RemoveImage(ctx, s.Image); err != nil {
			t.Error(err)
		}
	}
	wantCode(t, c.RequireImage(ctx, s.Image), sdp.Failed, "missing-base-image")
	refs, err := c.ImportImage(ctx, bytes.NewReader(archive))
	if err != nil || len(refs) != 1 || refs[0] != s.Image {
		t.Errorf("ImportImage = %v, %v", refs, err)
	}
	if err := c.RequireImage(ctx, s.Image); err != nil {
		t.Error(err)
	}
	_, err = c.ImportImage(ctx, strings.NewReader("no archive"))
	wantCode(t, err, sdp.Invalid, "bad-image-archive")
}

// What an image of a 10 MB binary costs. The figure is for people; see TestStartPathSpeed.
func TestAssembleSpeed(t *testing.T) {
	c := newClient(t)
	content, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	base := image(t, c, "")
	var best time.Duration
	for i := range 6 {
		binary := filepath.Join(t.TempDir(), "service")
		filler := bytes.Repeat([]byte{byte(i), 1, 2, 3}, max(0, 10<<20-len(content))/4)
		if err := os.WriteFile(binary, append(bytes.Clone(content), filler...), 0o755); err != nil {
			t.Fatal(err)
		}
		g := containers.GoImage{Ref: "sdp/" + c.instance + ":" + sdp.NewID(""), Binary: binary, Name: "service", Port: 8080}
		if i%2 == 1 {
			g.Base = base
		}
		began := time.Now()
		if err := c.AssembleGoImage(context.Background(), g); err != nil {
			t.Fatal(err)
		}
		took := time.Since(began)
		t.Logf("10 MB on base %q: %v", g.Base, took)
		if best == 0 || took < best {
			best = took
		}
	}
	if best > 2*time.Second {
		t.Errorf("an image took %v at best", best)
	}
	if _, err := c.api.ImageInspect(context.Background(), base); err != nil {
		t.Error(err)
	}
}

// files makes a directory with the given contents.
func files(t *testing.T, contents map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range contents {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// BenchmarkWriteImage writes the archive of a service of 20 MB, without a daemon that reads it.
func BenchmarkWriteImage(b *testing.B) {
	binary := filepath.Join(b.TempDir(), "service")
	if err := os.WriteFile(binary, make([]byte, 20<<20), 0o755); err != nil {
		b.Fatal(err)
	}
	g := containers.GoImage{Ref: "sdp/bench:1", Binary: binary, Name: "service", Port: 8080}
	c := &Client{instance: "bench", node: "micro-1"}
	b.SetBytes(20 << 20)
	b.ReportAllocs()
	for b.Loop() {
		if err := c.writeImage(io.Discard, g, emptyConfig(), nil); err != nil {
			b.Fatal(err)
		}
	}
}
