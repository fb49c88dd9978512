package git_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"sdp/internal/git"
)

var good = git.Credentials{User: "dev", Password: "s3cret-p4ss"}

// gitServer is `git http-backend` behind HTTP Basic authentication, with one repository, "account".
type gitServer struct {
	*httptest.Server
	t    *testing.T
	root string

	mu       sync.Mutex
	requests []string // "GET /account.git/info/refs"
	refuse   func(w http.ResponseWriter, r *http.Request) bool
}

func newServer(t *testing.T) *gitServer {
	t.Helper()
	backend, err := exec.LookPath("git")
	if err != nil {
		t.Fatal("these tests need git: apt-get install git")
	}
	s := &gitServer{t: t, root: t.TempDir()}
	s.git(s.root, "init", "-q", "--bare", "-b", "main", "account.git")
	s.git(filepath.Join(s.root, "account.git"), "config", "http.receivepack", "true")
	handler := &cgi.Handler{Path: backend, Args: []string{"http-backend"}, Env: []string{
		"GIT_PROJECT_ROOT=" + s.root, "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=dev", "GIT_CONFIG_NOSYSTEM=1", "HOME=" + s.root}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.serve(w, r, handler)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *gitServer) serve(w http.ResponseWriter, r *http.Request, backend http.Handler) {
	s.mu.Lock()
	s.requests = append(s.requests, r.Method+" "+r.URL.Path)
	refuse := s.refuse
	s.mu.Unlock()
	user, password, _ := r.BasicAuth()
	switch {
	case refuse != nil && refuse(w, r):
	case user != good.User || password != good.Password:
		w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
		http.Error(w, "denied to "+user+":"+password, http.StatusUnauthorized)
	default:
		backend.ServeHTTP(w, r)
	}
}

// intercept lets f answer requests first; f returns whether it did.
func (s *gitServer) intercept(f func(w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = f
}

// asked returns the requests since it was last called.
func (s *gitServer) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.requests
	s.requests = nil
	return r
}

func (s *gitServer) url() string { return s.URL + "/account.git" }

// bare is the server's repository, to prepare and change it without HTTP.
func (s *gitServer) bare() string { return filepath.Join(s.root, "account.git") }

func (s *gitServer) git(dir string, args ...string) string { return run(s.t, dir, args...) }

// run runs git as a person would, with a fixed identity and no configuration of this machine.
func run(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com",
		"GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// author is a work tree in which commits are made; push brings them to the server.
type author struct {
	t   *testing.T
	dir string
}

func newAuthor(s *gitServer) *author {
	a := &author{t: s.t, dir: s.t.TempDir()}
	run(s.t, a.dir, "init", "-q", "-b", "main")
	run(s.t, a.dir, "remote", "add", "origin", s.bare())
	a.commit("go.mod", "module account\n")
	a.push("main")
	return a
}

func (a *author) write(name, content string) {
	a.t.Helper()
	path := filepath.Join(a.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		a.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		a.t.Fatal(err)
	}
}

// commit writes a file, commits everything and returns the commit.
func (a *author) commit(name, content string) string {
	a.t.Helper()
	a.write(name, content)
	run(a.t, a.dir, "add", "-A")
	run(a.t, a.dir, "commit", "-q", "-m", "change "+name)
	return run(a.t, a.dir, "rev-parse", "HEAD")
}

func (a *author) branch(name, from string) {
	a.t.Helper()
	run(a.t, a.dir, "checkout", "-q", "-b", name, from)
}

func (a *author) push(branch string) {
	a.t.Helper()
	run(a.t, a.dir, "push", "-q", "-f", "origin", branch)
}

// clone makes a clone as people have it, from the server, with extra arguments.
func (s *gitServer) clone(args ...string) string {
	s.t.Helper()
	dir := filepath.Join(s.t.TempDir(), "account")
	withUser := strings.Replace(s.url(), "://", fmt.Sprintf("://%s:%s@", good.User, good.Password), 1)
	run(s.t, s.root, append(append([]string{"clone", "-q"}, args...), withUser, dir)...)
	s.asked()
	return dir
}

func open(t *testing.T, dir string) *git.Clone {
	t.Helper()
	c, err := git.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func fetch(t *testing.T, c *git.Clone, branch string) string {
	t.Helper()
	sha, err := c.Resolve(context.Background(), branch, good)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Fetch(context.Background(), branch, sha, good, nil); err != nil {
		t.Fatalf("fetch %s: %v", branch, err)
	}
	if !c.Has(sha) {
		t.Fatalf("the clone lacks %s after the fetch", sha)
	}
	return sha
}

func owner(info os.FileInfo) uint32 { return info.Sys().(*syscall.Stat_t).Uid }

func ownerOf(t *testing.T, path string) uint32 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return owner(info)
}
