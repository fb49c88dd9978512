package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"

	"sdp/internal/sdp"
)

// Limits that no honest repository meets. A few hundred bytes of trees that refer to each other can describe more
// files than any disk holds.
const (
	maxEntries = 500_000
	maxDepth   = 128
)

// plan is what an export will write, checked as a whole before anything is written.
type plan struct {
	dirs  []string // parents first
	files []file
	links []link
	seen  map[string]bool
}

type file struct {
	path string
	hash plumbing.Hash
	mode fs.FileMode
}

type link struct{ path, target string }

func (db *objectDB) plan(ctx context.Context, sha plumbing.Hash) (*plan, error) {
	commit, err := db.commit(sha)
	if err != nil {
		return nil, err
	}
	p := &plan{seen: map[string]bool{}}
	if err := p.addTree(ctx, db, commit.TreeHash, "", 0); err != nil {
		return nil, err
	}
	return p, p.checkLinks()
}

func (p *plan) addTree(ctx context.Context, db *objectDB, hash plumbing.Hash, dir string, depth int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := tooDeep(depth); err != nil {
		return err
	}
	t, err := db.tree(hash)
	if err != nil {
		return fmt.Errorf("directory %q: %w", dir, err)
	}
	for _, e := range t.Entries {
		if err := p.add(ctx, db, e, dir, depth); err != nil {
			return err
		}
	}
	return nil
}

func (p *plan) add(ctx context.Context, db *objectDB, e object.TreeEntry, dir string, depth int) error {
	if err := p.checkName(dir, e.Name); err != nil {
		return err
	}
	name := path.Join(dir, e.Name)
	switch {
	case isTree(e.Mode):
		p.dirs = append(p.dirs, name)
		return p.addTree(ctx, db, e.Hash, name, depth+1)
	case e.Mode == filemode.Symlink:
		target, err := db.linkTarget(e.Hash)
		if err != nil {
			return fmt.Errorf("link %s: %w", name, err)
		}
		p.links = append(p.links, link{name, target})
	case e.Mode == filemode.Executable:
		p.files = append(p.files, file{name, e.Hash, 0o755})
	case e.Mode == filemode.Regular || e.Mode == filemode.Deprecated:
		p.files = append(p.files, file{name, e.Hash, 0o644})
	case isSubmodule(e.Mode):
		return sdp.Errorf(sdp.Failed, "submodule", "%s is a git submodule, and SDP fetches one repository only", name).
			WithRemedy("make it part of the repository or a module dependency")
	default:
		return unsafe(name, "has the file mode %o", uint32(e.Mode))
	}
	return nil
}

// checkName refuses what git's own verify_path refuses, and two entries of one name: a link and a directory called
// alike are how files get written outside a checkout.
func (p *plan) checkName(dir, name string) error {
	full := dir + "/" + name
	lower := strings.ToLower(name)
	switch {
	case name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00"):
		return unsafe(full, "is not a file name")
	case lower == ".git" || lower == "git~1":
		return unsafe(full, "has a name that belongs to git")
	case p.seen[full]:
		return unsafe(full, "is there twice")
	case len(p.seen) >= maxEntries:
		return sdp.Errorf(sdp.Failed, "repository-too-large", "the commit has more than %d files", maxEntries)
	}
	p.seen[full] = true
	return nil
}

func unsafe(name, format string, args ...any) error {
	return sdp.Errorf(sdp.Failed, "unsafe-commit",
		"%q in the commit %s", strings.TrimPrefix(name, "/"), fmt.Sprintf(format, args...)).
		WithRemedy("remove it from the branch")
}

func tooDeep(depth int) error {
	if depth <= maxDepth {
		return nil
	}
	return sdp.Errorf(sdp.Failed, "unsafe-commit", "the commit's directories are nested more than %d deep", maxDepth)
}

func isTree(m filemode.FileMode) bool      { return m == filemode.Dir }
func isSubmodule(m filemode.FileMode) bool { return m == filemode.Submodule }

func (db *objectDB) linkTarget(h plumbing.Hash) (string, error) {
	o, err := db.encoded(plumbing.BlobObject, h, 4095)
	if err != nil {
		return "", err
	}
	r, err := o.Reader()
	if err != nil {
		return "", err
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	if err != nil {
		return "", err
	}
	target := string(content)
	if target == "" || strings.Contains(target, "\x00") {
		return "", fmt.Errorf("its target is not a path")
	}
	return target, nil
}

// checkLinks resolves every link as the kernel would, links among the steps included, and refuses one that leaves the
// checkout. Comparing cleaned paths is not enough: with d/l -> .., "d/l/.." is the checkout's parent.
func (p *plan) checkLinks() error {
	targets := make(map[string]string, len(p.links))
	for _, l := range p.links {
		targets[l.path] = l.target
	}
	for _, l := range p.links {
		if !inside(l, targets) {
			return sdp.Errorf(sdp.Failed, "unsafe-link",
				"the link %q in the commit leads out of the repository, to %q", l.path, l.target).
				WithRemedy("link to a file of the repository, or remove the link")
		}
	}
	return nil
}

// inside follows one link. It gives up after 255 links, more than the kernel follows (path_resolution(7)).
func inside(l link, targets map[string]string) bool {
	var at []string // where the walk is, as path elements below the root
	if dir := path.Dir(l.path); dir != "." {
		at = strings.Split(dir, "/")
	}
	if path.IsAbs(l.target) {
		return false
	}
	todo := strings.Split(l.target, "/")
	for links := 0; len(todo) > 0; {
		step := todo[0]
		todo = todo[1:]
		switch step {
		case "", ".":
			continue
		case "..":
			if len(at) == 0 {
				return false
			}
			at = at[:len(at)-1]
			continue
		}
		next := append(at[:len(at):len(at)], step)
		target, isLink := targets[strings.Join(next, "/")]
		if !isLink {
			at = next
			continue
		}
		if path.IsAbs(target) {
			return false
		}
		if links++; links > 255 {
			return true // the kernel refuses to follow it
		}
		todo = append(strings.Split(target, "/"), todo...)
	}
	return true
}

// complete checks that a commit, its trees and its files are there. It returns plumbing.ErrObjectNotFound if not.
func (db *objectDB) complete(ctx context.Context, h plumbing.Hash) error {
	commit, err := db.commit(h)
	if err != nil {
		return err
	}
	checked := map[plumbing.Hash]bool{}
	var check func(plumbing.Hash, int) error
	check = func(tree plumbing.Hash, depth int) error {
		if checked[tree] {
			return nil
		}
		if err := errors.Join(ctx.Err(), tooDeep(depth)); err != nil {
			return err
		}
		checked[tree] = true
		t, err := db.tree(tree)
		if err != nil {
			return err
		}
		for _, e := range t.Entries {
			if err := db.checkEntry(e, depth, check); err != nil {
				return err
			}
		}
		return nil
	}
	return check(commit.TreeHash, 0)
}

func (db *objectDB) checkEntry(e object.TreeEntry, depth int, tree func(plumbing.Hash, int) error) error {
	switch {
	case isTree(e.Mode):
		return tree(e.Hash, depth+1)
	case isSubmodule(e.Mode) || db.has(e.Hash):
		return nil
	}
	return fmt.Errorf("%s: %w", e.Name, plumbing.ErrObjectNotFound)
}
