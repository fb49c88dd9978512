package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"sdp/internal/postgres/envstore"
	"sdp/internal/postgres/nodestore"
	"sdp/internal/postgres/pg"
	"sdp/internal/postgres/stored"
	"sdp/internal/sdp"
	"sdp/internal/sdp/settings"
)

// StateChange is what a change of state brings with it; empty fields leave what is there.
type StateChange struct {
	SHA        string // fixed once: another commit is a Conflict
	Image      string
	WaitingFor string       // for QUEUED: "" = waits for nothing but its turn
	Failure    *sdp.Failure // for FAILED and CANCELLED
	// SupersededBy counts for CANCELLED: what took the deployment's place.
	SupersededBy sdp.Superseder
}

// SetState puts a deployment into a state it may go to from where it is, else it is a Conflict. Settling forgets the
// credentials; FAILED and CANCELLED also forget a container that never served, and raise the sandbox's route version,
// because a table says why nothing answers.
func (db *DB) SetState(ctx context.Context, id string, state sdp.DeploymentState, c StateChange) error {
	return db.Publish(ctx, id, state, c, nil)
}

// Publish is SetState and, unless steps is nil, SetSteps at once.
func (db *DB) Publish(ctx context.Context, id string, state sdp.DeploymentState, c StateChange, steps []sdp.Step) error {
	what := "recording progress of " + id
	if !state.Settled() {
		return pg.Translate(what, publish(ctx, db.pool, id, state, c, steps))
	}
	return db.change(ctx, what, func(tx pgx.Tx) error { return publish(ctx, tx, id, state, c, steps) })
}

func publish(ctx context.Context, q pg.Querier, id string, state sdp.DeploymentState, c StateChange, steps []sdp.Step) error {
	var stepsDoc []byte
	if steps != nil {
		stepsDoc = stored.StepsDocument(steps)
	}
	tag, err := q.Exec(ctx, publishSQL, id, state, pg.Texts(state.From()), c.SHA, c.Image, pg.Clean(c.WaitingFor),
		stored.FailureDocument(c.Failure), stepsDoc, state.Settled(), c.SupersededBy.ID, pg.Clean(c.SupersededBy.User))
	if err == nil && tag.RowsAffected() == 0 {
		err = refusal(ctx, q, id, state, c.SHA)
	}
	return err
}

// publishSQL locks the sandbox before the deployment, as everything does, so that it cannot deadlock with a switch. What
// is not the end does not wait for the disk: the workflow knows it too and says it again with the next step. A branch
// whose commit becomes known is there, whatever was known of it.
const publishSQL = `
	WITH sandbox AS MATERIALIZED (
		SELECT s.id, s.name FROM sandboxes s JOIN deployments d ON d.sandbox_id = s.id WHERE d.id = $1
		FOR NO KEY UPDATE OF s
	), changed AS (
		UPDATE deployments d SET
			state = $2::deployment_state,
			sha = coalesce(nullif($4, ''), d.sha),
			image = coalesce(nullif($5, ''), d.image),
			waiting_for = CASE $2::deployment_state WHEN 'QUEUED' THEN $6 ELSE '' END,
			failure = CASE WHEN $2::deployment_state IN ('FAILED', 'CANCELLED') THEN coalesce($7::jsonb, d.failure) END,
			superseded_by = CASE $2::deployment_state WHEN 'CANCELLED' THEN coalesce(nullif($10, ''), d.superseded_by) ELSE '' END,
			superseded_user = CASE $2::deployment_state WHEN 'CANCELLED' THEN coalesce(nullif($11, ''), d.superseded_user) ELSE '' END,
			steps = coalesce($8::jsonb, d.steps),
			started_at = CASE WHEN $2::deployment_state IN ('QUEUED', 'FAILED', 'STOPPED', 'CANCELLED') THEN d.started_at
				ELSE coalesce(d.started_at, now()) END,
			finished_at = CASE WHEN $9 THEN coalesce(d.finished_at, now()) END,
			credentials = CASE WHEN NOT $9 THEN d.credentials END
		FROM sandbox s
		WHERE d.id = $1 AND d.state = ANY($3::text[]::deployment_state[]) AND ($4 = '' OR d.sha IN ('', $4))
		RETURNING s.id, s.name, d.state
	), bumped AS (
		UPDATE sandboxes b SET route_version = b.route_version + 1 FROM changed c
		WHERE b.id = c.id AND c.state IN ('FAILED', 'CANCELLED')
	), found AS (
		UPDATE sandbox_services v SET branch_gone = NULL FROM deployments d
		WHERE d.id = $1 AND d.sha = '' AND $4 <> '' AND v.sandbox_id = d.sandbox_id AND v.name = d.service
			AND v.branch = d.branch AND v.branch_gone IS NOT NULL
	), discarded AS (
		UPDATE containers k SET state = 'REMOVED', updated_at = now() FROM changed c
		WHERE k.deployment = $1 AND k.state = 'STARTING' AND c.state IN ('FAILED', 'CANCELLED')
	)
	SELECT sdp_notify('deployment/' || $1::text, $1, name, 0),
		set_config('synchronous_commit', CASE WHEN $9 THEN current_setting('synchronous_commit') ELSE 'off' END, true)
	FROM changed`

// refusal says why no row qualified.
func refusal(ctx context.Context, q pg.Querier, id string, state sdp.DeploymentState, sha string) error {
	d, err := deploymentByID(ctx, q, id)
	switch {
	case err != nil:
		return err
	case sha != "" && d.SHA != "" && sha != d.SHA:
		return sdp.Errorf(sdp.Conflict, "commit-fixed", "deployment %s is fixed to commit %s and cannot become %s",
			id, sdp.ShortSHA(d.SHA), sdp.ShortSHA(sha)).WithRemedy("deploy again to get the branch's new commit")
	case d.State.Settled():
		return d.AlreadyEnded()
	}
	return sdp.Errorf(sdp.Conflict, "deployment-state", "deployment %s is %s and cannot become %s", id, d.State, state)
}

// SetSteps stores how far the steps of a deployment are.
func (db *DB) SetSteps(ctx context.Context, id string, steps []sdp.Step) error {
	tag, err := db.pool.Exec(ctx, `
		WITH changed AS (UPDATE deployments SET steps = $2 WHERE id = $1 RETURNING sandbox_id)
		SELECT sdp_notify('deployment/' || $1::text, $1, s.name, 0) FROM changed c JOIN sandboxes s ON s.id = c.sandbox_id`,
		id, stored.StepsDocument(steps))
	if err == nil && tag.RowsAffected() == 0 {
		return pg.NoDeployment(id)
	}
	return pg.Translate("storing steps", err)
}

// Job is everything a deploy workflow needs to know.
type Job struct {
	Deployment  sdp.Deployment
	Repository  sdp.Repository
	Node        sdp.Node
	GatewayNode string // of the sandbox
	Credentials sdp.SealedBox
	Settings    settings.Settings // of the service now
}

// Job reads everything about a deployment at one moment.
func (db *DB) Job(ctx context.Context, id string) (job Job, err error) {
	err = db.pool.InTxWith(ctx, pg.Snapshot, "reading deployment "+id, func(tx pgx.Tx) error {
		job, err = readJob(ctx, tx, id)
		if err != nil {
			return err
		}
		settings, err := envstore.SettingsOf(ctx, tx, job.Deployment.Sandbox)
		if err != nil {
			return err
		}
		job.Settings = settings[job.Deployment.Service]
		return err
	})
	return job, err
}

type jobRow struct {
	deploymentRow
	Credentials *stored.Box `db:"credentials"`
	GatewayNode string      `db:"gateway_node"`
}

func readJob(ctx context.Context, q pg.Querier, id string) (job Job, err error) {
	found, err := pg.Query(ctx, q, "reading deployment "+id, pgx.RowToStructByName[jobRow], `
		SELECT `+deploymentColumns+`, d.credentials, coalesce(s.gateway_node, '') AS gateway_node
		FROM deployments d JOIN sandboxes s ON s.id = d.sandbox_id
			JOIN sandbox_services v ON v.sandbox_id = d.sandbox_id AND v.name = d.service
		WHERE d.id = $1`, id)
	if err == nil && len(found) == 0 {
		err = pg.NoDeployment(id)
	}
	if err != nil {
		return Job{}, err
	}
	job.Deployment, job.Credentials, job.GatewayNode = found[0].domain(), found[0].Credentials.Domain(), found[0].GatewayNode
	job.Repository, job.Node, err = nodestore.Provider(ctx, q, job.Deployment.Repository)
	return job, err
}

// Superseder returns what took the place of a deployment that is not settled, the zero value if nothing did: somebody
// asked for the cancel, or it is a part of a change that ends. A restart's deployment neither supersedes nor is superseded:
// restarts and deployments of a service wait for each other.
//
// The first newer deployment of the service is the one whose acceptance made this one pointless.
func (db *DB) Superseder(ctx context.Context, id string) (by sdp.Superseder, err error) {
	err = db.pool.QueryRow(ctx, `
		WITH d AS (SELECT * FROM deployments WHERE id = $1 AND cancel_requested_at IS NULL)
		SELECT id, requested_by FROM (
			SELECT n.id, n.requested_by, n.seq, 1 AS rank
			FROM d JOIN deployments n ON n.sandbox_id = d.sandbox_id AND n.service = d.service AND n.seq > d.seq
			WHERE d.operation IS NULL AND n.operation IS NULL
				AND NOT EXISTS (SELECT FROM operations r WHERE r.kind = 'restart' AND substr(r.id, 2) IN (substr(d.id, 2), substr(n.id, 2))
					AND r.sandbox_id = d.sandbox_id)
			UNION ALL
			SELECT o.id, o.requested_by, o.seq, 2
			FROM d JOIN operations o ON o.sandbox_id = d.sandbox_id AND o.kind = 'delete' AND o.finished_at IS NULL
		) w ORDER BY rank, seq LIMIT 1`, id).Scan(&by.ID, &by.User)
	if errors.Is(err, pgx.ErrNoRows) {
		return by, nil
	}
	return by, pg.Translate("looking for what superseded "+id, err)
}
