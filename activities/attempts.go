package activities

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"sdp/internal/failure"
	"sdp/internal/pause"
	"sdp/internal/sdp"
)

// errSuperseded is why an attempt ends when a newer one of the same step begins: Temporal has given it up.
var errSuperseded = errors.New("a newer attempt of the step has begun")

// attempts are what this worker runs. Each leaves its task's token in a file until it has ended: by what a killed worker left,
// the next one tells Temporal at once that those attempts are lost, which it would otherwise learn from heartbeats that do
// not come.
type attempts struct {
	dir  string
	left []string // by the worker before

	mu      sync.Mutex
	running map[string]*attempt // by run and activity
}

type attempt struct {
	cancel context.CancelCauseFunc
	ended  chan struct{}
}

func openAttempts(dir string) (*attempts, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the directory of attempts: %w", err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	return &attempts{dir: dir, left: left, running: map[string]*attempt{}}, err
}

// begin ends an older attempt of the same step and waits until it has ended. The context it returns ends with a newer one.
func (a *attempts) begin(ctx context.Context, step string, token []byte) (inner context.Context, cancel context.CancelCauseFunc, end func()) {
	inner, cancel = context.WithCancelCause(ctx)
	mine := &attempt{cancel: cancel, ended: make(chan struct{})}
	a.mu.Lock()
	older := a.running[step]
	a.running[step] = mine
	a.mu.Unlock()
	if older != nil {
		older.cancel(errSuperseded)
		select {
		case <-older.ended:
		case <-inner.Done():
		}
	}
	forget := a.note(token)
	return inner, cancel, func() {
		forget()
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.running[step] == mine {
			delete(a.running, step)
		}
		close(mine.ended)
	}
}

// note leaves a token. Where that cannot be written, Temporal waits for heartbeats.
func (a *attempts) note(token []byte) (forget func()) {
	path := filepath.Join(a.dir, sdp.NewID(""))
	if err := os.WriteFile(path, token, 0o600); err != nil {
		return func() {}
	}
	return func() { os.Remove(path) }
}

// reportEvery is how often it is tried to tell Temporal which attempts are lost; after reportFor it knows by itself.
const (
	reportEvery = time.Second
	reportFor   = 15 * time.Second
)

// ReportLost tells Temporal which attempts of the worker before this one are lost, so that they are repeated at once.
func ReportLost(ctx context.Context, h *Host, c client.Client) {
	lost := failure.Lost(sdp.Failure{Kind: sdp.Unavailable, Code: "worker-lost",
		Detail: "node " + h.node.Name + ": its worker was lost in the middle of the step, more than once",
		Remedy: "look at the worker's log on the node, then deploy again"})
	for _, path := range h.attempts.left {
		if token, err := os.ReadFile(path); err == nil {
			report(ctx, c, token, lost)
		}
		os.Remove(path)
	}
}

// report gives up once the attempt is not known any more: it has ended, or Temporal has noticed.
func report(ctx context.Context, c client.Client, token []byte, lost error) {
	for began := time.Now(); time.Since(began) < reportFor; {
		err := c.CompleteActivity(ctx, token, nil, lost)
		var unknown *serviceerror.NotFound
		if err == nil || errors.As(err, &unknown) || pause.For(ctx, reportEvery) != nil {
			return
		}
	}
}
