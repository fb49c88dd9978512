package worker

import (
	"context"
	"log/slog"
	"testing"

	sdkworker "go.temporal.io/sdk/worker"

	"sdp/internal/sdp"
	"sdp/internal/secret"
	"sdp/internal/wire"
)

// tasks stands for a Temporal worker: it tells when it begins to take tasks and when it has stopped.
type tasks struct {
	sdkworker.Worker
	began, stopped chan struct{}
}

func (w tasks) Run(interrupt <-chan any) error {
	w.began <- struct{}{}
	<-interrupt
	w.stopped <- struct{}{}
	return nil
}

// A node that was removed takes no tasks and changes nothing, until its token is a new one.
func TestRemovedNodeTakesNoTasks(t *testing.T) {
	m := newMachine(t)
	var err error
	if m.keys, err = secret.OpenNodeKeys(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	m.start("d1")
	w := tasks{began: make(chan struct{}), stopped: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		ended <- runWorker(ctx, m.gate, func() sdkworker.Worker { return w }, slog.New(slog.DiscardHandler))
	}()
	for _, registered := range []bool{true, false} {
		m.control.set(func(c *controlPlane) { c.removed = false })
		if !m.beat(t.Context(), false) {
			t.Fatal("the node could not register")
		}
		<-w.began
		m.control.set(func(c *controlPlane) { c.removed = true })
		if m.beat(t.Context(), registered) || m.mismatch == nil || m.mismatch.Code != wire.NodeRemoved {
			t.Errorf("the node goes on: %v", m.mismatch)
		}
		<-w.stopped
	}
	r := m.reconciler()
	for range 3 {
		if err := r.round(t.Context()); sdp.AsError(err).Code != wire.NodeRemoved {
			t.Errorf("a round ends with %v", err)
		}
	}
	if got := m.containers(); len(got) != 1 {
		t.Errorf("there are %q", got)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A node takes no task that its server may have meant otherwise: none before the two have met, and none any more once the
// server was upgraded and the node was not.
func TestTasksAreTakenOnlyWhileTheServerIsUnderstood(t *testing.T) {
	m := newMachine(t)
	var err error
	if m.keys, err = secret.OpenNodeKeys(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	w := tasks{began: make(chan struct{}), stopped: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		ended <- runWorker(ctx, m.gate, func() sdkworker.Worker { return w }, slog.New(slog.DiscardHandler))
	}()

	for _, server := range []wire.Versions{{}, {Oldest: wire.Newest + 1, Newest: wire.Newest + 1}} {
		m.control.set(func(c *controlPlane) { c.speaks = wire.Spoken() })
		if !m.beat(t.Context(), false) {
			t.Fatal("the node could not register")
		}
		<-w.began
		m.control.set(func(c *controlPlane) { c.speaks = server })
		if m.beat(t.Context(), true) || m.mismatch == nil || m.mismatch.Code != wire.VersionMismatch {
			t.Errorf("with a server that speaks %+v the node goes on: %v", server, m.mismatch)
		}
		<-w.stopped
	}
	m.control.set(func(c *controlPlane) { c.want.Speaks = wire.Versions{} })
	if _, err := m.server.desired(t.Context(), nil); sdp.AsError(err).Code != wire.VersionMismatch {
		t.Errorf("what another version wants to run is taken: %v", err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
