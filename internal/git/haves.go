package git

import (
	"container/heap"
	"context"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

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
