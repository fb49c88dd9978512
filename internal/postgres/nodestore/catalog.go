package nodestore

import (
	"context"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"
)

// SharedService is a service of the shared environment that no repository here provides.
type SharedService struct {
	URL  string // absolute http or https URL at which the shared environment serves it
	Port int    // port at which the services of a sandbox reach it
}

// SetSharedServices replaces the shared services by those of the server's configuration. They are kept in the database
// so that every process computes the same tables. If they changed, the route version of every sandbox grows.
func (db *Store) SetSharedServices(ctx context.Context, services map[string]SharedService) error {
	return db.pool.InTx(ctx, "storing the shared services", func(tx pgx.Tx) error {
		return changeCatalog(ctx, tx, func() error {
			names := slices.Sorted(maps.Keys(services))
			var b pgx.Batch
			b.Queue(`DELETE FROM shared_services WHERE name <> ALL($1)`, append([]string{}, names...))
			for _, name := range names {
				b.Queue(`INSERT INTO shared_services (name, url, port) VALUES ($1, $2, $3)
					ON CONFLICT (name) DO UPDATE SET (url, port) = ($2, $3)`, name, services[name].URL, services[name].Port)
			}
			return tx.SendBatch(ctx, &b).Close()
		})
	})
}

// catalogLock is the advisory lock that serialises changes of the catalog. See migrationLock.
const catalogLock = 7_305_2002

// changeCatalog runs change, which alters what exists outside sandboxes (nodes, repositories, shared services), and
// raises the route version of all sandboxes if the result shows in routing tables. A worker that restarts with an
// unchanged configuration changes nothing.
func changeCatalog(ctx context.Context, tx pgx.Tx, change func() error) error {
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, catalogLock); err != nil {
		return err
	}
	before, err := catalogDigest(ctx, tx)
	if err != nil {
		return err
	}
	if err := change(); err != nil {
		return err
	}
	after, err := catalogDigest(ctx, tx)
	if err != nil || before == after {
		return err
	}
	_, err = tx.Exec(ctx, `
		WITH live AS MATERIALIZED (
			SELECT id FROM sandboxes WHERE state <> 'DELETED' ORDER BY id FOR NO KEY UPDATE
		), bumped AS (
			UPDATE sandboxes s SET route_version = route_version + 1 FROM live WHERE s.id = live.id RETURNING s.name
		)
		SELECT sdp_notify('sandbox/' || name, name, name, 0) FROM bumped`)
	return err
}

func catalogDigest(ctx context.Context, tx pgx.Tx) (digest string, err error) {
	err = tx.QueryRow(ctx, `SELECT md5(coalesce(string_agg(line, E'\n' ORDER BY line), '')) FROM (
			SELECT format('node %s %s %s %s', name, address, mesh_port, removed_at IS NULL) FROM nodes
			UNION ALL
			SELECT format('repository %s %s %s %s %s', name, node, port, ocp, removed_at IS NULL) FROM repositories
			UNION ALL
			SELECT format('shared %s %s %s', name, url, port) FROM shared_services
		) AS lines (line)`).Scan(&digest)
	return digest, err
}
