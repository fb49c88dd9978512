package base

import (
	"archive/tar"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"time"
)

// entry is a file of the image: copied from the host, or with the content given here.
type entry struct {
	from    string // path on the host; "" = content
	content string
	mode    fs.FileMode // with fs.ModeDir for a directory; 0 = 0644
	owner   int
}

// layer maps absolute paths in the image to what is there. Parent directories are implied.
type layer map[string]entry

// write writes the layer as a tar with sorted names and no times, so that equal files give equal bytes.
func (l layer) write(w io.Writer) error {
	l.addParents()
	tw := tar.NewWriter(w)
	for _, name := range slices.Sorted(maps.Keys(l)) {
		if err := l[name].write(tw, name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return tw.Close()
}

func (l layer) addParents() {
	for _, name := range slices.Collect(maps.Keys(l)) {
		for dir := path.Dir(name); dir != "/"; dir = path.Dir(dir) {
			if _, ok := l[dir]; !ok {
				l[dir] = entry{mode: fs.ModeDir | 0o755}
			}
		}
	}
}

func (e entry) write(tw *tar.Writer, name string) error {
	h := &tar.Header{
		Name: name[1:], Mode: int64(e.mode.Perm()), Uid: e.owner, Gid: e.owner,
		ModTime: time.Unix(0, 0), Format: tar.FormatPAX, Typeflag: tar.TypeReg,
	}
	switch {
	case e.mode.IsDir():
		h.Typeflag, h.Name = tar.TypeDir, h.Name+"/"
		if e.mode&fs.ModeSticky != 0 {
			h.Mode |= 0o1000
		}
		return tw.WriteHeader(h)
	case e.mode == 0:
		h.Mode = 0o644
	}
	if e.from == "" {
		h.Size = int64(len(e.content))
		if err := tw.WriteHeader(h); err != nil {
			return err
		}
		_, err := io.WriteString(tw, e.content)
		return err
	}
	return e.copy(tw, h)
}

func (e entry) copy(tw *tar.Writer, h *tar.Header) error {
	f, err := os.Open(e.from)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	h.Size = info.Size()
	if err := tw.WriteHeader(h); err != nil {
		return err
	}
	_, err = io.Copy(tw, f)
	return err
}
