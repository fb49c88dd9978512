package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/go-git/go-git/v5/plumbing"

	"sdp/internal/sdp"
)

// Export writes the files of a commit into dir, which must not exist or be empty. Files keep their executable bit and
// are never written through a symbolic link; a link that leads out of dir is refused, and so are submodules and names
// git itself would not check out. On error dir is removed.
func (c *Clone) Export(ctx context.Context, sha, dir string) (err error) {
	if !sdp.IsSHA(sha) {
		return sdp.Errorf(sdp.Invalid, "bad-commit", "%q is not a full commit name", sha)
	}
	db := c.objects()
	defer db.close()
	p, err := db.plan(ctx, plumbing.NewHash(sha))
	if err != nil {
		return c.exportError(ctx, sha, err)
	}
	if err := emptyDir(dir); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(c.exportError(ctx, sha, err), os.RemoveAll(dir))
		}
	}()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return p.write(ctx, db, root)
}

func emptyDir(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return sdp.Errorf(sdp.Internal, "checkout-failed", "checkout directory: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err == nil && len(entries) > 0 {
		err = fmt.Errorf("%s is not empty", dir)
	}
	if err != nil {
		return sdp.Errorf(sdp.Internal, "checkout-failed", "checkout directory: %w", err)
	}
	return nil
}

func (p *plan) write(ctx context.Context, db *objectDB, root *os.Root) error {
	for _, d := range p.dirs {
		if err := errors.Join(root.Mkdir(d, 0o755), root.Chmod(d, 0o755)); err != nil {
			return err
		}
	}
	buf := make([]byte, 128<<10)
	for _, f := range p.files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := p.writeFile(ctx, db, root, f, buf); err != nil {
			return fmt.Errorf("%s: %w", f.path, err)
		}
	}
	for _, l := range p.links {
		if err := root.Symlink(l.target, l.path); err != nil {
			return err
		}
	}
	return nil
}

func (p *plan) writeFile(ctx context.Context, db *objectDB, root *os.Root, f file, buf []byte) error {
	typ, _, r, err := db.open(f.hash)
	if err != nil {
		return err
	}
	defer r.Close()
	if typ != plumbing.BlobObject {
		return fmt.Errorf("object %s is not a file", f.hash)
	}
	out, err := root.OpenFile(filepath.FromSlash(f.path), os.O_CREATE|os.O_EXCL|os.O_WRONLY, f.mode)
	if err != nil {
		return err
	}
	_, err = io.CopyBuffer(struct{ io.Writer }{out}, &cancelReader{ctx, r}, buf)
	// Whatever the umask: what ends up in an image must be readable there.
	return errors.Join(err, out.Chmod(f.mode), out.Close())
}

func (c *Clone) exportError(ctx context.Context, sha string, err error) error {
	var known *sdp.Error
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("checkout: %w", ctx.Err())
	case errors.As(err, &known):
		return err
	case errors.Is(err, plumbing.ErrObjectNotFound):
		return sdp.Errorf(sdp.Unavailable, "objects-missing",
			"clone %s lacks part of commit %s: %w", c.path, sdp.ShortSHA(sha), err).
			WithRemedy("fetch it again; if that does not help, clone the repository anew")
	case errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT):
		return sdp.Errorf(sdp.Exhausted, "disk-full", "no space left to check out commit %s", sdp.ShortSHA(sha)).
			WithRemedy("free space on the node, then try again")
	case errors.Is(err, fs.ErrPermission):
		return sdp.Errorf(sdp.Internal, "checkout-failed", "check out commit %s: %w", sdp.ShortSHA(sha), err).
			WithRemedy("give the worker's user access to its data directory and to clone %s", c.path)
	}
	return sdp.Errorf(sdp.Internal, "checkout-failed", "check out commit %s: %w", sdp.ShortSHA(sha), err)
}
