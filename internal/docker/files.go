package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"

	"sdp/internal/containers"
	"sdp/internal/sdp"
	"sdp/internal/sdp/settings"
)

// labelFiles is a container's label for the paths of the files it was given, as JSON.
const labelFiles = "sdp.files"

// places remembers for images where files have their place: looking costs several times as much as copying, and an
// image does not change.
type places struct {
	mu      sync.Mutex
	missing map[string][]string // by image ID and paths: the directories the image lacks
}

// maxPlaces is how many answers are remembered before all are forgotten.
const maxPlaces = 1000

func (p *places) known(key string) ([]string, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	missing, ok := p.missing[key]
	return missing, ok
}

func (p *places) learn(key string, missing []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.missing == nil || len(p.missing) >= maxPlaces {
		p.missing = map[string][]string{}
	}
	p.missing[key] = missing
}

// putFiles copies files into a container of an image that was not started yet. A file that the image has at a path is replaced.
// Codes: "file-path-link", "file-path-taken" and "file-unprotected" where the image does not let the file be what File
// promises.
func (c *Client) putFiles(ctx context.Context, id, image string, files []containers.File) error {
	if len(files) == 0 {
		return nil
	}
	key := image + filesLabel(files)
	missing, known := c.places.known(key)
	if !known {
		var err error
		if missing, err = c.checkPlaces(ctx, id, files); err != nil {
			return err
		}
		c.places.learn(key, missing)
	}
	archive, err := filesArchive(missing, files)
	if err != nil {
		return fmt.Errorf("pack the container's files: %w", err)
	}
	err = c.api.CopyToContainer(ctx, id, "/", archive, container.CopyToContainerOptions{})
	return c.fail(ctx, err, "copy files into the container")
}

// checkPlaces looks at every directory on the way to a file and returns those that the image does not have, outer ones
// first.
func (c *Client) checkPlaces(ctx context.Context, id string, files []containers.File) (missing []string, err error) {
	for _, dir := range directories(files) {
		if slices.Contains(missing, path.Dir(dir)) {
			missing = append(missing, dir)
			continue
		}
		h, found, err := c.entry(ctx, id, dir)
		if err != nil {
			return nil, err
		}
		if !found {
			missing = append(missing, dir)
		} else if err := checkDirectory(dir, h); err != nil {
			return nil, err
		}
	}
	for _, f := range files {
		if slices.Contains(missing, path.Dir(f.Path)) {
			continue
		}
		h, found, err := c.entry(ctx, id, f.Path)
		if err != nil {
			return nil, err
		}
		if found && h.Typeflag == tar.TypeDir {
			return nil, placeTaken(f.Path, "a directory")
		}
	}
	return missing, nil
}

// directories lists the directories on the way to files, but for the root, each after the one it is in.
func directories(files []containers.File) []string {
	var dirs []string
	for _, f := range files {
		for dir := path.Dir(f.Path); dir != "/"; dir = path.Dir(dir) {
			dirs = append(dirs, dir)
		}
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// checkDirectory refuses a directory in which the file would not be safe, or not where its path says.
func checkDirectory(dir string, h tar.Header) error {
	mode := h.FileInfo().Mode()
	switch {
	case h.Typeflag == tar.TypeSymlink:
		return sdp.Errorf(sdp.Invalid, "file-path-link", "the environment has a file below %s, which in the image is a link to %s",
			dir, h.Linkname).WithRemedy("give the file a path without links in the environment")
	case h.Typeflag != tar.TypeDir:
		return placeTaken(dir, "no directory")
	case h.Uid != 0, mode.Perm()&0o022 != 0 && mode&fs.ModeSticky == 0:
		return sdp.Errorf(sdp.Invalid, "file-unprotected",
			"the environment has a file below %s, where the image lets the service replace it", dir).
			WithRemedy("give the file a path whose directories belong to root, such as one below /etc, or make %s root's in the image", dir)
	}
	return nil
}

func placeTaken(p, what string) error {
	return sdp.Errorf(sdp.Invalid, "file-path-taken", "the environment has a file at or below %s, which in the image is %s", p, what).
		WithRemedy("give the file another path in the environment")
}

// entry says what a container's file system has at a path, without following a link that is there.
func (c *Client) entry(ctx context.Context, id, p string) (h tar.Header, found bool, err error) {
	content, _, err := c.api.CopyFromContainer(ctx, id, p)
	if errdefs.IsNotFound(err) {
		return h, false, nil
	}
	if err != nil {
		return h, false, c.fail(ctx, err, "look at %s in the container", p)
	}
	defer content.Close() // the daemon then stops sending the rest
	first, err := tar.NewReader(content).Next()
	if err != nil {
		return h, false, c.fail(ctx, err, "look at %s in the container", p)
	}
	return *first, true, nil
}

// filesArchive packs the files, and the directories that are missing, as the daemon unpacks them.
func filesArchive(missing []string, files []containers.File) (io.Reader, error) {
	var buf bytes.Buffer
	a := &archive{w: tar.NewWriter(&buf)}
	for _, dir := range missing {
		a.dir(strings.TrimPrefix(dir, "/")+"/", 0o755)
	}
	for _, f := range files {
		a.header(tar.Header{Name: strings.TrimPrefix(f.Path, "/"), Mode: 0o444, Size: int64(len(f.Content))})
		if a.err == nil {
			_, a.err = a.w.Write(f.Content)
		}
	}
	return &buf, errors.Join(a.err, a.w.Close())
}

// filesLabel is the value of labelFiles.
func filesLabel(files []containers.File) string {
	paths := []string{}
	for _, f := range files {
		paths = append(paths, f.Path)
	}
	raw, err := json.Marshal(paths)
	if err != nil {
		panic(err) // strings are always marshalled
	}
	return string(raw)
}

// Files reads the files a container was given back from it.
func (c *Client) Files(ctx context.Context, ct containers.Container) ([]containers.File, error) {
	var files []containers.File
	for _, p := range ct.Files {
		content, _, err := c.api.CopyFromContainer(ctx, ct.ID, p)
		if errdefs.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, c.fail(ctx, err, "read %s from container %s", p, ct.Name)
		}
		text, err := firstFile(content)
		if err != nil {
			return nil, c.fail(ctx, err, "read %s from container %s", p, ct.Name)
		}
		files = append(files, containers.File{Path: p, Content: text})
	}
	return files, nil
}

func firstFile(content io.ReadCloser) ([]byte, error) {
	defer content.Close()
	r := tar.NewReader(content)
	if _, err := r.Next(); err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(r, settings.MaxFile))
}
