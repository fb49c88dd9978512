package nodestore

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"sdp/internal/postgres/outbox"
	"sdp/internal/postgres/pg"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// Cordon has nothing new placed on a node; who did so first counts.
func (db *Store) Cordon(ctx context.Context, node, by string) (sdp.Node, error) {
	return db.mark(ctx, "cordoning node "+node, node, `
		UPDATE nodes SET cordoned_at = coalesce(cordoned_at, now()), cordoned_by = coalesce(nullif(cordoned_by, ''), $2)
		WHERE name = $1 AND removed_at IS NULL`, by)
}

// Uncordon lets a node take work again.
func (db *Store) Uncordon(ctx context.Context, node string) (sdp.Node, error) {
	return db.mark(ctx, "uncordoning node "+node, node,
		`UPDATE nodes SET cordoned_at = NULL, cordoned_by = '' WHERE name = $1 AND removed_at IS NULL`)
}

func (db *Store) mark(ctx context.Context, what, node, update string, args ...any) (n sdp.Node, err error) {
	err = outbox.Change(ctx, db.pool, what, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, update, append([]any{node}, args...)...); err != nil {
			return err
		}
		if n, err = nodeNamed(ctx, tx, node); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `SELECT sdp_notify('nodes', $1, '', 0)`, node)
		return err
	})
	return n, err
}

// RemoveNode gives a node up at a time of the caller's clock: it is no node any more, its repositories leave the catalog, and
// what it ran counts as removed. allowed is called with what there is, in the same transaction, and may refuse. Sandboxes
// whose public port it has keep that port, which nobody else is given.
func (db *Store) RemoveNode(ctx context.Context, node, by string, at time.Time, allowed func(sdp.NodeWork) error) (w sdp.NodeWork, err error) {
	err = outbox.Change(ctx, db.pool, "removing node "+node, func(tx pgx.Tx) error {
		return changeCatalog(ctx, tx, func() error {
			if _, err := tx.Exec(ctx, lockNodesSandboxes, node); err != nil {
				return err
			}
			if _, err := nodeNamed(ctx, tx, node); err != nil {
				return err
			}
			if w, err = nodeWork(ctx, tx, node); err != nil {
				return err
			}
			if err := allowed(w); err != nil {
				return err
			}
			var b pgx.Batch
			b.Queue(`UPDATE nodes SET removed_at = $3, tokens_since = $3, removed_by = $2, cordoned_at = NULL, cordoned_by = ''
				WHERE name = $1`, node, by, at)
			b.Queue(`UPDATE repositories SET removed_at = now() WHERE node = $1 AND removed_at IS NULL`, node)
			b.Queue(`WITH gone AS (
					UPDATE containers SET state = 'REMOVED', updated_at = now() WHERE node = $1 AND state <> 'REMOVED'
					RETURNING deployment, sandbox_id
				), stopped AS (
					UPDATE deployments d SET state = 'STOPPED' FROM gone WHERE d.id = gone.deployment AND d.state = 'RUNNING'
					RETURNING d.id, d.sandbox_id
				) SELECT sdp_notify('deployment/' || d.id, d.id, s.name, 0) FROM stopped d JOIN sandboxes s ON s.id = d.sandbox_id`, node)
			b.Queue(`SELECT sdp_notify('nodes', $1, '', 0)`, node)
			return tx.SendBatch(ctx, &b).Close()
		})
	})
	return w, err
}

// lockNodesSandboxes locks the sandboxes that a node has to do with before their rows, as everything does.
const lockNodesSandboxes = `SELECT FROM sandboxes WHERE state <> 'DELETED' AND (
		EXISTS (SELECT FROM containers c WHERE c.sandbox_id = sandboxes.id AND c.node = $1 AND c.state <> 'REMOVED')
		OR EXISTS (SELECT FROM deployments d WHERE d.sandbox_id = sandboxes.id AND d.node = $1 AND d.finished_at IS NULL))
	ORDER BY id FOR NO KEY UPDATE`

// NodeWork returns what a node has to do with.
func (db *Store) NodeWork(ctx context.Context, node string) (w sdp.NodeWork, err error) {
	err = db.pool.InTxWith(ctx, pg.Snapshot, "reading what node "+node+" has to do with", func(tx pgx.Tx) error {
		if _, err := nodeNamed(ctx, tx, node); err != nil {
			return err
		}
		w, err = nodeWork(ctx, tx, node)
		return err
	})
	return w, err
}

type workRow struct {
	Sandbox string             `db:"sandbox"`
	Service string             `db:"service"`
	ID      string             `db:"id"` // of the deployment
	State   sdp.ContainerState `db:"state"`
}

func (r workRow) container() sdp.Container {
	return sdp.Container{Deployment: r.ID, Sandbox: r.Sandbox, Service: r.Service, State: r.State}
}

func (r workRow) deployment() sdp.OperationRef {
	return sdp.OperationRef{ID: r.ID, Kind: sdp.OpDeploy, Sandbox: r.Sandbox, Service: r.Service}
}

func nodeWork(ctx context.Context, q pg.Querier, node string) (w sdp.NodeWork, err error) {
	var b pgx.Batch
	pg.Collect(&b, &w.Containers, pg.ByName(workRow.container), `SELECT s.name AS sandbox, c.service, c.deployment AS id, c.state
		FROM containers c JOIN sandboxes s ON s.id = c.sandbox_id WHERE c.node = $1 AND c.state <> 'REMOVED' ORDER BY 1, 2`, node)
	pg.Collect(&b, &w.Deployments, pg.ByName(workRow.deployment), `SELECT s.name AS sandbox, d.service, d.id, 'STARTING'::container_state AS state
		FROM deployments d JOIN sandboxes s ON s.id = d.sandbox_id WHERE d.node = $1 AND d.finished_at IS NULL ORDER BY 1, 2`, node)
	pg.Collect(&b, &w.Ports, pg.ByName(takenRow.domain), `SELECT gateway_node, port, name, owner, state FROM sandboxes
		WHERE gateway_node = $1 AND state <> 'DELETED' ORDER BY port`, node)
	return w, q.SendBatch(ctx, &b).Close()
}

type removedRow struct {
	Name string    `db:"name"`
	By   string    `db:"removed_by"`
	At   time.Time `db:"removed_at"`
}

// RemovedNodes are the nodes that were removed and have not come back, by name.
func (db *Store) RemovedNodes(ctx context.Context) (map[string]sdp.Mark, error) {
	rows, err := pg.Query(ctx, db.pool, "listing removed nodes", pgx.RowToStructByName[removedRow],
		`SELECT name, removed_by, removed_at FROM nodes WHERE removed_at IS NOT NULL`)
	marks := map[string]sdp.Mark{}
	for _, r := range rows {
		marks[r.Name] = sdp.Mark{By: r.By, At: r.At}
	}
	return marks, err
}

// TokensSince returns when a node was removed last: tokens issued before are not its own any more. Zero = any is.
func (db *Store) TokensSince(ctx context.Context, node string) (time.Time, error) {
	var since *time.Time
	err := db.pool.QueryRow(ctx, `SELECT tokens_since FROM nodes WHERE name = $1`, node).Scan(&since)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && since == nil {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, pg.Translate("reading a node's tokens", err)
	}
	return *since, nil
}

// Gone is why nothing is done with a node that was removed.
func Gone(node string, by string, at time.Time) error {
	return sdp.Errorf(sdp.NotFound, wire.NodeRemoved, "node %s was removed by %s at %s", node, by, at.Local().Format("2006-01-02 15:04")).
		WithRemedy("an administrator who wants it back gives it a new token (`sdp node token %s` on the server) and starts its worker", node)
}
