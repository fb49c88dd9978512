package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"sdp/internal/postgres/pg"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// Desired returns what a node should run: which tables its router needs, and its containers that are not removed. Busy names
// the services with an operation in progress, of sandboxes that concern the node; a ServiceRef with an empty Service stands
// for a whole sandbox, and each of its services is named too. MeshToken is left to the caller.
func (db *DB) Desired(ctx context.Context, node string) (d wire.Desired, err error) {
	err = db.pool.InTxWith(ctx, pg.Snapshot, "computing what node "+node+" should run", func(tx pgx.Tx) error {
		if d.Tables, err = tableVersions(ctx, tx, node); err != nil {
			return err
		}
		if d.Containers, err = containers(ctx, tx, ContainerFilter{Node: node}); err != nil {
			return err
		}
		d.Busy, err = busy(ctx, tx, node)
		return err
	})
	return d, err
}

type tableVersionRow struct {
	Sandbox string `db:"sandbox"`
	Version int64  `db:"version"`
}

func (r tableVersionRow) domain() wire.TableVersion { return wire.TableVersion(r) }

// tableVersions lists the tables that Table says are for the node. What is being deleted is left alone.
func tableVersions(ctx context.Context, q pg.Querier, node string) (wire.TableVersions, error) {
	return pg.Query(ctx, q, "listing the tables of a node", pg.ByName(tableVersionRow.domain), `
		WITH concerned AS (
			SELECT id FROM sandboxes WHERE gateway_node = $1 AND state <> 'DELETED'
			UNION SELECT sandbox_id FROM containers WHERE node = $1 AND state <> 'REMOVED'
			UNION SELECT v.sandbox_id FROM repositories r JOIN sandbox_services v ON v.name = r.name
				WHERE r.node = $1 AND v.container_name IS NOT NULL
		)
		SELECT s.name AS sandbox, s.route_version AS version FROM concerned JOIN sandboxes s USING (id)
		WHERE s.state <> 'DELETED' AND NOT s.deleting`, node)
}

type busyRow struct {
	Sandbox string `db:"sandbox"`
	Service string `db:"service"`
}

func (r busyRow) domain() sdp.ServiceRef { return sdp.ServiceRef(r) }

// busy lists what is in progress in sandboxes that have, or may get, anything on the node.
func busy(ctx context.Context, q pg.Querier, node string) ([]sdp.ServiceRef, error) {
	return pg.Query(ctx, q, "listing busy services", pg.ByName(busyRow.domain), `
		WITH active AS MATERIALIZED (
			SELECT sandbox_id AS id FROM deployments WHERE finished_at IS NULL
			UNION SELECT sandbox_id FROM operations WHERE finished_at IS NULL AND sandbox_id IS NOT NULL
			UNION SELECT id FROM sandboxes WHERE deleting
		), concerned AS MATERIALIZED (
			SELECT s.id, s.name FROM active JOIN sandboxes s USING (id) WHERE s.state <> 'DELETED' AND (
				s.gateway_node = $1
				OR EXISTS (SELECT FROM containers c WHERE c.sandbox_id = s.id AND c.node = $1 AND c.state <> 'REMOVED')
				OR EXISTS (SELECT FROM sandbox_services v JOIN repositories r ON r.name = v.name
					WHERE v.sandbox_id = s.id AND r.node = $1)
				OR EXISTS (SELECT FROM deployments d WHERE d.sandbox_id = s.id AND d.finished_at IS NULL AND d.node = $1))
		), whole AS (
			SELECT o.sandbox_id AS id FROM operations o JOIN concerned c ON c.id = o.sandbox_id WHERE o.finished_at IS NULL
				AND o.service = '' AND coalesce((o.change->>'new')::boolean, o.kind IN ('create', 'delete'))
			UNION SELECT id FROM sandboxes JOIN concerned USING (id) WHERE deleting
		)
		SELECT c.name AS sandbox, b.service FROM (
			SELECT sandbox_id, service FROM deployments WHERE finished_at IS NULL
			UNION SELECT sandbox_id, service FROM operations WHERE finished_at IS NULL AND service <> ''
			UNION SELECT sandbox_id, a->>'service' FROM operations, jsonb_array_elements(change->'actions') a
				WHERE finished_at IS NULL AND change IS NOT NULL
			UNION SELECT id, '' FROM whole
			UNION SELECT v.sandbox_id, v.name FROM sandbox_services v JOIN whole w ON w.id = v.sandbox_id
			UNION SELECT k.sandbox_id, k.service FROM containers k JOIN whole w ON w.id = k.sandbox_id
		) b JOIN concerned c ON c.id = b.sandbox_id ORDER BY 1, 2`, node)
}
