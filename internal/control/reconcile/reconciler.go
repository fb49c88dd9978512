// Package reconcile compares what was accepted with what Temporal has, while the server runs: what was not handed over is
// handed over, what Temporal lost is settled. Nodes compare what runs on them by themselves.
package reconcile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"sdp/internal/control"
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
// down between the row and the signal, settles what Temporal lost, has it do again what it did regularly, and drops logs that
// are too old. Several replicas may run one each.
type Reconciler struct {
	DB        *postgres.DB
	Engine    control.Engine
	Log       *slog.Logger
	KeepLog   time.Duration               // how long logs are kept; 0 = for ever
	LostAfter time.Duration               // how long Temporal has had something before it is asked about it; 0 = it is never asked
	Schedule  func(context.Context) error // makes sure that Temporal does what it does regularly
}

// Run works until ctx ends.
func (r *Reconciler) Run(ctx context.Context) error {
	tick := time.NewTicker(reconcileEvery)
	defer tick.Stop()
	var dropped, looked, scheduled time.Time
	for {
		r.try(ctx, "Operations were not resubmitted", func() error { return r.Resubmit(ctx, submitAfter) })
		if r.LostAfter > 0 && time.Since(looked) > r.LostAfter/2 {
			r.try(ctx, "Operations were not compared with Temporal", func() error { return r.Lost(ctx, r.LostAfter) })
			looked = time.Now()
		}
		if time.Since(scheduled) > r.LostAfter/2 &&
			r.try(ctx, "Temporal may not do what it does regularly", func() error { return r.Schedule(ctx) }) {
			scheduled = time.Now()
		}
		r.try(ctx, "Cancels were not passed on", func() error { return r.Recancel(ctx, submitAfter, cancelAgain) })
		if r.KeepLog > 0 && time.Since(dropped) > dropLogsEvery {
			before := time.Now().Add(-r.KeepLog)
			r.try(ctx, "Old logs were not dropped", func() error { return r.DB.DropLogsBefore(ctx, before) })
			r.try(ctx, "Old events were not dropped", func() error { return r.DB.DropEventsBefore(ctx, before) })
			dropped = time.Now()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// try does what the next round does again if it fails.
func (r *Reconciler) try(ctx context.Context, failed string, do func() error) (done bool) {
	err := do()
	if err != nil && ctx.Err() == nil {
		r.Log.WarnContext(ctx, "Reconciling failed; the next round tries again", "what", failed, "error", err)
	}
	return err == nil
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
		err := control.HandOver(ctx, r.DB, r.Engine, ref)
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

// Recancel tells the engine of cancels it was not told of within olderThan, and again of those that have had no effect for
// again or longer. One that fails holds up no other, unless Temporal or the database does not answer.
func (r *Reconciler) Recancel(ctx context.Context, olderThan, again time.Duration) error {
	refs, err := r.DB.CancelsToSend(ctx, olderThan, again)
	for _, ref := range refs {
		failed := control.PassOnCancel(ctx, r.DB, r.Engine, ref)
		if sdp.KindOf(failed) == sdp.Unavailable {
			return failed
		}
		if failed != nil {
			err = errors.Join(err, fmt.Errorf("operation %s of sandbox %s: %w", ref.ID, ref.Sandbox, failed))
			continue
		}
		r.Log.InfoContext(ctx, "Cancel passed on again", "operation", ref.ID, "kind", ref.Kind, "sandbox", ref.Sandbox)
	}
	return err
}
