package node

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"sdp/internal/git"
	"sdp/internal/logs"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// Sources are the clones of a node's repositories, and the checkouts made of them: one for each deployment that is being
// built.
type Sources struct {
	node      string
	data      string
	described git.Described

	mu           sync.Mutex
	repositories map[string]Repository
	begun        map[string]begun          // by deployment
	checkedOut   map[string]sdp.ServiceRef // what deployments were of that have a checkout
}

// begun is what a deployment goes on with, whatever is configured by then.
type begun struct {
	repository Repository
	since      time.Time
}

// Configure changes which repositories there are. Deployments under way go on with what they began with.
func (s *Sources) Configure(repositories map[string]Repository) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.repositories = repositories
}

// Repositories are the configured ones, by name. They are not to be changed.
func (s *Sources) Repositories() map[string]Repository {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.repositories
}

// begin remembers what a deployment goes on with, until end.
func (s *Sources) begin(deployment string, r Repository) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.begun == nil {
		s.begun = map[string]begun{}
	}
	maps.DeleteFunc(s.begun, func(_ string, b begun) bool { return time.Since(b.since) > wire.BoxLifetime }) // lost ones
	s.begun[deployment] = begun{r, time.Now()}
}

func (s *Sources) end(deployment string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.begun, deployment)
}

// of returns the repository of a deployment as it was when that began, or, where the worker was started anew since, as it is.
func (s *Sources) of(in wire.Job) (Repository, error) {
	s.mu.Lock()
	b, found := s.begun[in.Deployment]
	s.mu.Unlock()
	if found {
		return b.repository, nil
	}
	return s.Repository(in.Repository)
}

// Repository returns a configured repository. Errors: "unknown-repository", "unusable-repository".
func (s *Sources) Repository(name string) (Repository, error) {
	r, ok := s.Repositories()[name]
	if r.Problem != "" {
		return r, sdp.Errorf(sdp.Conflict, "unusable-repository", "node %s cannot use its repository %s: %s", s.node, name, r.Problem).
			WithRemedy("the operator of node %s repairs the clone or its entry in the node's configuration; the worker notices", s.node)
	}
	if !ok {
		return r, sdp.Errorf(sdp.NotFound, "unknown-repository", "node %s has no repository %q any more", s.node, name).
			WithRemedy("add it to the node's configuration; `sdp repos` lists what there is")
	}
	return r, nil
}

// open opens a repository's clone. Credentials go to no git server but the one that people were shown when the node
// registered; a clone's remote may have been changed since.
func (s *Sources) open(repository string, cred git.Credentials) (Repository, *git.Clone, error) {
	repo, err := s.Repository(repository)
	if err != nil {
		return repo, nil, err
	}
	clone, err := git.Open(repo.Path)
	if err != nil || cred.User == "" || clone.RemoteURL() == repo.RemoteURL {
		return repo, clone, err
	}
	return repo, nil, sdp.Errorf(sdp.Conflict, "remote-changed",
		"the clone of %s on node %s fetches from %s now; it was %s when the node started",
		repo.Name, s.node, clone.RemoteURL(), repo.RemoteURL).
		WithRemedy("ask the operator to restart the worker of node %s, or to set the remote back; `sdp repos` shows which one is used", s.node)
}

// Verify proves credentials against a repository's git server.
func (s *Sources) Verify(ctx context.Context, repository string, cred git.Credentials) error {
	_, clone, err := s.open(repository, cred)
	if err != nil {
		return err
	}
	return git.Check(ctx, clone.RemoteURL(), cred)
}

// Branches lists a repository's branches as its git server has them now.
func (s *Sources) Branches(ctx context.Context, repository string, cred git.Credentials) ([]sdp.Branch, error) {
	_, clone, err := s.open(repository, cred)
	if err != nil {
		return nil, err
	}
	return clone.Branches(ctx, cred, &s.described)
}

// Heads says where branches are on the git server, "" for one that is not there.
func (s *Sources) Heads(ctx context.Context, repository string, cred git.Credentials, branches []string) (map[string]string, error) {
	_, clone, err := s.open(repository, cred)
	if err != nil {
		return nil, err
	}
	all, err := git.Heads(ctx, clone.RemoteURL(), cred)
	if err != nil {
		return nil, err
	}
	heads := make(map[string]string, len(branches))
	for _, branch := range branches {
		heads[branch] = all[branch]
	}
	return heads, nil
}

// Checkout exports a commit into a directory of its own. The clone's working tree is never touched.
func (s *Sources) Checkout(ctx context.Context, in wire.Job, log *logs.Stream) error {
	repo, err := s.of(in)
	if err != nil {
		return err
	}
	if err := s.needDisk(); err != nil {
		return err
	}
	clone, err := git.Open(repo.Path)
	if err != nil {
		return err
	}
	dir := s.checkoutDir(in.Deployment)
	if err := os.RemoveAll(dir); err != nil { // an earlier attempt's
		return diskError(s.node, "removing an earlier checkout", err)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return diskError(s.node, "making the checkout directory", err)
	}
	s.noteCheckout(in)
	if err := clone.Export(ctx, in.SHA, dir); err != nil {
		return diskError(s.node, "checking out "+sdp.ShortSHA(in.SHA), err)
	}
	log.Printf("CHECKOUT", "%s is checked out, apart from the clone's working tree", sdp.ShortSHA(in.SHA))
	return nil
}

// needCheckout checks the commit out if that is not there: an earlier attempt's worker may have died and its successor
// cleaned up.
func (s *Sources) needCheckout(ctx context.Context, in wire.Job, log *logs.Stream) error {
	_, err := os.Stat(s.checkoutDir(in.Deployment))
	if errors.Is(err, os.ErrNotExist) {
		return s.Checkout(ctx, in, log)
	}
	return err
}

// DropCheckout removes a deployment's checkout, if it has one.
func (s *Sources) DropCheckout(deployment string) error {
	if err := os.RemoveAll(s.checkoutDir(deployment)); err != nil {
		return fmt.Errorf("removing the checkout: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.checkedOut, deployment)
	return nil
}

func (s *Sources) noteCheckout(in wire.Job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.checkedOut == nil {
		s.checkedOut = map[string]sdp.ServiceRef{}
	}
	s.checkedOut[in.Deployment] = sdp.ServiceRef{Sandbox: in.Sandbox, Service: in.Service}
}

// Checkouts are those that this process has made, with what they were made for, by deployment.
func (s *Sources) Checkouts() map[string]sdp.ServiceRef {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.checkedOut)
}

// DropCheckouts removes all checkouts: whatever needs one makes it anew.
func (s *Sources) DropCheckouts() error { return os.RemoveAll(s.checkouts()) }

func (s *Sources) checkouts() string { return filepath.Join(s.data, "checkouts") }

// checkoutDir is where a deployment's commit is checked out. It is made and removed by that deployment only. Whatever the
// ID, the directory is one right below the checkouts'.
func (s *Sources) checkoutDir(deployment string) string {
	name := filepath.Base(deployment)
	if strings.Trim(name, "."+string(filepath.Separator)) == "" { // "", ".", ".." and "/"
		name = "nameless"
	}
	return filepath.Join(s.checkouts(), name)
}

// Disk is the disk of the node's own data.
func (s *Sources) Disk() (Disk, error) { return DiskOf(s.data) }

func (s *Sources) needDisk() error {
	disk, err := s.Disk()
	if err != nil {
		return err
	}
	if disk.Free < sdp.MinDiskFree {
		return diskFull(s.node, fmt.Sprintf("%d MB are free, a build needs %d", disk.Free>>20, sdp.MinDiskFree>>20))
	}
	return nil
}

// keepCommits is how long a fetched commit is kept in its clone after it was last asked for, and while a container runs it.
const keepCommits = 14 * 24 * time.Hour

// Prune lets `git gc` have the commits of a clone that nothing needs any more, and returns how many those are.
func (s *Sources) Prune(repository string, needed func(sha string) bool) (int, error) {
	repo, err := s.Repository(repository)
	if err != nil {
		return 0, err
	}
	clone, err := git.Open(repo.Path)
	if err != nil {
		return 0, err
	}
	return clone.Prune(needed, time.Now().Add(-keepCommits))
}
