package control

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
)

const (
	submitAfter    = 3 * time.Second // a row not handed over for so long has lost its request
	cancelAgain    = time.Minute     // a cancel that has had no effect for so long may have been lost
	reconcileEvery = 2 * time.Second
	dropLogsEvery  = time.Hour
)

// Reconciler hands over accepted operations, and cancels, whose hand-over was lost, because the server died or Temporal was
// down between the row and the signal, and drops logs that are too old. Several replicas may run one each.
type Reconciler struct {
	DB      *postgres.DB
	Engine  Engine
	Log     *slog.Logger
	KeepLog time.Duration // how long logs are kept; 0 = for ever
}

// Run works until ctx ends.
func (r *Reconciler) Run(ctx context.Context) error {
	tick := time.NewTicker(reconcileEvery)
	defer tick.Stop()
	var dropped time.Time
	for {
		if err := r.Resubmit(ctx, submitAfter); err != nil && ctx.Err() == nil {
			r.Log.WarnContext(ctx, "Operations were not resubmitted", "error", err)
		}
		if err := r.Recancel(ctx, submitAfter, cancelAgain); err != nil && ctx.Err() == nil {
			r.Log.WarnContext(ctx, "Cancels were not passed on", "error", err)
		}
		if r.KeepLog > 0 && time.Since(dropped) > dropLogsEvery {
			if err := r.DB.DropLogsBefore(ctx, time.Now().Add(-r.KeepLog)); err != nil && ctx.Err() == nil {
				r.Log.WarnContext(ctx, "Old logs were not dropped", "error", err)
			}
			if err := r.DB.DropEventsBefore(ctx, time.Now().Add(-r.KeepLog)); err != nil && ctx.Err() == nil {
				r.Log.WarnContext(ctx, "Old events were not dropped", "error", err)
			}
			dropped = time.Now()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Resubmit hands over what was accepted longer than olderThan ago and never handed over. Order matters within a sandbox: one
// of which an operation cannot be handed over waits, and the others go on. If Temporal or the database does not answer,
// everything waits.
func (r *Reconciler) Resubmit(ctx context.Context, olderThan time.Duration) error {
	refs, err := r.DB.Unsubmitted(ctx, olderThan)
	if err != nil {
		return err
	}
	failed := map[string]error{} // by sandbox
	for _, ref := range refs {
		if failed[ref.Sandbox] != nil {
			continue
		}
		err := submitOne(ctx, r.DB, r.Engine, ref)
		if sdp.KindOf(err) == sdp.Unavailable {
			return err
		}
		if err != nil {
			failed[ref.Sandbox] = fmt.Errorf("operation %s of sandbox %s: %w", ref.ID, ref.Sandbox, err)
			continue
		}
		r.Log.InfoContext(ctx, "Operation resubmitted", "operation", ref.ID, "kind", ref.Kind, "sandbox", ref.Sandbox)
	}
	return errors.Join(slices.Collect(maps.Values(failed))...)
}

func submitOne(ctx context.Context, db *postgres.DB, engine Engine, ref sdp.OperationRef) error {
	if err := engine.Submit(ctx, ref); err != nil {
		return err
	}
	return db.MarkSubmitted(ctx, ref.ID)
}

// Recancel tells the engine of cancels it was not told of within olderThan, and again of those that have had no effect for
// again or longer.
func (r *Reconciler) Recancel(ctx context.Context, olderThan, again time.Duration) error {
	refs, err := r.DB.CancelsToSend(ctx, olderThan, again)
	for _, ref := range refs {
		if err := cancelOne(ctx, r.DB, r.Engine, ref); err != nil {
			return err
		}
		r.Log.InfoContext(ctx, "Cancel passed on again", "operation", ref.ID, "kind", ref.Kind, "sandbox", ref.Sandbox)
	}
	return err
}

func cancelOne(ctx context.Context, db *postgres.DB, engine Engine, ref sdp.OperationRef) error {
	if err := engine.Cancel(ctx, ref); err != nil {
		return err
	}
	return db.MarkCancelSent(ctx, ref.ID)
}
