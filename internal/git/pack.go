package git

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/idxfile"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"

	"sdp/internal/sdp"
)

// storePack writes a pack and its index into the clone, or nothing at all. go-git would do it too, but would put the
// index under its final name while it writes it and before the pack is there, which git running beside it takes for a
// broken pack. The pack comes with a .keep file, whose name is returned: until a reference reaches the pack's objects,
// it is what stops `git repack -a -d` from deleting them.
func (c *Clone) storePack(ctx context.Context, r io.Reader) (keep string, err error) {
	dir := filepath.Join(c.common, "objects", "pack")
	if err := c.mkdir(dir); err != nil {
		return "", c.writeError(err)
	}
	// `git gc` removes what is called tmp_* and old, should this process die here.
	pack, err := os.CreateTemp(dir, "tmp_pack_*")
	if err != nil {
		return "", c.writeError(err)
	}
	defer os.Remove(pack.Name())
	defer pack.Close()
	if _, err := io.Copy(pack, &cancelReader{ctx, r}); err != nil {
		return "", c.downloadError(ctx, err)
	}
	index, name, err := indexPack(ctx, pack)
	if errors.Is(err, packfile.ErrEmptyPackfile) {
		return "", nil
	}
	if err != nil {
		return "", c.downloadError(ctx, err)
	}
	idx, err := os.CreateTemp(dir, "tmp_idx_*")
	if err != nil {
		return "", c.writeError(err)
	}
	defer os.Remove(idx.Name())
	defer idx.Close()
	if err := writeIndex(idx, index); err != nil {
		return "", c.writeError(err)
	}
	return c.installPack(filepath.Join(dir, "pack-"+name.String()), pack, idx)
}

// installing is held while a pack becomes visible, so that of two fetches that got the same pack one comes second.
var installing sync.Mutex

// installPack makes a pack visible: a pack without an index is not there, so the index comes last. One that is there is
// left as it is, because a .keep file that appears while git repacks makes it lose the pack (gitgitgadget/git 2219).
func (c *Clone) installPack(base string, pack, idx *os.File) (keep string, err error) {
	if err := errors.Join(c.finish(pack), c.finish(idx)); err != nil {
		return "", c.writeError(err)
	}
	installing.Lock()
	defer installing.Unlock()
	if !gone(base + ".idx") {
		return "", nil
	}
	keep = base + ".keep"
	if err := os.WriteFile(keep, []byte("sdp fetch\n"), 0o644); err != nil {
		return "", c.writeError(err)
	}
	err = os.Rename(pack.Name(), base+".pack")
	if err == nil {
		err = os.Rename(idx.Name(), base+".idx")
	}
	if err != nil {
		return "", c.writeError(errors.Join(err, os.Remove(keep)))
	}
	return keep, nil
}

func indexPack(ctx context.Context, pack *os.File) (*idxfile.MemoryIndex, plumbing.Hash, error) {
	if _, err := pack.Seek(0, io.SeekStart); err != nil {
		return nil, plumbing.ZeroHash, err
	}
	w := new(idxfile.Writer)
	p, err := packfile.NewParser(packfile.NewScanner(&cancelSeeker{cancelReader{ctx, pack}, pack}), w)
	if err != nil {
		return nil, plumbing.ZeroHash, err
	}
	name, err := p.Parse()
	if err != nil {
		return nil, plumbing.ZeroHash, err
	}
	index, err := w.Index()
	return index, name, err
}

func writeIndex(f *os.File, index *idxfile.MemoryIndex) error {
	w := bufio.NewWriter(f)
	if _, err := idxfile.NewEncoder(w).Encode(index); err != nil {
		return err
	}
	return w.Flush()
}

// finish makes a file ready for its final name. It is synced: after a power failure a clone must not have a pack with
// nothing in it.
func (c *Clone) finish(f *os.File) error { return errors.Join(f.Sync(), c.own(f, 0o444)) }

// own sets the file's mode and gives it to the clone's owner, if it is not ours already: root's files in somebody's
// clone would lock its owner out.
func (c *Clone) own(f *os.File, mode fs.FileMode) error {
	err := f.Chmod(mode)
	if uid, gid, ok := c.owner(); ok {
		err = errors.Join(err, f.Chown(uid, gid))
	}
	return err
}

// mkdir makes a directory below the clone's git directory, owned like it.
func (c *Clone) mkdir(dir string) error {
	err := os.Mkdir(dir, 0o777)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if uid, gid, ok := c.owner(); ok && err == nil {
		err = os.Chown(dir, uid, gid)
	}
	return err
}

// owner returns who owns the clone, if that is somebody else and we are root.
func (c *Clone) owner() (uid, gid int, other bool) {
	info, err := os.Stat(filepath.Join(c.common, "objects"))
	if err != nil || os.Geteuid() != 0 {
		return 0, 0, false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || stat.Uid == 0 {
		return 0, 0, false
	}
	return int(stat.Uid), int(stat.Gid), true
}

// local reports whether an error is about this machine, so that asking the server again is no use.
func local(err error) bool {
	code := sdp.AsError(err).Code
	return code == "disk-full" || code == "clone-not-writable"
}

func (c *Clone) writeError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT):
		return sdp.Errorf(sdp.Exhausted, "disk-full", "no space left for clone %s", c.path).
			WithRemedy("free space on the node, then try again")
	case errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS):
		return sdp.Errorf(sdp.Invalid, "clone-not-writable", "the worker may not write to clone %s", c.path).
			WithRemedy("give the worker's user write access to %s", c.common)
	}
	return sdp.Errorf(sdp.Internal, "clone-broken", "write to clone %s: %w", c.path, err)
}

func (c *Clone) downloadError(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("fetch: %w", ctx.Err())
	case errors.Is(err, syscall.ENOSPC) || errors.Is(err, fs.ErrPermission):
		return c.writeError(err)
	}
	return sdp.Errorf(sdp.Unavailable, "git-unreachable", "the download from %s broke off: %v", c.remote, err).
		WithRemedy("try again")
}

// cancelReader fails once its context is done. Both the download and the indexing of a pack, which takes long for a
// large one, read through it.
type cancelReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *cancelReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

type cancelSeeker struct {
	cancelReader
	io.Seeker
}
