package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"

	"sdp/internal/postgres/nodestore"
	"sdp/internal/postgres/outbox"
	"sdp/internal/postgres/pg"
	"sdp/internal/sdp"
)

// lockSandbox locks a live sandbox's row until the transaction ends: whoever changes its routes, services or containers
// holds it. A sandbox that is being deleted is a Conflict.
func lockSandbox(ctx context.Context, tx pgx.Tx, name string) (id int64, err error) {
	id, deleting, err := lockAnySandbox(ctx, tx, name)
	if err == nil && deleting {
		err = pg.SandboxDeleting(name)
	}
	return id, err
}

func lockAnySandbox(ctx context.Context, tx pgx.Tx, name string) (id int64, deleting bool, err error) {
	err = tx.QueryRow(ctx, `SELECT id, deleting FROM sandboxes WHERE name = $1 AND state <> 'DELETED'
		FOR NO KEY UPDATE`, name).Scan(&id, &deleting)
	if errors.Is(err, pgx.ErrNoRows) {
		err = pg.NoSandbox(name)
	}
	return id, deleting, err
}

// bumpRoutes is the statement that raises a sandbox's route version and announces it; $1 is its ID.
const bumpRoutes = `
	WITH bumped AS (
		UPDATE sandboxes SET route_version = route_version + 1 WHERE id = $1 RETURNING name, route_version
	)
	SELECT route_version, sdp_notify('sandbox/' || name, name, name, 0) FROM bumped`

// SetRoute says who answers for a service and returns the new route version. A route to the sandbox is allowed without
// a running container (its users get 503), a route to OCP only where the shared environment serves the service.
func (db *DB) SetRoute(ctx context.Context, sandbox, service string, source sdp.Source, to string,
) (version int64, err error) {
	if source != sdp.SourceURL {
		to = ""
	} else if u, err := url.Parse(to); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return 0, sdp.Errorf(sdp.Invalid, "bad-url", "the route's target is not an absolute http or https URL").
			WithRemedy("write it like http://host:port/prefix")
	}
	err = db.pool.InTx(ctx, "setting a route", func(tx pgx.Tx) error {
		id, err := lockSandbox(ctx, tx, sandbox)
		if err != nil {
			return err
		}
		if err := checkRoutable(ctx, tx, service, source); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO sandbox_services (sandbox_id, name, source, url) VALUES ($1, $2, $3, $4)
			ON CONFLICT (sandbox_id, name) DO UPDATE SET (source, url) = ($3, $4)`, id, service, source, to)
		if err != nil {
			return err
		}
		return tx.QueryRow(ctx, bumpRoutes, id).Scan(&version, nil)
	})
	return version, err
}

// checkRoutable returns an error unless the service is known and source can answer for it.
func checkRoutable(ctx context.Context, q pg.Querier, service string, source sdp.Source) error {
	var known, shared bool
	err := q.QueryRow(ctx, `SELECT count(*) > 0, coalesce(bool_or(ocp <> ''), false) FROM (
			SELECT ocp FROM repositories WHERE name = $1
			UNION ALL SELECT url FROM shared_services WHERE name = $1
		) s`, service).Scan(&known, &shared)
	switch {
	case err != nil:
		return err
	case !known:
		return sdp.Errorf(sdp.NotFound, "service-not-found", "there is no service %q", service).
			WithRemedy("`sdp routes SANDBOX` lists the services there are")
	case source == sdp.SourceOCP && !shared:
		return sdp.Errorf(sdp.Conflict, "not-in-ocp", "the shared environment does not serve %s", service).
			WithRemedy("deploy a branch of it, route it to a URL, or add `ocp:` to the repository's configuration")
	}
	return nil
}

// foreignFor is how long a port found to be held by another program is not given out.
const foreignFor = 10 * time.Minute

// ReassignPort gives a sandbox another public port because heldPort, which it had, belongs to another program. That
// port is not given to anybody for ten minutes, and the audit says why. Repeated, it returns the port the sandbox got.
func (db *DB) ReassignPort(ctx context.Context, sandbox string, heldPort int, why string) (port int, err error) {
	err = db.pool.InTx(ctx, "reassigning a port", func(tx pgx.Tx) error {
		id, err := lockSandbox(ctx, tx, sandbox)
		if err != nil {
			return err
		}
		var node string
		if err := tx.QueryRow(ctx, `SELECT coalesce(gateway_node, ''), coalesce(port, 0) FROM sandboxes WHERE id = $1`, id).
			Scan(&node, &port); err != nil {
			return err
		}
		if port != heldPort {
			return nil
		}
		if port, err = replacePort(ctx, tx, id, sandbox, node, heldPort, why); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, bumpRoutes, id)
		return err
	})
	return port, err
}

func replacePort(ctx context.Context, tx pgx.Tx, id int64, sandbox, node string, heldPort int, why string) (int, error) {
	_, err := tx.Exec(ctx, `INSERT INTO foreign_ports (node, port, why, until) VALUES ($1, $2, $3, now() + $4::interval)
		ON CONFLICT (node, port) DO UPDATE SET (why, until) = (excluded.why, excluded.until)`,
		node, heldPort, pg.Clean(why), foreignFor)
	if err != nil {
		return 0, err
	}
	port, err := nodestore.FreePort(ctx, tx, node)
	if err != nil {
		return 0, err
	}
	var b pgx.Batch
	b.Queue(`UPDATE sandboxes SET port = $2 WHERE id = $1`, id, port)
	outbox.Queue(&b, sdp.AuditEvent{User: "system", Action: sdp.AuditPortReassign, Sandbox: sandbox, Outcome: sdp.Succeeded,
		Detail: fmt.Sprintf("%s; the sandbox got %d", why, port)})
	return port, tx.SendBatch(ctx, &b).Close()
}
