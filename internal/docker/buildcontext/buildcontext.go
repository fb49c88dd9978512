// Package buildcontext streams what a build of a Dockerfile may read.
package buildcontext

import (
	"archive/tar"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"sdp/internal/containers"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// Stream streams a directory as the tar archive a build starts from, without what .dockerignore excludes.
type Stream struct {
	*io.PipeReader
	once sync.Once
	done chan error
	err  error
}

// Open begins to stream a build's directory.
func Open(b containers.DockerfileBuild) *Stream {
	r, w := io.Pipe()
	s := &Stream{PipeReader: r, done: make(chan error, 1)}
	go func() {
		err := writeContext(w, b)
		w.CloseWithError(err)
		s.done <- err
	}()
	return s
}

var errReaderLeft = errors.New("the reader left")

// End stops the stream, waits for its end and returns why reading the directory failed, if it did.
func (s *Stream) End() error {
	s.once.Do(func() {
		s.CloseWithError(errReaderLeft)
		if err := <-s.done; !errors.Is(err, errReaderLeft) {
			s.err = err
		}
	})
	return s.err
}

func writeContext(out io.Writer, b containers.DockerfileBuild) error {
	ignored, err := ignoreRules(b)
	if err != nil {
		return err
	}
	w := tar.NewWriter(out)
	err = filepath.WalkDir(b.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == b.Dir {
			return err
		}
		name, err := filepath.Rel(b.Dir, path)
		if err != nil {
			return err
		}
		if skip, err := ignored.MatchesOrParentMatches(name); err != nil || skip {
			if skip && d.IsDir() && ignored.whole(name, b.Dockerfile) {
				return fs.SkipDir
			}
			return err
		}
		return addFile(w, path, filepath.ToSlash(name), d)
	})
	return errors.Join(err, w.Close())
}

// ignore are the rules of a .dockerignore.
type ignore struct {
	*patternmatcher.PatternMatcher
	exceptions bool // it has "!" patterns of its own
}

// whole reports whether nothing below an excluded directory can be wanted.
func (i ignore) whole(dir, dockerfile string) bool {
	return !i.exceptions && !strings.HasPrefix(dockerfile, filepath.ToSlash(dir)+"/")
}

// ignoreRules reads .dockerignore. Like Docker's own client it always sends the two files that steer the build; the
// daemon leaves them out of the image.
func ignoreRules(b containers.DockerfileBuild) (ignore, error) {
	patterns, err := readIgnore(b.Dir)
	if err != nil {
		return ignore{}, err
	}
	exceptions := slices.ContainsFunc(patterns, func(p string) bool { return strings.HasPrefix(p, "!") })
	if len(patterns) > 0 {
		patterns = append(patterns, "!"+b.Dockerfile, "!.dockerignore")
	}
	matcher, err := patternmatcher.New(patterns)
	return ignore{matcher, exceptions}, err
}

func readIgnore(dir string) ([]string, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f, err := root.Open(".dockerignore")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ignorefile.ReadAll(f)
}

// addFile adds a file, a directory or a link, owned by root as if it came from Docker's client. A link is never
// followed; what is none of the three is left out.
func addFile(w *tar.Writer, path, name string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		return err
	}
	link := ""
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		if link, err = os.Readlink(path); err != nil {
			return err
		}
	case info.IsDir():
		name += "/"
	case !info.Mode().IsRegular():
		return nil
	}
	h, err := tar.FileInfoHeader(info, link)
	if err != nil {
		return err
	}
	h.Name, h.Uid, h.Gid, h.Uname, h.Gname = name, 0, 0, "", ""
	if err := w.WriteHeader(h); err != nil || !info.Mode().IsRegular() {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}
