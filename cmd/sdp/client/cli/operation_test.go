package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"sdp/api/apiclient"
	"sdp/api/rest"
	"sdp/cmd/sdp/client/clitest"
	"sdp/cmd/sdp/screen"
	"sdp/internal/sdp"
)

// becomes is a server on which an operation goes through states, one a look, and stays in the last.
func becomes(t *testing.T, states ...rest.Operation) *apiclient.Client {
	t.Helper()
	var mu sync.Mutex
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/events") {
			news(w, r)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		_ = json.NewEncoder(w).Encode(states[0])
		states = states[min(1, len(states)-1):]
	}))
	t.Cleanup(server.Close)
	c, err := apiclient.New(server.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// news has the client look again and again.
func news(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer conn.CloseNow()
	for wsjson.Write(r.Context(), conn, rest.Event{}) == nil {
	}
}

func operation(kind sdp.OperationKind, state sdp.OperationState, waitingFor string) rest.Operation {
	op := rest.Operation{ID: "o-aaaaaaaaaa", Kind: kind, Sandbox: "demo", State: state, WaitingFor: waitingFor,
		CreatedAt: clitest.Now, Settled: state.Settled(), Cancellable: kind.Rules().CancellableIn(state)}
	if op.Settled {
		op.FinishedAt = clitest.Now
	}
	return op
}

// TestALineForEachChange: what the first look finds has been told where it is what was accepted.
func TestALineForEachChange(t *testing.T) {
	queued := operation(sdp.OpTouch, sdp.OpQueued, "")
	s, out := clitest.Screen()
	s.Format = screen.NDJSON
	c := becomes(t, queued, operation(sdp.OpTouch, sdp.OpSucceeded, ""))
	if _, err := (&App{Screen: s}).FollowOperation(t.Context(), c, queued); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); strings.Count(got, "\n") != 2 || strings.Count(got, "QUEUED") != 1 {
		t.Errorf("got\n%s", got)
	}
}

// TestAWaitIsNotSilent: into a pipe, too, it is said what is waited for and what can be cancelled, but nothing of what is over
// in a moment.
func TestAWaitIsNotSilent(t *testing.T) {
	const behind = "Deploy account in demo"
	for name, c := range map[string]struct {
		kind    sdp.OperationKind
		waiting string
		want    string
	}{
		"short": {sdp.OpRoute, "", ""},
		"short and queued": {sdp.OpRoute, behind,
			"o-aaaaaaaaaa  route demo, queued behind " + behind + ": `sdp cancel o-aaaaaaaaaa` cancels it\n"},
		"cannot be ended": {sdp.OpDelete, behind, "o-aaaaaaaaaa  delete demo, queued behind " + behind + "\n"},
		"long":            {sdp.OpApply, "", "o-aaaaaaaaaa  apply demo: `sdp cancel o-aaaaaaaaaa` cancels it\n"},
	} {
		t.Run(name, func(t *testing.T) {
			s, out := clitest.Screen()
			var notes bytes.Buffer
			s.Err = &notes
			accepted := operation(c.kind, sdp.OpQueued, "")
			client := becomes(t, accepted, operation(c.kind, sdp.OpQueued, c.waiting), operation(c.kind, sdp.OpSucceeded, ""))
			if _, err := (&App{Screen: s}).FollowOperation(t.Context(), client, accepted); err != nil {
				t.Fatal(err)
			}
			if out.Len() > 0 || !strings.HasSuffix(notes.String(), c.want) || c.want == "" && notes.Len() > 0 {
				t.Errorf("out %q, notes %q, want %q", out, &notes, c.want)
			}
		})
	}
}

// TestCtrlCOfAnApplyNamesTheApply, and not only the deployments it is made of.
func TestCtrlCOfAnApplyNamesTheApply(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	running := operation(sdp.OpApply, sdp.OpRunning, "")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.Contains(r.URL.Path, clitest.Queued.ID):
			_ = json.NewEncoder(w).Encode(clitest.Queued)
		case strings.Contains(r.URL.Path, running.ID):
			_ = json.NewEncoder(w).Encode(running)
			cancel()
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	c, err := apiclient.New(server.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	s, _ := clitest.Screen()
	out := rest.Applied{Operation: &running, Deployments: []rest.Deployment{clitest.Queued}}
	err = (&App{Screen: s}).FinishChange(ctx, c, out, true)
	var gone *Detached
	if !errors.As(err, &gone) || !strings.Contains(gone.Error(), "`sdp cancel "+running.ID+"`") {
		t.Errorf("got %v", err)
	}
}
