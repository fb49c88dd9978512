// Package git reads branches and commits from a git server over HTTP and brings commits into clones that belong to
// people. It is the only importer of go-git, and uses its plumbing only: go-git's own fetch rewrites `shallow`, its
// storage fails on clones that git itself is repacking, on worktrees and on relative alternates, and it cannot be
// cancelled while it indexes a pack.
//
// What this package writes into a clone is pack files and references refs/sdp/<commit>, which keep `git gc` from
// removing what was fetched until Prune takes them away again. The working tree, the index, HEAD and everybody else's
// references are never touched. Nothing is held between two calls but what the server last advertised, so any number of
// calls may run at once, and beside git itself.
package git

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
	format "github.com/go-git/go-git/v5/plumbing/format/config"

	"sdp/internal/sdp"
)

// Clone is a git clone on this machine.
type Clone struct {
	path   string
	common string // the directory that has objects, refs and config; shared by the worktrees of a clone
	remote string // what git fetches from, without user information
	// partial clones lack objects they promise to have, so what their references reach may be missing.
	partial bool

	mu   sync.Mutex
	seen *advertisement // what the server last advertised, for the fetch that follows a Resolve
}

// Open opens the clone at path: a directory with a .git directory or file, or a bare repository. Anything else, and a
// clone whose remote is not http or https, is Invalid.
func Open(path string) (*Clone, error) {
	common, err := commonDir(path)
	if err != nil {
		return nil, sdp.Errorf(sdp.Invalid, "not-a-clone", "%s is not a git clone: %w", path, err).
			WithRemedy("clone the repository there: `git clone URL %s`", path)
	}
	cfg, err := readConfig(filepath.Join(common, "config"))
	if err != nil {
		return nil, sdp.Errorf(sdp.Invalid, "bad-clone", "git configuration of %s: %w", path, err).
			WithRemedy("repair it: `git -C %s config --list` must work", path)
	}
	if err := supported(path, cfg); err != nil {
		return nil, err
	}
	remote, err := remoteURL(path, cfg)
	if err != nil {
		return nil, err
	}
	return &Clone{path: path, common: common, remote: remote, partial: isPartial(cfg)}, nil
}

// RemoteURL is the URL that git fetches from: the first one of "origin", or of the only remote, without any user
// information. Every request goes there.
func (c *Clone) RemoteURL() string { return c.remote }

// Branches lists the branches the git server has now, sorted by name. They are described by their commits, which are read
// from the clone where it has them; others the server is asked for once, and known remembers them.
func (c *Clone) Branches(ctx context.Context, cred Credentials, known *Described) ([]sdp.Branch, error) {
	adv, err := c.advertised(ctx, cred)
	if err != nil {
		return nil, err
	}
	db := c.objects()
	defer db.close()
	described := map[plumbing.Hash]sdp.Branch{}
	var missing []plumbing.Hash
	for _, sha := range adv.branches {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if b, ok := known.get(sha); ok {
			described[sha] = b
		} else if commit, err := db.commit(sha); err == nil {
			described[sha] = description(commit)
		} else {
			missing = append(missing, sha)
		}
	}
	c.describe(ctx, adv, missing, cred, known)
	for _, sha := range missing {
		described[sha], _ = known.get(sha)
	}
	branches := make([]sdp.Branch, 0, len(adv.branches))
	for name, sha := range adv.branches {
		b := described[sha]
		b.Name, b.SHA = name, sha.String()
		branches = append(branches, b)
	}
	sort.Slice(branches, func(i, j int) bool { return branches[i].Name < branches[j].Name })
	return branches, nil
}

// Resolve returns the commit a branch is at on the git server now. It costs one request.
func (c *Clone) Resolve(ctx context.Context, branch string, cred Credentials) (string, error) {
	if err := sdp.CheckBranch(branch); err != nil {
		return "", err
	}
	adv, err := c.advertised(ctx, cred)
	if err != nil {
		return "", err
	}
	if sha, ok := adv.branches[branch]; ok {
		return sha.String(), nil
	}
	return "", branchNotFound(branch, adv)
}

// advertised asks the server for its references and remembers them.
func (c *Clone) advertised(ctx context.Context, cred Credentials) (*advertisement, error) {
	adv, err := advertise(ctx, c.remote, cred)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.seen = adv
	c.mu.Unlock()
	return adv, nil
}

// commonDir finds the directory that holds objects and refs. In a linked worktree or a submodule .git is a file that
// names the git directory, and in a worktree that directory's "commondir" names the shared one
// (gitrepository-layout(5)).
func commonDir(path string) (string, error) {
	dir := filepath.Join(path, ".git")
	switch info, err := os.Stat(dir); {
	case errors.Is(err, fs.ErrNotExist):
		dir = path
	case err != nil:
		return "", err
	case info.Mode().IsRegular():
		target, err := pointer(dir, "gitdir: ")
		if err != nil {
			return "", err
		}
		dir = target
	}
	if target, err := pointer(filepath.Join(dir, "commondir"), ""); err == nil {
		dir = target
	}
	for _, need := range []string{"objects", "config"} {
		if _, err := os.Stat(filepath.Join(dir, need)); err != nil {
			return "", err
		}
	}
	return filepath.EvalSymlinks(dir)
}

// pointer reads a file that holds one path, relative to the file's own directory.
func pointer(file, prefix string) (string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	target, ok := strings.CutPrefix(strings.TrimRight(string(b), "\r\n"), prefix)
	if !ok || target == "" {
		return "", errors.New(file + " does not name a git directory")
	}
	if !filepath.IsAbs(target) {
		target = filepath.Join(filepath.Dir(file), target)
	}
	return target, nil
}

func readConfig(file string) (*format.Config, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	cfg := format.New()
	return cfg, format.NewDecoder(bytes.NewReader(b)).Decode(cfg)
}

// supported refuses clones in a format this package would misread.
func supported(path string, cfg *format.Config) error {
	ext := cfg.Section("extensions")
	if f := ext.Option("objectFormat"); f != "" && !strings.EqualFold(f, "sha1") {
		return sdp.Errorf(sdp.Invalid, "unsupported-clone", "clone %s has object format %q", path, f).
			WithRemedy("clone it again with `git clone --object-format=sha1`")
	}
	if f := ext.Option("refStorage"); f != "" && !strings.EqualFold(f, "files") {
		return sdp.Errorf(sdp.Invalid, "unsupported-clone", "clone %s keeps references as %q", path, f).
			WithRemedy("convert it: `git -C %s refs migrate --ref-format=files`", path)
	}
	return nil
}

func isPartial(cfg *format.Config) bool {
	if cfg.Section("extensions").Option("partialClone") != "" {
		return true
	}
	for _, r := range cfg.Section("remote").Subsections {
		if strings.EqualFold(r.Option("promisor"), "true") {
			return true
		}
	}
	return false
}
