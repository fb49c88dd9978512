// Package gittest has a git server for tests.
package gittest

import (
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
)

// Remote is `git http-backend` with one repository, account, that has the branches main and feature/x. Only ann with the
// password "right" may read it.
type Remote struct {
	*httptest.Server
	Root    string       // directory of the repositories
	Refused atomic.Int32 // requests without the right password

	t *testing.T
}

// New starts a Remote that ends with the test.
func New(t *testing.T) *Remote {
	t.Helper()
	program, err := exec.LookPath("git")
	if err != nil {
		t.Fatal("these tests need git: apt-get install git")
	}
	r := &Remote{t: t, Root: t.TempDir()}
	r.Git("init", "-q", "-b", "main", "account")
	r.Git("-C", "account", "commit", "-q", "--allow-empty", "-m", "first")
	r.Git("-C", "account", "branch", "feature/x")
	backend := &cgi.Handler{Path: program, Args: []string{"http-backend"}, Env: []string{
		"GIT_PROJECT_ROOT=" + r.Root, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1", "HOME=" + r.Root}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if user, password, _ := req.BasicAuth(); user != "ann" || password != "right" {
			r.Refused.Add(1)
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		backend.ServeHTTP(w, req)
	}))
	t.Cleanup(r.Close)
	return r
}

// Git runs a git command in Root and returns what it prints.
func (r *Remote) Git(args ...string) string {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), "git", args...)
	cmd.Dir = r.Root
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com")
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return string(out)
}
