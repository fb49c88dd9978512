package demo

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sdp/internal/sdp"
)

// Seeding may keep a person waiting for 5 s. What git computes is what it takes on a machine that does nothing else;
// the clock on the wall would measure the machine.
func TestSeedIsQuick(t *testing.T) {
	if world.seeded > 5*time.Second {
		t.Errorf("seeding took %v of computing", world.seeded)
	}
}

func TestSeededClones(t *testing.T) {
	want := map[string][]string{
		"account": {
			"feature/broken-build", "feature/crash-at-start", "feature/loyalty-points", "feature/never-healthy", "main",
		},
		"payment": {"feature/instant-refunds", "main"},
		"user":    {"feature/profile-v2", "main"},
		"gateway": {"feature/new-greeting", "main"},
	}
	for _, r := range Repositories(world.dir) {
		refs, err := runGit(t.Context(), r.Path, "for-each-ref", "--format=%(refname:lstrip=3)", "refs/remotes/origin")
		if err != nil {
			t.Fatal(err)
		}
		got := slices.DeleteFunc(strings.Fields(refs), func(b string) bool { return b == "HEAD" })
		if !slices.Equal(got, want[r.Name]) {
			t.Errorf("branches of %s = %v", r.Name, got)
		}
		config, err := os.ReadFile(filepath.Join(r.Path, ".git", "config"))
		if err != nil || !strings.Contains(string(config), world.gitURL+"/scm/demo/"+r.Name+".git") {
			t.Errorf("config of %s: %s, %v", r.Name, config, err)
		}
		if strings.Contains(string(config), "alice") || strings.Contains(string(config), "credential") {
			t.Errorf("the clone of %s knows a user: %s", r.Name, config)
		}
		status, err := runGit(t.Context(), r.Path, "status", "--porcelain")
		if err != nil || status != "" {
			t.Errorf("status of %s = %q, %v", r.Name, status, err)
		}
	}
}

// Everybody's demo has the same commits, whenever and wherever it is seeded.
func TestHistoriesAreReproducible(t *testing.T) {
	server, _ := gitServer(t, "")
	dir := t.TempDir()
	if err := Seed(t.Context(), dir, server, Users()); err != nil {
		t.Fatal(err)
	}
	for i, r := range Repositories(dir) {
		const all = "--format=%(objectname) %(refname)"
		here, err := runGit(t.Context(), r.Path, "for-each-ref", all, "refs/remotes")
		if err != nil {
			t.Fatal(err)
		}
		there, err := runGit(t.Context(), Repositories(world.dir)[i].Path, "for-each-ref", all, "refs/remotes")
		if err != nil || here != there || here == "" {
			t.Errorf("%s: %q, elsewhere %q, %v", r.Name, here, there, err)
		}
	}
}

func TestSeedAgainKeepsWhatPeopleDid(t *testing.T) {
	server, _ := gitServer(t, "")
	dir := t.TempDir()
	if err := Seed(t.Context(), dir, server, Users()); err != nil {
		t.Fatal(err)
	}
	account := Repositories(dir)[0].Path
	d := newDeveloper(t, server, Users()[0])
	d.dir = account
	if err := os.WriteFile(filepath.Join(account, "README.md"), []byte("mine\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	d.git(t, "commit", "--quiet", "-am", "mine")
	d.git(t, "push", "--quiet", "origin", "main")
	mine := d.git(t, "rev-parse", "HEAD")
	if err := os.WriteFile(filepath.Join(account, "README.md"), []byte("half done\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	d.git(t, "config", "remote.origin.url", "http://127.0.0.1:1/old.git") // a port of yesterday

	if err := Seed(t.Context(), dir, server+"/", Users()); err != nil {
		t.Fatal(err)
	}
	if got := d.git(t, "ls-remote", "origin", "refs/heads/main"); !strings.HasPrefix(got, mine) {
		t.Errorf("main of the server = %s, want %s", got, mine)
	}
	if got, _ := os.ReadFile(filepath.Join(account, "README.md")); string(got) != "half done\n" {
		t.Errorf("README.md = %q", got)
	}
}

func TestSeedErrors(t *testing.T) {
	server, _ := gitServer(t, "")
	err := Seed(t.Context(), t.TempDir(), server, []User{{"alice", "wrong-5d2"}})
	if sdp.AsError(err).Code != "wrong-credentials" || strings.Contains(err.Error(), "wrong-5d2") {
		t.Errorf("wrong password: %v", err)
	}
	err = Seed(t.Context(), t.TempDir(), "http://127.0.0.1:1", Users())
	if sdp.AsError(err).Code != "git-unreachable" {
		t.Errorf("no server: %v", err)
	}
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "SDP", "mine"), 0o755); err != nil {
		t.Fatal(err)
	}
	err = Seed(t.Context(), dir, server, Users())
	if sdp.AsError(err).Code != "path-taken" || !strings.Contains(err.Error(), filepath.Join(dir, "SDP")) {
		t.Errorf("directory taken: %v", err)
	}
}
