package outbox

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/jackc/pgx/v5"

	"sdp/internal/postgres/pg"
	"sdp/internal/sdp"
)

// Trail is what the audit is to say of a change. A context carries it to the transaction that makes the change: either
// both are there afterwards, or neither. A trail is written once; of several in a context the innermost counts.
type Trail struct {
	due     func() []sdp.AuditEvent
	started func(b *pgx.Batch, events []sdp.AuditEvent)
	written atomic.Bool
}

type trailKey struct{}

// WithTrail returns a context whose next change writes the events that due returns then. An event without an Outcome gets
// the change's: accepted where it starts something, else succeeded.
func WithTrail(ctx context.Context, due func() []sdp.AuditEvent) (context.Context, *Trail) {
	t := &Trail{due: due}
	return context.WithValue(ctx, trailKey{}, t), t
}

// OnStart has what started queues be written as well, if the context's next change starts something: in its transaction,
// and knowing what the audit says of it.
func OnStart(ctx context.Context, started func(b *pgx.Batch, events []sdp.AuditEvent)) {
	if t, ok := ctx.Value(trailKey{}).(*Trail); ok {
		t.started = started
	}
}

// Written reports whether a change was made and the audit has its events.
func (t *Trail) Written() bool { return t.written.Load() }

// Accept is Change for what starts something whose end is an event of its own.
func Accept(ctx context.Context, p *pg.Pool, what string, do func(tx pgx.Tx) error) error {
	return change(ctx, p, sdp.Accepted, what, do)
}

// Change runs do in a transaction, as InTx, and writes what the context's trail says of it in the same one.
func Change(ctx context.Context, p *pg.Pool, what string, do func(tx pgx.Tx) error) error {
	return change(ctx, p, sdp.Succeeded, what, do)
}

// ErrUnchanged is what do returns where there was nothing to change: the audit has nothing to say of that.
var ErrUnchanged = errors.New("nothing changed")

func change(ctx context.Context, p *pg.Pool, outcome sdp.Outcome, what string, do func(tx pgx.Tx) error) error {
	t, _ := ctx.Value(trailKey{}).(*Trail)
	if t != nil && t.Written() {
		t = nil
	}
	written := false
	err := p.InTx(ctx, what, func(tx pgx.Tx) error {
		written = false
		if err := do(tx); err != nil || t == nil {
			return unlessUnchanged(err)
		}
		written = true
		var b pgx.Batch
		events := t.due()
		for _, e := range events {
			if e.Outcome == "" {
				e.Outcome = outcome
			}
			Queue(&b, e)
		}
		if t.started != nil && outcome == sdp.Accepted {
			t.started(&b, events)
		}
		return tx.SendBatch(ctx, &b).Close()
	})
	if err == nil && written {
		t.written.Store(true)
	}
	return err
}

func unlessUnchanged(err error) error {
	if errors.Is(err, ErrUnchanged) {
		return nil
	}
	return err
}
