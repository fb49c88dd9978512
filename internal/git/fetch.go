package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"regexp"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"

	"sdp/internal/sdp"
)

// freshFor is how long the server's last advertisement may be taken for what it can do. A commit it no longer has
// is then found out by asking for it.
const freshFor = 5 * time.Minute

// Has reports whether the clone has a commit and every file of it.
func (c *Clone) Has(sha string) bool {
	if !sdp.IsSHA(sha) {
		return false
	}
	h := plumbing.NewHash(sha)
	if c.kept(h) {
		return true
	}
	db := c.objects()
	defer db.close()
	return db.complete(context.Background(), h) == nil
}

// Fetch brings a commit of a branch into the clone and keeps it there; without a branch, a commit of any branch. It
// downloads nothing if the clone has the commit, and otherwise what the clone lacks. The server's progress messages go
// to progress, which may be nil.
//
// Codes: "branch-not-found" if the branch is gone, "commit-vanished" if it no longer contains the commit.
func (c *Clone) Fetch(ctx context.Context, branch, sha string, cred Credentials, progress io.Writer) error {
	if !sdp.IsSHA(sha) {
		return sdp.Errorf(sdp.Invalid, "bad-commit", "%q is not a full commit name", sha).
			WithRemedy("give all 40 hexadecimal digits, in lower case")
	}
	h := plumbing.NewHash(sha)
	if c.Has(sha) {
		return c.keep(h)
	}
	f := fetch{clone: c, ctx: ctx, cred: cred, progress: &progressLines{w: progress}}
	defer f.release()
	err := f.direct(h)
	if err != nil && ctx.Err() == nil && sdp.KindOf(err) != sdp.Unauthenticated && !local(err) {
		err = f.viaBranch(branch, h)
	}
	if err != nil {
		return err
	}
	return c.keep(h)
}

// fetch is one run of Fetch.
type fetch struct {
	clone    *Clone
	ctx      context.Context
	cred     Credentials
	progress *progressLines
	keeps    []string // .keep files of the packs that came, to be removed once a reference keeps them
}

func (f *fetch) release() {
	for _, file := range f.keeps {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			slog.Warn("Pack stayed locked", "file", file, "error", err)
		}
	}
}

// refused is what git ("upload-pack: not our ref ...") and JGit ("want ... not valid") say of a commit that none of
// their references reaches.
var refused = regexp.MustCompile(`not our ref|want \S+ not valid`)

var (
	errNotSeen = errors.New("the server has not advertised anything lately")
	errRefused = errors.New("the server does not give out the commit")
)

// direct asks for the commit itself, with what the server said when the branch was resolved: one request. Servers
// allow it over HTTP for every commit a reference reaches (git-upload-pack(1), stateless).
func (f *fetch) direct(want plumbing.Hash) error {
	f.clone.mu.Lock()
	adv := f.clone.seen
	f.clone.mu.Unlock()
	if adv == nil || adv.capabilities == nil || time.Since(adv.at) > freshFor {
		return errNotSeen
	}
	if err := f.get(adv, []plumbing.Hash{want}); err != nil {
		return err
	}
	return f.arrived(want)
}

// viaBranch looks where the branch is now and fetches that, then the commit itself if it was not part of it.
func (f *fetch) viaBranch(branch string, want plumbing.Hash) error {
	adv, err := f.clone.advertised(f.ctx, f.cred)
	if err != nil {
		return err
	}
	if branch != "" {
		tip, ok := adv.branches[branch]
		if !ok {
			return branchNotFound(branch, adv)
		}
		if err := f.get(adv, []plumbing.Hash{tip}); err != nil {
			return err
		}
		if err := f.arrived(want); !errors.Is(err, plumbing.ErrObjectNotFound) {
			return err
		}
	}
	if adv.capabilities == nil {
		return vanished(branch, want, adv)
	}
	if err := f.get(adv, []plumbing.Hash{want}); errors.Is(err, errRefused) {
		return vanished(branch, want, adv)
	} else if err != nil {
		return err
	}
	if err := f.arrived(want); !errors.Is(err, plumbing.ErrObjectNotFound) {
		return err
	}
	return vanished(branch, want, adv)
}

func vanished(branch string, want plumbing.Hash, adv *advertisement) error {
	if branch == "" {
		return sdp.Errorf(sdp.NotFound, "commit-vanished", "no branch on the git server contains commit %s", want).
			WithRemedy("push the commit, or deploy a branch")
	}
	return sdp.Errorf(sdp.NotFound, "commit-vanished",
		"branch %s no longer contains commit %s: it was rewritten and is at %s now",
		branch, sdp.ShortSHA(want.String()), sdp.ShortSHA(adv.branches[branch].String())).
		WithRemedy("deploy the branch again to get what it is now")
}

// get downloads the wanted commits without what the clone has. Unlike go-git's fetch it tells the server which commits
// are shallow and asks for no depth, so that a shallow clone stays as shallow as its owner made it.
func (f *fetch) get(adv *advertisement, wants []plumbing.Hash) error {
	s, err := newSession(f.clone.remote, f.cred)
	if err != nil {
		return err
	}
	defer s.Close()
	req := packp.NewUploadPackRequestFromCapabilities(adv.capabilities)
	req.Wants = wants
	if !f.clone.partial {
		req.Haves = f.clone.haves(f.ctx, wants)
	}
	if req.Shallows = f.clone.shallows(); len(req.Shallows) > 0 {
		if err := req.Capabilities.Set(capability.Shallow); err != nil {
			return err
		}
	}
	res, err := s.UploadPack(f.ctx, req)
	if err != nil && refused.MatchString(err.Error()) {
		return errRefused
	}
	if err != nil {
		return serverError(f.ctx, f.clone.remote, err)
	}
	defer res.Close()
	keep, err := f.clone.storePack(f.ctx, f.demux(req, res))
	if keep != "" {
		f.keeps = append(f.keeps, keep)
	}
	return err
}

// demux takes the pack out of a response in which it may be mixed with progress and error messages.
func (f *fetch) demux(req *packp.UploadPackRequest, res io.Reader) io.Reader {
	kind := sideband.Sideband64k
	switch {
	case req.Capabilities.Supports(capability.Sideband64k):
	case req.Capabilities.Supports(capability.Sideband):
		kind = sideband.Sideband
	default:
		return res
	}
	d := sideband.NewDemuxer(kind, res)
	d.Progress = f.progress
	return d
}

// arrived checks that the commit and everything in it is there, whatever the server says it sent.
func (f *fetch) arrived(want plumbing.Hash) error {
	db := f.clone.objects()
	defer db.close()
	return db.complete(f.ctx, want)
}

// progressLines passes on the lines of git's progress that stay on a terminal, not those a carriage return replaces.
type progressLines struct {
	w    io.Writer
	line []byte
}

func (p *progressLines) Write(b []byte) (int, error) {
	p.line = append(p.line, b...)
	for {
		line, rest, found := bytes.Cut(p.line, []byte("\n"))
		if !found {
			break
		}
		line = bytes.TrimRight(line, "\r")
		if p.w != nil {
			fmt.Fprintf(p.w, "%s\n", line[bytes.LastIndexByte(line, '\r')+1:])
		}
		p.line = bytes.Clone(rest)
	}
	if len(p.line) > 64<<10 {
		p.line = nil
	}
	return len(b), nil
}
