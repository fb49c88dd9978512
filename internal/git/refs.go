package git

import (
	"bufio"
	"bytes"
	"container/heap"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

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

// maxHaves bounds how many of its commits a clone tells the server about.
const maxHaves = 256

// haves lists commits the clone has, newest first: where its references are and what they come from, so that the server
// finds a common one even if none of the references is the server's.
func (c *Clone) haves(ctx context.Context, wants []plumbing.Hash) []plumbing.Hash {
	db := c.objects()
	defer db.close()
	seen := map[plumbing.Hash]bool{}
	for _, w := range wants {
		seen[w] = true // asking for what one claims to have gets nothing
	}
	queue := &byTime{}
	push := func(h plumbing.Hash) {
		if seen[h] {
			return
		}
		seen[h] = true
		if commit, err := db.commit(h); err == nil {
			commit.Hash = h
			heap.Push(queue, commit)
		}
	}
	for i, tip := range c.tips() {
		if i == 4*maxHaves || ctx.Err() != nil {
			break
		}
		push(tip)
	}
	var haves []plumbing.Hash
	for queue.Len() > 0 && len(haves) < maxHaves && ctx.Err() == nil {
		commit := heap.Pop(queue).(*object.Commit)
		haves = append(haves, commit.Hash)
		for _, parent := range commit.ParentHashes {
			push(parent)
		}
	}
	return haves
}

// byTime is a heap of commits, the newest first.
type byTime []*object.Commit

func (q byTime) Len() int           { return len(q) }
func (q byTime) Less(i, j int) bool { return q[i].Committer.When.After(q[j].Committer.When) }
func (q byTime) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *byTime) Push(x any)        { *q = append(*q, x.(*object.Commit)) }
func (q *byTime) Pop() any {
	last := len(*q) - 1
	x := (*q)[last]
	*q = (*q)[:last]
	return x
}
