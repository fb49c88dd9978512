package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"sdp/internal/postgres/pg"
	"sdp/internal/sdp"
)

// NewChange is an accepted apply, clone or restore. Its Deployments are queued with it, but nothing of the sandbox
// changes before BeginChange.
type NewChange struct {
	// Operation is of kind apply, clone or restore. ID, Kind, RequestedBy and Change count; the sandbox is Change.Spec's.
	// The gateway of the specification, if there is one, names its repository.
	Operation sdp.Operation
	// New is set where Change.New is: Owner, Gateway and GatewayNode count, the rest is the change's.
	New *NewSandbox
	// RouteVersion is that of the sandbox the change was planned for. Every accepted change of routes or settings raises
	// it, so that a plan cannot be carried out on something else.
	RouteVersion int64
	// Deployments are those that Change.Actions name: ID, Service, Repository, Environment, Branch or SHA, RequestedBy,
	// Steps and Credentials count. Their Env and Secrets do not: settings come from the specification.
	Deployments []NewDeployment
	// Secrets are encrypted already: by service, "" for those of the sandbox itself, and by key. nil keeps what is there;
	// otherwise the sandbox and each service of the specification have exactly these afterwards.
	Secrets map[string]map[string][]byte
}

// AcceptChange stores a change, its operation and its deployments, all or nothing, and for a new sandbox the sandbox
// too, with its public port. It is a Conflict if the sandbox is not what the change was planned for ("plan-stale"), if
// another change is under way ("change-running"), a service is being deployed or switched ("sandbox-busy"), the sandbox
// is being deleted, or, for a new one, exists ("sandbox-exists").
func (db *DB) AcceptChange(ctx context.Context, n NewChange) (s sdp.Sandbox, created []sdp.Deployment, err error) {
	if err := n.check(); err != nil {
		return s, nil, err
	}
	name := n.Operation.Change.Spec.Name
	n.Operation.Sandbox = name
	err = db.accept(ctx, "accepting the "+string(n.Operation.Kind)+" of sandbox "+name, func(tx pgx.Tx) error {
		id, err := n.makeRoom(ctx, tx)
		if err != nil {
			return err
		}
		if err := n.insert(ctx, tx); err != nil {
			return err
		}
		if created, err = n.queue(ctx, tx, id); err != nil {
			return err
		}
		s, err = sandboxByName(ctx, tx, name)
		return err
	})
	return s, created, err
}

// check refuses what a caller could only do by mistake: actions and deployments that do not belong to each other.
func (n *NewChange) check() error {
	c := n.Operation.Change
	if c == nil || !n.Operation.Kind.Changes() || c.New != (n.New != nil) {
		return sdp.Errorf(sdp.Internal, "bad-change", "%s %s does not say what it changes", n.Operation.Kind, n.Operation.ID)
	}
	if g := c.Spec.Gateway; g != nil && g.Repository == "" {
		return sdp.Errorf(sdp.Internal, "bad-change", "%s %s does not name its gateway's repository", n.Operation.Kind, n.Operation.ID)
	}
	deployments := map[string]string{}
	for i := range n.Deployments {
		d := &n.Deployments[i]
		d.Sandbox, d.Operation = c.Spec.Name, n.Operation.ID
		deployments[d.Service] = d.ID
	}
	for _, a := range c.Actions {
		if id, ok := deployments[a.Service]; ok != a.Kind.Deploys() || id != a.Deployment {
			return sdp.Errorf(sdp.Internal, "bad-change", "the %s of %s and deployment %q do not belong to each other",
				a.Kind, a.Service, id)
		}
		delete(deployments, a.Service)
	}
	if len(deployments) > 0 {
		return sdp.Errorf(sdp.Internal, "bad-change", "%s %s has deployments without an action", n.Operation.Kind, n.Operation.ID)
	}
	return refuseDoubles(n.Deployments)
}

// makeRoom locks the sandbox and makes sure that the change fits, or makes the sandbox.
func (n *NewChange) makeRoom(ctx context.Context, tx pgx.Tx) (id int64, err error) {
	spec := n.Operation.Change.Spec
	if n.New != nil {
		err := insertSandbox(ctx, tx, NewSandbox{Spec: spec, Owner: n.New.Owner, Gateway: n.New.Gateway,
			GatewayNode: n.New.GatewayNode, Secrets: n.Secrets})
		if err != nil {
			return 0, err
		}
		return lockSandbox(ctx, tx, spec.Name)
	}
	if id, err = lockSandbox(ctx, tx, spec.Name); err != nil {
		return 0, err
	}
	if err := refuseChanging(ctx, tx, id, spec.Name); err != nil {
		return 0, err
	}
	if err := refuseBusy(ctx, tx, id, spec.Name); err != nil {
		return 0, err
	}
	var version int64
	err = tx.QueryRow(ctx, `SELECT route_version FROM sandboxes WHERE id = $1`, id).Scan(&version)
	if err == nil && version != n.RouteVersion {
		err = sdp.Errorf(sdp.Conflict, "plan-stale", "sandbox %s has changed since this was planned", spec.Name).
			WithRemedy("plan again and look at what has become of it: `sdp plan -f FILE`")
	}
	return id, err
}

// refuseChanging returns a Conflict while a change of the sandbox is under way: nothing else may write its settings,
// because the change may have to put back what it found.
func refuseChanging(ctx context.Context, q pg.Querier, id int64, sandbox string) error {
	type row struct {
		ID    string    `db:"id"`
		Kind  string    `db:"kind"`
		User  string    `db:"requested_by"`
		Since time.Time `db:"created_at"`
	}
	found, err := pg.Query(ctx, q, "looking for a change under way", pgx.RowToStructByName[row], `
		SELECT id, kind::text AS kind, requested_by, created_at FROM operations
		WHERE sandbox_id = $1 AND finished_at IS NULL AND changes`, id)
	if err != nil || len(found) == 0 {
		return err
	}
	o := found[0]
	return sdp.Errorf(sdp.Conflict, "change-running", "%s %s of %s is under way in sandbox %s since %s UTC",
		o.Kind, o.ID, o.User, sandbox, o.Since.Format("15:04:05")).
		WithRemedy("wait until it is done, or cancel it: `sdp cancel %s`", o.ID)
}

// refuseBusy returns a Conflict while a service is being deployed, restarted, stopped or routed: what a plan says of it
// would not be true any more when the change begins.
func refuseBusy(ctx context.Context, q pg.Querier, id int64, sandbox string) error {
	type row struct {
		ID      string `db:"id"`
		Kind    string `db:"kind"`
		Service string `db:"service"`
	}
	found, err := pg.Query(ctx, q, "looking for what is under way", pgx.RowToStructByName[row], `
		SELECT id, 'deploy' AS kind, service FROM deployments WHERE sandbox_id = $1 AND finished_at IS NULL
		UNION ALL SELECT id, kind::text, service FROM operations
		WHERE sandbox_id = $1 AND finished_at IS NULL AND service <> '' ORDER BY 1 LIMIT 1`, id)
	if err != nil || len(found) == 0 {
		return err
	}
	o := found[0]
	return sdp.Errorf(sdp.Conflict, "sandbox-busy", "the %s of %s, %s, is under way in sandbox %s",
		o.Kind, o.Service, o.ID, sandbox).
		WithRemedy("wait until it is done, or cancel it: `sdp cancel %s`", o.ID)
}

// insert stores the operation. Secrets wait with it until the change begins.
func (n *NewChange) insert(ctx context.Context, tx pgx.Tx) error {
	if err := insertOperation(ctx, tx, n.Operation); err != nil || n.New != nil || n.Secrets == nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE operations SET change = jsonb_set(change, '{secrets}', $2) WHERE id = $1`,
		n.Operation.ID, pg.Document(n.Secrets))
	return err
}

// queue stores the deployments. A new sandbox claims its container names at once, an existing one when the change
// begins.
func (n *NewChange) queue(ctx context.Context, tx pgx.Tx, sandboxID int64) ([]sdp.Deployment, error) {
	if err := refuseTakenNames(ctx, tx, n.Deployments); err != nil {
		return nil, err
	}
	created := make([]sdp.Deployment, len(n.Deployments))
	var b pgx.Batch
	for i, d := range n.Deployments {
		insertDeployment(&b, sandboxID, d, &created[i])
		if n.New != nil {
			b.Queue(claimName, sandboxID, d.Service, sdp.ContainerName(d.Sandbox, d.Service))
		}
	}
	b.Queue(bumpRoutes, sandboxID)
	return created, tx.SendBatch(ctx, &b).Close()
}

const claimName = `UPDATE sandbox_services SET container_name = $3 WHERE sandbox_id = $1 AND name = $2`
