package git

import (
	"bufio"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"sdp/internal/sdp"
)

// keepPrefix is where this package's references live. A reference is named after the commit it keeps, so two fetches
// never write different things to one reference, and a branch "a" cannot be in the way of a branch "a/b".
const keepPrefix = "refs/sdp/"

// keep makes sure that git does not prune a commit. The time of the reference's file is when that was last asked for,
// which Prune goes by.
func (c *Clone) keep(sha plumbing.Hash) error {
	dir := c.keepDir()
	if now := time.Now(); os.Chtimes(filepath.Join(dir, sha.String()), now, now) == nil {
		return nil
	}
	if err := c.mkdir(dir); err != nil {
		return c.writeError(err)
	}
	// git takes no file that ends in .lock for a reference, and a rename is atomic.
	f, err := os.CreateTemp(dir, sha.String()+".*.lock")
	if err != nil {
		return c.writeError(err)
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(sha.String() + "\n")
	if err := errors.Join(err, c.own(f, 0o644), f.Close()); err != nil {
		return c.writeError(err)
	}
	return c.writeError(os.Rename(f.Name(), filepath.Join(dir, sha.String())))
}

// kept reports whether keep was called for a commit: everything it consists of was there then, and is still.
func (c *Clone) kept(sha plumbing.Hash) bool {
	name := keepPrefix + sha.String()
	if _, err := os.Stat(filepath.Join(c.common, filepath.FromSlash(name))); err == nil {
		return true
	}
	packed, err := os.ReadFile(filepath.Join(c.common, "packed-refs"))
	return err == nil && bytes.Contains(packed, []byte(sha.String()+" "+name+"\n"))
}

// tips returns the commits the clone's branches, remote branches and kept references are at, without duplicates.
// Symbolic and broken references are passed over.
func (c *Clone) tips() []plumbing.Hash {
	var tips []plumbing.Hash
	seen := map[plumbing.Hash]bool{}
	add := func(hex string) {
		if h := plumbing.NewHash(hex); sdp.IsSHA(hex) && !seen[h] {
			seen[h] = true
			tips = append(tips, h)
		}
	}
	spaces := []string{"refs/remotes/", "refs/heads/", keepPrefix}
	for _, space := range spaces {
		root := filepath.Join(c.common, filepath.FromSlash(space))
		_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error { // it returns what the function does
			if err == nil && d.Type().IsRegular() && !strings.HasSuffix(path, ".lock") {
				if b, err := os.ReadFile(path); err == nil {
					add(strings.TrimSpace(string(b)))
				}
			}
			return nil
		})
	}
	packed, _ := os.ReadFile(filepath.Join(c.common, "packed-refs"))
	for s := bufio.NewScanner(bytes.NewReader(packed)); s.Scan(); {
		hex, name, _ := strings.Cut(s.Text(), " ")
		if slices.ContainsFunc(spaces, func(space string) bool { return strings.HasPrefix(name, space) }) {
			add(hex)
		}
	}
	return tips
}

// shallows returns the commits whose parents a shallow clone lacks.
func (c *Clone) shallows() []plumbing.Hash {
	b, err := os.ReadFile(filepath.Join(c.common, "shallow"))
	if err != nil {
		return nil
	}
	var hashes []plumbing.Hash
	for _, hex := range strings.Fields(string(b)) {
		if sdp.IsSHA(hex) {
			hashes = append(hashes, plumbing.NewHash(hex))
		}
	}
	return hashes
}
