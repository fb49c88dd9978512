package git_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sdp/internal/sdp"
)

func export(t *testing.T, dir, sha string) (string, error) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "checkout")
	return out, open(t, dir).Export(context.Background(), sha, out)
}

// What is exported is what git itself would check out.
func TestExport(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	a := newAuthor(s)
	large := make([]byte, 9<<20)
	rand.Read(large)
	a.write("big.bin", string(large))
	a.write("run.sh", "#!/bin/sh\n")
	a.write("deep/er/file with spaces é.go", "package er\n")
	a.write("empty", "")
	if err := os.Chmod(filepath.Join(a.dir, "run.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{
		"link": "deep/er", "deep/up": "../run.sh", "dangling": "nothing", "deep/root": "..",
	} {
		if err := os.Symlink(target, filepath.Join(a.dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	a.commit("main.go", "package main\n")
	large[0]++
	sha := a.commit("big.bin", string(large)) // stored as a difference once git repacks
	run(t, a.dir, "gc", "-q", "--aggressive")
	out, err := export(t, bareRemote(t, a), sha)
	if err != nil {
		t.Fatal(err)
	}
	want := filepath.Join(t.TempDir(), "want")
	run(t, a.dir, "worktree", "add", "-q", "--detach", want, sha)
	diff, err := exec.Command("diff", "-r", "--no-dereference", "--exclude=.git", want, out).CombinedOutput()
	if err != nil {
		t.Errorf("%v: %s", err, diff)
	}
	for name, mode := range map[string]fs.FileMode{"run.sh": 0o755, "main.go": 0o644, "deep": 0o755 | fs.ModeDir} {
		if info, err := os.Lstat(filepath.Join(out, name)); err != nil || info.Mode() != mode {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	if err := open(t, bareRemote(t, a)).Export(context.Background(), sha, out); err == nil {
		t.Error("an export into a directory with files in it succeeded")
	}
}

// bareRemote gives the author's own repository a remote, so that it can be opened as a clone.
func bareRemote(t *testing.T, a *author) string {
	t.Helper()
	run(t, a.dir, "remote", "set-url", "origin", "http://127.0.0.1:1/account.git")
	return a.dir
}

// object writes an object with any content, which no git command would make, and returns its name.
func (a *author) object(kind string, content []byte) string {
	a.t.Helper()
	cmd := exec.Command("git", "hash-object", "-t", kind, "-w", "--stdin", "--literally")
	cmd.Dir, cmd.Stdin = a.dir, bytes.NewReader(content)
	out, err := cmd.Output()
	if err != nil {
		a.t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

type entry struct{ mode, name, hash string }

// tree commits a tree made of any entries and returns the commit.
func (a *author) tree(entries ...entry) string {
	a.t.Helper()
	return run(a.t, a.dir, "commit-tree", "-m", "tree", a.rawTree(entries...))
}

func (a *author) rawTree(entries ...entry) string {
	var b bytes.Buffer
	for _, e := range entries {
		fmt.Fprintf(&b, "%s %s\x00", e.mode, e.name)
		for i := 0; i < len(e.hash); i += 2 {
			var octet byte
			fmt.Sscanf(e.hash[i:i+2], "%02x", &octet)
			b.WriteByte(octet)
		}
	}
	return a.object("tree", b.Bytes())
}

// Nothing a repository holds gets written, or points, outside the checkout.
func TestExportRefusesMaliciousCommits(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	a := newAuthor(s)
	dir := bareRemote(t, a)
	file := a.object("blob", []byte("content"))
	link := func(target string) string { return a.object("blob", []byte(target)) }
	sub := a.rawTree(entry{"100644", "passwd", file})
	bomb := a.rawTree(entry{"100644", "f", file})
	for range 8 {
		var level []entry
		for i := range 10 {
			level = append(level, entry{"40000", fmt.Sprint("d", i), bomb})
		}
		bomb = a.rawTree(level...)
	}
	deep := sub
	for range 200 {
		deep = a.rawTree(entry{"40000", "d", deep})
	}
	nested := func(name, target string) entry {
		return entry{"40000", name, a.rawTree(entry{"120000", "l", link(target)})}
	}
	for name, test := range map[string]struct {
		code string
		sha  string
	}{
		"dot git":            {"unsafe-commit", a.tree(entry{"40000", ".git", sub})},
		"dot git, capitals":  {"unsafe-commit", a.tree(entry{"40000", ".GIT", sub})},
		"dot git, short":     {"unsafe-commit", a.tree(entry{"40000", "git~1", sub})},
		"parent":             {"unsafe-commit", a.tree(entry{"40000", "..", sub})},
		"slash":              {"unsafe-commit", a.tree(entry{"100644", "../x", file})},
		"absolute":           {"unsafe-commit", a.tree(entry{"100644", "/tmp/x", file})},
		"link and directory": {"unsafe-commit", a.tree(entry{"120000", "d", link("/etc")}, entry{"40000", "d", sub})},
		"same file twice":    {"unsafe-commit", a.tree(entry{"100644", "f", file}, entry{"100644", "f", file})},
		"deep":               {"unsafe-commit", a.tree(entry{"40000", "d", deep})},
		"bomb":               {"repository-too-large", a.tree(entry{"40000", "d", bomb})},
		"absolute link":      {"unsafe-link", a.tree(entry{"120000", "l", link("/etc/passwd")})},
		"link to parent":     {"unsafe-link", a.tree(entry{"120000", "l", link("..")})},
		"link by detour":     {"unsafe-link", a.tree(nested("d", ".."), entry{"120000", "m", link("d/l/../x")})},
		"link by two":        {"unsafe-link", a.tree(entry{"120000", "a", link("b/../..")}, entry{"40000", "b", sub})},
		"submodule":          {"submodule", a.tree(entry{"160000", "lib", file[:40]})},
	} {
		t.Run(name, func(t *testing.T) {
			parent := t.TempDir()
			out := filepath.Join(parent, "checkout")
			err := open(t, dir).Export(context.Background(), test.sha, out)
			var e *sdp.Error
			if !errors.As(err, &e) || e.Kind != sdp.Failed || e.Code != test.code {
				t.Errorf("error = %v, want %s", err, test.code)
			}
			if left, _ := os.ReadDir(parent); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
	loop := a.tree(entry{"120000", "a", link("b")}, entry{"120000", "b", link("a")},
		entry{"120000", "c", link("a/../../..")})
	if out, err := export(t, dir, loop); err != nil {
		t.Errorf("links in a circle: %v", err)
	} else if target, err := os.Readlink(filepath.Join(out, "a")); err != nil || target != "b" {
		t.Errorf("link = %q, %v", target, err)
	}
}

func TestExportOfWhatIsNotThere(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	a := newAuthor(s)
	sha := a.commit("lost.go", "package lost\n")
	dir := bareRemote(t, a)
	_, err := export(t, dir, strings.Repeat("0", 39)+"1")
	wantCode(t, err, sdp.Unavailable, "objects-missing")
	blob := run(t, a.dir, "rev-parse", sha+":lost.go")
	if err := os.Remove(filepath.Join(a.dir, ".git/objects", blob[:2], blob[2:])); err != nil {
		t.Fatal(err)
	}
	c := open(t, dir)
	if c.Has(sha) {
		t.Error("Has is true without one of the files")
	}
	out, err := export(t, dir, sha)
	wantCode(t, err, sdp.Unavailable, "objects-missing")
	if _, err := os.Stat(out); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("left behind: %v", err)
	}
}

func TestExportCancel(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	a := newAuthor(s)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	out := filepath.Join(t.TempDir(), "out")
	sha := run(t, a.dir, "rev-parse", "HEAD")
	if err := open(t, bareRemote(t, a)).Export(ctx, sha, out); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v", err)
	}
}

// What a checkout of 3,000 files costs, for people; see also `git archive`.
func TestExportSpeed(t *testing.T) {
	s := newServer(t)
	a := newAuthor(s)
	for i := range 3000 {
		content := fmt.Sprintf("package sub\n// %d\n%s", i, strings.Repeat("var x int\n", i%300))
		a.write(fmt.Sprintf("pkg%d/sub%d/file%d.go", i%40, i%7, i), content)
	}
	sha := a.commit("main.go", "package main\n")
	a.push("main")
	dir := s.clone()
	c := open(t, dir)
	began := time.Now()
	if !c.Has(sha) {
		t.Error("the clone lacks the commit")
	}
	t.Logf("Has: %v", time.Since(began))
	began = time.Now()
	if err := c.Export(context.Background(), sha, filepath.Join(t.TempDir(), "out")); err != nil {
		t.Fatal(err)
	}
	t.Logf("Export: %v", time.Since(began))
	began = time.Now()
	cmd := exec.Command("sh", "-c", "git archive "+sha+" | tar -x -C "+t.TempDir())
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Logf("git archive | tar: %v", time.Since(began))
}
