package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"sdp/internal/postgres/envstore"
	"sdp/internal/postgres/pg"
	"sdp/internal/sdp"
)

// changing is a change that is carried out, locked together with its sandbox.
type changing struct {
	id       string
	state    sdp.OperationState
	change   *sdp.Change
	secrets  map[string]map[string][]byte // nil = keep
	begun    bool                         // what was before is remembered
	commits  map[string]committed         // what is switched, by service; the gateway's place under ""
	sandbox  int64
	name     string
	deleting bool
	gone     bool // the sandbox is DELETED
	lost     bool // nobody carries it out any more: what it made is still on nodes
}

// committed is what a switch of one service took out of service.
type committed struct {
	Container string             `json:"container,omitempty"` // "" = nothing answered, or its successor remembers it
	State     sdp.ContainerState `json:"state,omitempty"`     // the container's, before
}

type changingRow struct {
	State     sdp.OperationState   `db:"state"`
	Change    changeDoc            `db:"change"`
	Committed map[string]committed `db:"committed"`
	Begun     bool                 `db:"begun"`
	Sandbox   int64                `db:"sandbox"`
	Name      string               `db:"name"`
	Deleting  bool                 `db:"deleting"`
	Gone      bool                 `db:"gone"`
}

// lockChange locks the sandbox of a change, then reads both.
func lockChange(ctx context.Context, tx pgx.Tx, id string) (c changing, err error) {
	_, err = tx.Exec(ctx, `SELECT FROM sandboxes s JOIN operations o ON o.sandbox_id = s.id WHERE o.id = $1
		FOR NO KEY UPDATE OF s`, id)
	if err != nil {
		return c, err
	}
	r, err := pg.One(ctx, tx, pgx.RowToStructByName[changingRow], `
		SELECT o.state, o.change, o.before->'committed' AS committed, o.before IS NOT NULL AS begun, s.id AS sandbox, s.name,
			s.deleting, s.state = 'DELETED' AS gone
		FROM operations o JOIN sandboxes s ON s.id = o.sandbox_id WHERE o.id = $1 AND o.change IS NOT NULL`, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return c, sdp.Errorf(sdp.NotFound, "operation-not-found", "there is no change %q", id)
	}
	if err != nil {
		return c, err
	}
	return changing{id: id, state: r.State, change: r.Change.change(), secrets: r.Change.Secrets, begun: r.Begun,
		commits: r.Committed, sandbox: r.Sandbox, name: r.Name, deleting: r.Deleting, gone: r.Gone}, nil
}

// open returns a Conflict unless the change may still do something.
func (c *changing) open() error {
	switch {
	case c.gone || c.deleting:
		return pg.SandboxDeleting(c.name)
	case c.state.Settled():
		return sdp.Errorf(sdp.Conflict, "operation-state", "%s is %s already", c.id, c.state)
	}
	return nil
}

// BeginChange writes the settings of the sandbox and of its services as the change wants them, and remembers what was.
// Routes, and services that leave, stay as they are until CommitChange. It returns the operation, and the service that
// was the gateway before; repeated, it changes nothing and returns the same.
func (db *DB) BeginChange(ctx context.Context, id string) (op sdp.Operation, gateway string, err error) {
	err = db.pool.InTx(ctx, "beginning "+id, func(tx pgx.Tx) error {
		c, err := lockChange(ctx, tx, id)
		if err == nil {
			err = c.open()
		}
		if err == nil && !c.begun {
			err = c.begin(ctx, tx)
		}
		if err != nil {
			return err
		}
		return tx.QueryRow(ctx, `SELECT before->'sandbox'->>'gateway' FROM operations WHERE id = $1`, id).Scan(&gateway)
	})
	if err != nil {
		return op, "", err
	}
	op, err = db.Operation(ctx, id)
	return op, gateway, err
}

func (c *changing) begin(ctx context.Context, tx pgx.Tx) error {
	if err := envstore.Require(ctx, tx, c.change.Spec.Environment, c.change.Spec.EnvironmentVersion); err != nil {
		return err // it was deleted since the change was accepted
	}
	var b pgx.Batch
	b.Queue(`UPDATE operations SET before = jsonb_build_object('committed', '{}'::jsonb,
			'sandbox', (SELECT to_jsonb(s) FROM sandboxes s WHERE s.id = $2),
			'services', (SELECT coalesce(jsonb_agg(to_jsonb(v)), '[]') FROM sandbox_services v WHERE v.sandbox_id = $2))
		WHERE id = $1`, c.id, c.sandbox)
	if !c.change.New { // a new one was made with its settings
		c.queueSettings(&b)
	}
	b.Queue(`UPDATE deployments SET environment = $2 WHERE operation = $1`, c.id, c.change.Spec.Environment)
	b.Queue(bumpRoutes, c.sandbox)
	return tx.SendBatch(ctx, &b).Close()
}

func (c *changing) queueSettings(b *pgx.Batch) {
	spec := c.change.Spec
	b.Queue(`UPDATE sandboxes SET description = $2, labels = $3, environment = $4, environment_version = $5,
			variables = $6::jsonb, limits = $7, idle_after = $8, delete_after = $9,
			secrets = coalesce($10::jsonb, secrets) - ARRAY(SELECT jsonb_object_keys($6::jsonb))
		WHERE id = $1`, c.sandbox, pg.Clean(spec.Description), pg.Document(pg.OrEmpty(spec.Labels)), spec.Environment,
		spec.EnvironmentVersion, pg.Document(pg.OrEmpty(spec.Variables)), pg.Document(spec.Limits),
		pg.IntervalOf(spec.Expiry.IdleAfter.Duration()), pg.IntervalOf(spec.Expiry.DeleteAfter.Duration()), c.secretsOf(""))
	deploys := map[string]bool{}
	for _, a := range c.change.Actions {
		deploys[a.Service] = a.Kind.Deploys()
	}
	services := spec.All()
	for _, name := range pg.SortedKeys(services) {
		c.queueService(b, name, services[name], deploys[name])
	}
}

// queueService writes the settings of one service. A service that is new keeps the route of one nobody touched until its
// container serves, or its route is committed. Branch and commit stay those last deployed where OCP or a URL answers.
func (c *changing) queueService(b *pgx.Batch, name string, v sdp.ServiceSpec, deploys bool) {
	var container *string
	if deploys {
		n := sdp.ContainerName(c.name, name)
		container = &n
	}
	runs := !v.UseOCP && v.URL == ""
	b.Queue(`INSERT INTO sandbox_services AS v (sandbox_id, name, branch, commit, track, env, secrets, limits,
			container_name, source)
		SELECT $1, $2, $3, $4, $5, $6::jsonb, coalesce($7::jsonb, '{}') - ARRAY(SELECT jsonb_object_keys($6::jsonb)), $8, $9,
			CASE WHEN NOT $10 OR EXISTS (SELECT FROM repositories WHERE name = $2 AND ocp <> '')
				OR EXISTS (SELECT FROM shared_services WHERE name = $2) THEN 'ocp' ELSE 'sandbox' END::route_source
		ON CONFLICT (sandbox_id, name) DO UPDATE SET
			branch = CASE WHEN $10 THEN excluded.branch ELSE v.branch END,
			branch_gone = CASE WHEN $10 AND excluded.branch <> v.branch THEN NULL ELSE v.branch_gone END,
			commit = excluded.commit, track = excluded.track, env = excluded.env, limits = excluded.limits,
			secrets = coalesce($7::jsonb, v.secrets) - ARRAY(SELECT jsonb_object_keys($6::jsonb)),
			container_name = coalesce(excluded.container_name, v.container_name)`,
		c.sandbox, name, v.Branch, v.Commit, v.Track, pg.Document(pg.OrEmpty(v.Variables)), c.secretsOf(name),
		pg.Document(v.Limits), container, runs)
}

// secretsOf are the sealed secrets the change brings for a service, as JSON; nil keeps what is there.
func (c *changing) secretsOf(service string) []byte {
	if c.secrets == nil {
		return nil
	}
	return pg.Document(pg.OrEmpty(c.secrets[service]))
}

// queueRollback puts back the settings as they were before the change began. Nothing else writes them meanwhile: see
// refuseChanging.
func (c *changing) queueRollback(b *pgx.Batch) {
	b.Queue(`UPDATE sandboxes s SET description = p.description, labels = p.labels, environment = p.environment,
			environment_version = p.environment_version, variables = p.variables, secrets = p.secrets, limits = p.limits,
			idle_after = p.idle_after, delete_after = p.delete_after
		FROM operations o, jsonb_populate_record(NULL::sandboxes, o.before->'sandbox') p WHERE o.id = $1 AND s.id = $2`,
		c.id, c.sandbox)
	b.Queue(`DELETE FROM sandbox_services WHERE sandbox_id = $1`, c.sandbox)
	b.Queue(`INSERT INTO sandbox_services SELECT p.* FROM operations o,
		jsonb_populate_recordset(NULL::sandbox_services, o.before->'services') p WHERE o.id = $1`, c.id)
	b.Queue(bumpRoutes, c.sandbox)
}
