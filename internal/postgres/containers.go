package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"sdp/internal/postgres/outbox"
	"sdp/internal/postgres/pg"
	"sdp/internal/sdp"
)

// containerColumns need the tables containers as c and sandboxes as s.
const containerColumns = `c.deployment, s.name AS sandbox, c.service, c.node, c.docker_id, c.address, c.sha, c.image, c.state`

// containerRow has containerColumns.
type containerRow struct {
	Deployment string             `db:"deployment"`
	Sandbox    string             `db:"sandbox"`
	Service    string             `db:"service"`
	Node       string             `db:"node"`
	DockerID   string             `db:"docker_id"`
	Address    string             `db:"address"`
	SHA        string             `db:"sha"`
	Image      string             `db:"image"`
	State      sdp.ContainerState `db:"state"`
}

func (r containerRow) domain() sdp.Container {
	return sdp.Container{Deployment: r.Deployment, Sandbox: r.Sandbox, Service: r.Service, Node: r.Node, DockerID: r.DockerID,
		Address: r.Address, SHA: r.SHA, Image: r.Image, State: r.State}
}

// ContainerFilter selects containers of live sandboxes; empty fields do not restrict.
type ContainerFilter struct {
	Sandbox string
	Service string
	Node    string
	States  []sdp.ContainerState // none = all but REMOVED
}

// Containers lists containers by sandbox, service and age, newest first.
func (db *DB) Containers(ctx context.Context, f ContainerFilter) ([]sdp.Container, error) {
	return containers(ctx, db.pool, f)
}

func containers(ctx context.Context, q pg.Querier, f ContainerFilter) ([]sdp.Container, error) {
	return pg.Query(ctx, q, "listing containers", pg.ByName(containerRow.domain), `SELECT `+containerColumns+`
		FROM containers c JOIN sandboxes s ON s.id = c.sandbox_id
		WHERE s.state <> 'DELETED' AND ($1 = '' OR s.name = $1) AND ($2 = '' OR c.service = $2) AND ($3 = '' OR c.node = $3)
			AND CASE WHEN cardinality($4::text[]) = 0 THEN c.state <> 'REMOVED'
				ELSE c.state = ANY($4::text[]::container_state[]) END
		ORDER BY s.name, c.service, c.created_at DESC`, f.Sandbox, f.Service, f.Node, pg.Texts(f.States))
}

// PutContainer stores a container as its node reports it. One that serves already and is reported as STARTING again,
// by an activity that is repeated, goes on serving. Only Serve makes a container serve. A deployment that has ended gets no
// container any more.
func (db *DB) PutContainer(ctx context.Context, c sdp.Container) error {
	return db.pool.InTx(ctx, "storing a container", func(tx pgx.Tx) error {
		id, err := lockSandbox(ctx, tx, c.Sandbox)
		if err != nil {
			return err
		}
		old, err := containerState(ctx, tx, c.Deployment)
		if err != nil {
			return err
		}
		if err := refuseEnded(ctx, tx, c.Deployment, old); err != nil {
			return err
		}
		serves := old.state == sdp.Serving && old.dockerID == c.DockerID && c.State == sdp.Starting
		if serves {
			c.State = sdp.Serving
		}
		if c.State == sdp.Serving && old.state != sdp.Serving {
			return sdp.Errorf(sdp.Invalid, "not-served", "a container is made to serve by switching the route to it")
		}
		_, err = tx.Exec(ctx, storeContainer(old), c.Deployment, id, c.Service, c.Node, c.DockerID, c.Address, c.SHA, c.Image,
			c.State)
		if err == nil && old.state == sdp.Serving && (!serves || old.address != c.Address) {
			_, err = tx.Exec(ctx, bumpRoutes, id)
		}
		return err
	})
}

// refuseEnded returns a Conflict if a deployment has ended and has no container: it was settled while its workflow was away.
func refuseEnded(ctx context.Context, q pg.Querier, deployment string, old oldContainer) error {
	if old.state != "" && old.state != sdp.Removed {
		return nil
	}
	d, err := deploymentByID(ctx, q, deployment)
	if err == nil && d.State.Settled() {
		err = d.AlreadyEnded()
	}
	return err
}

// storeContainer is the statement that stores a container. It is no upsert, because that would check a serving
// container's row against constraints as if it were new.
func storeContainer(old oldContainer) string {
	if old.state == "" {
		return `INSERT INTO containers (deployment, sandbox_id, service, node, docker_id, address, sha, image, state)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`
	}
	return `UPDATE containers SET (node, docker_id, address, sha, image, state, updated_at) = ($4, $5, $6, $7, $8, $9, now())
		WHERE deployment = $1 AND sandbox_id = $2 AND service = $3`
}

// Serves reports whether a deployment's container answers for its service.
func (db *DB) Serves(ctx context.Context, deployment string) (bool, error) {
	c, err := containerState(ctx, db.pool, deployment)
	return c.state == sdp.Serving, pg.Translate("reading a container's state", err)
}

type oldContainer struct {
	state             sdp.ContainerState // "" if there is none
	dockerID, address string
}

func containerState(ctx context.Context, q pg.Querier, deployment string) (o oldContainer, err error) {
	err = q.QueryRow(ctx, `SELECT state, docker_id, address FROM containers WHERE deployment = $1`, deployment).
		Scan(&o.state, &o.dockerID, &o.address)
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	return o, err
}

// SetContainerState records what became of a container. A serving one that stops serving raises the route version; so
// does nothing else. Removing a container that was never stored is no error, because clean-up repeats itself.
func (db *DB) SetContainerState(ctx context.Context, deployment string, state sdp.ContainerState) error {
	if state == sdp.Serving {
		return sdp.Errorf(sdp.Invalid, "not-served", "a container is made to serve by switching the route to it")
	}
	tag, err := db.pool.Exec(ctx, `
		WITH sandbox AS MATERIALIZED (
			SELECT s.id, s.name FROM sandboxes s JOIN containers c ON c.sandbox_id = s.id WHERE c.deployment = $1
			FOR NO KEY UPDATE OF s
		), old AS (
			SELECT c.deployment, c.state FROM containers c, sandbox WHERE c.deployment = $1 FOR NO KEY UPDATE OF c
		), changed AS (
			UPDATE containers c SET state = $2::container_state, updated_at = now() FROM old
			WHERE c.deployment = old.deployment AND (c.state <> 'REMOVED' OR $2::container_state = 'REMOVED')
			RETURNING old.state = 'SERVING' AS served
		), bumped AS (
			UPDATE sandboxes s SET route_version = route_version + 1 FROM sandbox x, changed
			WHERE s.id = x.id AND changed.served
		)
		SELECT sdp_notify('sandbox/' || name, name, name, 0) FROM sandbox, changed`, deployment, state)
	if err == nil && tag.RowsAffected() == 0 && state != sdp.Removed {
		return sdp.Errorf(sdp.Conflict, "container-gone", "deployment %s has no container", deployment)
	}
	return pg.Translate("recording a container's state", err)
}

// Observe stores what a node's reconciler found different and corrected: addresses and states of the node's own
// containers, a route version for each sandbox whose table changed by it, and an audit event for each correction.
func (db *DB) Observe(ctx context.Context, node string, corrections []sdp.Correction) error {
	if len(corrections) == 0 {
		return nil
	}
	return db.pool.InTx(ctx, "recording corrections of node "+node, func(tx pgx.Tx) error {
		if err := lockConcerned(ctx, tx, corrections); err != nil {
			return err
		}
		var b pgx.Batch
		for _, c := range corrections {
			if c.Deployment != "" && (c.Address != "" || c.State != "") {
				b.Queue(correctContainer, c.Deployment, node, c.Address, string(c.State))
			}
			outbox.Queue(&b, sdp.AuditEvent{User: "system", Action: sdp.AuditReconcile, Sandbox: c.Sandbox, Service: c.Service,
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
