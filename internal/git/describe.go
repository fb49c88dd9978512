package git

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/storage/memory"

	"sdp/internal/sdp"
)

// Bounds of what is asked for to describe branches whose commits the clone lacks. A commit without its files is some 300
// bytes, so a request that meets them all is a few hundred KB.
const (
	describeAtOnce  = 500
	describeTimeout = 5 * time.Second
	describeBytes   = 4 << 20
	largestCommit   = 64 << 10
	rememberedMost  = 20_000
)

// Bounds of what is told of a branch's commit, in characters: a subject may be a file somebody pasted.
const (
	longestSubject = 200
	longestAuthor  = 100
)

// Described remembers commits that were described without being fetched. The zero value is ready for use by any number
// of calls at once.
type Described struct {
	mu      sync.Mutex
	commits map[plumbing.Hash]sdp.Branch
}

func (d *Described) get(h plumbing.Hash) (sdp.Branch, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	b, ok := d.commits[h]
	return b, ok
}

func (d *Described) put(found map[plumbing.Hash]sdp.Branch) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.commits == nil || len(d.commits)+len(found) > rememberedMost {
		d.commits = map[plumbing.Hash]sdp.Branch{}
	}
	for h, b := range found {
		d.commits[h] = b
	}
}

// description is what a branch's commit says.
func description(c *object.Commit) sdp.Branch {
	subject, _, _ := strings.Cut(c.Message, "\n")
	return sdp.Branch{Subject: cut(subject, longestSubject), Author: cut(c.Author.Name, longestAuthor),
		CommittedAt: c.Committer.When}
}

// cut shortens text to some characters, the last of which then says so.
func cut(text string, characters int) string {
	count := 0
	for at := range text {
		if count++; count > characters {
			return string([]rune(text[:at])[:characters-1]) + "…"
		}
	}
	return text
}

// describe asks the server for commits alone, without their files and history, and keeps nothing of them in the clone.
// Only servers that allow filters are asked: others would send all the files too. What cannot be had is left out, since
// a list of branches is of use without it.
func (c *Clone) describe(ctx context.Context, adv *advertisement, missing []plumbing.Hash, cred Credentials, known *Described) {
	caps := adv.capabilities
	if len(missing) == 0 || caps == nil || !caps.Supports(capability.Filter) || !caps.Supports(capability.Shallow) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, describeTimeout)
	defer cancel()
	slices.SortFunc(missing, func(a, b plumbing.Hash) int { return bytes.Compare(a[:], b[:]) }) // the same ones again
	missing = slices.Compact(missing)
	found, err := c.commitsOf(ctx, caps, missing[:min(len(missing), describeAtOnce)], cred)
	if err != nil {
		slog.WarnContext(ctx, "Describing branches failed", "remote", c.remote, "error", err)
		return
	}
	known.put(found)
}

func (c *Clone) commitsOf(ctx context.Context, caps *capability.List, wants []plumbing.Hash, cred Credentials) (map[plumbing.Hash]sdp.Branch, error) {
	s, err := newSession(c.remote, cred)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	req := packp.NewUploadPackRequestFromCapabilities(caps)
	req.Capabilities.Delete(capability.ThinPack) // there is nothing the pack could build on
	for _, needed := range []capability.Capability{capability.Shallow, capability.Filter} {
		if err := req.Capabilities.Set(needed); err != nil {
			return nil, err
		}
	}
	req.Wants, req.Depth, req.Filter = wants, packp.DepthCommits(1), packp.FilterTreeDepth(0)
	res, err := s.UploadPack(ctx, req)
	if err != nil {
		return nil, serverError(ctx, c.remote, err)
	}
	defer res.Close()
	pack, err := io.ReadAll(io.LimitReader(plainPack(req, res), describeBytes+1))
	if err != nil {
		return nil, err
	}
	return readCommits(pack, wants)
}

func plainPack(req *packp.UploadPackRequest, res io.Reader) io.Reader {
	switch {
	case req.Capabilities.Supports(capability.Sideband64k):
		return sideband.NewDemuxer(sideband.Sideband64k, res)
	case req.Capabilities.Supports(capability.Sideband):
		return sideband.NewDemuxer(sideband.Sideband, res)
	}
	return res
}

// readCommits reads a pack in memory, after a look at what it would become there.
func readCommits(pack []byte, wants []plumbing.Hash) (map[plumbing.Hash]sdp.Branch, error) {
	if len(pack) > describeBytes {
		return nil, fmt.Errorf("the server sent more than %d bytes for %d commits", describeBytes, len(wants))
	}
	look := packfile.NewScanner(bytes.NewReader(pack))
	_, objects, err := look.Header()
	switch {
	case err != nil:
		return nil, err
	case int(objects) > len(wants):
		return nil, fmt.Errorf("the server sent %d objects for %d commits", objects, len(wants))
	}
	for range objects {
		h, err := look.NextObjectHeader()
		switch {
		case err != nil:
			return nil, err
		case h.Length > largestCommit:
			return nil, fmt.Errorf("the server sent an object of %d bytes, which is not an honest commit", h.Length)
		}
	}
	store := memory.NewStorage()
	parser, err := packfile.NewParserWithStorage(packfile.NewScanner(bytes.NewReader(pack)), store)
	if err != nil {
		return nil, err
	}
	if _, err := parser.Parse(); err != nil {
		return nil, err
	}
	found := map[plumbing.Hash]sdp.Branch{}
	for _, want := range wants {
		if commit, err := object.GetCommit(store, want); err == nil {
			found[want] = description(commit)
		}
	}
	return found, nil
}
