package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"sdp/internal/sdp"
)

// containerColumns need the tables containers as c and sandboxes as s.
const containerColumns = `c.deployment, s.name, c.service, c.node, c.docker_id, c.address, c.sha, c.image, c.state`

func containerFields(c *sdp.Container) []any {
	return []any{&c.Deployment, &c.Sandbox, &c.Service, &c.Node, &c.DockerID, &c.Address, &c.SHA, &c.Image, &c.State}
}

func scanContainer(row pgx.CollectableRow) (c sdp.Container, err error) {
	return c, row.Scan(containerFields(&c)...)
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

func containers(ctx context.Context, q querier, f ContainerFilter) ([]sdp.Container, error) {
	return query(ctx, q, "listing containers", scanContainer, `SELECT `+containerColumns+`
		FROM containers c JOIN sandboxes s ON s.id = c.sandbox_id
		WHERE s.state <> 'DELETED' AND ($1 = '' OR s.name = $1) AND ($2 = '' OR c.service = $2) AND ($3 = '' OR c.node = $3)
			AND CASE WHEN cardinality($4::text[]) = 0 THEN c.state <> 'REMOVED'
				ELSE c.state = ANY($4::text[]::container_state[]) END
		ORDER BY s.name, c.service, c.created_at DESC`, f.Sandbox, f.Service, f.Node, texts(f.States))
}

// PutContainer stores a container as its node reports it. One that serves already and is reported as STARTING again,
// by an activity that is repeated, goes on serving. Only Serve makes a container serve.
func (db *DB) PutContainer(ctx context.Context, c sdp.Container) error {
	return db.inTx(ctx, "storing a container", func(tx pgx.Tx) error {
		id, err := lockSandbox(ctx, tx, c.Sandbox)
		if err != nil {
			return err
		}
		old, err := containerState(ctx, tx, c.Deployment)
		if err != nil {
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
	return c.state == sdp.Serving, translate("reading a container's state", err)
}

type oldContainer struct {
	state             sdp.ContainerState // "" if there is none
	dockerID, address string
}

func containerState(ctx context.Context, q querier, deployment string) (o oldContainer, err error) {
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
	return translate("recording a container's state", err)
}
