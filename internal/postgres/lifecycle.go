package postgres

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"sdp/internal/postgres/envstore"
	"sdp/internal/postgres/nodestore"
	"sdp/internal/postgres/pg"
	"sdp/internal/sdp"
)

// NewSandbox is a sandbox to create, the operation that does it, and the deployments of the services that have a
// branch.
type NewSandbox struct {
	Spec        sdp.SandboxSpec
	Owner       string
	Gateway     string // service that is the gateway; "" = none
	GatewayNode string // node whose range the public port is taken from; "" = no public port
	// Secrets are encrypted already: by service, "" for those of the sandbox itself, and by key.
	Secrets     map[string]map[string][]byte
	Operation   sdp.Operation // of kind create unless it carries a change
	Deployments []NewDeployment
}

// CreateSandbox stores a sandbox, its services, its public port, its create operation and its deployments, all or
// nothing; Seq of the deployments is set. A service with a branch is routed to the sandbox from the first moment, so its users see 503 until it runs,
// never OCP by accident.
func (db *DB) CreateSandbox(ctx context.Context, n NewSandbox) (s sdp.Sandbox, err error) {
	err = db.accept(ctx, "creating sandbox "+n.Spec.Name, func(tx pgx.Tx) error {
		if err := insertSandbox(ctx, tx, n); err != nil {
			return err
		}
		n.Operation.Sandbox = n.Spec.Name
		if n.Operation.Change == nil {
			n.Operation.Kind = sdp.OpCreate
		}
		if err := insertOperation(ctx, tx, n.Operation); err != nil {
			return err
		}
		for i := range n.Deployments {
			n.Deployments[i].Sandbox = n.Spec.Name
		}
		created, err := createDeployments(ctx, tx, n.Deployments)
		if err != nil {
			return err
		}
		for i, d := range created {
			n.Deployments[i].Seq = d.Seq
		}
		s, err = sandboxByName(ctx, tx, n.Spec.Name)
		return err
	})
	return s, err
}

func insertSandbox(ctx context.Context, tx pgx.Tx, n NewSandbox) error {
	if err := envstore.Require(ctx, tx, n.Spec.Environment, n.Spec.EnvironmentVersion); err != nil {
		return err
	}
	var port *int
	if n.GatewayNode != "" {
		free, err := nodestore.FreePort(ctx, tx, n.GatewayNode)
		if err != nil {
			return err
		}
		port = &free
	}
	var id int64
	// Versions go on where a deleted sandbox of the name left off: a router that missed the delete must not take the new
	// sandbox's table for an old one.
	err := tx.QueryRow(ctx, `
		INSERT INTO sandboxes (name, owner, description, environment, gateway, gateway_node, port, labels,
			environment_version, variables, secrets, limits, idle_after, delete_after, route_version)
		VALUES ($1, $2, $3, $4, $5, nullif($6, ''), $7, $8, $9, $10, $11, $12, $13, $14,
			(SELECT coalesce(max(route_version), 0) + 1 FROM sandboxes WHERE name = $1))
		ON CONFLICT (name) WHERE state <> 'DELETED' DO NOTHING
		RETURNING id`, n.Spec.Name, n.Owner, pg.Clean(n.Spec.Description), n.Spec.Environment, n.Gateway, n.GatewayNode, port,
		pg.Document(pg.OrEmpty(n.Spec.Labels)), n.Spec.EnvironmentVersion, pg.Document(pg.OrEmpty(n.Spec.Variables)),
		pg.Document(pg.OrEmpty(n.Secrets[""])), pg.Document(n.Spec.Limits), pg.IntervalOf(n.Spec.Expiry.IdleAfter.Duration()),
		pg.IntervalOf(n.Spec.Expiry.DeleteAfter.Duration())).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return sdp.Errorf(sdp.Conflict, "sandbox-exists", "there is a sandbox %s already", n.Spec.Name).
			WithRemedy("choose another name, or delete it first: `sdp sandbox delete %s`", n.Spec.Name)
	}
	if err != nil {
		return err
	}
	specs := maps.Clone(n.Spec.Services)
	if n.Gateway != "" && n.Spec.Gateway != nil {
		specs = pg.OrEmpty(specs)
		specs[n.Gateway] = n.Spec.Gateway.Service()
	}
	var b pgx.Batch
	for _, name := range slices.Sorted(maps.Keys(specs)) {
		v := specs[name]
		source, url := sourceOf(v)
		b.Queue(`INSERT INTO sandbox_services (sandbox_id, name, branch, commit, track, source, url, env, secrets, limits)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, id, name, v.Branch, v.Commit, v.Track, source, url,
			pg.Document(pg.OrEmpty(v.Variables)), pg.Document(pg.OrEmpty(n.Secrets[name])), pg.Document(v.Limits))
	}
	b.Queue(`SELECT sdp_notify('sandbox/' || $1, $1, $1, 0)`, n.Spec.Name)
	return tx.SendBatch(ctx, &b).Close()
}

func sourceOf(s sdp.ServiceSpec) (source sdp.Source, url string) {
	switch {
	case s.UseOCP:
		return sdp.SourceOCP, ""
	case s.URL != "":
		return sdp.SourceURL, s.URL
	}
	return sdp.SourceSandbox, ""
}

// BeginDelete marks a sandbox as being deleted, from when on it takes no new deployments or operations, and stores the
// delete operation. A second delete while one is under way is a Conflict; after a failed one it is the way to go on.
func (db *DB) BeginDelete(ctx context.Context, name string, op sdp.Operation) error {
	return db.accept(ctx, "deleting sandbox "+name, func(tx pgx.Tx) error {
		id, deleting, err := lockAnySandbox(ctx, tx, name)
		if err != nil {
			return err
		}
		if deleting {
			return pg.SandboxDeleting(name)
		}
		op.Sandbox, op.Kind, op.Service = name, sdp.OpDelete, ""
		if _, err := tx.Exec(ctx, `UPDATE sandboxes SET deleting = true WHERE id = $1`, id); err != nil {
			return err
		}
		return insertOperation(ctx, tx, op)
	})
}

// FinishDelete turns the sandbox of a delete operation into history: its port and names are free again, secrets and
// credentials are gone, whatever had not settled is cancelled. Its audit, deployments and logs stay. It can be
// repeated, even after the name was taken again.
func (db *DB) FinishDelete(ctx context.Context, operation, sandbox string) error {
	return db.pool.InTx(ctx, "deleting sandbox "+sandbox, func(tx pgx.Tx) error {
		d, err := deletionOf(ctx, tx, operation, sandbox, "FOR NO KEY UPDATE OF s")
		if err != nil || !d.There { // gone: the call is a repetition
			return err
		}
		if !d.Deleting {
			return sdp.Errorf(sdp.Conflict, "not-deleting", "sandbox %s is not being deleted", sandbox).
				WithRemedy("start with `sdp sandbox delete %s`", sandbox)
		}
		by := sdp.Superseder{ID: operation, User: d.User}
		return makeHistory(ctx, tx, d.Sandbox, sandbox, "", StateChange{Failure: by.Failure(), SupersededBy: by})
	})
}

// makeHistory turns a sandbox into history, with what has not ended in it because of why; except names an operation that
// writes its end itself.
func makeHistory(ctx context.Context, tx pgx.Tx, id int64, name, except string, why StateChange) error {
	if err := cancelDeployments(ctx, tx, "d.sandbox_id", id, why); err != nil {
		return err
	}
	if err := cancelOperations(ctx, tx, id, except, why.Failure); err != nil {
		return err
	}
	var b pgx.Batch
	nodestore.QueueKeepPort(&b, id)
	b.Queue(`UPDATE containers SET state = 'REMOVED', updated_at = now() WHERE sandbox_id = $1 AND state <> 'REMOVED'`, id)
	b.Queue(`UPDATE sandbox_services SET container_name = NULL, secrets = '{}' WHERE sandbox_id = $1`, id)
	b.Queue(`UPDATE operations SET before = NULL, change = change - 'secrets'
		WHERE sandbox_id = $1 AND (before IS NOT NULL OR change ? 'secrets')`, id)
	b.Queue(`WITH ended AS (UPDATE deployments SET state = 'STOPPED' WHERE sandbox_id = $1 AND state = 'RUNNING' RETURNING id)
		SELECT sdp_notify('deployment/' || id, id, $2, 0) FROM ended`, id, name)
	b.Queue(`UPDATE sandboxes SET state = 'DELETED', deleting = false, deleted_at = now(), secrets = '{}',
		route_version = route_version + 1 WHERE id = $1`, id)
	b.Queue(`SELECT sdp_notify('sandbox/' || $1, $1, $1, 0)`, name)
	return tx.SendBatch(ctx, &b).Close()
}

// DeleteTarget returns whether the sandbox that a delete operation was accepted for is still there, and the nodes that
// may have something of it. Another sandbox may have taken the name since.
func (db *DB) DeleteTarget(ctx context.Context, operation, sandbox string) (there bool, nodes []string, err error) {
	err = db.pool.InTxWith(ctx, pg.Snapshot, "reading what "+operation+" deletes", func(tx pgx.Tx) error {
		d, err := deletionOf(ctx, tx, operation, sandbox, "")
		if there = d.There; err == nil && there {
			_, nodes, err = tableOf(ctx, tx, sandbox)
		}
		return err
	})
	return there, nodes, err
}

// deletion is what a delete operation was accepted for.
type deletion struct {
	Kind     sdp.OperationKind `db:"kind"`
	Name     string            `db:"name"` // of the sandbox
	Sandbox  int64             `db:"sandbox_id"`
	There    bool              `db:"there"`
	Deleting bool              `db:"deleting"`
	Ended    bool              `db:"ended"`
	User     string            `db:"requested_by"`
}

// deletionOf reads, and locks as lock says, what an operation deletes. One of another kind, or of another sandbox, deletes
// nothing: what it was taken for is somebody's mistake. Nor does one that has ended.
func deletionOf(ctx context.Context, q pg.Querier, operation, sandbox, lock string) (d deletion, err error) {
	d, err = pg.One(ctx, q, pgx.RowToStructByName[deletion], `SELECT o.kind, s.name, s.id AS sandbox_id,
			s.state <> 'DELETED' AS there, s.deleting, o.finished_at IS NOT NULL AS ended, o.requested_by
		FROM operations o JOIN sandboxes s ON s.id = o.sandbox_id WHERE o.id = $1 `+lock, operation)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		err = sdp.Errorf(sdp.NotFound, "operation-not-found", "there is no operation %q", operation)
	case err == nil && (d.Kind != sdp.OpDelete || d.Name != sandbox):
		err = sdp.Errorf(sdp.Conflict, "not-a-delete",
			"operation %s is a %s of sandbox %s, not a delete of sandbox %s; nothing was removed",
			operation, d.Kind, d.Name, sandbox).WithRemedy("%s", sdp.SameVersion)
	case err == nil && d.Ended && d.There: // the sandbox was given back when it ended
		err = sdp.Errorf(sdp.Conflict, "operation-state", "delete %s has ended already; nothing was removed", operation)
	}
	if err != nil {
		return deletion{}, err
	}
	return d, nil
}

// SandboxSettings are what of a sandbox can be changed while everything in it runs on.
type SandboxSettings struct {
	Description        string
	Labels             map[string]string
	Environment        string
	EnvironmentVersion int
	Variables          map[string]string
	Secrets            map[string][]byte // encrypted
	Limits             sdp.SandboxLimits
	Expiry             sdp.Expiry
}

// UpdateSandbox changes the settings of a live sandbox. change is called with the sandbox locked and as it is; what it
// returns is stored. Running containers keep what they were started with. It is a Conflict ("change-running") while an
// apply, a clone or a restore is under way.
func (db *DB) UpdateSandbox(ctx context.Context, name string,
	change func(sdp.Sandbox, SandboxSettings) (SandboxSettings, error),
) (s sdp.Sandbox, err error) {
	err = db.change(ctx, "changing the settings of sandbox "+name, func(tx pgx.Tx) error {
		id, err := lockSandbox(ctx, tx, name)
		if err != nil {
			return err
		}
		if err := refuseChanging(ctx, tx, id, name); err != nil {
			return err
		}
		if s, err = sandboxByName(ctx, tx, name); err != nil {
			return err
		}
		before := SandboxSettings{Description: s.Description, Labels: s.Labels, Environment: s.Environment,
			EnvironmentVersion: s.EnvironmentVersion, Variables: s.Variables, Limits: s.Limits, Expiry: s.Expiry}
		if err := tx.QueryRow(ctx, `SELECT secrets FROM sandboxes WHERE id = $1`, id).Scan(&before.Secrets); err != nil {
			return err
		}
		after, err := change(s, before)
		if err != nil {
			return err
		}
		if err := after.store(ctx, tx, id); err != nil {
			return err
		}
		s, err = sandboxByName(ctx, tx, name)
		return err
	})
	return s, err
}

// store writes the settings. The version of the routes grows, so that a plan made before is stale.
func (n SandboxSettings) store(ctx context.Context, tx pgx.Tx, id int64) error {
	if err := envstore.Require(ctx, tx, n.Environment, n.EnvironmentVersion); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE sandboxes SET description = $2, labels = $3, environment = $4, environment_version = $5,
			variables = $6, secrets = $7, limits = $8, idle_after = $9, delete_after = $10
		WHERE id = $1`, id, pg.Clean(n.Description), pg.Document(pg.OrEmpty(n.Labels)), n.Environment, n.EnvironmentVersion,
		pg.Document(pg.OrEmpty(n.Variables)), pg.Document(pg.OrEmpty(n.Secrets)), pg.Document(n.Limits),
		pg.IntervalOf(n.Expiry.IdleAfter.Duration()), pg.IntervalOf(n.Expiry.DeleteAfter.Duration()))
	if err == nil {
		_, err = tx.Exec(ctx, bumpRoutes, id)
	}
	return err
}
