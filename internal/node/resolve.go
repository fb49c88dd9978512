package node

import (
	"context"
	"errors"
	"time"

	"sdp/internal/git"
	"sdp/internal/logs"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// Resolver finds out which commit a deployment runs, and from which image.
type Resolver struct {
	node    string
	runtime Runtime
	sources *Sources
	images  *Images
}

// Fetch turns a branch into a commit, once, and has that commit in the node's clone. If the commit's image is there
// already nothing is fetched. Errors: "branch-not-found", "wrong-credentials", "git-unreachable", "commit-vanished".
func (r *Resolver) Fetch(ctx context.Context, in wire.Job, cred git.Credentials, log *logs.Stream) (wire.Fetched, error) {
	repo, clone, err := r.sources.open(in.Repository, cred)
	if err != nil {
		return wire.Fetched{}, err
	}
	r.sources.begin(in.Deployment, repo)
	f := fetch{Resolver: r, in: in, cred: cred, log: log, commit: commit{repo: repo, clone: clone}}
	began := time.Now()
	if f.commit.sha, err = f.resolve(ctx); err != nil {
		return wire.Fetched{}, err
	}
	out := wire.Fetched{SHA: f.commit.sha, Detail: nameOf(in.Branch, f.commit.sha), Resolved: time.Since(began)}
	return f.run(ctx, out)
}

// fetch is one call of Fetch.
type fetch struct {
	*Resolver
	in     wire.Job
	cred   git.Credentials
	log    *logs.Stream
	commit commit
}

func (f *fetch) run(ctx context.Context, out wire.Fetched) (wire.Fetched, error) {
	here := false // the commit was fetched
	var err error
	out.Image, out.Cached, err = f.findImage(ctx)
	if errors.Is(err, errNotFetched) {
		if err = f.fetchCommit(ctx); err == nil {
			here = true
			out.Image, out.Cached, err = f.findImage(ctx)
		}
	}
	switch {
	case err != nil:
		return f.madeBefore(ctx, out, err)
	case out.Cached:
		f.log.Printf("FETCH", "image %s is there already: nothing to fetch or build", out.Image)
		return out, nil
	case here:
		return out, nil
	}
	return out, f.fetchCommit(ctx)
}

func (f *fetch) resolve(ctx context.Context) (string, error) {
	if f.in.SHA != "" {
		f.log.Printf("FETCH", "commit %s", f.in.SHA)
		return f.in.SHA, mayRead(ctx, f.commit.clone, f.cred)
	}
	f.log.Printf("FETCH", "asking %s for %s", f.commit.clone.RemoteURL(), f.in.Branch)
	sha, err := f.commit.clone.Resolve(ctx, f.in.Branch, f.cred)
	if err == nil {
		f.log.Printf("FETCH", "%s is %s", f.in.Branch, sha)
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

func (f *fetch) fetchCommit(ctx context.Context) error {
	if err := f.sources.needDisk(); err != nil {
		return err
	}
	progress := f.log.Tagged("FETCH")
	err := f.commit.clone.Fetch(ctx, f.origin(), f.commit.sha, f.cred, progress)
	if err := errors.Join(err, progress.Close()); err != nil {
		return err
	}
	f.log.Printf("FETCH", "the clone has %s", sdp.ShortSHA(f.commit.sha))
	return nil
}

// origin is the branch to fetch from. A commit that was asked for may be on any: its branch, if it is given too, may have
// been deleted since.
func (f *fetch) origin() string {
	if f.in.SHA != "" {
		return ""
	}
	return f.in.Branch
}

// findImage returns the name of the image a deployment uses and whether it is there. One that the deployment brings
// along, because a restart, a plan or a snapshot knows it to be of the commit, is taken where it is still there.
func (f *fetch) findImage(ctx context.Context) (name string, found bool, err error) {
	if f.in.Image != "" {
		if found, err := f.images.claim(ctx, f.in.Deployment, f.in.Image, f.commit.sha); err != nil || found {
			return f.in.Image, found, err
		}
	}
	if name, err = f.images.nameOf(ctx, f.commit); err != nil {
		return "", false, err
	}
	found, err = f.images.claim(ctx, f.in.Deployment, name, f.commit.sha)
	return name, found, err
}

// madeBefore is the way out where a commit can neither be fetched nor built any more, because it vanished from the
// repository, a restart brings no credentials, or a base image is gone: an image of it that is still there. Without one
// it is the failure why.
func (f *fetch) madeBefore(ctx context.Context, out wire.Fetched, why error) (wire.Fetched, error) {
	if ctx.Err() != nil {
		return out, why
	}
	name, err := f.images.newestOf(ctx, f.commit)
	if err != nil || name == "" {
		return out, errors.Join(why, err)
	}
	if out.Cached, err = f.images.claim(ctx, f.in.Deployment, name, f.commit.sha); err != nil || !out.Cached {
		return out, errors.Join(why, err)
	}
	out.Image = name
	f.log.Printf("FETCH", "%s; but its image %s is there: nothing to fetch or build", sdp.AsError(why).Detail, name)
	return out, nil
}
