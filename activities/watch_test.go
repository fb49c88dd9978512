package activities

import (
	"encoding/json"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"go.temporal.io/sdk/testsuite"

	"sdp/internal/sdp"
	"sdp/internal/secret"
)

// remote is `git http-backend` with one repository, account, that has the branches main and feature/x. Only ann with the
// password "right" may read it.
type remote struct {
	*httptest.Server
	t       *testing.T
	root    string
	refused atomic.Int32
}

func newRemote(t *testing.T) *remote {
	t.Helper()
	program, err := exec.LookPath("git")
	if err != nil {
		t.Fatal("these tests need git: apt-get install git")
	}
	r := &remote{t: t, root: t.TempDir()}
	r.git("init", "-q", "-b", "main", "account")
	r.git("-C", "account", "commit", "-q", "--allow-empty", "-m", "first")
	r.git("-C", "account", "branch", "feature/x")
	backend := &cgi.Handler{Path: program, Args: []string{"http-backend"}, Env: []string{
		"GIT_PROJECT_ROOT=" + r.root, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1", "HOME=" + r.root}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if user, password, _ := req.BasicAuth(); user != "ann" || password != "right" {
			r.refused.Add(1)
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		backend.ServeHTTP(w, req)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *remote) git(args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = r.root
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com")
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// watcher is a node with a clone of the remote's repository.
type watcher struct {
	t    *testing.T
	env  *testsuite.TestActivityEnvironment
	keys *secret.NodeKeys
}

func newWatcher(t *testing.T, r *remote) *watcher {
	t.Helper()
	clone := filepath.Join(t.TempDir(), "account")
	r.git("init", "-q", clone)
	r.git("-C", clone, "remote", "add", "origin", r.URL+"/account")
	keys, err := secret.OpenNodeKeys(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var suite testsuite.WorkflowTestSuite
	w := &watcher{t: t, env: suite.NewTestActivityEnvironment(), keys: keys}
	w.env.RegisterActivity(&Host{Node: "micro-1", Keys: keys, Repositories: map[string]Repository{
		"account": {Repository: sdp.Repository{Name: "account"}, Path: clone}}})
	return w
}

func (w *watcher) ask(owner, password, repository string) WatchAsk {
	w.t.Helper()
	plain, err := json.Marshal(map[string]string{"user": owner, "password": password})
	if err != nil {
		w.t.Fatal(err)
	}
	keyID, public := w.keys.Public()
	box, err := secret.SealTo("micro-1", keyID, public, "track-1", time.Now().Add(time.Minute), plain)
	if err != nil {
		w.t.Fatal(err)
	}
	return WatchAsk{Owner: owner, Repository: repository, Branches: []string{"feature/x", "gone"}, Credentials: box}
}

func (w *watcher) watch(asks ...WatchAsk) []WatchAnswer {
	w.t.Helper()
	value, err := w.env.ExecuteActivity((*Host)(nil).Watch, WatchInput{ID: "track-1", Node: "micro-1", Asks: asks})
	if err != nil {
		w.t.Fatal(err)
	}
	var out []WatchAnswer
	if err := value.Get(&out); err != nil {
		w.t.Fatal(err)
	}
	return out
}

func TestWatchSaysWhereBranchesAre(t *testing.T) {
	t.Parallel()
	r := newRemote(t)
	w := newWatcher(t, r)
	a := w.watch(w.ask("ann", "right", "account"))[0]
	want := r.git("-C", "account", "rev-parse", "feature/x")
	if a.Failure != nil || a.Heads["feature/x"]+"\n" != want || len(a.Heads) != 2 {
		t.Fatalf("answer %+v, want feature/x at %s", a, want)
	}
	if head, asked := a.Heads["gone"]; !asked || head != "" {
		t.Errorf("a branch that is not there is at %q", head)
	}
}

// One question that fails does not keep the others from being answered.
func TestWatchTellsRefusalsApart(t *testing.T) {
	t.Parallel()
	r := newRemote(t)
	w := newWatcher(t, r)
	out := w.watch(w.ask("bob", "wrong-s3cret", "account"), w.ask("ann", "right", "account"), w.ask("ann", "right", "payment"))
	if !out[0].Refused() || out[0].Owner != "bob" || out[0].Failure.Code != "wrong-credentials" {
		t.Errorf("answer %+v, want a refusal", out[0])
	}
	if out[1].Failure != nil || out[1].Heads["feature/x"] == "" {
		t.Errorf("answer %+v", out[1])
	}
	if out[2].Failure == nil || out[2].Refused() || out[2].Failure.Code != "unknown-repository" {
		t.Errorf("answer %+v, want that the repository is unknown", out[2])
	}
	if n := r.refused.Load(); n != 1 {
		t.Errorf("the git server saw the wrong password %d times, want once", n)
	}
	if raw, err := json.Marshal(out); err != nil || string(raw) == "" || contains(string(raw), "wrong-s3cret", "right") {
		t.Errorf("the answers show a password: %s (%v)", raw, err)
	}
}

func TestWatchOpensOnlyItsOwnBoxes(t *testing.T) {
	t.Parallel()
	r := newRemote(t)
	w := newWatcher(t, r)
	ask := w.ask("ann", "right", "account")
	ask.Credentials.Operation = "track-2"
	if a := w.watch(ask)[0]; a.Failure == nil || a.Heads != nil {
		t.Errorf("answer %+v", a)
	}
}
