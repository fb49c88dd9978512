package docker

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	dockerimage "github.com/docker/docker/api/types/image"
	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"sdp/internal/containers"
	"sdp/internal/sdp"
)

// AssembleGoImage makes an image of a base and one binary. It writes the archive that `docker save` would write and
// loads it, which takes about half the time of a build. Of a configured base only the identity is sent: a daemon that
// has a layer does not look for it in the archive (github.com/moby/moby/pull/18727).
func (c *Client) AssembleGoImage(ctx context.Context, g containers.GoImage) error {
	if err := checkBinary(g); err != nil {
		return err
	}
	if g.Base == "" {
		base, err := ownBase()
		if err != nil {
			return sdp.Errorf(sdp.Internal, "base-image", "make SDP's base image: %w", err)
		}
		return c.fail(ctx, c.assemble(ctx, g, emptyConfig(), &base), "load image %s", g.Ref)
	}
	info, found, err := c.inspectImage(ctx, g.Base)
	if err != nil {
		return err
	}
	if !found {
		return c.missingBase(g.Base)
	}
	err = c.assemble(ctx, g, configOf(info), nil)
	var refused *loadError
	if errors.As(err, &refused) {
		slog.Info("Built an image instead of loading a layer", "image", g.Ref, "reason", refused.message)
		return c.buildOnBase(ctx, g)
	}
	return c.fail(ctx, err, "load image %s", g.Ref)
}

// BaseKey identifies the content of a base image for a build key: base may be another image tomorrow, "" = SDP's own.
func (c *Client) BaseKey(ctx context.Context, base string) (string, error) {
	if base == "" {
		own, err := ownBase()
		return own.diffID, err
	}
	info, found, err := c.inspectImage(ctx, base)
	if err == nil && !found {
		err = c.missingBase(base)
	}
	return info.ID, err
}

// checkBinary finds out what would only show as "no such file or directory" when the container starts.
func checkBinary(g containers.GoImage) error {
	f, err := elf.Open(g.Binary)
	if err != nil {
		return sdp.Errorf(sdp.Failed, "bad-binary", "the build made no program for Linux: %w", err).
			WithRemedy("check that `build:` of the repository names a main package")
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP && g.Base == "" {
			return sdp.Errorf(sdp.Failed, "dynamic-binary",
				"the program needs shared libraries, which SDP's base image does not have").
				WithRemedy("build it with CGO_ENABLED=0, or set `baseImage:` of the repository to an image that has them")
		}
	}
	return nil
}

func emptyConfig() v1.Image {
	return v1.Image{
		Platform: v1.Platform{Architecture: runtime.GOARCH, OS: "linux"},
		Config: v1.ImageConfig{
			User: Nonroot, Env: []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
		},
	}
}

// configOf is the configuration of an image made from a base: the base's, and its layers.
func configOf(base dockerimage.InspectResponse) v1.Image {
	img := v1.Image{Platform: v1.Platform{Architecture: base.Architecture, OS: base.Os, Variant: base.Variant}}
	if base.Config != nil {
		img.Config = base.Config.ImageConfig
	}
	for _, diffID := range base.RootFS.Layers {
		img.RootFS.DiffIDs = append(img.RootFS.DiffIDs, digest.Digest(diffID))
		img.History = append(img.History, v1.History{CreatedBy: "base image"})
	}
	return img
}

// assemble streams the archive into the daemon. The base's layers are not in it unless given.
func (c *Client) assemble(ctx context.Context, g containers.GoImage, img v1.Image, base *layer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, w := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := c.writeImage(w, g, img, base)
		w.CloseWithError(err)
		written <- err
	}()
	_, err := c.load(ctx, r)
	r.CloseWithError(errors.New("the daemon stopped reading"))
	if werr := <-written; werr != nil && err == nil {
		err = werr
	}
	return err
}

// writeImage writes an archive in Docker's format (moby image/spec v1.2): layers, configuration, manifest. The layer
// with the binary goes first and is hashed on its way, so that the binary is read once.
func (c *Client) writeImage(out io.Writer, g containers.GoImage, img v1.Image, base *layer) error {
	w := tar.NewWriter(out)
	if base != nil {
		img.RootFS.DiffIDs = append(img.RootFS.DiffIDs, digest.Digest(base.diffID))
		img.History = append(img.History, v1.History{CreatedBy: "sdp base image"})
		if err := writeEntry(w, layerFile(base.diffID), base.tar); err != nil {
			return err
		}
	}
	diffID, err := writeBinaryLayer(w, g)
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	img.Created = &now
	img.RootFS.Type = "layers"
	img.RootFS.DiffIDs = append(img.RootFS.DiffIDs, digest.Digest(diffID))
	img.History = append(img.History, v1.History{Created: &now, CreatedBy: programStep + g.Name})
	c.configure(&img.Config, g)
	config, err := json.Marshal(img)
	if err != nil {
		return err
	}
	configFile := fmt.Sprintf("%x.json", sha256.Sum256(config))
	if err := writeEntry(w, configFile, config); err != nil {
		return err
	}
	manifest := dockerManifest{Config: configFile, RepoTags: []string{g.Ref}}
	for _, id := range img.RootFS.DiffIDs {
		manifest.Layers = append(manifest.Layers, layerFile(string(id)))
	}
	manifest.Layers[len(manifest.Layers)-1] = binaryLayer
	list, err := json.Marshal([]dockerManifest{manifest})
	if err != nil {
		return err
	}
	return errors.Join(writeEntry(w, "manifest.json", list), w.Close())
}

type dockerManifest struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// programStep begins the last step in the history of an assembled image.
const programStep = "sdp: "

const binaryLayer = "binary/layer.tar"

func layerFile(diffID string) string { return strings.TrimPrefix(diffID, "sha256:") + "/layer.tar" }

func (c *Client) configure(config *v1.ImageConfig, g containers.GoImage) {
	if isRoot(config.User) {
		config.User = Nonroot
	}
	config.Entrypoint, config.Cmd = []string{"/app/" + g.Name}, nil
	config.Labels = c.imageLabels(config.Labels, g.Labels)
	if g.Port > 0 {
		config.ExposedPorts = map[string]struct{}{fmt.Sprintf("%d/tcp", g.Port): {}}
	}
}

func (c *Client) imageLabels(sets ...map[string]string) map[string]string {
	labels := map[string]string{}
	for _, set := range append(sets, c.ownLabels()) {
		maps.Copy(labels, set)
	}
	delete(labels, sdp.LabelDeployment) // it would make every container of the image look like one of SDP's
	return labels
}

func writeEntry(w *tar.Writer, name string, content []byte) error {
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
		return err
	}
	_, err := w.Write(content)
	return err
}

// writeBinaryLayer writes the layer /app/<name> as one entry of w and returns its diff ID. Its size must be known
// before it is written: two headers, the binary in blocks of 512 bytes, two empty blocks.
func writeBinaryLayer(w *tar.Writer, g containers.GoImage) (diffID string, err error) {
	binary, err := os.Open(g.Binary)
	if err != nil {
		return "", err
	}
	defer binary.Close()
	info, err := binary.Stat()
	if err != nil {
		return "", err
	}
	size := 2*512 + (info.Size()+511)/512*512 + 2*512
	if err := w.WriteHeader(&tar.Header{Name: binaryLayer, Mode: 0o644, Size: size}); err != nil {
		return "", err
	}
	sum := sha256.New()
	inner := &archive{w: tar.NewWriter(io.MultiWriter(w, sum))}
	inner.dir("app/", 0o755)
	inner.header(tar.Header{Name: "app/" + filepath.Base(g.Name), Mode: 0o755, Size: info.Size()})
	if inner.err == nil {
		_, inner.err = io.Copy(inner.w, binary)
	}
	if inner.err == nil {
		inner.err = inner.w.Close()
	}
	return "sha256:" + hex.EncodeToString(sum.Sum(nil)), inner.err
}
