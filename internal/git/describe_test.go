package git_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sdp/internal/git"
)

// TestBranchesOfAServerWithFilters: branches the clone never fetched are described too, and nothing of that stays in it.
func TestBranchesOfAServerWithFilters(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	run(t, s.bare(), "config", "uploadpack.allowFilter", "true")
	a := newAuthor(s)
	a.commit("large.bin", strings.Repeat("content ", 1<<16))
	a.push("main")
	dir := s.clone()
	subjects := map[string]string{"main": "change large.bin"}
	for i := range 40 {
		name := fmt.Sprintf("feature/%02d", i)
		a.branch(name, "main")
		a.commit(fmt.Sprintf("f%d.go", i), "package f\n")
		a.push(name)
		subjects[name] = fmt.Sprintf("change f%d.go", i)
	}
	before, objects := userState(t, dir), run(t, dir, "count-objects", "-v")
	s.asked()
	var known git.Described
	list := func() {
		t.Helper()
		branches, err := open(t, dir).Branches(context.Background(), good, &known)
		if err != nil || len(branches) != len(subjects) {
			t.Fatalf("%d branches, %v", len(branches), err)
		}
		for _, b := range branches {
			if b.Subject != subjects[b.Name] || b.Author != "Ada" || time.Since(b.CommittedAt) > time.Hour || len(b.SHA) != 40 {
				t.Errorf("%+v, want %q", b, subjects[b.Name])
			}
		}
	}
	list()
	if asked := s.asked(); !slices.Equal(asked, []string{"GET /account.git/info/refs", "POST /account.git/git-upload-pack"}) {
		t.Errorf("asked %v", asked)
	}
	list() // from memory
	if asked := s.asked(); !slices.Equal(asked, []string{"GET /account.git/info/refs"}) {
		t.Errorf("asked again %v", asked)
	}
	if after := userState(t, dir); after != before || run(t, dir, "count-objects", "-v") != objects {
		t.Errorf("the clone changed:\n%s\n%s", before, after)
	}
}

// TestLongSubjectsAreCut: a subject may be a file somebody pasted; the list of branches stays small whoever describes them.
func TestLongSubjectsAreCut(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	run(t, s.bare(), "config", "uploadpack.allowFilter", "true")
	a := newAuthor(s)
	dir := s.clone()
	message := filepath.Join(t.TempDir(), "message")
	commit := func(branch string, size int) {
		t.Helper()
		if err := os.WriteFile(message, []byte(strings.Repeat("ä", size/2)+"\n\nmore\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		run(t, a.dir, "commit", "-q", "--allow-empty", "--author", strings.Repeat("n", 5000)+" <a@example.com>", "-F", message)
		a.push(branch)
	}
	commit("main", 50<<10) // described without being fetched
	a.branch("feature/huge", "main")
	commit("feature/huge", 3<<20)
	run(t, dir, "fetch", "-q", "origin", "feature/huge")
	branches, err := open(t, dir).Branches(context.Background(), good, new(git.Described))
	if err != nil || len(branches) != 2 {
		t.Fatalf("%d branches, %v", len(branches), err)
	}
	for _, b := range branches {
		if b.Subject != strings.Repeat("ä", 199)+"…" || b.Author != strings.Repeat("n", 99)+"…" {
			t.Errorf("%s: %d bytes of subject, %d of author", b.Name, len(b.Subject), len(b.Author))
		}
	}
}

// TestBranchesWithoutDescriptions: a server that cannot describe commits does not keep the branches from being listed.
func TestBranchesWithoutDescriptions(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	run(t, s.bare(), "config", "uploadpack.allowFilter", "true")
	a := newAuthor(s)
	dir := s.clone()
	a.branch("feature/login", "main")
	a.commit("a.go", "package a\n")
	a.push("feature/login")
	for name, answer := range map[string]func(http.ResponseWriter){
		"refused": func(w http.ResponseWriter) { w.WriteHeader(http.StatusForbidden) },
		"garbage": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
			w.Write([]byte("0008NAK\nPACK nonsense"))
		},
		"nothing": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
		},
	} {
		s.intercept(func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPost {
				answer(w)
			}
			return r.Method == http.MethodPost
		})
		branches, err := open(t, dir).Branches(context.Background(), good, new(git.Described))
		if err != nil || len(branches) != 2 || branches[0].Name != "feature/login" || branches[0].Subject != "" || branches[1].Subject == "" {
			t.Errorf("%s: %+v, %v", name, branches, err)
		}
	}
}
