package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"sdp/internal/sdp"
)

// Desired returns what a node should run: the tables of the sandboxes that need it, and its containers that are not
// removed. Busy names the services with an operation in progress; a ServiceRef with an empty Service stands for a whole
// sandbox, and each of its services is named too. MeshToken is left to the caller.
func (db *DB) Desired(ctx context.Context, node string) (d sdp.Desired, err error) {
	err = db.inTxWith(ctx, snapshot, "computing what node "+node+" should run", func(tx pgx.Tx) error {
		all, err := tables(ctx, tx, "")
		if err != nil {
			return err
		}
		for _, t := range all {
			if !t.deleting && slices.Contains(t.nodes, node) {
				d.Tables = append(d.Tables, t.table)
			}
		}
		if d.Containers, err = containers(ctx, tx, ContainerFilter{Node: node}); err != nil {
			return err
		}
		d.Busy, err = busy(ctx, tx)
		return err
	})
	return d, err
}

func busy(ctx context.Context, q querier) ([]sdp.ServiceRef, error) {
	return query(ctx, q, "listing busy services", pgx.RowToStructByPos[sdp.ServiceRef], `
		WITH whole AS (
			SELECT o.sandbox_id AS id FROM operations o WHERE o.finished_at IS NULL AND o.service = ''
				AND coalesce((o.change->>'new')::boolean, o.kind IN ('create', 'delete'))
			UNION SELECT id FROM sandboxes WHERE deleting
		)
		SELECT s.name, b.service FROM (
			SELECT sandbox_id, service FROM deployments WHERE finished_at IS NULL
			UNION SELECT sandbox_id, service FROM operations WHERE finished_at IS NULL AND service <> ''
			UNION SELECT sandbox_id, a->>'service' FROM operations, jsonb_array_elements(change->'actions') a
				WHERE finished_at IS NULL AND change IS NOT NULL
			UNION SELECT id, '' FROM whole
			UNION SELECT v.sandbox_id, v.name FROM sandbox_services v JOIN whole w ON w.id = v.sandbox_id
			UNION SELECT c.sandbox_id, c.service FROM containers c JOIN whole w ON w.id = c.sandbox_id
		) b JOIN sandboxes s ON s.id = b.sandbox_id WHERE s.state <> 'DELETED' ORDER BY 1, 2`)
}

// Observe stores what a node's reconciler found different and corrected: addresses and states of the node's own
// containers, a route version for each sandbox whose table changed by it, and an audit event for each correction.
func (db *DB) Observe(ctx context.Context, node string, corrections []sdp.Correction) error {
	if len(corrections) == 0 {
		return nil
	}
	return db.inTx(ctx, "recording corrections of node "+node, func(tx pgx.Tx) error {
		if err := lockConcerned(ctx, tx, corrections); err != nil {
			return err
		}
		var b pgx.Batch
		for _, c := range corrections {
			if c.Deployment != "" && (c.Address != "" || c.State != "") {
				b.Queue(correctContainer, c.Deployment, node, c.Address, string(c.State))
			}
			queueAudit(&b, sdp.AuditEvent{User: "system", Action: "reconcile", Sandbox: c.Sandbox, Service: c.Service,
				Operation: c.Deployment, Outcome: sdp.Succeeded, Detail: node + ": " + c.What})
		}
		return tx.SendBatch(ctx, &b).Close()
	})
}

// lockConcerned locks the sandboxes of the corrections before their containers, as everything does.
func lockConcerned(ctx context.Context, tx pgx.Tx, corrections []sdp.Correction) error {
	var names []string
	for _, c := range corrections {
		names = append(names, c.Sandbox)
	}
	_, err := tx.Exec(ctx, `SELECT FROM sandboxes WHERE name = ANY($1) AND state <> 'DELETED' ORDER BY id
		FOR NO KEY UPDATE`, names)
	return err
}

// correctContainer changes one container of a node. One that comes back serves only if nothing else does by now; the
// deployment of one that no longer serves has STOPPED.
const correctContainer = `
	WITH old AS (
		SELECT c.deployment, c.sandbox_id, c.service, c.state, c.address,
			CASE WHEN $4 = '' OR $4 = 'SERVING' AND (c.replaced_source IS NULL OR EXISTS (
					SELECT FROM containers o WHERE o.sandbox_id = c.sandbox_id AND o.service = c.service
						AND o.state = 'SERVING' AND o.deployment <> c.deployment))
				THEN c.state ELSE nullif($4, '')::container_state END AS next
		FROM containers c WHERE c.deployment = $1 AND c.node = $2 AND c.state <> 'REMOVED' FOR NO KEY UPDATE
	), changed AS (
		UPDATE containers c SET state = old.next, address = coalesce(nullif($3, ''), c.address), updated_at = now()
		FROM old WHERE c.deployment = old.deployment
		RETURNING c.sandbox_id, c.deployment, old.state AS was, c.state AS is, old.address <> c.address AS moved
	), stopped AS (
		UPDATE deployments d SET state = 'STOPPED' FROM changed c
		WHERE d.id = c.deployment AND d.state = 'RUNNING' AND c.was = 'SERVING' AND c.is <> 'SERVING'
	), bumped AS (
		UPDATE sandboxes s SET route_version = route_version + 1 FROM changed c WHERE s.id = c.sandbox_id
			AND (c.was = 'SERVING' OR c.is = 'SERVING') AND (c.was <> c.is OR c.moved)
	)
	SELECT sdp_notify('sandbox/' || s.name, s.name, s.name, 0) FROM changed c JOIN sandboxes s ON s.id = c.sandbox_id`
