package git_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func nothing(string) bool { return false }

// refs lists the references below refs/sdp/, without the prefix.
func refs(t *testing.T, dir string) string {
	t.Helper()
	out := run(t, dir, "for-each-ref", "--format=%(refname)", "refs/sdp/")
	return strings.ReplaceAll(strings.ReplaceAll(out, "refs/sdp/", ""), "\n", " ")
}

func age(t *testing.T, dir, sha string) {
	t.Helper()
	old := time.Now().Add(-30 * 24 * time.Hour)
	if err := os.Chtimes(filepath.Join(dir, ".git/refs/sdp", sha), old, old); err != nil {
		t.Fatal(err)
	}
}

var monthAgo = func() time.Time { return time.Now().Add(-14 * 24 * time.Hour) }

// fetched is a clone with the commits of two branches fetched, long ago.
func fetched(t *testing.T) (s *gitServer, dir, first, second string) {
	t.Helper()
	s = newServer(t)
	a := newAuthor(s)
	dir = s.clone()
	for _, branch := range []string{"one", "two"} {
		a.branch(branch, "main")
		a.commit(branch, branch)
		a.push(branch)
	}
	c := open(t, dir)
	first, second = fetch(t, c, "one"), fetch(t, c, "two")
	age(t, dir, first)
	age(t, dir, second)
	return s, dir, first, second
}

func prune(t *testing.T, dir string, needed func(string) bool) int {
	t.Helper()
	n, err := open(t, dir).Prune(needed, monthAgo())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestPruneKeepsWhatIsNeeded(t *testing.T) {
	t.Parallel()
	_, dir, first, second := fetched(t)
	if n := prune(t, dir, func(sha string) bool { return sha == second }); n != 1 || refs(t, dir) != second {
		t.Errorf("pruned %d, left %s, want %s and not %s", n, refs(t, dir), second, first)
	}
	if n := prune(t, dir, func(sha string) bool { return sha == second }); n != 0 {
		t.Errorf("pruned %d once more", n)
	}
}

func TestPruneKeepsWhatWasFetchedLately(t *testing.T) {
	t.Parallel()
	_, dir, first, _ := fetched(t)
	fetch(t, open(t, dir), "one") // it is there already; that it was asked for counts
	if prune(t, dir, nothing); refs(t, dir) != first {
		t.Errorf("left are %s, want %s", refs(t, dir), first)
	}
}

// `git gc` moves references into one file.
func TestPruneOfPackedReferences(t *testing.T) {
	t.Parallel()
	_, dir, first, second := fetched(t)
	run(t, dir, "tag", "-a", "-m", "x", "v1", first) // has a second line in packed-refs
	run(t, dir, "pack-refs", "--all")
	before := run(t, dir, "for-each-ref", "refs/heads", "refs/remotes", "refs/tags")
	if n := prune(t, dir, func(sha string) bool { return sha == first }); n != 1 || refs(t, dir) != first {
		t.Errorf("pruned %d, left %s, want %s and not %s", n, refs(t, dir), first, second)
	}
	if after := run(t, dir, "for-each-ref", "refs/heads", "refs/remotes", "refs/tags"); after != before {
		t.Errorf("references of people were\n%s\nand are\n%s", before, after)
	}
	run(t, dir, "fsck", "--strict")
	fetch(t, open(t, dir), "one")
	if prune(t, dir, nothing); refs(t, dir) != first {
		t.Errorf("left are %s, want %s, which was fetched just now", refs(t, dir), first)
	}
}

func TestPruneLeavesPeopleAlone(t *testing.T) {
	t.Parallel()
	_, dir, first, second := fetched(t)
	run(t, dir, "update-ref", "refs/sdp/mine", first)
	run(t, dir, "update-ref", "refs/sdp/"+strings.Repeat("a", 40), first) // not the commit it is named after
	age(t, dir, strings.Repeat("a", 40))
	run(t, dir, "branch", "wip", second)
	prune(t, dir, nothing)
	if got := refs(t, dir); got != strings.Repeat("a", 40)+" mine" {
		t.Errorf("left are %q", got)
	}
	if run(t, dir, "rev-parse", "wip") != second {
		t.Error("a branch has moved")
	}
}

func TestPruneWaitsForTheLock(t *testing.T) {
	t.Parallel()
	_, dir, _, _ := fetched(t)
	before := refs(t, dir)
	lock := filepath.Join(dir, ".git/packed-refs.lock")
	if err := os.WriteFile(lock, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if n, err := open(t, dir).Prune(nothing, monthAgo()); err == nil || n != 0 || refs(t, dir) != before {
		t.Errorf("pruned %d while git held the lock: %v", n, err)
	}
	if _, err := os.Stat(lock); err != nil {
		t.Errorf("somebody else's lock is gone: %v", err)
	}
}
