package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// maxFile bounds a file that File reads, in bytes.
const maxFile = 1 << 20

// File returns one file of a commit the clone has. fs.ErrNotExist if the commit has no such file; links are not followed.
func (c *Clone) File(ctx context.Context, sha, name string) ([]byte, error) {
	db := c.objects()
	defer db.close()
	commit, err := db.commit(plumbing.NewHash(sha))
	if err != nil {
		return nil, fmt.Errorf("commit %s: %w", sha, err)
	}
	dir, base := path.Split(path.Clean(name))
	hash := commit.TreeHash
	for _, part := range strings.FieldsFunc(dir, func(r rune) bool { return r == '/' }) {
		if hash, err = db.entry(ctx, hash, part, false); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if hash, err = db.entry(ctx, hash, base, true); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	o, err := db.encoded(plumbing.BlobObject, hash, maxFile)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	r, err := o.Reader()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// entry finds a name in a directory: a file if file is set, else a directory.
func (db *objectDB) entry(ctx context.Context, dir plumbing.Hash, name string, file bool) (plumbing.Hash, error) {
	if err := ctx.Err(); err != nil {
		return plumbing.ZeroHash, err
	}
	t, err := db.tree(dir)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	for _, e := range t.Entries {
		if e.Name == name && e.Mode != filemode.Symlink && e.Mode != filemode.Submodule && e.Mode.IsFile() == file {
			return e.Hash, nil
		}
	}
	return plumbing.ZeroHash, fs.ErrNotExist
}

// PackedBytes is the size of the clone's own packs: its whole history, compressed.
func (c *Clone) PackedBytes() (int64, error) {
	entries, err := os.ReadDir(filepath.Join(c.common, "objects", "pack"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	var sum int64
	for _, e := range entries {
		if info, err := e.Info(); err == nil && strings.HasSuffix(e.Name(), ".pack") { // one that git removed meanwhile is gone
			sum += info.Size()
		}
	}
	return sum, err
}
