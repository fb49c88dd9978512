package git_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sdp/internal/git"
	"sdp/internal/sdp"
)

// Each way a sign-in or a request fails has a code of its own, and no error repeats the password or the server's text.
func TestCheck(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	newAuthor(s)
	ctx := context.Background()
	if err := git.Check(ctx, s.url(), good); err != nil {
		t.Errorf("the right credentials: %v", err)
	}
	wrong := git.Credentials{User: "dev", Password: "wrong"}
	wantCode(t, git.Check(ctx, s.url(), wrong), sdp.Unauthenticated, "wrong-credentials")
	wantCode(t, git.Check(ctx, s.url(), git.Credentials{}), sdp.Unauthenticated, "wrong-credentials")
	wantCode(t, git.Check(ctx, s.URL+"/none.git", good), sdp.NotFound, "repository-missing")
	wantCode(t, git.Check(ctx, "ssh://git@example.com/x", good), sdp.Invalid, "remote-not-http")

	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	wantCode(t, git.Check(ctx, "http://"+closed.Addr().String()+"/x.git", good), sdp.Unavailable, "git-unreachable")

	for status, want := range map[int]struct {
		kind sdp.Kind
		code string
	}{
		http.StatusForbidden:           {sdp.Forbidden, "repository-forbidden"},
		http.StatusInternalServerError: {sdp.Unavailable, "git-unreachable"},
		http.StatusTooManyRequests:     {sdp.Unavailable, "git-unreachable"},
		http.StatusOK:                  {sdp.Unavailable, "git-unreachable"}, // a sign-in page, say
	} {
		s.intercept(func(w http.ResponseWriter, r *http.Request) bool {
			user, password, _ := r.BasicAuth()
			w.WriteHeader(status)
			fmt.Fprintf(w, "<html>%s:%s %s</html>", user, password, strings.Repeat("x", 1<<20))
			return true
		})
		err := git.Check(ctx, s.url(), good)
		wantCode(t, err, want.kind, want.code)
		if err != nil && len(err.Error()) > 500 {
			t.Errorf("the error repeats the server's page: %.200s", err)
		}
	}
}

// A server elsewhere that a redirect names does not get the credentials.
func TestCheckRedirect(t *testing.T) {
	t.Parallel()
	s, other := newServer(t), newServer(t)
	newAuthor(other)
	seen := make(chan string, 1)
	other.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		seen <- r.Header.Get("Authorization")
		return false
	})
	s.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, other.URL+r.URL.RequestURI(), http.StatusFound)
		return true
	})
	if err := git.Check(context.Background(), s.url(), good); err == nil {
		t.Error("the redirect was followed with the credentials")
	}
	if header := <-seen; header != "" {
		t.Errorf("the other server got %q", header)
	}
}

func TestCheckCancel(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ctx, cancel := context.WithCancel(context.Background())
	s.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		cancel()
		<-r.Context().Done()
		return true
	})
	began := time.Now()
	if err := git.Check(ctx, s.url(), good); !errors.Is(err, context.Canceled) || time.Since(began) > time.Second {
		t.Errorf("error = %v after %v", err, time.Since(began))
	}
}

func TestCredentialsDoNotPrint(t *testing.T) {
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if text := fmt.Sprintf(verb, struct{ C git.Credentials }{good}); strings.Contains(text, good.Password) {
			t.Errorf("%s prints %s", verb, text)
		}
	}
}

func TestBranches(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	a := newAuthor(s)
	dir := s.clone()
	a.branch("feature/login", "main")
	sha := a.commit("a.go", "package a\n")
	a.push("feature/login")
	c := open(t, dir)
	branches, err := c.Branches(context.Background(), good, new(git.Described))
	if err != nil || len(branches) != 2 {
		t.Fatalf("Branches = %+v, %v", branches, err)
	}
	if b := branches[0]; b.Name != "feature/login" || b.SHA != sha || b.Subject != "" {
		t.Errorf("a branch the clone has not fetched = %+v", b)
	}
	if b := branches[1]; b.Name != "main" || b.Subject != "change go.mod" || b.Author != "Ada" ||
		time.Since(b.CommittedAt) > time.Hour {
		t.Errorf("a branch the clone has = %+v", b)
	}
	for wanted, near := range map[string]string{
		"feature/logn": "feature/login", "login": "feature/login", "Main": "main", "zzzzzzzz": "sdp branches",
	} {
		_, err := c.Resolve(context.Background(), wanted, good)
		wantCode(t, err, sdp.NotFound, "branch-not-found")
		if err != nil && !strings.Contains(err.Error(), near) {
			t.Errorf("%q: %v does not mention %q", wanted, err, near)
		}
	}
	_, err = c.Resolve(context.Background(), "a..b", good)
	wantCode(t, err, sdp.Invalid, "bad-branch")
}

func TestEmptyRepository(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	c := open(t, s.clone())
	ctx := context.Background()
	if err := git.Check(ctx, s.url(), good); err != nil {
		t.Errorf("Check: %v", err)
	}
	if branches, err := c.Branches(ctx, good, new(git.Described)); err != nil || len(branches) > 0 {
		t.Errorf("Branches = %v, %v", branches, err)
	}
	_, err := c.Resolve(ctx, "main", good)
	wantCode(t, err, sdp.NotFound, "branch-not-found")
	wantCode(t, c.Fetch(ctx, "main", strings.Repeat("ab", 20), good, nil), sdp.NotFound, "branch-not-found")
	wantCode(t, c.Fetch(ctx, "", strings.Repeat("ab", 20), good, nil), sdp.NotFound, "commit-vanished")
	wantCode(t, c.Fetch(ctx, "main", "main", good, nil), sdp.Invalid, "bad-commit")
}

func TestOpen(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	newAuthor(s)
	c := open(t, s.clone()) // cloned with user and password in the URL
	if c.RemoteURL() != s.url() {
		t.Errorf("RemoteURL = %s", c.RemoteURL())
	}
	plain := func(args ...string) string {
		dir := t.TempDir()
		run(t, dir, append([]string{"init", "-q"}, args...)...)
		return dir
	}
	sshClone := plain()
	run(t, sshClone, "remote", "add", "origin", "git@bitbucket.org:team/account.git")
	for dir, code := range map[string]string{
		"/nonexistent":                   "not-a-clone",
		t.TempDir():                      "not-a-clone",
		plain():                          "no-remote",
		sshClone:                         "remote-not-http",
		plain("--object-format=sha256"):  "unsupported-clone",
		brokenPointer(t):                 "not-a-clone",
		brokenConfig(t, plain("--bare")): "bad-clone",
	} {
		_, err := git.Open(dir)
		wantCode(t, err, sdp.Invalid, code)
	}
	upstream := plain()
	run(t, upstream, "remote", "add", "upstream", s.url()+"/")
	if c := open(t, upstream); c.RemoteURL() != s.url() {
		t.Errorf("RemoteURL = %s", c.RemoteURL())
	}
}

func brokenPointer(t *testing.T) string {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ".git"), []byte("gitdir: nowhere\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func brokenConfig(t *testing.T, dir string) string {
	if err := os.WriteFile(filepath.Join(dir, "config"), []byte("[remote \"orig"), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Files written into somebody else's clone belong to its owner, or git would not let the owner work with it.
func TestOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("not root: files belong to whoever runs this")
	}
	s := newServer(t)
	a := newAuthor(s)
	dir := s.clone()
	if os.Geteuid() == 0 {
		err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
			return errors.Join(err, os.Lchown(path, 65533, 65533))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	a.commit("a.go", "package a\n")
	a.push("main")
	fetch(t, open(t, dir), "main")
	var foreign []string
	filepath.WalkDir(filepath.Join(dir, ".git"), func(path string, d os.DirEntry, err error) error {
		if info, ierr := d.Info(); err == nil && ierr == nil && owner(info) != ownerOf(t, dir) {
			foreign = append(foreign, path)
		}
		return err
	})
	if len(foreign) > 0 {
		slices.Sort(foreign)
		t.Errorf("not the owner's: %v", foreign)
	}
}
