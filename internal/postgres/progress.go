package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"sdp/internal/sdp"
)

// StateChange is what a change of state brings with it; empty fields leave what is there.
type StateChange struct {
	SHA        string // fixed once: another commit is a Conflict
	Image      string
	WaitingFor string       // for QUEUED: "" = waits for nothing but its turn
	Failure    *sdp.Failure // for FAILED and CANCELLED
}

// SetState puts a deployment into a state it may go to from where it is, else it is a Conflict. Settling forgets the
// credentials; FAILED and CANCELLED also forget a container that never served, and raise the sandbox's route version,
// because a table says why nothing answers.
func (db *DB) SetState(ctx context.Context, id string, state sdp.DeploymentState, c StateChange) error {
	return db.Publish(ctx, id, state, c, nil)
}

// Publish is SetState and, unless steps is nil, SetSteps at once.
func (db *DB) Publish(ctx context.Context, id string, state sdp.DeploymentState, c StateChange, steps []sdp.Step) error {
	var stepsDoc []byte
	if steps != nil {
		stepsDoc = stepsDocument(steps)
	}
	tag, err := db.pool.Exec(ctx, publishSQL, id, state, texts(state.From()), c.SHA, c.Image, clean(c.WaitingFor),
		failureDocument(c.Failure), stepsDoc, state.Settled())
	if err == nil && tag.RowsAffected() == 0 {
		err = refusal(ctx, db.pool, id, state, c.SHA)
	}
	return translate("recording progress of "+id, err)
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
func refusal(ctx context.Context, q querier, id string, state sdp.DeploymentState, sha string) error {
	var current sdp.DeploymentState
	var fixed string
	err := q.QueryRow(ctx, `SELECT state, sha FROM deployments WHERE id = $1`, id).Scan(&current, &fixed)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return noDeployment(id)
	case err != nil:
		return err
	case sha != "" && fixed != "" && sha != fixed:
		return sdp.Errorf(sdp.Conflict, "commit-fixed", "deployment %s is fixed to commit %s and cannot become %s",
			id, sdp.ShortSHA(fixed), sdp.ShortSHA(sha)).WithRemedy("deploy again to get the branch's new commit")
	}
	return sdp.Errorf(sdp.Conflict, "deployment-state", "deployment %s is %s and cannot become %s", id, current, state)
}

// SetSteps stores how far the steps of a deployment are.
func (db *DB) SetSteps(ctx context.Context, id string, steps []sdp.Step) error {
	tag, err := db.pool.Exec(ctx, `
		WITH changed AS (UPDATE deployments SET steps = $2 WHERE id = $1 RETURNING sandbox_id)
		SELECT sdp_notify('deployment/' || $1::text, $1, s.name, 0) FROM changed c JOIN sandboxes s ON s.id = c.sandbox_id`,
		id, stepsDocument(steps))
	if err == nil && tag.RowsAffected() == 0 {
		return noDeployment(id)
	}
	return translate("storing steps", err)
}

// Job is everything a deploy workflow needs to know.
type Job struct {
	Deployment  sdp.Deployment
	Repository  sdp.Repository
	Node        sdp.Node
	Credentials sdp.SealedBox
	Settings    sdp.Settings // of the service now
	Table       sdp.RoutingTable
	TableNodes  []string
	Current     *sdp.Container // what serves the service now, nil = nothing
}

// Job reads everything about a deployment at one moment.
func (db *DB) Job(ctx context.Context, id string) (job Job, err error) {
	err = db.inTxWith(ctx, snapshot, "reading deployment "+id, func(tx pgx.Tx) error {
		job, err = readJob(ctx, tx, id)
		if err != nil {
			return err
		}
		settings, err := settingsOf(ctx, tx, job.Deployment.Sandbox)
		if err != nil {
			return err
		}
		job.Settings = settings[job.Deployment.Service]
		if job.Table, job.TableNodes, err = tableOf(ctx, tx, job.Deployment.Sandbox); err != nil {
			return err
		}
		serving, err := containers(ctx, tx, ContainerFilter{Sandbox: job.Deployment.Sandbox,
			Service: job.Deployment.Service, States: []sdp.ContainerState{sdp.Serving}})
		if len(serving) > 0 {
			job.Current = &serving[0]
		}
		return err
	})
	return job, err
}

func readJob(ctx context.Context, q querier, id string) (Job, error) {
	found, err := query(ctx, q, "reading deployment "+id, scanJob, `SELECT `+deploymentColumns+`, `+repositoryColumns+`,
			`+nodeColumns+`, d.credentials
		FROM deployments d JOIN sandboxes s ON s.id = d.sandbox_id
			JOIN repositories r ON r.name = d.repository JOIN nodes n ON n.name = r.node
			JOIN sandbox_services v ON v.sandbox_id = d.sandbox_id AND v.name = d.service
		WHERE d.id = $1`, id)
	if err == nil && len(found) == 0 {
		err = noDeployment(id)
	}
	if err != nil {
		return Job{}, err
	}
	return found[0], nil
}

func scanJob(row pgx.CollectableRow) (j Job, err error) {
	var health healthDoc
	var box *boxDoc
	last := append(repositoryFields(&j.Repository), nodeFields(&j.Node, &health)...)
	last = append(last, &box)
	j.Deployment, err = scanDeploymentBefore(row, last...)
	if err != nil {
		return j, err
	}
	j.Node.Health, j.Credentials = sdp.NodeHealth(health), box.box()
	return j, nil
}
