package activities

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"sdp/internal/logs"
	"sdp/internal/node"
	"sdp/internal/pause"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// Host are the activities of one node. Each opens what was sealed to the node, calls one of the node's capabilities and
// turns its failure into what Temporal carries.
type Host struct {
	node     *node.Node
	server   Server
	attempts *attempts
}

// Server is what a node asks the server for while it works.
type Server interface {
	// Asks returns a page of questions for git servers, TakeAnswers gives back the answers.
	Asks(ctx context.Context, in wire.AsksRequest) (wire.AsksPage, error)
	TakeAnswers(ctx context.Context, in wire.AnswersReport) error
	// Table returns a sandbox's routing table as it is now.
	Table(ctx context.Context, sandbox string) (wire.RoutingTable, error)
}

// NewHost returns the activities of a node. What must be known of them after a crash is kept below data.
func NewHost(n *node.Node, s Server, data string) (*Host, error) {
	a, err := openAttempts(filepath.Join(data, "attempts"))
	return &Host{n, s, a}, err
}

const beatEvery = 2 * time.Second

// errStopping is why an activity ends when its worker is told to stop. It is retried on the next worker.
var errStopping = sdp.Errorf(sdp.Unavailable, "worker-stopping", "the node's worker is being stopped")

// do runs an activity's work: it heartbeats while work runs, ends it when the worker stops, and turns its error into
// what Temporal carries.
func (h *Host) do(ctx context.Context, work func(context.Context) error) error {
	info := activity.GetInfo(ctx)
	inner, cancel, end := h.attempts.begin(ctx, info.WorkflowExecution.RunID+" "+info.ActivityID, info.TaskToken)
	defer end()
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
		return failOnNode(errStopping)
	case ctx.Err() != nil:
		return whyEnded(ctx)
	}
	return failOnNode(err)
}

// whyEnded tells a cancel from a Temporal that did not answer a heartbeat in time, for which the SDK ends an activity as well.
func whyEnded(ctx context.Context) error {
	cause := context.Cause(ctx)
	if temporal.IsCanceledError(cause) || errors.Is(cause, context.Canceled) {
		return temporal.NewCanceledError()
	}
	return failOnNode(sdp.Errorf(sdp.Unavailable, "temporal-unreachable", "Temporal did not take the step's heartbeat: %w", cause))
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

// A step that needs something of the server asks again after a moment, and gives up after a while: the server may just be started
// anew.
const (
	serverAgain    = time.Second
	serverPatience = 20 * time.Second
)

// table returns the table that is named, or a later version.
func (h *Host) table(ctx context.Context, named wire.RoutingTable) (wire.RoutingTable, error) {
	if !named.Named {
		return named, nil // from before they were
	}
	for giveUp := time.Now().Add(serverPatience); ; {
		table, err := h.server.Table(ctx, named.Sandbox)
		if err == nil && table.Version < named.Version {
			err = sdp.Errorf(sdp.Unavailable, "server-refused", "the server has version %d of the routes of sandbox %s, and not version %d",
				table.Version, named.Sandbox, named.Version)
		}
		if sdp.KindOf(err) != sdp.Unavailable || time.Now().After(giveUp) || pause.For(ctx, serverAgain) != nil {
			return table, err
		}
	}
}

// step runs a step of a deployment: its settings are opened, and what it says goes to the deployment's log.
func (h *Host) step(ctx context.Context, deployment string, box sdp.SealedBox,
	work func(context.Context, node.Confidential, *logs.Stream) error) error {
	return h.do(ctx, func(ctx context.Context) error {
		given, err := h.node.Boxes.Confidential(box, deployment)
		if err != nil {
			return err
		}
		return h.node.Logs.During(deployment, given.Secrets(), func(log *logs.Stream) error { return work(ctx, given, log) })
	})
}
