package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"sdp/internal/postgres/nodestore"
	"sdp/internal/postgres/pg"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// Serve makes a deployment's container answer for its service: the container is SERVING, the service routed to the
// sandbox, and what served before RETIRING. A container of another commit than the deployment's is a Conflict. The
// deployments' states change with Confirm, once the routers have followed; until then Unserve takes the switch back.
// Repeated, it returns the same.
func (db *DB) Serve(ctx context.Context, deployment string) (s wire.Switch, err error) {
	err = db.pool.InTx(ctx, "switching to deployment "+deployment, func(tx pgx.Tx) error {
		g, err := lockGeneration(ctx, tx, deployment)
		if err != nil {
			return err
		}
		if g.SandboxDeleting {
			return pg.SandboxDeleting(g.Sandbox)
		}
		if g.State != sdp.Serving {
			if err := g.serve(ctx, tx); err != nil {
				return err
			}
		}
		s, err = g.switched(ctx, tx)
		return err
	})
	return s, err
}

// generation is a container with what decides whether it may serve.
type generation struct {
	Deployment      string              `db:"deployment"`
	SandboxID       int64               `db:"sandbox_id"`
	Sandbox         string              `db:"sandbox"`
	SandboxDeleting bool                `db:"deleting"`
	Service         string              `db:"service"`
	State           sdp.ContainerState  `db:"state"`
	SHA             string              `db:"sha"` // the commit the container runs
	DeploymentState sdp.DeploymentState `db:"deployment_state"`
	DeploymentSHA   string              `db:"deployment_sha"` // the commit the deployment is fixed to; "" = not recorded yet
	Node            string              `db:"node"`
	RemovedBy       string              `db:"removed_by"` // who removed that node, and when
	RemovedAt       *time.Time          `db:"removed_at"`
}

// lockGeneration locks the sandbox of a deployment's container and reads it. The lock is a statement of its own: what
// is read after it is what the last holder left.
func lockGeneration(ctx context.Context, tx pgx.Tx, deployment string) (g generation, err error) {
	_, err = tx.Exec(ctx, `SELECT FROM sandboxes s JOIN containers c ON c.sandbox_id = s.id WHERE c.deployment = $1
		FOR NO KEY UPDATE OF s`, deployment)
	if err != nil {
		return g, err
	}
	g, err = pg.One(ctx, tx, pgx.RowToStructByName[generation], `SELECT c.deployment, s.id AS sandbox_id, s.name AS sandbox,
			s.deleting, c.service, c.state, c.sha, d.state AS deployment_state, d.sha AS deployment_sha,
			c.node, n.removed_by, n.removed_at
		FROM containers c JOIN sandboxes s ON s.id = c.sandbox_id JOIN deployments d ON d.id = c.deployment
		JOIN nodes n ON n.name = c.node
		WHERE c.deployment = $1 AND s.state <> 'DELETED'`, deployment)
	if errors.Is(err, pgx.ErrNoRows) {
		err = sdp.Errorf(sdp.NotFound, "container-gone", "deployment %s has no container", deployment)
	}
	return g, err
}

func (g generation) serve(ctx context.Context, tx pgx.Tx) error {
	if err := g.mayServe(); err != nil {
		return err
	}
	var b pgx.Batch
	g.queueServe(&b)
	b.Queue(bumpRoutes, g.SandboxID)
	return tx.SendBatch(ctx, &b).Close()
}

// mayServe returns a Conflict unless the container can be switched to.
func (g generation) mayServe() error {
	if g.RemovedAt != nil {
		return nodestore.Gone(g.Node, g.RemovedBy, *g.RemovedAt)
	}
	if g.State != sdp.Starting {
		return sdp.Errorf(sdp.Conflict, "container-state", "the container of deployment %s is %s and cannot serve",
			g.Deployment, g.State)
	}
	if g.DeploymentSHA != "" && g.SHA != g.DeploymentSHA {
		return sdp.Errorf(sdp.Conflict, "commit-fixed", "the container of deployment %s runs commit %s and not %s",
			g.Deployment, sdp.ShortSHA(g.SHA), sdp.ShortSHA(g.DeploymentSHA)).WithRemedy("deploy again")
	}
	if g.DeploymentState.Settled() {
		return sdp.Errorf(sdp.Conflict, "deployment-state", "deployment %s is %s and cannot serve", g.Deployment,
			g.DeploymentState)
	}
	return nil
}

// queueServe adds to b what makes the container answer for its service.
func (g generation) queueServe(b *pgx.Batch) {
	b.Queue(`UPDATE containers c SET replaced_source = v.source, replaced_url = v.url, replaced = coalesce((
			SELECT p.deployment FROM containers p WHERE p.sandbox_id = $1 AND p.service = $2 AND p.state = 'SERVING'), '')
		FROM sandbox_services v WHERE v.sandbox_id = $1 AND v.name = $2 AND c.deployment = $3`,
		g.SandboxID, g.Service, g.Deployment)
	b.Queue(`UPDATE containers SET state = 'RETIRING', updated_at = now()
		WHERE sandbox_id = $1 AND service = $2 AND state IN ('SERVING', 'STOPPED')`, g.SandboxID, g.Service)
	b.Queue(`UPDATE containers SET state = 'SERVING', updated_at = now() WHERE deployment = $1`, g.Deployment)
	b.Queue(`UPDATE sandbox_services SET source = 'sandbox', url = '' WHERE sandbox_id = $1 AND name = $2`,
		g.SandboxID, g.Service)
}

// switched is the outcome of a switch to g: the table, and what g replaced if that is not gone yet.
func (g generation) switched(ctx context.Context, tx pgx.Tx) (s wire.Switch, err error) {
	if s.Table, s.Nodes, err = tableOf(ctx, tx, g.Sandbox); err != nil {
		return s, err
	}
	s.Previous, err = pg.Query(ctx, tx, "reading the replaced container", pg.ByName(containerRow.domain), `
		SELECT `+containerColumns+`
		FROM containers c JOIN sandboxes s ON s.id = c.sandbox_id JOIN containers g ON g.deployment = $1
		WHERE c.sandbox_id = g.sandbox_id AND c.service = g.service AND c.state = 'RETIRING' AND c.deployment <> $1
		ORDER BY c.deployment = g.replaced DESC, c.updated_at DESC LIMIT 1`, g.Deployment)
	return s, err
}

// Unserve takes back a switch that was not confirmed: the container no longer serves, and what served before does
// again, be it a container, OCP or a URL. Previous is nil. It can be repeated; after Confirm it is a Conflict.
func (db *DB) Unserve(ctx context.Context, deployment string) (s wire.Switch, err error) {
	err = db.pool.InTx(ctx, "taking back the switch to deployment "+deployment, func(tx pgx.Tx) error {
		g, err := lockGeneration(ctx, tx, deployment)
		if err != nil {
			return err
		}
		if g.DeploymentState == sdp.Running {
			return sdp.Errorf(sdp.Conflict, "deployment-state", "deployment %s is %s already", deployment, g.DeploymentState)
		}
		if g.State == sdp.Serving {
			if err := g.unserve(ctx, tx); err != nil {
				return err
			}
		}
		s.Table, s.Nodes, err = tableOf(ctx, tx, g.Sandbox)
		return err
	})
	return s, err
}

func (g generation) unserve(ctx context.Context, tx pgx.Tx) error {
	var b pgx.Batch
	g.queueUnserve(&b)
	b.Queue(bumpRoutes, g.SandboxID)
	return tx.SendBatch(ctx, &b).Close()
}

func (g generation) queueUnserve(b *pgx.Batch) {
	b.Queue(`UPDATE sandbox_services v SET source = c.replaced_source, url = c.replaced_url FROM containers c
		WHERE c.deployment = $1 AND v.sandbox_id = c.sandbox_id AND v.name = c.service`, g.Deployment)
	b.Queue(`UPDATE containers SET state = 'STARTING', updated_at = now() WHERE deployment = $1`, g.Deployment)
	b.Queue(`UPDATE containers p SET state = 'SERVING', updated_at = now() FROM containers c
		WHERE c.deployment = $1 AND p.deployment = c.replaced AND p.state = 'RETIRING'`, g.Deployment)
}

// Confirm settles a deployment whose container serves: it is RUNNING, and the service's deployments that ran before are
// STOPPED. It can be repeated.
func (db *DB) Confirm(ctx context.Context, deployment string) error {
	return db.change(ctx, "confirming deployment "+deployment, func(tx pgx.Tx) error { return confirm(ctx, tx, deployment) })
}

func confirm(ctx context.Context, tx pgx.Tx, deployment string) error {
	g, err := lockGeneration(ctx, tx, deployment)
	if err != nil {
		return err
	}
	if g.DeploymentState == sdp.Running {
		return nil
	}
	if g.State != sdp.Serving {
		return sdp.Errorf(sdp.Conflict, "container-state", "the container of deployment %s is %s and does not serve",
			deployment, g.State)
	}
	var b pgx.Batch
	b.Queue(stopDeployments, g.SandboxID, g.Service, deployment)
	b.Queue(`WITH c AS (
			UPDATE deployments d SET state = 'RUNNING', started_at = coalesce(d.started_at, now()), finished_at = now(),
				waiting_for = '', credentials = NULL, sha = c.sha, image = coalesce(nullif(c.image, ''), d.image)
			FROM containers c WHERE d.id = $1 AND c.deployment = $1 AND d.state = ANY($2::text[]::deployment_state[])
			RETURNING d.id
		) SELECT sdp_notify('deployment/' || id, id, $3, 0) FROM c`, deployment, pg.Texts(sdp.Running.From()), g.Sandbox).
		Exec(func(tag pgconn.CommandTag) error {
			if tag.RowsAffected() == 0 {
				return sdp.Errorf(sdp.Conflict, "deployment-state", "deployment %s is %s and cannot become %s", deployment,
					g.DeploymentState, sdp.Running)
			}
			return nil
		})
	return tx.SendBatch(ctx, &b).Close()
}

// stopDeployments is the statement that stops the running deployments of a service, except one.
const stopDeployments = `
	WITH stopped AS (
		UPDATE deployments SET state = 'STOPPED' WHERE sandbox_id = $1 AND service = $2 AND state = 'RUNNING' AND id <> $3
		RETURNING id, sandbox_id
	)
	SELECT sdp_notify('deployment/' || t.id, t.id, s.name, 0) FROM stopped t JOIN sandboxes s ON s.id = t.sandbox_id`

// StopService commits that a service's container serves no more: it is STOPPED, so is its deployment, and the route
// stays with the sandbox. Previous is the stopped container. Repeated, it returns the same; for a service that has no
// container it is a Conflict.
func (db *DB) StopService(ctx context.Context, sandbox, service string) (s wire.Switch, err error) {
	err = db.pool.InTx(ctx, "stopping "+service, func(tx pgx.Tx) error {
		id, err := lockSandbox(ctx, tx, sandbox)
		if err != nil {
			return err
		}
		var b pgx.Batch
		b.Queue(`UPDATE containers SET state = 'STOPPED', updated_at = now()
			WHERE sandbox_id = $1 AND service = $2 AND state = 'SERVING'`, id, service)
		b.Queue(stopDeployments, id, service, "")
		b.Queue(bumpRoutes, id)
		if err := tx.SendBatch(ctx, &b).Close(); err != nil {
			return err
		}
		stopped, err := containers(ctx, tx, ContainerFilter{Sandbox: sandbox, Service: service,
			States: []sdp.ContainerState{sdp.Stopped}})
		if err != nil {
			return err
		}
		if len(stopped) == 0 {
			return sdp.Errorf(sdp.Conflict, "not-running", "%s has no running container in sandbox %s", service, sandbox).
				WithRemedy("`sdp sandbox show %s` shows what runs", sandbox)
		}
		s.Previous = stopped[:1]
		s.Table, s.Nodes, err = tableOf(ctx, tx, sandbox)
		return err
	})
	return s, err
}
