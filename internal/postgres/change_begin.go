package postgres

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/jackc/pgx/v5"

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
}

// committed is what a switch of one service took out of service.
type committed struct {
	Container string             `json:"container,omitempty"` // "" = nothing answered, or its successor remembers it
	State     sdp.ContainerState `json:"state,omitempty"`     // the container's, before
}

// lockChange locks the sandbox of a change, then reads both.
func lockChange(ctx context.Context, tx pgx.Tx, id string) (c changing, err error) {
	_, err = tx.Exec(ctx, `SELECT FROM sandboxes s JOIN operations o ON o.sandbox_id = s.id WHERE o.id = $1
		FOR NO KEY UPDATE OF s`, id)
	if err != nil {
		return c, err
	}
	c.id = id
	var raw, before []byte
	err = tx.QueryRow(ctx, `SELECT o.state, o.change, o.before->'committed', o.before IS NOT NULL, s.id, s.name, s.deleting,
			s.state = 'DELETED'
		FROM operations o JOIN sandboxes s ON s.id = o.sandbox_id WHERE o.id = $1 AND o.change IS NOT NULL`, id).
		Scan(&c.state, &raw, &before, &c.begun, &c.sandbox, &c.name, &c.deleting, &c.gone)
	if errors.Is(err, pgx.ErrNoRows) {
		return c, sdp.Errorf(sdp.NotFound, "operation-not-found", "there is no change %q", id)
	}
	if err != nil {
		return c, err
	}
	var doc changeDoc
	if err := json.Unmarshal(raw, &doc); err != nil {
		return c, err
	}
	c.change, c.secrets = doc.change(), doc.Secrets
	if before != nil {
		err = json.Unmarshal(before, &c.commits)
	}
	return c, err
}

// open returns a Conflict unless the change may still do something.
func (c *changing) open() error {
	switch {
	case c.gone || c.deleting:
		return sandboxDeleting(c.name)
	case c.state.Settled():
		return sdp.Errorf(sdp.Conflict, "operation-state", "%s is %s already", c.id, c.state)
	}
	return nil
}

// BeginChange writes the settings of the sandbox and of its services as the change wants them, and remembers what was.
// Routes, and services that leave, stay as they are until CommitChange. It returns the operation, and the service that
// was the gateway before; repeated, it changes nothing and returns the same.
func (db *DB) BeginChange(ctx context.Context, id string) (op sdp.Operation, gateway string, err error) {
	err = db.inTx(ctx, "beginning "+id, func(tx pgx.Tx) error {
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
	if err := requireEnvironment(ctx, tx, c.change.Spec.Environment, c.change.Spec.EnvironmentVersion); err != nil {
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
		WHERE id = $1`, c.sandbox, clean(spec.Description), document(orEmpty(spec.Labels)), spec.Environment,
		spec.EnvironmentVersion, document(orEmpty(spec.Variables)), limitsDocument(spec.Limits),
		intervalOf(spec.Expiry.IdleAfter), intervalOf(spec.Expiry.DeleteAfter), c.secretsOf(""))
	deploys := map[string]bool{}
	for _, a := range c.change.Actions {
		deploys[a.Service] = a.Kind.Deploys()
	}
	services := spec.All()
	for _, name := range sortedKeys(services) {
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
		c.sandbox, name, v.Branch, v.Commit, v.Track, document(orEmpty(v.Variables)), c.secretsOf(name),
		document(limitsDoc(v.Limits)), container, runs)
}

// secretsOf are the sealed secrets the change brings for a service, as JSON; nil keeps what is there.
func (c *changing) secretsOf(service string) []byte {
	if c.secrets == nil {
		return nil
	}
	return document(orEmpty(c.secrets[service]))
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
