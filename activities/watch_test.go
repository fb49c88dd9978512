package activities

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"go.temporal.io/sdk/testsuite"

	"sdp/internal/git/gittest"
	"sdp/internal/node"
	"sdp/internal/sdp"
	"sdp/internal/secret"
	"sdp/internal/wire"
)

// watcher is a node with a clone of the remote's repository.
type watcher struct {
	t     *testing.T
	env   *testsuite.TestActivityEnvironment
	keys  *secret.NodeKeys
	clone string

	server *questioner
}

// questioner is a server that has a question a page and is away when it is given an answer for the first time.
type questioner struct {
	asks    []wire.WatchAsk
	answers []wire.WatchAnswer
	away    bool
}

func (q *questioner) Asks(_ context.Context, in wire.AsksRequest) (page wire.AsksPage, err error) {
	for i, ask := range q.asks {
		if ask.Key() > in.After {
			page.Asks = q.asks[i : i+1]
			if i < len(q.asks)-1 {
				page.Next = ask.Key()
			}
			return page, nil
		}
	}
	return page, nil
}

func (q *questioner) Table(context.Context, string) (wire.RoutingTable, error) {
	return wire.RoutingTable{}, errors.New("nobody asks for tables here")
}

func (q *questioner) TakeAnswers(_ context.Context, in wire.AnswersReport) error {
	if q.away = !q.away; q.away {
		return sdp.Errorf(sdp.Unavailable, "server-unreachable", "the server does not answer")
	}
	q.answers = append(q.answers, in.Answers...)
	return nil
}

func newWatcher(t *testing.T, r *gittest.Remote) *watcher {
	t.Helper()
	clone := filepath.Join(t.TempDir(), "account")
	r.Git("init", "-q", clone)
	r.Git("-C", clone, "remote", "add", "origin", r.URL+"/account")
	keys, err := secret.OpenNodeKeys(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var suite testsuite.WorkflowTestSuite
	w := &watcher{t: t, env: suite.NewTestActivityEnvironment(), keys: keys, clone: clone, server: &questioner{}}
	w.env.SetTestTimeout(time.Minute)
	w.env.RegisterActivity(hostOf(t, node.New(node.Config{Name: "micro-1", Keys: keys, Repositories: map[string]node.Repository{
		"account": {Repository: sdp.Repository{Name: "account", RemoteURL: r.URL + "/account"}, Path: clone}}}), w.server))
	return w
}

func (w *watcher) ask(owner, password, repository string) wire.WatchAsk {
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
	return wire.WatchAsk{Owner: owner, Repository: repository, Branches: []string{"feature/x", "gone"}, Credentials: box}
}

func (w *watcher) watch(asks ...wire.WatchAsk) []wire.WatchAnswer {
	w.t.Helper()
	value, err := w.env.ExecuteActivity((*Host)(nil).Watch, wire.WatchInput{ID: "track-1", Node: "micro-1", Asks: asks})
	if err != nil {
		w.t.Fatal(err)
	}
	var out []wire.WatchAnswer
	if err := value.Get(&out); err != nil {
		w.t.Fatal(err)
	}
	return out
}

// A node asks all its questions, page by page, and each once, however often the server is away when it is to have the answer.
func TestLookAsksPageByPage(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	w := newWatcher(t, r)
	w.server.asks = []wire.WatchAsk{w.ask("ann", "right", "account"), w.ask("ann", "right", "payment"), w.ask("bob", "wrong-s3cret", "account")}
	if _, err := w.env.ExecuteActivity((*Host)(nil).Look, wire.LookInput{ID: "track-1", Node: "micro-1"}); err != nil {
		t.Fatal(err)
	}
	got := w.server.answers
	if len(got) != 3 || got[0].Heads["feature/x"] == "" || got[1].Failure.Code != "unknown-repository" || !got[2].Refused() {
		t.Errorf("answers %+v", got)
	}
	if n := r.Refused.Load(); n != 1 {
		t.Errorf("the git server saw the wrong password %d times, want once", n)
	}
}

func TestWatchSaysWhereBranchesAre(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	w := newWatcher(t, r)
	a := w.watch(w.ask("ann", "right", "account"))[0]
	want := r.Git("-C", "account", "rev-parse", "feature/x")
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
	r := gittest.New(t)
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
	if n := r.Refused.Load(); n != 1 {
		t.Errorf("the git server saw the wrong password %d times, want once", n)
	}
	if raw, err := json.Marshal(out); err != nil || string(raw) == "" || contains(string(raw), "wrong-s3cret", "right") {
		t.Errorf("the answers show a password: %s (%v)", raw, err)
	}
}

func TestWatchOpensOnlyItsOwnBoxes(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	w := newWatcher(t, r)
	ask := w.ask("ann", "right", "account")
	ask.Credentials.Operation = "track-2"
	if a := w.watch(ask)[0]; a.Failure == nil || a.Heads != nil {
		t.Errorf("answer %+v", a)
	}
}

// A remote that was changed since the node registered is not the one people were shown: it gets nobody's password.
func TestWatchRefusesARemoteNobodyWasShown(t *testing.T) {
	t.Parallel()
	r, other := gittest.New(t), gittest.New(t)
	w := newWatcher(t, r)
	r.Git("-C", w.clone, "remote", "set-url", "origin", other.URL+"/account")
	a := w.watch(w.ask("ann", "right-s3cret", "account"))[0]
	if a.Failure == nil || a.Refused() || a.Failure.Code != "remote-changed" {
		t.Errorf("answer %+v, want that the remote has changed", a)
	}
	if n := other.Refused.Load(); n > 0 {
		t.Errorf("the other git server was asked %d times", n)
	}
}
