package apiclient_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"sdp/api/apiclient"
	"sdp/api/apitest"
	"sdp/api/rest"
	"sdp/internal/postgres"
	"sdp/internal/sdp"
)

func ship(t *testing.T, bed *apitest.Bed, stream string, offset int, data string, final bool) {
	t.Helper()
	status, answer := bed.Node("micro-1", "POST", fmt.Sprintf("logs/%s?offset=%d&final=%t", stream, offset, final), []byte(data))
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, answer)
	}
}

// output is what a follower has written so far.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
	new chan struct{}
}

func newOutput() *output { return &output{new: make(chan struct{}, 1000)} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.new <- struct{}{}
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// until waits for the output to have a text.
func (o *output) until(t *testing.T, text string) {
	t.Helper()
	for !strings.Contains(o.String(), text) {
		select {
		case <-o.new:
		case <-time.After(10 * time.Second):
			t.Fatalf("no %q in %q", text, o.String())
		}
	}
}

func TestFollowAcrossARestartOfTheServer(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	c := signedIn(t, bed)
	d := createShop(t, c)
	stream := sdp.DeploymentStream(d.ID)
	ship(t, bed, stream, 0, "one\n", false)
	out := newOutput()
	ended := make(chan error, 1)
	var end int64
	go func() {
		var err error
		end, err = c.FollowLogs(t.Context(), d.ID, 0, out)
		ended <- err
	}()
	out.until(t, "one\n")
	bed.Stop()
	bed.Start()
	ship(t, bed, stream, 4, "two\n", false)
	out.until(t, "two\n")
	ship(t, bed, stream, 8, "three\n", true)
	if err := <-ended; err != nil || end != 14 || out.String() != "one\ntwo\nthree\n" {
		t.Errorf("%v, %d, %q", err, end, out)
	}
	var all bytes.Buffer
	if n, err := c.Logs(t.Context(), d.ID, 4, &all); err != nil || n != 14 || all.String() != "two\nthree\n" {
		t.Errorf("%v, %d, %q", err, n, all.String())
	}
}

func TestFollowEnds(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	c := signedIn(t, bed)
	d := createShop(t, c)
	_, err := c.FollowLogs(t.Context(), "d-none", 0, newOutput())
	wantCode(t, err, sdp.NotFound, "deployment-not-found")
	_, err = c.FollowServiceLogs(t.Context(), "shop", "ghost", 0, newOutput())
	wantCode(t, err, sdp.NotFound, "unknown-service")
	var none bytes.Buffer
	_, err = c.ServiceLogs(t.Context(), "shop", "ghost", 0, &none)
	wantCode(t, err, sdp.NotFound, "unknown-service")

	ship(t, bed, sdp.DeploymentStream(d.ID), 0, "line\n", false)
	_, err = c.FollowLogs(t.Context(), d.ID, 0, brokenPipe{})
	if !errors.Is(err, errBroken) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	out := newOutput()
	go func() {
		out.until(t, "line\n")
		cancel()
	}()
	if n, err := c.FollowLogs(ctx, d.ID, 0, out); !errors.Is(err, context.Canceled) || n != 5 {
		t.Errorf("%d %v", n, err)
	}
}

var errBroken = errors.New("broken pipe")

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errBroken }

func TestWaitDeployment(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	c := signedIn(t, bed)
	d := createShop(t, c)
	states := make(chan string, 100)
	ended := make(chan rest.Deployment, 1)
	go func() {
		got, err := c.WaitDeployment(t.Context(), d.ID, func(d rest.Deployment) { states <- string(d.State) })
		if err != nil {
			t.Error(err)
		}
		ended <- got
	}()
	next := func(want string) {
		t.Helper()
		select {
		case got := <-states:
			if got != want {
				t.Fatalf("%s, want %s", got, want)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("never saw %s", want)
		}
	}
	set := func(s sdp.DeploymentState, change postgres.StateChange) {
		t.Helper()
		if err := bed.DB.SetState(t.Context(), d.ID, s, change); err != nil {
			t.Fatal(err)
		}
	}
	next("QUEUED")
	set(sdp.Fetching, postgres.StateChange{})
	next("FETCHING")
	bed.Stop()
	set(sdp.Building, postgres.StateChange{SHA: strings.Repeat("a", 40)})
	bed.Start()
	next("BUILDING")
	set(sdp.DeployFailed, postgres.StateChange{Failure: &sdp.Failure{Step: sdp.StepBuild, Kind: sdp.Failed, Code: "build-failed", Detail: "it does not compile", Output: "x.go:1"}})
	next("FAILED")
	if got := <-ended; got.Failure == nil || got.Failure.Output != "x.go:1" || !got.Settled {
		t.Errorf("deployment %+v", got)
	}
	if got, err := c.WaitDeployment(t.Context(), d.ID, nil); err != nil || got.State != "FAILED" {
		t.Errorf("%+v %v", got, err)
	}
	_, err := c.WaitDeployment(t.Context(), "d-none", nil)
	wantCode(t, err, sdp.NotFound, "deployment-not-found")
}

func TestWaitOperation(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	c := signedIn(t, bed)
	createShop(t, c)
	op := must[rest.Operation](t)(c.SetRoute(t.Context(), "shop", "account", rest.SetRoute{Source: "ocp"}))
	seen := make(chan struct{}, 100)
	ended := make(chan rest.Operation, 1)
	go func() {
		got, err := c.WaitOperation(t.Context(), op.ID, func(rest.Operation) { seen <- struct{}{} })
		if err != nil {
			t.Error(err)
		}
		ended <- got
	}()
	<-seen
	if err := bed.DB.SetOperation(t.Context(), op.ID, sdp.OpSucceeded, "", nil); err != nil {
		t.Fatal(err)
	}
	if got := <-ended; got.State != "SUCCEEDED" {
		t.Errorf("operation %+v", got)
	}
}

// TestARefusedStreamSaysWhy also where the reason is long: a list of all that would have been right.
func TestARefusedStreamSaysWhy(t *testing.T) {
	t.Parallel()
	reason := "it is none of " + strings.Repeat("DEPLOY_COMPLETED, ", 200)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(rest.Problem{Status: 400, Kind: "invalid", Code: "bad-request", Detail: reason, Remedy: "x"})
	}))
	t.Cleanup(server.Close)
	c := must[*apiclient.Client](t)(apiclient.New(server.URL, ""))
	each := func(rest.LifecycleEvent) error { return nil }
	_, logs := c.FollowLogs(t.Context(), "d-1", 0, io.Discard)
	_, service := c.FollowServiceLogs(t.Context(), "shop", "account", 0, io.Discard)
	for name, err := range map[string]error{
		"events": c.FollowEvents(t.Context(), apiclient.EventFilter{}, -1, each), "logs": logs, "logs of a service": service,
	} {
		wantCode(t, err, sdp.Invalid, "bad-request")
		if got := sdp.AsError(err); got.Detail != reason || got.Remedy != "x" {
			t.Errorf("%s: %v, %s", name, got, got.Remedy)
		}
	}
}
