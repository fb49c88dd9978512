package postgres

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"sdp/internal/sdp"
)

// NewDeployment is a deployment to queue. Of the embedded Deployment, ID, Sandbox, Service, Repository (default: the
// service), Environment (default: the sandbox's), Branch or SHA, Image (of SHA, where one is known), RequestedBy and
// Steps count. Env and Secrets are added to those the service has; a key in one replaces the same key in the other.
type NewDeployment struct {
	sdp.Deployment
	Credentials sdp.SealedBox
	Env         map[string]string
	Secrets     map[string][]byte // encrypted already
}

// CreateDeployments queues deployments, all or none, and returns them as stored. While a change of the sandbox is under
// way it is a Conflict: a deployment brings settings, and the change may have to put back what it found. A service that is new to the sandbox
// stays with OCP until its container serves, unless the shared environment does not have it.
func (db *DB) CreateDeployments(ctx context.Context, ds []NewDeployment) (created []sdp.Deployment, err error) {
	err = db.inTx(ctx, "queueing deployments", func(tx pgx.Tx) error {
		created, err = createDeployments(ctx, tx, ds)
		return err
	})
	return created, err
}

func createDeployments(ctx context.Context, tx pgx.Tx, ds []NewDeployment) ([]sdp.Deployment, error) {
	if err := refuseDoubles(ds); err != nil {
		return nil, err
	}
	sandboxIDs, err := lockSandboxes(ctx, tx, ds)
	if err != nil {
		return nil, err
	}
	if err := refuseTakenNames(ctx, tx, ds); err != nil {
		return nil, err
	}
	created := make([]sdp.Deployment, len(ds))
	var b pgx.Batch
	for i, d := range ds {
		queueDeployment(&b, sandboxIDs[d.Sandbox], d, &created[i])
	}
	for _, id := range sandboxIDs {
		b.Queue(bumpRoutes, id)
	}
	return created, tx.SendBatch(ctx, &b).Close()
}

func refuseDoubles(ds []NewDeployment) error {
	seen := map[sdp.ServiceRef]bool{}
	for _, d := range ds {
		ref := sdp.ServiceRef{Sandbox: d.Sandbox, Service: d.Service}
		if seen[ref] {
			return sdp.Errorf(sdp.Invalid, "duplicate-service", "service %s is named twice", d.Service).
				WithRemedy("name each service once")
		}
		seen[ref] = true
	}
	return nil
}

// lockSandboxes locks the sandboxes of the deployments in the order of their names, so that two calls cannot deadlock.
func lockSandboxes(ctx context.Context, tx pgx.Tx, ds []NewDeployment) (map[string]int64, error) {
	var names []string
	for _, d := range ds {
		names = append(names, d.Sandbox)
	}
	slices.Sort(names)
	ids := map[string]int64{}
	for _, name := range slices.Compact(names) {
		id, err := lockSandbox(ctx, tx, name)
		if err != nil {
			return nil, err
		}
		if err := refuseChanging(ctx, tx, id, name); err != nil {
			return nil, err
		}
		ids[name] = id
	}
	return ids, nil
}

// refuseTakenNames returns a Conflict if another sandbox's service has the container name of one of these, or a container
// that is not gone yet of a service that left its sandbox.
func refuseTakenNames(ctx context.Context, q querier, ds []NewDeployment) error {
	wanted := map[string]sdp.ServiceRef{}
	var names []string
	for _, d := range ds {
		name := sdp.ContainerName(d.Sandbox, d.Service)
		wanted[name] = sdp.ServiceRef{Sandbox: d.Sandbox, Service: d.Service}
		names = append(names, name)
	}
	type holder struct{ name, sandbox, service string }
	holders, err := query(ctx, q, "checking container names", func(row pgx.CollectableRow) (h holder, err error) {
		return h, row.Scan(&h.name, &h.sandbox, &h.service)
	}, `SELECT v.container_name, s.name, v.name FROM sandbox_services v JOIN sandboxes s ON s.id = v.sandbox_id
		WHERE v.container_name = ANY($1)
		UNION ALL SELECT 'sandbox-' || s.name || '-' || c.service, s.name, c.service
		FROM containers c JOIN sandboxes s ON s.id = c.sandbox_id
		WHERE c.state <> 'REMOVED' AND s.state <> 'DELETED' AND 'sandbox-' || s.name || '-' || c.service = ANY($1)`, names)
	if err != nil {
		return err
	}
	for _, h := range holders {
		if (sdp.ServiceRef{Sandbox: h.sandbox, Service: h.service}) != wanted[h.name] {
			return sdp.Errorf(sdp.Conflict, "container-name-taken",
				"the container name %s belongs to service %s of sandbox %s", h.name, h.service, h.sandbox).
				WithRemedy("choose another sandbox name")
		}
	}
	return nil
}

// queueDeployment adds to b what stores one deployment and fills created from the row. A service that was pinned to a
// commit is not any more once somebody deploys a branch or another commit; a restart has both and changes nothing.
func queueDeployment(b *pgx.Batch, sandboxID int64, d NewDeployment, created *sdp.Deployment) {
	b.Queue(`INSERT INTO sandbox_services AS v (sandbox_id, name, branch, env, secrets, container_name, source)
		SELECT $1, $2, $3, $4, $5, $6, CASE WHEN EXISTS (SELECT FROM repositories WHERE name = $2 AND ocp <> '')
			OR EXISTS (SELECT FROM shared_services WHERE name = $2) THEN 'ocp' ELSE 'sandbox' END::route_source
		ON CONFLICT (sandbox_id, name) DO UPDATE SET
			branch = coalesce(nullif(excluded.branch, ''), v.branch),
			commit = CASE WHEN $7::text = '' OR excluded.branch = '' AND v.commit <> $7 THEN '' ELSE v.commit END,
			env = (v.env - ARRAY(SELECT jsonb_object_keys(excluded.secrets))) || excluded.env,
			secrets = (v.secrets - ARRAY(SELECT jsonb_object_keys(excluded.env))) || excluded.secrets,
			container_name = excluded.container_name`,
		sandboxID, d.Service, d.Branch, document(orEmpty(d.Env)), document(orEmpty(d.Secrets)),
		sdp.ContainerName(d.Sandbox, d.Service), d.SHA)
	insertDeployment(b, sandboxID, d, created)
}

// insertDeployment adds to b what stores the deployment itself and fills created from the row.
func insertDeployment(b *pgx.Batch, sandboxID int64, d NewDeployment, created *sdp.Deployment) {
	repository := cmp.Or(d.Repository, d.Service)
	b.Queue(`WITH d AS (
			INSERT INTO deployments (id, sandbox_id, service, repository, node, environment, branch, sha, requested_by, steps,
				credentials, operation, image)
			SELECT $1, s.id, $3, r.name, r.node, coalesce(nullif($5, ''), s.environment), $6, $7, $8, $9, $10, nullif($11, ''), $12
			FROM sandboxes s, repositories r WHERE s.id = $2 AND r.name = $4 AND r.removed_at IS NULL
			RETURNING *
		)
		SELECT `+deploymentColumns+`, sdp_notify('deployment/' || d.id, d.id, s.name, 0)
		FROM d JOIN sandboxes s ON s.id = d.sandbox_id`,
		d.ID, sandboxID, d.Service, repository, d.Environment, d.Branch, d.SHA, d.RequestedBy, stepsDocument(d.Steps),
		boxDocument(d.Credentials), d.Operation, d.Image).
		QueryRow(func(row pgx.Row) (err error) {
			*created, err = scanDeploymentBefore(row, nil)
			if errors.Is(err, pgx.ErrNoRows) {
				err = noRepository(repository)
			}
			return err
		})
}

// deploymentColumns need the tables deployments as d and sandboxes as s.
const deploymentColumns = `d.id, s.name, d.service, d.repository, d.node, d.environment, d.environment_version,
	d.settings_digest, coalesce(d.operation, ''), d.branch, d.sha, d.image, d.state, d.waiting_for, d.failure, d.requested_by, d.created_at, d.started_at, d.finished_at, d.steps,
	d.cancel_requested_at`

// scanner is what a row of any kind can do.
type scanner interface{ Scan(into ...any) error }

func scanDeployment(row pgx.CollectableRow) (sdp.Deployment, error) {
	return scanDeploymentBetween(row, nil, nil)
}

// scanDeploymentAfter scans a row whose deployment follows other columns.
func scanDeploymentAfter(row scanner, first ...any) (sdp.Deployment, error) {
	return scanDeploymentBetween(row, first, nil)
}

// scanDeploymentBefore scans a row whose deployment is followed by other columns; nil skips one.
func scanDeploymentBefore(row scanner, last ...any) (sdp.Deployment, error) {
	return scanDeploymentBetween(row, nil, last)
}

func scanDeploymentBetween(row scanner, first, last []any) (d sdp.Deployment, err error) {
	var failure *failureDoc
	var started, finished, cancelled *time.Time
	var steps []stepDoc
	fields := append(slices.Clone(first), &d.ID, &d.Sandbox, &d.Service, &d.Repository, &d.Node, &d.Environment,
		&d.EnvironmentVersion, &d.SettingsDigest, &d.Operation, &d.Branch, &d.SHA, &d.Image, &d.State, &d.WaitingFor, &failure, &d.RequestedBy, &d.CreatedAt, &started, &finished, &steps, &cancelled)
	err = row.Scan(append(fields, last...)...)
	d.Failure, d.Steps, d.StartedAt, d.FinishedAt = failure.failure(), stepsOf(steps), timeOf(started), timeOf(finished)
	d.CancelRequestedAt = timeOf(cancelled)
	return d, err
}

// Deployment returns one deployment with its steps.
func (db *DB) Deployment(ctx context.Context, id string) (sdp.Deployment, error) {
	found, err := query(ctx, db.pool, "reading deployment "+id, scanDeployment, `SELECT `+deploymentColumns+`
		FROM deployments d JOIN sandboxes s ON s.id = d.sandbox_id WHERE d.id = $1`, id)
	if err == nil && len(found) == 0 {
		err = noDeployment(id)
	}
	if err != nil {
		return sdp.Deployment{}, err
	}
	return found[0], nil
}

// DeploymentFilter selects deployments; empty fields do not restrict. Sandbox also finds those of deleted sandboxes of
// that name.
type DeploymentFilter struct {
	Sandbox    string
	Service    string
	Repository string
	Branch     string // contained in the branch's name, upper and lower case alike
	User       string
	States     []sdp.DeploymentState
	Active     bool      // only what is not settled
	Since      time.Time // created then or later
	Until      time.Time // created before
}

// Deployments lists deployments, newest first.
func (db *DB) Deployments(ctx context.Context, f DeploymentFilter, p Page) ([]sdp.Deployment, string, error) {
	before, err := p.before()
	if err != nil {
		return nil, "", err
	}
	type numbered struct {
		seq int64
		d   sdp.Deployment
	}
	rows, err := query(ctx, db.pool, "listing deployments", func(row pgx.CollectableRow) (n numbered, err error) {
		n.d, err = scanDeploymentAfter(row, &n.seq)
		return n, err
	}, `SELECT d.seq, `+deploymentColumns+` FROM deployments d JOIN sandboxes s ON s.id = d.sandbox_id
		WHERE ($1 = '' OR s.name = $1) AND ($2 = '' OR d.service = $2)
			AND (cardinality($3::text[]) = 0 OR d.state = ANY($3::text[]::deployment_state[]))
			AND ($4::bigint IS NULL OR d.seq < $4)
			AND ($6 = '' OR d.repository = $6) AND ($7 = '' OR strpos(lower(d.branch), lower($7)) > 0)
			AND ($8 = '' OR d.requested_by = $8)
			AND ($9::timestamptz IS NULL OR d.created_at >= $9) AND ($10::timestamptz IS NULL OR d.created_at < $10)
			`+only(f.Active, "AND d.finished_at IS NULL")+`
		ORDER BY d.seq DESC LIMIT $5`, f.Sandbox, f.Service, texts(f.States), before, p.limit()+1, f.Repository, f.Branch, f.User,
		orNull(f.Since), orNull(f.Until))
	if err != nil {
		return nil, "", err
	}
	rows, next := cut(p, rows, func(n numbered) string { return strconv.FormatInt(n.seq, 10) })
	list := make([]sdp.Deployment, len(rows))
	for i, n := range rows {
		list[i] = n.d
	}
	return list, next, nil
}

// LastDeployment returns the deployment whose commit a service of a live sandbox runs, or ran last: what a restart
// starts again.
func (db *DB) LastDeployment(ctx context.Context, sandbox, service string) (sdp.Deployment, error) {
	found, err := query(ctx, db.pool, "reading the last deployment", scanDeployment, `SELECT `+deploymentColumns+`
		FROM deployments d JOIN sandboxes s ON s.id = d.sandbox_id
		WHERE s.name = $1 AND s.state <> 'DELETED' AND d.service = $2 AND d.state IN ('RUNNING', 'STOPPED')
		ORDER BY d.state = 'RUNNING' DESC, d.seq DESC LIMIT 1`, sandbox, service)
	if err == nil && len(found) == 0 {
		err = sdp.Errorf(sdp.Conflict, "never-ran", "%s never ran in sandbox %s", service, sandbox).
			WithRemedy("deploy it: `sdp deploy %s %s@BRANCH`", sandbox, service)
	}
	if err != nil {
		return sdp.Deployment{}, err
	}
	return found[0], nil
}
