package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"sdp/internal/sdp"
)

// Watched lists the services whose branches are looked at: those of live sandboxes that run, or should run, a branch of
// their own. Sorted by sandbox and service.
func (db *DB) Watched(ctx context.Context) ([]sdp.Watched, error) {
	return query(ctx, db.pool, "listing watched branches", scanWatched, watchedSQL+` ORDER BY s.name, v.name`)
}

const watchedSQL = `
	SELECT s.name, s.state, s.owner, t.stored_at, t.checked_at, coalesce(t.problem, ''), v.name, v.branch, v.commit, v.track,
		v.branch_gone, v.watch_problem, r.name, r.node, coalesce(c.sha, ''), coalesce(d.id, ''), coalesce(d.state::text, ''),
		coalesce(d.branch, ''), coalesce(d.sha, ''), d.finished_at IS NULL AND d.id IS NOT NULL OR EXISTS (
			SELECT FROM operations o WHERE o.sandbox_id = s.id AND o.finished_at IS NULL AND o.service IN ('', v.name))
	FROM sandboxes s
		JOIN sandbox_services v ON v.sandbox_id = s.id
		JOIN repositories r ON r.name = v.name AND r.removed_at IS NULL
		LEFT JOIN tracking_credentials t ON t.user_name = s.owner
		LEFT JOIN containers c ON c.sandbox_id = s.id AND c.service = v.name AND c.state = 'SERVING'
		LEFT JOIN LATERAL (SELECT * FROM deployments d WHERE d.sandbox_id = s.id AND d.service = v.name
			ORDER BY d.seq DESC LIMIT 1) d ON true
	WHERE s.state <> 'DELETED' AND NOT s.deleting AND v.branch <> '' AND v.source = 'sandbox'`

func scanWatched(row pgx.CollectableRow) (w sdp.Watched, err error) {
	var stored, checked, gone *time.Time
	err = row.Scan(&w.Sandbox, &w.State, &w.Owner, &stored, &checked, &w.Credential.Problem, &w.Service, &w.Branch, &w.Commit,
		&w.Track, &gone, &w.Problem, &w.Repository, &w.Node, &w.Serving, &w.Latest, &w.LatestState, &w.LatestBranch, &w.LatestSHA,
		&w.Busy)
	w.Credential.User, w.Credential.StoredAt, w.Credential.CheckedAt = w.Owner, timeOf(stored), timeOf(checked)
	w.BranchGone = timeOf(gone)
	return w, err
}

// DeployMoved queues a deployment of the commit a watched branch is at now, with an audit event that says why. It does
// nothing, and reports so, if that commit was tried meanwhile or the service is not one to be deployed any more: it can
// be repeated.
func (db *DB) DeployMoved(ctx context.Context, d NewDeployment, why string) (created bool, err error) {
	err = db.inTx(ctx, "queueing a deployment of "+d.Service, func(tx pgx.Tx) error {
		created = false
		if _, _, err := lockAnySandbox(ctx, tx, d.Sandbox); err != nil {
			return err
		}
		now, err := query(ctx, tx, "reading "+d.Service, scanWatched, watchedSQL+` AND s.name = $1 AND v.name = $2`, d.Sandbox, d.Service)
		if err != nil || len(now) == 0 || now[0].Branch != d.Branch || !now[0].Moved(d.SHA) {
			return err
		}
		stored, err := createDeployments(ctx, tx, []NewDeployment{d})
		if err != nil {
			return err
		}
		var b pgx.Batch
		queueAudit(&b, sdp.AuditEvent{User: "system", Action: "deployment.create", Sandbox: d.Sandbox, Service: d.Service,
			Repository: stored[0].Repository, Branch: d.Branch, SHA: d.SHA, Environment: stored[0].Environment, Operation: d.ID,
			Outcome: sdp.Accepted, Detail: why})
		created = true
		return tx.SendBatch(ctx, &b).Close()
	})
	return created && err == nil, err
}

// MarkBranch records whether the git server has the branch a service should run, once for each change, with an audit
// event. It does nothing if the service has another branch by now.
func (db *DB) MarkBranch(ctx context.Context, sandbox, service, branch string, gone bool) error {
	e := sdp.AuditEvent{User: "system", Action: "branch.back", Sandbox: sandbox, Service: service, Branch: branch,
		Outcome: sdp.Succeeded, Detail: "the git server has the branch again"}
	if gone {
		e.Action, e.Detail = "branch.gone", "the git server has no such branch (any more); what runs stays until it is replaced"
	}
	return db.inTx(ctx, "recording the state of a branch", func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE sandbox_services v SET branch_gone = CASE WHEN $4 THEN now() END, watch_problem = ''
			FROM sandboxes s WHERE s.id = v.sandbox_id AND s.name = $1 AND s.state <> 'DELETED' AND v.name = $2
				AND v.branch = $3 AND (v.branch_gone IS NULL) = $4`, sandbox, service, branch, gone)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		var b pgx.Batch
		queueAudit(&b, e)
		b.Queue(`SELECT sdp_notify('sandbox/' || $1::text, $1, $1, 0)`, sandbox)
		return tx.SendBatch(ctx, &b).Close()
	})
}

// SetWatchProblem records why a service's branch could not be looked at; "" = it could.
func (db *DB) SetWatchProblem(ctx context.Context, sandbox, service, branch, problem string) error {
	_, err := db.pool.Exec(ctx, `WITH changed AS (
			UPDATE sandbox_services v SET watch_problem = $4 FROM sandboxes s WHERE s.id = v.sandbox_id AND s.name = $1
				AND s.state <> 'DELETED' AND v.name = $2 AND v.branch = $3 AND v.watch_problem <> $4 RETURNING s.name
		) SELECT sdp_notify('sandbox/' || name, name, name, 0) FROM changed`, sandbox, service, branch, clean(problem))
	return translate("recording why a branch is not watched", err)
}

// SetTrack says whether a service is deployed again when its branch moves. A service that has no branch, or is pinned to
// a commit, has nothing to follow: a Conflict.
func (db *DB) SetTrack(ctx context.Context, sandbox, service string, track bool) error {
	return db.inTx(ctx, "setting the tracking of "+service, func(tx pgx.Tx) error {
		id, err := lockSandbox(ctx, tx, sandbox)
		if err != nil {
			return err
		}
		var branch, commit string
		err = tx.QueryRow(ctx, `SELECT branch, commit FROM sandbox_services WHERE sandbox_id = $1 AND name = $2`, id, service).
			Scan(&branch, &commit)
		if err != nil {
			return fmt.Errorf("service %s: %w", service, err)
		}
		if track && (branch == "" || commit != "") {
			return sdp.Errorf(sdp.Conflict, "no-branch", "%s of sandbox %s follows no branch", service, sandbox).
				WithRemedy("deploy one first: `sdp deploy %s %s@BRANCH`", sandbox, service)
		}
		var b pgx.Batch
		b.Queue(`UPDATE sandbox_services SET track = $3 WHERE sandbox_id = $1 AND name = $2`, id, service, track)
		b.Queue(`SELECT sdp_notify('sandbox/' || $1::text, $1, $1, 0)`, sandbox)
		return tx.SendBatch(ctx, &b).Close()
	})
}
