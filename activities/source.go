package activities

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"sdp/internal/git"
	"sdp/internal/logs"
	"sdp/internal/sdp"
)

// minFree is how much disk a checkout and a build need at the least, in bytes.
const minFree = 512 << 20

// networkTimeout bounds the making of a network in the background.
const networkTimeout = 30 * time.Second

// Fetch turns a branch into a commit, once, and has that commit in the node's clone. If the commit's image is there
// already nothing is fetched. Errors: "branch-not-found", "wrong-credentials", "git-unreachable", "commit-vanished".
func (h *Host) Fetch(ctx context.Context, in FetchInput) (Fetched, error) {
	var out Fetched
	err := h.do(ctx, func(ctx context.Context) error {
		cred, err := h.credentials(in.Credentials, in.Deployment)
		if err != nil {
			return err
		}
		h.makeNetwork(ctx, in.Sandbox)
		return h.logged(in.Deployment, []string{cred.Password}, func(log *logs.Stream) error {
			out, err = h.fetch(ctx, in, cred, log)
			return err
		})
	})
	return out, err
}

// makeNetwork makes a sandbox's network in the background: that takes longer than asking the git server. Start waits
// for it, and says so if it did not work.
func (h *Host) makeNetwork(ctx context.Context, sandbox string) {
	h.Background.Go(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), networkTimeout)
		defer cancel()
		_, _ = h.Docker.EnsureNetwork(ctx, sandbox)
	})
}

func (h *Host) fetch(ctx context.Context, in FetchInput, cred git.Credentials, log *logs.Stream) (Fetched, error) {
	repo, err := h.repository(in.Repository)
	if err != nil {
		return Fetched{}, err
	}
	clone, err := git.Open(repo.Path)
	if err != nil {
		return Fetched{}, err
	}
	began := time.Now()
	sha, err := resolve(ctx, clone, in, cred, log)
	if err != nil {
		return Fetched{}, err
	}
	out := Fetched{SHA: sha, Detail: nameOf(in.Branch, sha), Resolved: time.Since(began)}
	from := source{host: h, repo: repo, clone: clone, sha: sha}
	here := false // the commit was fetched
	out.Image, out.Cached, err = h.findImage(ctx, from, in)
	if errors.Is(err, errNotFetched) {
		if err = h.fetchCommit(ctx, clone, in, sha, cred, log); err == nil {
			here = true
			out.Image, out.Cached, err = h.findImage(ctx, from, in)
		}
	}
	if err != nil {
		return h.madeBefore(ctx, from, in, out, err, log)
	}
	if out.Cached {
		log.Printf("FETCH", "image %s is there already: nothing to fetch or build", out.Image)
		return out, nil
	}
	if here {
		return out, nil
	}
	return out, h.fetchCommit(ctx, clone, in, sha, cred, log)
}

func resolve(ctx context.Context, clone *git.Clone, in FetchInput, cred git.Credentials, log *logs.Stream) (string, error) {
	if in.SHA != "" {
		log.Printf("FETCH", "commit %s", in.SHA)
		return in.SHA, mayRead(ctx, clone, cred)
	}
	log.Printf("FETCH", "asking %s for %s", clone.RemoteURL(), in.Branch)
	sha, err := clone.Resolve(ctx, in.Branch, cred)
	if err == nil {
		log.Printf("FETCH", "%s is %s", in.Branch, sha)
	}
	return sha, err
}

// mayRead keeps people from running a commit of a repository they may not read: with its image or the commit there
// already, nothing else would ask the git server. A restart brings no credentials; it runs what ran here before.
func mayRead(ctx context.Context, clone *git.Clone, cred git.Credentials) error {
	if cred.User == "" {
		return nil
	}
	return git.Check(ctx, clone.RemoteURL(), cred)
}

func nameOf(branch, sha string) string {
	if branch == "" {
		return sdp.ShortSHA(sha)
	}
	return branch + " -> " + sdp.ShortSHA(sha)
}

func (h *Host) fetchCommit(ctx context.Context, clone *git.Clone, in FetchInput, sha string, cred git.Credentials, log *logs.Stream) error {
	if err := h.needDisk(); err != nil {
		return err
	}
	progress := log.Tagged("FETCH")
	if err := errors.Join(clone.Fetch(ctx, origin(in), sha, cred, progress), progress.Close()); err != nil {
		return err
	}
	log.Printf("FETCH", "the clone has %s", sdp.ShortSHA(sha))
	return nil
}

// origin is the branch to fetch from. A commit that was asked for may be on any: its branch, if it is given too, may have
// been deleted since.
func origin(in FetchInput) string {
	if in.SHA != "" {
		return ""
	}
	return in.Branch
}

// Checkout exports the commit into a directory of its own. The clone's working tree is never touched.
func (h *Host) Checkout(ctx context.Context, in SourceInput) (string, error) {
	err := h.do(ctx, func(ctx context.Context) error {
		return h.logged(in.Deployment, nil, func(log *logs.Stream) error { return h.checkout(ctx, in, log) })
	})
	return sdp.ShortSHA(in.SHA), err
}

func (h *Host) checkout(ctx context.Context, in SourceInput, log *logs.Stream) error {
	repo, err := h.repository(in.Repository)
	if err != nil {
		return err
	}
	if err := h.needDisk(); err != nil {
		return err
	}
	clone, err := git.Open(repo.Path)
	if err != nil {
		return err
	}
	dir := h.checkoutDir(in.Deployment)
	if err := os.RemoveAll(dir); err != nil { // an earlier attempt's
		return diskError(h.Node, "removing an earlier checkout", err)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return diskError(h.Node, "making the checkout directory", err)
	}
	if err := clone.Export(ctx, in.SHA, dir); err != nil {
		return diskError(h.Node, "checking out "+sdp.ShortSHA(in.SHA), err)
	}
	log.Printf("CHECKOUT", "%s is checked out, apart from the clone's working tree", sdp.ShortSHA(in.SHA))
	return nil
}

func (h *Host) needDisk() error {
	free, err := h.diskFree()
	if err != nil {
		return err
	}
	if free < minFree {
		return diskFull(h.Node, fmt.Sprintf("%d MB are free, a build needs %d", free>>20, minFree>>20))
	}
	return nil
}

func diskFull(node, detail string) *sdp.Error {
	where := "the disk is full"
	if node != "" {
		where = "the disk of node " + node + " is full"
	}
	return sdp.Errorf(sdp.Exhausted, "disk-full", "%s: %s", where, detail).
		WithRemedy("free space there (`sdp images prune` removes what nothing needs, `docker system df` shows what is left), then deploy again")
}

// diskError makes a full disk recognisable in whatever failed because of it. node may be "".
func diskError(node, doing string, err error) error {
	var known *sdp.Error
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return diskFull(node, doing)
	case errors.As(err, &known), errors.Is(err, context.Canceled):
		return err
	}
	return fmt.Errorf("%s: %w", doing, err)
}
