package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"sdp/internal/docker"
	"sdp/internal/git"
	"sdp/internal/logs"
	"sdp/internal/router"
	"sdp/internal/sdp"
	"sdp/internal/secret"
)

// Host are the activities of one node: git, builds, Docker and the router. It holds credentials only while one of them
// runs.
type Host struct {
	Node          string
	Data          string // directory for checkouts
	Instance      string
	Docker        *docker.Client
	Router        *router.Client
	Keys          *secret.NodeKeys
	Spool         *logs.Spool
	Repositories  map[string]Repository
	Builder       Builder
	Drain         time.Duration // how long a replaced container may finish its requests
	HealthTimeout time.Duration
	Limits        Limits
	// Background is what goes on after an activity has ended. Whoever stops the node waits for it.
	Background sync.WaitGroup
	claims     claims
	pruning    sync.Mutex // one at a time
	disk       imageDisk
	described  git.Described
	// Follow starts to copy what a container prints into its log stream. It returns at once.
	Follow func(docker.Container)
}

// Repository is a configured clone on this node.
type Repository struct {
	sdp.Repository
	Path       string // of the clone
	Build      string // go: package to build
	Dockerfile string
	BaseImage  string // go: "" = SDP's own
	User       string // inside the container; "" = the image's
}

// Limits bound one container.
type Limits struct {
	Memory int64 // bytes
	CPUs   float64
	PIDs   int64
}

const beatEvery = 2 * time.Second

// errStopping is why an activity ends when its worker is told to stop. It is retried on the next worker.
var errStopping = sdp.Errorf(sdp.Unavailable, "worker-stopping", "the node's worker is being stopped")

// do runs an activity's work: it heartbeats while work runs, ends it when the worker stops, and turns its error into
// what Temporal carries.
func (h *Host) do(ctx context.Context, work func(context.Context) error) error {
	inner, cancel := context.WithCancelCause(ctx)
	var beats sync.WaitGroup
	beats.Go(func() { heartbeat(ctx, inner, cancel) })
	err := work(inner)
	stopped := errors.Is(context.Cause(inner), errStopping)
	cancel(nil)
	beats.Wait()
	switch {
	case err == nil:
		return nil
	case stopped:
		return fail(errStopping)
	case ctx.Err() != nil:
		return temporal.NewCanceledError()
	}
	return fail(err)
}

// heartbeat tells Temporal that the activity lives, until inner ends.
func heartbeat(ctx, inner context.Context, cancel context.CancelCauseFunc) {
	ticker := time.NewTicker(beatEvery)
	defer ticker.Stop()
	for {
		activity.RecordHeartbeat(ctx)
		select {
		case <-inner.Done():
			return
		case <-activity.GetWorkerStopChannel(ctx):
			cancel(errStopping)
			return
		case <-ticker.C:
		}
	}
}

// logged runs a part of a deployment with the deployment's log. A failure is the log's last line of that part. Neither
// the log nor the failure shows any of the secrets.
func (h *Host) logged(deployment string, secrets []string, part func(*logs.Stream) error) error {
	masker := logs.NewMasker(secrets...)
	stream, err := h.Spool.Create(sdp.DeploymentStream(deployment), logs.Options{Masker: masker})
	if err != nil {
		return diskError(h.Node, "writing the log", err)
	}
	err = masked(part(stream), masker)
	if err != nil && !errors.Is(err, context.Canceled) {
		e := sdp.AsError(err)
		stream.Printf("ERROR", "%s", e.Detail)
		if e.Remedy != "" {
			stream.Printf("ERROR", "what to do: %s", e.Remedy)
		}
	}
	return errors.Join(err, stream.Release())
}

func (h *Host) repository(name string) (Repository, error) {
	r, ok := h.Repositories[name]
	if !ok {
		return r, sdp.Errorf(sdp.NotFound, "unknown-repository", "node %s has no repository %q any more", h.Node, name).
			WithRemedy("add it to the node's configuration and restart the worker; `sdp repos` lists what there is")
	}
	return r, nil
}

// credentials opens the box that holds a user's git credentials. An empty box is no credentials.
func (h *Host) credentials(box sdp.SealedBox, operation string) (git.Credentials, error) {
	var c git.Credentials
	if box.Empty() {
		return c, nil
	}
	plain, err := h.open(box, operation)
	if err != nil {
		return c, err
	}
	var parsed struct{ User, Password string }
	if err := json.Unmarshal(plain, &parsed); err != nil {
		return c, errors.New("the credentials box holds no credentials")
	}
	return git.Credentials(parsed), nil
}

func (h *Host) open(box sdp.SealedBox, operation string) ([]byte, error) {
	plain, err := h.Keys.Open(box, h.Node, operation, time.Now())
	if err != nil {
		return nil, fmt.Errorf("opening what was sealed to node %s: %w", h.Node, err)
	}
	return plain, nil
}

// CheckoutsDir is the directory below a node's data that holds a checkout for each deployment that is being built.
func CheckoutsDir(data string) string { return filepath.Join(data, "checkouts") }

// checkoutDir is where a deployment's commit is checked out. It is made and removed by that deployment only. Whatever the
// ID, the directory is one right below CheckoutsDir.
func (h *Host) checkoutDir(deployment string) string {
	name := filepath.Base(deployment)
	if strings.Trim(name, "."+string(filepath.Separator)) == "" { // "", ".", ".." and "/"
		name = "nameless"
	}
	return filepath.Join(CheckoutsDir(h.Data), name)
}
