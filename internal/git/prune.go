package git

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sdp/internal/sdp"
)

// Prune takes away the references that keep fetched commits from `git gc`, of commits that needed does not report and
// that no fetch has asked for since before. It returns how many there were. A reference that is not exactly one of
// keep's is somebody else's and stays. Commits that are still wanted then are merely fetched again.
func (c *Clone) Prune(needed func(sha string) bool, before time.Time) (int, error) {
	loose, err := c.keptLoose()
	if err != nil {
		return 0, err
	}
	doomed := map[string]bool{}
	for sha, used := range loose {
		if used.Before(before) && !needed(sha) {
			doomed[sha] = true
		}
	}
	for _, sha := range keptPacked(c.packedRefs()) {
		// git does not say since when it is packed, but what a fetch asks for has a file again.
		if _, isLoose := loose[sha]; !isLoose && !needed(sha) {
			doomed[sha] = true
		}
	}
	if len(doomed) == 0 {
		return 0, nil
	}
	if err := c.dropPacked(doomed); err != nil { // first, or the packed one would come to light again
		return 0, err
	}
	for sha := range doomed {
		err := os.Remove(filepath.Join(c.keepDir(), sha))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, c.writeError(err)
		}
	}
	return len(doomed), nil
}

func (c *Clone) keepDir() string { return filepath.Join(c.common, filepath.FromSlash(keepPrefix)) }

// keptLoose returns when each commit with a reference file of its own was last asked for.
func (c *Clone) keptLoose() (map[string]time.Time, error) {
	entries, err := os.ReadDir(c.keepDir())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, c.writeError(err)
	}
	kept := map[string]time.Time{}
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(c.keepDir(), e.Name()))
		if err != nil || !sdp.IsSHA(e.Name()) || strings.TrimSpace(string(content)) != e.Name() {
			continue // a lock, a directory, somebody else's, or gone by now
		}
		if info, err := e.Info(); err == nil {
			kept[e.Name()] = info.ModTime()
		}
	}
	return kept, nil
}

func (c *Clone) packedRefs() []byte {
	packed, err := os.ReadFile(filepath.Join(c.common, "packed-refs"))
	if err != nil {
		return nil
	}
	return packed
}

// keptPacked lists the commits with one of keep's references in packed-refs.
func keptPacked(packed []byte) []string {
	var kept []string
	for line := range bytes.Lines(packed) {
		if sha, ours := keptBy(line); ours {
			kept = append(kept, sha)
		}
	}
	return kept
}

// keptBy reads a line of packed-refs.
func keptBy(line []byte) (sha string, ours bool) {
	sha, name, _ := strings.Cut(strings.TrimRight(string(line), "\n"), " ")
	return sha, sdp.IsSHA(sha) && name == keepPrefix+sha
}

// dropPacked rewrites packed-refs without some of keep's references, as git does it: the lock file is made, filled, and
// takes the file's place. If git, or anybody, holds the lock, there is a next time.
func (c *Clone) dropPacked(doomed map[string]bool) error {
	path := filepath.Join(c.common, "packed-refs")
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return c.writeError(err)
	}
	var rest []byte
	found := false
	for line := range bytes.Lines(c.packedRefs()) {
		if sha, ours := keptBy(line); ours && doomed[sha] {
			found = true
			continue
		}
		rest = append(rest, line...)
	}
	if !found {
		return c.writeError(errors.Join(lock.Close(), os.Remove(lock.Name())))
	}
	_, err = lock.Write(rest)
	err = errors.Join(err, c.own(lock, modeOf(path)), lock.Sync(), lock.Close())
	if err == nil {
		err = os.Rename(lock.Name(), path)
	}
	if err != nil {
		return c.writeError(errors.Join(err, os.Remove(lock.Name())))
	}
	return nil
}

func modeOf(path string) fs.FileMode {
	if info, err := os.Stat(path); err == nil {
		return info.Mode().Perm()
	}
	return 0o644
}
