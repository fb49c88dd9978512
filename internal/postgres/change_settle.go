package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"sdp/internal/sdp"
)

// AbandonChange begins to take down the sandbox that a change was to make: it takes no new work any more, and nodes are
// those that may have something of it. left is true where a delete of the sandbox was accepted, which does the same: then
// there is nothing to do. It can be repeated.
func (db *DB) AbandonChange(ctx context.Context, id string) (nodes []string, left bool, err error) {
	err = db.inTx(ctx, "taking down what "+id+" made", func(tx pgx.Tx) error {
		c, err := lockChange(ctx, tx, id)
		if err != nil {
			return err
		}
		if left = c.gone || c.state.Settled(); left {
			return nil
		}
		if left, err = c.beingDeleted(ctx, tx); err != nil || left {
			return err
		}
		if !c.change.New {
			return sdp.Errorf(sdp.Internal, "not-new", "%s did not make sandbox %s", id, c.name)
		}
		if _, err := tx.Exec(ctx, `UPDATE sandboxes SET deleting = true WHERE id = $1`, c.sandbox); err != nil {
			return err
		}
		_, nodes, err = tableOf(ctx, tx, c.name)
		return err
	})
	return nodes, left, err
}

func (c *changing) beingDeleted(ctx context.Context, q querier) (deleting bool, err error) {
	err = q.QueryRow(ctx, `SELECT EXISTS (SELECT FROM operations WHERE sandbox_id = $1 AND kind = 'delete'
		AND finished_at IS NULL)`, c.sandbox).Scan(&deleting)
	return deleting, err
}

// SettleChange writes the end of a change, and what follows from it: deployments of it that never began are CANCELLED,
// those of services that were routed elsewhere or removed are STOPPED, and what was remembered is forgotten. Without
// success an atomic change leaves no trace: settings are as they were, and a sandbox it was to make is history, unless
// routes were committed, or somebody deletes the sandbox anyway. settled is false where the change had ended before.
func (db *DB) SettleChange(ctx context.Context, id string, state sdp.OperationState, f *sdp.Failure,
) (settled bool, err error) {
	err = db.inTx(ctx, "settling "+id, func(tx pgx.Tx) error {
		c, err := lockChange(ctx, tx, id)
		if err != nil || c.state.Settled() {
			return err
		}
		settled = true
		return c.settle(ctx, tx, state, f)
	})
	return settled, err
}

func (c *changing) settle(ctx context.Context, tx pgx.Tx, state sdp.OperationState, f *sdp.Failure) error {
	deleted, err := c.beingDeleted(ctx, tx)
	if err != nil {
		return err
	}
	var b pgx.Batch
	undo := c.change.Atomic && state != sdp.OpSucceeded && len(c.commits) == 0 && !c.gone && !deleted
	switch {
	case undo && c.change.New:
		queueHistory(&b, c.sandbox, c.name, c.id)
	case undo && c.begun:
		c.queueRollback(&b)
	}
	for _, a := range c.change.Actions {
		if _, done := c.commits[a.Service]; done && !a.Kind.Deploys() {
			b.Queue(stopDeployments, c.sandbox, a.Service, "")
		}
	}
	b.Queue(`WITH ended AS (
			UPDATE deployments SET state = 'CANCELLED', waiting_for = '', credentials = NULL, finished_at = now()
			WHERE operation = $1 AND finished_at IS NULL RETURNING id
		), discarded AS (
			UPDATE containers k SET state = 'REMOVED', updated_at = now() FROM ended
			WHERE k.deployment = ended.id AND k.state = 'STARTING'
		) SELECT sdp_notify('deployment/' || id, id, $2, 0) FROM ended`, c.id, c.name)
	if state != sdp.OpSucceeded {
		b.Queue(bumpRoutes, c.sandbox) // a table says why nothing answers
	}
	b.Queue(`UPDATE operations SET state = $2, failure = $3, waiting_for = '', finished_at = now(), before = NULL,
		change = change - 'secrets' WHERE id = $1`, c.id, state, failureDocument(f))
	b.Queue(`SELECT sdp_notify('sandbox/' || $2::text, $1, $2, 0)`, c.id, c.name)
	return tx.SendBatch(ctx, &b).Close()
}
