package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"sdp/internal/postgres/outbox"
	"sdp/internal/postgres/pg"
	"sdp/internal/postgres/stored"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// CommitChange switches services in one transaction, with one new route version: containers of deployments serve, which
// are stored as STARTING; routes lead elsewhere; what is removed was never mentioned. With gateway set the public port
// is answered by what the specification says. Deployments that ran are STOPPED once SettleChange confirms it; until then
// RevertChange takes it back. Repeated, it returns the same.
func (db *DB) CommitChange(ctx context.Context, id string, services []string, gateway bool) (out wire.Switch, err error) {
	err = db.pool.InTx(ctx, "switching what "+id+" changes", func(tx pgx.Tx) error {
		c, err := lockChange(ctx, tx, id)
		if err == nil {
			err = c.open()
		}
		if err == nil && !c.begun {
			err = sdp.Errorf(sdp.Conflict, "not-begun", "%s has not begun", id)
		}
		if err != nil {
			return err
		}
		_, before, err := tableOf(ctx, tx, c.name) // a node that only had what is removed must hear of it, too
		if err != nil {
			return err
		}
		if err := c.commit(ctx, tx, services, gateway); err != nil {
			return err
		}
		out, err = c.switched(ctx, tx, services)
		out.Nodes = slices.Compact(slices.Sorted(slices.Values(append(out.Nodes, before...))))
		return err
	})
	return out, err
}

func (c *changing) commit(ctx context.Context, tx pgx.Tx, services []string, gateway bool) error {
	var b pgx.Batch
	for _, a := range c.change.Actions {
		if _, done := c.commits[a.Service]; done || !slices.Contains(services, a.Service) {
			continue
		}
		left, err := c.action(ctx, tx, &b, a)
		if err != nil {
			return err
		}
		c.queueCommitted(&b, a.Service, left)
	}
	if _, done := c.commits[""]; gateway && !done {
		c.queueCommitted(&b, "", committed{})
		b.Queue(`UPDATE sandboxes SET gateway = $2 WHERE id = $1`, c.sandbox, c.change.Spec.GatewayName())
	}
	if b.Len() == 0 {
		return nil
	}
	b.Queue(bumpRoutes, c.sandbox)
	return tx.SendBatch(ctx, &b).Close()
}

func (c *changing) queueCommitted(b *pgx.Batch, service string, left committed) {
	b.Queue(`UPDATE operations SET before = jsonb_set(before, ARRAY['committed', $2], $3::jsonb) WHERE id = $1`,
		c.id, service, pg.Document(left))
}

// action adds to b what switches one service, and returns what it takes out of service.
func (c *changing) action(ctx context.Context, tx pgx.Tx, b *pgx.Batch, a sdp.Action) (left committed, err error) {
	if a.Kind.Deploys() {
		g, err := lockGeneration(ctx, tx, a.Deployment)
		if err == nil {
			err = g.mayServe()
		}
		if err == nil {
			g.queueServe(b)
		}
		return left, err
	}
	if a.Kind == sdp.ActionRoute {
		if err := checkRoutable(ctx, tx, a.Service, a.Source); err != nil {
			return left, err
		}
		b.Queue(`INSERT INTO sandbox_services (sandbox_id, name, source, url) VALUES ($1, $2, $3, $4)
			ON CONFLICT (sandbox_id, name) DO UPDATE SET (source, url) = ($3, $4)`, c.sandbox, a.Service, a.Source, a.URL)
		if a.Source == sdp.SourceSandbox { // its container is there and only had no requests
			return left, nil
		}
	} else {
		b.Queue(`DELETE FROM sandbox_services WHERE sandbox_id = $1 AND name = $2`, c.sandbox, a.Service)
	}
	found, err := containers(ctx, tx, ContainerFilter{Sandbox: c.name, Service: a.Service,
		States: []sdp.ContainerState{sdp.Serving, sdp.Stopped}})
	if err != nil || len(found) == 0 {
		return left, err
	}
	b.Queue(`UPDATE containers SET state = 'RETIRING', updated_at = now()
		WHERE sandbox_id = $1 AND service = $2 AND state IN ('SERVING', 'STOPPED')`, c.sandbox, a.Service)
	return committed{Container: found[0].Deployment, State: found[0].State}, nil
}

// switched is the outcome of a commit: for each service the newest of its containers that were taken out of service.
func (c *changing) switched(ctx context.Context, tx pgx.Tx, services []string) (out wire.Switch, err error) {
	if out.Table, out.Nodes, err = tableOf(ctx, tx, c.name); err != nil {
		return out, err
	}
	out.Previous, err = pg.Query(ctx, tx, "reading the replaced containers", pg.ByName(containerRow.domain), `
		SELECT DISTINCT ON (c.service) `+containerColumns+` FROM containers c JOIN sandboxes s ON s.id = c.sandbox_id
		WHERE c.sandbox_id = $1 AND c.service = ANY($2) AND c.state = 'RETIRING'
		ORDER BY c.service, c.updated_at DESC, c.created_at DESC`, c.sandbox, services)
	return out, err
}

// RevertChange takes back what CommitChange did to services and the gateway: what answered before does again. It can be
// repeated.
func (db *DB) RevertChange(ctx context.Context, id string, services []string, gateway bool) (s wire.Switch, err error) {
	err = db.pool.InTx(ctx, "taking back what "+id+" switched", func(tx pgx.Tx) error {
		c, err := lockChange(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := c.revert(ctx, tx, services, gateway); err != nil {
			return err
		}
		s.Table, s.Nodes, err = tableOf(ctx, tx, c.name)
		return err
	})
	return s, err
}

func (c *changing) revert(ctx context.Context, tx pgx.Tx, services []string, gateway bool) error {
	var b pgx.Batch
	for _, a := range c.change.Actions {
		left, done := c.commits[a.Service]
		if !done || !slices.Contains(services, a.Service) {
			continue
		}
		if err := c.undo(ctx, tx, &b, a, left); err != nil {
			return err
		}
		b.Queue(`UPDATE operations SET before = before #- ARRAY['committed', $2] WHERE id = $1`, c.id, a.Service)
	}
	if _, done := c.commits[""]; gateway && done {
		b.Queue(`UPDATE sandboxes s SET gateway = o.before->'sandbox'->>'gateway' FROM operations o WHERE o.id = $1 AND s.id = $2`,
			c.id, c.sandbox)
		b.Queue(`UPDATE operations SET before = before #- '{committed,""}' WHERE id = $1`, c.id)
	}
	if b.Len() == 0 {
		return nil
	}
	b.Queue(bumpRoutes, c.sandbox)
	return tx.SendBatch(ctx, &b).Close()
}

func (c *changing) undo(ctx context.Context, tx pgx.Tx, b *pgx.Batch, a sdp.Action, left committed) error {
	if a.Kind.Deploys() {
		g, err := lockGeneration(ctx, tx, a.Deployment)
		if err == nil && g.State == sdp.Serving {
			g.queueUnserve(b)
		}
		return err
	}
	b.Queue(`INSERT INTO sandbox_services AS v SELECT p.* FROM operations o,
			jsonb_populate_recordset(NULL::sandbox_services, o.before->'services') p WHERE o.id = $1 AND p.name = $2
		ON CONFLICT (sandbox_id, name) DO UPDATE SET (source, url) = (excluded.source, excluded.url)`, c.id, a.Service)
	if a.Kind == sdp.ActionRoute { // one that was not there before goes back to what it was after BeginChange
		b.Queue(`UPDATE sandbox_services v SET source = 'ocp', url = '' FROM operations o
			WHERE v.sandbox_id = $1 AND v.name = $2 AND o.id = $3 AND NOT EXISTS (
				SELECT FROM jsonb_array_elements(o.before->'services') p WHERE p->>'name' = $2)`, c.sandbox, a.Service, c.id)
	}
	if left.Container != "" {
		b.Queue(`UPDATE containers SET state = $2::container_state, updated_at = now()
			WHERE deployment = $1 AND state = 'RETIRING'`, left.Container, string(left.State))
	}
	return nil
}

// AbandonChange begins to take down the sandbox that a change was to make: it takes no new work any more, and nodes are
// those that may have something of it. left is true where a delete of the sandbox was accepted, which does the same: then
// there is nothing to do. It can be repeated.
func (db *DB) AbandonChange(ctx context.Context, id string) (nodes []string, left bool, err error) {
	err = db.pool.InTx(ctx, "taking down what "+id+" made", func(tx pgx.Tx) error {
		c, err := lockChange(ctx, tx, id)
		if err != nil {
			return err
		}
		if left = c.gone || c.state.Settled(); left {
			return nil
		}
		if left, err = c.beingDeleted(ctx, tx); err != nil || left {
			return err
		}
		if !c.change.New {
			return sdp.Errorf(sdp.Internal, "not-new", "%s did not make sandbox %s", id, c.name)
		}
		if _, err := tx.Exec(ctx, `UPDATE sandboxes SET deleting = true WHERE id = $1`, c.sandbox); err != nil {
			return err
		}
		_, nodes, err = tableOf(ctx, tx, c.name)
		return err
	})
	return nodes, left, err
}

func (c *changing) beingDeleted(ctx context.Context, q pg.Querier) (deleting bool, err error) {
	err = q.QueryRow(ctx, `SELECT EXISTS (SELECT FROM operations WHERE sandbox_id = $1 AND kind = 'delete'
		AND finished_at IS NULL)`, c.sandbox).Scan(&deleting)
	return deleting, err
}

// SettleChange writes the end of a change, and what follows from it: deployments of it that never began are CANCELLED,
// those of services that were routed elsewhere or removed are STOPPED, and what was remembered is forgotten. Without
// success an atomic change leaves no trace: settings are as they were, and a sandbox it was to make is history, unless
// routes were committed, or somebody deletes the sandbox anyway. settled is false where the change had ended before.
func (db *DB) SettleChange(ctx context.Context, id string, state sdp.OperationState, f *sdp.Failure,
) (settled bool, err error) {
	err = db.change(ctx, "settling "+id, func(tx pgx.Tx) error {
		c, err := lockChange(ctx, tx, id)
		if err != nil {
			return err
		}
		if settled = !c.state.Settled(); !settled {
			return outbox.ErrUnchanged
		}
		return c.settle(ctx, tx, state, f)
	})
	return settled, err
}

func (c *changing) settle(ctx context.Context, tx pgx.Tx, state sdp.OperationState, f *sdp.Failure) error {
	deleted, err := c.beingDeleted(ctx, tx)
	if err != nil {
		return err
	}
	why := StateChange{Failure: sdp.CancelledWith(c.id, f)}
	if err := cancelDeployments(ctx, tx, "d.operation", c.id, why); err != nil {
		return err
	}
	var b pgx.Batch
	undo := c.change.Atomic && state != sdp.OpSucceeded && len(c.commits) == 0 && !c.gone && !deleted
	switch {
	case undo && c.change.New && c.lost: // it is there to be deleted, which takes it down everywhere
		b.Queue(`UPDATE sandboxes SET deleting = false WHERE id = $1`, c.sandbox)
	case undo && c.change.New:
		if err := makeHistory(ctx, tx, c.sandbox, c.name, c.id, why); err != nil {
			return err
		}
	case undo && c.begun:
		c.queueRollback(&b)
	}
	for _, a := range c.change.Actions {
		if _, done := c.commits[a.Service]; done && a.TakesOut() {
			b.Queue(stopDeployments, c.sandbox, a.Service, "")
		}
	}
	if state != sdp.OpSucceeded {
		b.Queue(bumpRoutes, c.sandbox) // a table says why nothing answers
	}
	b.Queue(`UPDATE operations SET state = $2, failure = $3, waiting_for = '', finished_at = now(), before = NULL,
		change = change - 'secrets' WHERE id = $1`, c.id, state, stored.FailureDocument(f))
	b.Queue(`SELECT sdp_notify('sandbox/' || $2::text, $1, $2, 0)`, c.id, c.name)
	return tx.SendBatch(ctx, &b).Close()
}
