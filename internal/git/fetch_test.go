package git_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sdp/internal/sdp"
)

// A fetch after a resolve is one request, brings only what is missing and leaves everything people see as it was.
func TestFetchLeavesTheCloneAlone(t *testing.T) {
	s := newServer(t)
	a := newAuthor(s)
	dir := s.clone()
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("edited by hand\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	a.branch("feature/login", "main")
	sha := a.commit("main.go", "package main\n")
	a.push("feature/login")
	before := userState(t, dir)

	c := open(t, dir)
	var progress bytes.Buffer
	got, err := c.Resolve(context.Background(), "feature/login", good)
	if err != nil || got != sha {
		t.Fatalf("Resolve = %s, %v; want %s", got, err, sha)
	}
	if c.Has(sha) {
		t.Fatal("the clone has the commit before the fetch")
	}
	if err := c.Fetch(context.Background(), "feature/login", sha, good, &progress); err != nil {
		t.Fatal(err)
	}
	want := []string{"GET /account.git/info/refs", "POST /account.git/git-upload-pack"}
	if got := s.asked(); !slices.Equal(got, want) {
		t.Errorf("requests = %q, want %q", got, want)
	}
	if !c.Has(sha) {
		t.Error("the clone lacks the commit after the fetch")
	}
	if after := userState(t, dir); after != before {
		t.Errorf("the clone changed:\n%s\nwas:\n%s", after, before)
	}
	if strings.ContainsAny(progress.String(), "\r") || !strings.Contains(progress.String(), "Counting objects") {
		t.Errorf("progress = %q", progress.String())
	}
	run(t, dir, "fsck", "--strict")
	run(t, dir, "gc", "-q", "--prune=now")
	if !c.Has(sha) {
		t.Error("git gc removed the commit")
	}
	s.asked()
	if err := c.Fetch(context.Background(), "feature/login", sha, good, nil); err != nil || len(s.asked()) != 0 {
		t.Errorf("a second fetch: %v; it must not ask the server", err)
	}
}

// userState is all a person sees of a clone: files, index, HEAD, references other than SDP's, and configuration.
func userState(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintln(&b, run(t, dir, "status", "--porcelain", "--branch"))
	fmt.Fprintln(&b, run(t, dir, "for-each-ref", "refs/heads", "refs/remotes", "refs/tags"))
	for _, name := range []string{"HEAD", "config", "shallow", "FETCH_HEAD", "../go.mod"} {
		content, _ := os.ReadFile(filepath.Join(dir, ".git", name))
		fmt.Fprintf(&b, "%s: %q\n", name, content)
	}
	return b.String()
}

func TestFetchDownloadsOnlyWhatIsMissing(t *testing.T) {
	s := newServer(t)
	a := newAuthor(s)
	a.commit("big.bin", strings.Repeat("0123456789abcdef", 1<<16)+run(t, a.dir, "rev-parse", "HEAD"))
	a.push("main")
	dir := s.clone()
	// The clone's only reference is a commit the server does not have: the common one is found by its history.
	run(t, dir, "commit", "-q", "--allow-empty", "-m", "local")
	run(t, dir, "update-ref", "-d", "refs/remotes/origin/main")
	a.commit("small.go", "package account\n")
	a.push("main")

	c := open(t, dir)
	sha := fetch(t, c, "main")
	packs, _ := filepath.Glob(filepath.Join(dir, ".git/objects/pack/*.pack"))
	newest := slices.MinFunc(packs, func(a, b string) int { return int(size(t, a) - size(t, b)) })
	if len(packs) != 2 || size(t, newest) > 4<<10 {
		t.Errorf("packs %v, the fetched one has %d bytes", packs, size(t, newest))
	}
	run(t, dir, "cat-file", "-e", sha+"^{tree}")
}

func size(t *testing.T, file string) int64 {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// Every way people make a clone must do.
func TestFetchIntoEveryKindOfClone(t *testing.T) {
	kinds := map[string]func(t *testing.T, s *gitServer) string{
		"plain":   func(t *testing.T, s *gitServer) string { return s.clone() },
		"bare":    func(t *testing.T, s *gitServer) string { return s.clone("--bare") },
		"shallow": func(t *testing.T, s *gitServer) string { return s.clone("--depth=1", "--no-single-branch") },
		"single branch shallow": func(t *testing.T, s *gitServer) string {
			return s.clone("--depth=1", "--single-branch")
		},
		"partial": func(t *testing.T, s *gitServer) string {
			run(t, s.bare(), "config", "uploadpack.allowFilter", "true")
			return s.clone("--filter=blob:none", "--no-checkout")
		},
		"worktree": func(t *testing.T, s *gitServer) string {
			dir := s.clone()
			run(t, dir, "worktree", "add", "-q", "--detach", "../linked")
			return filepath.Join(filepath.Dir(dir), "linked")
		},
		"shared": func(t *testing.T, s *gitServer) string {
			dir := s.clone()
			run(t, dir, "clone", "-q", "--shared", ".", "../shared")
			shared := filepath.Join(filepath.Dir(dir), "shared")
			run(t, shared, "remote", "set-url", "origin", s.url())
			return shared
		},
		"relative alternates": func(t *testing.T, s *gitServer) string {
			dir := s.clone()
			run(t, dir, "clone", "-q", "--shared", ".", "../shared")
			shared := filepath.Join(filepath.Dir(dir), "shared")
			file := filepath.Join(shared, ".git/objects/info/alternates")
			if err := os.WriteFile(file, []byte("../../../account/.git/objects\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			run(t, shared, "remote", "set-url", "origin", s.url())
			return shared
		},
		"packed references": func(t *testing.T, s *gitServer) string {
			dir := s.clone()
			run(t, dir, "pack-refs", "--all", "--prune")
			return dir
		},
		"worktree configuration extension": func(t *testing.T, s *gitServer) string {
			dir := s.clone()
			run(t, dir, "sparse-checkout", "set", "internal")
			return dir
		},
		"broken reference": func(t *testing.T, s *gitServer) string {
			dir := s.clone()
			if err := os.WriteFile(filepath.Join(dir, ".git/refs/heads/broken"), []byte("rubbish"), 0o644); err != nil {
				t.Fatal(err)
			}
			return dir
		},
		"pack without index": func(t *testing.T, s *gitServer) string {
			dir := s.clone()
			name := "pack-" + strings.Repeat("a", 40) + ".pack"
			if err := os.WriteFile(filepath.Join(dir, ".git/objects/pack", name), []byte("PACK"), 0o644); err != nil {
				t.Fatal(err)
			}
			return dir
		},
	}
	for name, clone := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			a := newAuthor(s)
			old := a.commit("old.go", "package old\n")
			a.commit("main.go", "package main\n")
			a.push("main")
			dir := clone(t, s)
			a.branch("feature", old) // forks below a shallow clone's boundary
			a.commit("feature.go", "package main // feature\n")
			a.push("feature")

			c := open(t, dir)
			shallow, _ := os.ReadFile(filepath.Join(dir, ".git/shallow"))
			for _, branch := range []string{"feature", "main"} {
				sha := fetch(t, c, branch)
				out := filepath.Join(t.TempDir(), "out")
				if err := c.Export(context.Background(), sha, out); err != nil {
					t.Fatal(err)
				}
				if _, err := os.Stat(filepath.Join(out, "old.go")); err != nil {
					t.Error(err)
				}
			}
			if after, _ := os.ReadFile(filepath.Join(dir, ".git/shallow")); !bytes.Equal(shallow, after) {
				t.Errorf("shallow was %q, is %q", shallow, after)
			}
			if name != "broken reference" {
				run(t, dir, "fsck", "--connectivity-only")
			}
		})
	}
}

// The branch moved, was rewritten, or was deleted after it was resolved.
func TestFetchAfterTheBranchChanged(t *testing.T) {
	s := newServer(t)
	a := newAuthor(s)
	dir := s.clone()
	ctx := context.Background()

	a.branch("moved", "main")
	moved := a.commit("a.go", "1")
	a.push("moved")
	c := open(t, dir)
	if sha, err := c.Resolve(ctx, "moved", good); err != nil || sha != moved {
		t.Fatal(sha, err)
	}
	a.commit("a.go", "2")
	a.push("moved")
	if err := c.Fetch(ctx, "moved", moved, good, nil); err != nil {
		t.Errorf("the branch moved on: %v", err)
	}
	// A worker that restarted in between has not seen an advertisement.
	third := a.commit("a.go", "3")
	a.push("moved")
	if err := open(t, dir).Fetch(ctx, "moved", third, good, nil); err != nil {
		t.Errorf("without a resolve: %v", err)
	}

	a.branch("rewritten", "main")
	gone := a.commit("b.go", "1")
	a.push("rewritten")
	if _, err := c.Resolve(ctx, "rewritten", good); err != nil {
		t.Fatal(err)
	}
	run(t, a.dir, "reset", "-q", "--hard", "main")
	a.commit("b.go", "other")
	a.push("rewritten")
	run(t, s.bare(), "gc", "-q", "--prune=now")
	wantCode(t, c.Fetch(ctx, "rewritten", gone, good, nil), sdp.NotFound, "commit-vanished")

	a.branch("deleted", "main")
	lost := a.commit("c.go", "1")
	a.push("deleted")
	if _, err := c.Resolve(ctx, "deleted", good); err != nil {
		t.Fatal(err)
	}
	run(t, s.bare(), "branch", "-D", "deleted")
	wantCode(t, c.Fetch(ctx, "deleted", lost, good, nil), sdp.NotFound, "branch-not-found")
	wantCode(t, c.Fetch(ctx, "", lost, good, nil), sdp.NotFound, "commit-vanished")
	if err := c.Fetch(ctx, "", run(t, s.bare(), "rev-parse", "rewritten"), good, nil); err != nil {
		t.Errorf("a commit without a branch: %v", err)
	}
}

func wantCode(t *testing.T, err error, kind sdp.Kind, code string) {
	t.Helper()
	var e *sdp.Error
	if !errors.As(err, &e) || e.Kind != kind || e.Code != code {
		t.Errorf("error = %v (%+v), want %s %s", err, e, kind, code)
		return
	}
	if e.Remedy == "" {
		t.Errorf("%s has no remedy: %s", code, e.Detail)
	}
	if strings.Contains(err.Error(), good.Password) {
		t.Errorf("the password is in the error: %s", err)
	}
}

// Several fetches run at once, and beside git repacking the clone again and again.
func TestFetchBesideGit(t *testing.T) {
	s := newServer(t)
	a := newAuthor(s)
	dir := s.clone()
	const branches = 8
	want := make([]string, branches)
	for i := range branches {
		a.branch(fmt.Sprint("b", i), "main")
		a.write(fmt.Sprintf("large%d.txt", i), strings.Repeat(fmt.Sprintln("line of", i), 20_000))
		want[i] = a.commit(fmt.Sprintf("dir/f%d.go", i), fmt.Sprint("package f", i))
		a.push(fmt.Sprint("b", i))
	}
	c := open(t, dir)
	stop := make(chan struct{})
	var git, fetches sync.WaitGroup
	git.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				for _, args := range [][]string{{"gc", "-q"}, {"repack", "-q", "-a", "-d", "-f"}} {
					if out, err := exec.Command("git", append([]string{"-C", dir}, args...)...).CombinedOutput(); err != nil {
						t.Errorf("git %s: %v\n%s", args[0], err, out)
					}
				}
			}
		}
	})
	for i := range branches * 2 {
		fetches.Go(func() {
			branch, sha := fmt.Sprint("b", i%branches), want[i%branches]
			if err := c.Fetch(context.Background(), branch, sha, good, nil); err != nil {
				t.Error(err)
			}
			if err := c.Export(context.Background(), sha, filepath.Join(t.TempDir(), "out")); err != nil {
				t.Error(err)
			}
		})
	}
	fetches.Wait()
	close(stop)
	git.Wait()
	run(t, dir, "fsck", "--strict")
	left, _ := filepath.Glob(filepath.Join(dir, ".git/objects/pack/tmp_*"))
	locks, _ := filepath.Glob(filepath.Join(dir, ".git/refs/sdp/*.lock"))
	keeps, _ := filepath.Glob(filepath.Join(dir, ".git/objects/pack/*.keep"))
	if len(left)+len(locks)+len(keeps) > 0 {
		t.Errorf("left behind: %v %v %v", left, locks, keeps)
	}
}

// A server that stops answering in the middle of a download does not hold up a cancel, and leaves nothing behind.
func TestFetchCancel(t *testing.T) {
	s := newServer(t)
	a := newAuthor(s)
	dir := s.clone()
	sha := a.commit("a.go", "1")
	a.push("main")
	for _, stage := range []string{"headers", "body"} {
		ctx, cancel := context.WithCancel(context.Background())
		reached := make(chan struct{})
		s.intercept(func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodPost {
				return false
			}
			if stage == "body" {
				w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
				fmt.Fprint(w, "0008NAK\n0022\x01PACK\x00\x00\x00\x02\x00\x00\x00\x05 not all of")
				w.(http.Flusher).Flush()
			}
			io.Copy(io.Discard, r.Body) // or the server does not notice that the client left
			close(reached)
			<-r.Context().Done()
			return true
		})
		failed := make(chan error, 1)
		go func() { failed <- open(t, dir).Fetch(ctx, "main", sha, good, nil) }()
		<-reached
		cancel()
		start := time.Now()
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error = %v", stage, err)
		}
		if d := time.Since(start); d > time.Second {
			t.Errorf("%s: cancel took %v", stage, d)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, ".git/objects/pack/tmp_*")); len(left) > 0 {
			t.Errorf("%s: left behind %v", stage, left)
		}
	}
}

// A download that breaks off, or is not a pack, is an error that can be tried again.
func TestFetchBrokenDownload(t *testing.T) {
	s := newServer(t)
	a := newAuthor(s)
	dir := s.clone()
	sha := a.commit("a.go", "1")
	a.push("main")
	s.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost {
			return false
		}
		w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
		fmt.Fprint(w, "0008NAK\n0015\x01PACK\x00\x00\x00\x02\x00\x00\x00\x05 ..")
		return true
	})
	wantCode(t, open(t, dir).Fetch(context.Background(), "main", sha, good, nil), sdp.Unavailable, "git-unreachable")
	if left, _ := filepath.Glob(filepath.Join(dir, ".git/objects/pack/tmp_*")); len(left) > 0 {
		t.Errorf("left behind %v", left)
	}
}
