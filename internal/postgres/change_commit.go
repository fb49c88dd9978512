package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"sdp/internal/sdp"
)

// CommittedChange is a change of several routes at once: the table the routers need now, on which nodes, and by service
// the containers that lost their place, to be drained and removed.
type CommittedChange struct {
	Table    sdp.RoutingTable
	Nodes    []string
	Previous map[string]sdp.Container
}

// CommitChange switches services in one transaction, with one new route version: containers of deployments serve, which
// are stored as STARTING; routes lead elsewhere; what is removed was never mentioned. With gateway set the public port
// is answered by what the specification says. Deployments that ran are STOPPED once SettleChange confirms it; until then
// RevertChange takes it back. Repeated, it returns the same.
func (db *DB) CommitChange(ctx context.Context, id string, services []string, gateway bool) (out CommittedChange, err error) {
	err = db.inTx(ctx, "switching what "+id+" changes", func(tx pgx.Tx) error {
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
		c.id, service, document(left))
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
func (c *changing) switched(ctx context.Context, tx pgx.Tx, services []string) (out CommittedChange, err error) {
	if out.Table, out.Nodes, err = tableOf(ctx, tx, c.name); err != nil {
		return out, err
	}
	previous, err := query(ctx, tx, "reading the replaced containers", scanContainer, `
		SELECT DISTINCT ON (c.service) `+containerColumns+` FROM containers c JOIN sandboxes s ON s.id = c.sandbox_id
		WHERE c.sandbox_id = $1 AND c.service = ANY($2) AND c.state = 'RETIRING'
		ORDER BY c.service, c.updated_at DESC, c.created_at DESC`, c.sandbox, services)
	out.Previous = map[string]sdp.Container{}
	for _, p := range previous {
		out.Previous[p.Service] = p
	}
	return out, err
}

// RevertChange takes back what CommitChange did to services and the gateway: what answered before does again. It can be
// repeated.
func (db *DB) RevertChange(ctx context.Context, id string, services []string, gateway bool) (s Switch, err error) {
	err = db.inTx(ctx, "taking back what "+id+" switched", func(tx pgx.Tx) error {
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
		if err == nil && g.state == sdp.Serving {
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
