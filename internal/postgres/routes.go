package postgres

import (
	"context"
	"errors"
	"net/url"

	"github.com/jackc/pgx/v5"

	"sdp/internal/sdp"
)

// lockSandbox locks a live sandbox's row until the transaction ends: whoever changes its routes, services or containers
// holds it. A sandbox that is being deleted is a Conflict.
func lockSandbox(ctx context.Context, tx pgx.Tx, name string) (id int64, err error) {
	id, deleting, err := lockAnySandbox(ctx, tx, name)
	if err == nil && deleting {
		err = sandboxDeleting(name)
	}
	return id, err
}

func lockAnySandbox(ctx context.Context, tx pgx.Tx, name string) (id int64, deleting bool, err error) {
	err = tx.QueryRow(ctx, `SELECT id, deleting FROM sandboxes WHERE name = $1 AND state <> 'DELETED'
		FOR NO KEY UPDATE`, name).Scan(&id, &deleting)
	if errors.Is(err, pgx.ErrNoRows) {
		err = noSandbox(name)
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
	err = db.inTx(ctx, "setting a route", func(tx pgx.Tx) error {
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
func checkRoutable(ctx context.Context, q querier, service string, source sdp.Source) error {
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
