package postgres

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"sdp/internal/postgres/pg"
	"sdp/internal/postgres/stored"
	"sdp/internal/sdp"
	"sdp/internal/sdp/settings"
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
// way it is a Conflict: a deployment brings settings, and the change may have to put back what it found. A service that is
// new to the sandbox stays with OCP until its container serves, unless the shared environment does not have it.
func (db *DB) CreateDeployments(ctx context.Context, ds []NewDeployment) (created []sdp.Deployment, err error) {
	err = db.accept(ctx, "queueing deployments", func(tx pgx.Tx) error {
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
	if err := refuseTooLarge(ctx, tx, sandboxIDs, ds); err != nil {
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

// refuseTooLarge returns an Invalid error if a service would have more variables and secrets than fit. The sandboxes are
// locked.
func refuseTooLarge(ctx context.Context, tx pgx.Tx, sandboxIDs map[string]int64, ds []NewDeployment) error {
	for _, d := range ds {
		if len(d.Env)+len(d.Secrets) == 0 {
			continue
		}
		var has settings.OwnValues
		err := tx.QueryRow(ctx, `SELECT env, secrets FROM sandbox_services WHERE sandbox_id = $1 AND name = $2`,
			sandboxIDs[d.Sandbox], d.Service).Scan(&has.Variables, &has.Secrets)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		more := settings.OwnValues{Variables: d.Env, Secrets: d.Secrets}
		if err := settings.CheckOwnSize("service "+d.Service+" of sandbox "+d.Sandbox, has, has.With(more)); err != nil {
			return err
		}
	}
	return nil
}

// refuseTakenNames returns a Conflict if another sandbox's service has the container name of one of these, or a container
// that is not gone yet of a service that left its sandbox.
func refuseTakenNames(ctx context.Context, q pg.Querier, ds []NewDeployment) error {
	wanted := map[string]sdp.ServiceRef{}
	var names []string
	for _, d := range ds {
		name := sdp.ContainerName(d.Sandbox, d.Service)
		wanted[name] = sdp.ServiceRef{Sandbox: d.Sandbox, Service: d.Service}
		names = append(names, name)
	}
	type holderRow struct {
		Container string `db:"container_name"`
		Sandbox   string `db:"sandbox"`
		Service   string `db:"service"`
	}
	holders, err := pg.Query(ctx, q, "checking container names", pgx.RowToStructByName[holderRow], `
		SELECT v.container_name, s.name AS sandbox, v.name AS service FROM sandbox_services v JOIN sandboxes s ON s.id = v.sandbox_id
		WHERE v.container_name = ANY($1)
		UNION ALL SELECT 'sandbox-' || s.name || '-' || c.service, s.name, c.service
		FROM containers c JOIN sandboxes s ON s.id = c.sandbox_id
		WHERE c.state <> 'REMOVED' AND s.state <> 'DELETED' AND 'sandbox-' || s.name || '-' || c.service = ANY($1)`, names)
	if err != nil {
		return err
	}
	for _, h := range holders {
		if (sdp.ServiceRef{Sandbox: h.Sandbox, Service: h.Service}) != wanted[h.Container] {
			return sdp.Errorf(sdp.Conflict, "container-name-taken",
				"the container name %s belongs to service %s of sandbox %s", h.Container, h.Service, h.Sandbox).
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
		sandboxID, d.Service, d.Branch, pg.Document(pg.OrEmpty(d.Env)), pg.Document(pg.OrEmpty(d.Secrets)),
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
		), told AS MATERIALIZED (
			SELECT sdp_notify('deployment/' || d.id, d.id, s.name, 0) FROM d JOIN sandboxes s ON s.id = d.sandbox_id
		)
		SELECT `+deploymentColumns+` FROM d JOIN sandboxes s ON s.id = d.sandbox_id, told`,
		d.ID, sandboxID, d.Service, repository, d.Environment, d.Branch, d.SHA, d.RequestedBy, stored.StepsDocument(d.Steps),
		stored.BoxDocument(d.Credentials), d.Operation, d.Image).
		Query(func(rows pgx.Rows) (err error) {
			*created, err = pgx.CollectExactlyOneRow(rows, pg.ByName(deploymentRow.domain))
			if errors.Is(err, pgx.ErrNoRows) {
				err = pg.NoRepository(repository)
			}
			return err
		})
}

// deploymentColumns need the tables deployments as d and sandboxes as s.
const deploymentColumns = `d.id, d.seq, s.name AS sandbox, d.service, d.repository, d.node, d.environment, d.environment_version,
	d.settings_digest, coalesce(d.operation, '') AS operation,
	EXISTS (SELECT FROM operations WHERE operations.id = d.operation AND operations.state = 'QUEUED') AS change_waits,
	d.branch, d.sha, d.image, d.state, d.waiting_for, d.failure,
	d.requested_by, d.created_at, d.started_at, d.finished_at, d.steps, d.cancel_requested_at, d.cancel_requested_by,
	d.superseded_by, d.superseded_user`

// deploymentRow has deploymentColumns.
type deploymentRow struct {
	ID                 string              `db:"id"`
	Seq                int64               `db:"seq"`
	Sandbox            string              `db:"sandbox"`
	Service            string              `db:"service"`
	Repository         string              `db:"repository"`
	Node               string              `db:"node"`
	Environment        string              `db:"environment"`
	EnvironmentVersion int                 `db:"environment_version"`
	SettingsDigest     string              `db:"settings_digest"`
	Operation          string              `db:"operation"`
	ChangeWaits        bool                `db:"change_waits"`
	Branch             string              `db:"branch"`
	SHA                string              `db:"sha"`
	Image              string              `db:"image"`
	State              sdp.DeploymentState `db:"state"`
	WaitingFor         string              `db:"waiting_for"`
	Failure            *stored.Failure     `db:"failure"`
	RequestedBy        string              `db:"requested_by"`
	CreatedAt          time.Time           `db:"created_at"`
	StartedAt          *time.Time          `db:"started_at"`
	FinishedAt         *time.Time          `db:"finished_at"`
	Steps              []stored.Step       `db:"steps"`
	CancelRequestedAt  *time.Time          `db:"cancel_requested_at"`
	CancelRequestedBy  string              `db:"cancel_requested_by"`
	SupersededBy       string              `db:"superseded_by"`
	SupersededUser     string              `db:"superseded_user"`
}

func (r deploymentRow) domain() sdp.Deployment {
	return sdp.Deployment{
		ID: r.ID, Seq: r.Seq, Sandbox: r.Sandbox, Service: r.Service, Repository: r.Repository, Node: r.Node,
		Environment: r.Environment, EnvironmentVersion: r.EnvironmentVersion, SettingsDigest: r.SettingsDigest,
		Operation: r.Operation, ChangeWaits: r.ChangeWaits, Branch: r.Branch, SHA: r.SHA, Image: r.Image,
		State: r.State, WaitingFor: r.WaitingFor, Failure: r.Failure.Domain(), Steps: stored.StepsOf(r.Steps),
		RequestedBy: r.RequestedBy, CreatedAt: r.CreatedAt, StartedAt: pg.TimeOf(r.StartedAt), FinishedAt: pg.TimeOf(r.FinishedAt),
		CancelRequestedAt: pg.TimeOf(r.CancelRequestedAt), CancelRequestedBy: r.CancelRequestedBy,
		SupersededBy: sdp.Superseder{ID: r.SupersededBy, User: r.SupersededUser},
	}
}

// Deployment returns one deployment with its steps.
func (db *DB) Deployment(ctx context.Context, id string) (sdp.Deployment, error) {
	return deploymentByID(ctx, db.pool, id)
}

func deploymentByID(ctx context.Context, q pg.Querier, id string) (sdp.Deployment, error) {
	found, err := pg.Query(ctx, q, "reading deployment "+id, pg.ByName(deploymentRow.domain), `SELECT `+deploymentColumns+`
		FROM deployments d JOIN sandboxes s ON s.id = d.sandbox_id WHERE d.id = $1`, id)
	if err == nil && len(found) == 0 {
		err = pg.NoDeployment(id)
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
	before, err := p.Before()
	if err != nil {
		return nil, "", err
	}
	list, err := pg.Query(ctx, db.pool, "listing deployments", pg.ByName(deploymentRow.domain), `
		SELECT `+deploymentColumns+` FROM deployments d JOIN sandboxes s ON s.id = d.sandbox_id
		WHERE ($1 = '' OR s.name = $1) AND ($2 = '' OR d.service = $2)
			AND (cardinality($3::text[]) = 0 OR d.state = ANY($3::text[]::deployment_state[]))
			AND ($4::bigint IS NULL OR d.seq < $4)
			AND ($6 = '' OR d.repository = $6) AND ($7 = '' OR strpos(lower(d.branch), lower($7)) > 0)
			AND ($8 = '' OR d.requested_by = $8)
			AND ($9::timestamptz IS NULL OR d.created_at >= $9) AND ($10::timestamptz IS NULL OR d.created_at < $10)
			`+pg.Only(f.Active, "AND d.finished_at IS NULL")+`
		ORDER BY d.seq DESC LIMIT $5`, f.Sandbox, f.Service, pg.Texts(f.States), before, p.Size()+1, f.Repository, f.Branch, f.User,
		pg.OrNull(f.Since), pg.OrNull(f.Until))
	if err != nil {
		return nil, "", err
	}
	list, next := pg.Cut(p, list, func(d sdp.Deployment) string { return strconv.FormatInt(d.Seq, 10) })
	return list, next, nil
}

// LastDeployment returns the deployment whose commit a service of a live sandbox runs, or ran last: what a restart
// starts again.
func (db *DB) LastDeployment(ctx context.Context, sandbox, service string) (sdp.Deployment, error) {
	found, err := pg.Query(ctx, db.pool, "reading the last deployment", pg.ByName(deploymentRow.domain), `
		SELECT `+deploymentColumns+`
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
