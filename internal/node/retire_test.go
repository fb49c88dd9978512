package node

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"sdp/internal/containers"
	"sdp/internal/router/socket"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// failing is a runtime that fails on demand. What it is not made for it does not have.
type failing struct {
	Runtime
	have  []containers.Container
	fails map[string]error // by call, "remove a"

	mu    sync.Mutex
	calls []string
}

func (f *failing) call(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, name)
	return f.fails[name]
}

func (f *failing) List(context.Context) ([]containers.Container, error) { return f.have, nil }

func (f *failing) Stop(_ context.Context, id string, _ time.Duration) error {
	return f.call("stop " + id)
}

func (f *failing) Inspect(_ context.Context, id string) (c containers.Container, found bool, err error) {
	return c, slices.ContainsFunc(f.have, func(c containers.Container) bool { return c.ID == id }), nil
}

func (f *failing) Remove(_ context.Context, id string) error { return f.call("remove " + id) }

func (f *failing) RemoveDeployment(_ context.Context, id string) error {
	return f.call("remove all of " + id)
}

var errDown = errors.New("no daemon")

// A container that cannot be removed keeps no other from going, and its network and routes stay for the next attempt.
func TestTeardownGoesOnWhereOneContainerStays(t *testing.T) {
	f := &failing{fails: map[string]error{"stop a": errDown}, have: []containers.Container{
		{ID: "a", Sandbox: "box"}, {ID: "b", Sandbox: "box"}, {ID: "c", Sandbox: "other"}}}
	n := New(Config{Name: "micro-1", Runtime: f})
	if err := n.Containers.Teardown(t.Context(), "box"); !errors.Is(err, errDown) {
		t.Errorf("ended with %v", err)
	}
	slices.Sort(f.calls)
	if want := []string{"remove b", "stop a", "stop b"}; !slices.Equal(f.calls, want) {
		t.Errorf("called %q, want %q", f.calls, want)
	}
}

// A discard whose container stays says so, and removes the checkout and the claim all the same.
func TestDiscardRemovesWhatItCan(t *testing.T) {
	f := &failing{fails: map[string]error{"remove all of d1": errDown}}
	n := New(Config{Name: "micro-1", Data: t.TempDir(), Runtime: f})
	dir := n.Sources.checkoutDir("d1")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	n.Images.claims.take("d1", "sdp/account:x")
	if err := n.Containers.Discard(t.Context(), "d1"); !errors.Is(err, errDown) {
		t.Errorf("ended with %v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) || n.Images.claims.holder("sdp/account:x") != "" {
		t.Errorf("the checkout or the claim is left: %v", err)
	}
}

// Where the container is gone nothing is drained: its address may be another's by now, and there is nothing to wait for. There
// is no router to ask.
func TestRetireDrainsNothingThatIsGone(t *testing.T) {
	f := &failing{}
	in := wire.RetireInput{}
	in.Container.DockerID, in.Container.Deployment, in.Container.Address = "a", "d1", "10.0.0.7:8080"
	router := socket.NewClient(filepath.Join(t.TempDir(), "none.sock"))
	if err := New(Config{Runtime: f, Router: router}).Containers.Retire(t.Context(), in); err != nil {
		t.Error(err)
	}
}

// A container that cannot be stopped is not removed: it may have requests.
func TestRetireRemovesNothingThatRuns(t *testing.T) {
	f := &failing{fails: map[string]error{"stop a": errDown}}
	in := wire.RetireInput{}
	in.Container.DockerID = "a"
	if err := New(Config{Runtime: f}).Containers.Retire(t.Context(), in); !errors.Is(err, errDown) || slices.Contains(f.calls, "remove a") {
		t.Errorf("ended with %v after %q", err, f.calls)
	}
}

// passing is a runtime in which, while a container is made, the name for it is passed on to a generation of a service.
type passing struct {
	failing
	to      containers.Container
	started []string
}

func (p *passing) Start(_ context.Context, s containers.Spec) (containers.Container, error) {
	p.started = append(p.started, s.Name)
	if p.to.ID = sdp.ContainerName("box", "account"); s.Name == p.to.ID {
		return containers.Container{}, sdp.Errorf(sdp.Conflict, "name-taken", "the container name %s is held", s.Name)
	}
	return containers.Container{ID: "new"}, nil
}

func (p *passing) Inspect(_ context.Context, id string) (c containers.Container, found bool, err error) {
	return p.to, p.to.ID == id, nil
}

// A deployment right after another one begins while the canonical name changes hands. Somebody else's container keeps it out.
func TestStartWhileTheNameIsPassedOn(t *testing.T) {
	in := wire.Job{Sandbox: "box", Service: "account", Deployment: "d-3"}
	canonical, own := sdp.ContainerName("box", "account"), sdp.GenerationName("box", "account", "d-3")
	for service, want := range map[string][]string{"account": {canonical, own}, "other": {canonical}} {
		p := &passing{to: containers.Container{Sandbox: "box", Service: service, Deployment: "d-2"}}
		c, err := New(Config{Runtime: p}).Containers.begin(t.Context(), in, containers.Spec{Name: canonical})
		if !slices.Equal(p.started, want) || (err == nil) != (c.ID == "new") || (err == nil) != (service == "account") {
			t.Errorf("where %s has the name it started %q: %+v, %v; want %q", service, p.started, c, err, want)
		}
	}
}
