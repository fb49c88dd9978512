package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"sdp/internal/postgres/outbox"
	"sdp/internal/postgres/pg"
	"sdp/internal/sdp"
)

// Watched lists the services whose branches are looked at: those of live sandboxes that run, or should run, a branch of
// their own. Sorted by sandbox and service.
func (db *DB) Watched(ctx context.Context) ([]sdp.Watched, error) {
	return pg.Query(ctx, db.pool, "listing watched branches", pg.ByName(watchedRow.domain), watchedSQL+` ORDER BY s.name, v.name`)
}

// WatchedOn lists those of them whose repositories are on a node.
func (db *DB) WatchedOn(ctx context.Context, node string) ([]sdp.Watched, error) {
	return pg.Query(ctx, db.pool, "listing watched branches", pg.ByName(watchedRow.domain),
		watchedSQL+` AND r.node = $1 ORDER BY s.name, v.name`, node)
}

const watchedSQL = `
	SELECT s.name AS sandbox, s.state, s.owner, t.stored_at, t.checked_at, coalesce(t.problem, '') AS problem,
		v.name AS service, v.branch, v.commit, v.track, v.branch_gone, v.watch_problem, r.name AS repository, r.node,
		coalesce(c.sha, '') AS serving, coalesce(d.id, '') AS latest, coalesce(d.state::text, '') AS latest_state,
		coalesce(d.branch, '') AS latest_branch, coalesce(d.sha, '') AS latest_sha,
		d.finished_at IS NULL AND d.id IS NOT NULL OR EXISTS (SELECT FROM operations o
			WHERE o.sandbox_id = s.id AND o.finished_at IS NULL AND o.service IN ('', v.name)) AS busy
	FROM sandboxes s
		JOIN sandbox_services v ON v.sandbox_id = s.id
		JOIN repositories r ON r.name = v.name AND r.removed_at IS NULL
		LEFT JOIN tracking_credentials t ON t.user_name = s.owner
		LEFT JOIN containers c ON c.sandbox_id = s.id AND c.service = v.name AND c.state = 'SERVING'
		LEFT JOIN LATERAL (SELECT * FROM deployments d WHERE d.sandbox_id = s.id AND d.service = v.name
			ORDER BY d.seq DESC LIMIT 1) d ON true
	WHERE s.state <> 'DELETED' AND NOT s.deleting AND v.branch <> '' AND v.source = 'sandbox'`

type watchedRow struct {
	Sandbox      string              `db:"sandbox"`
	State        sdp.SandboxState    `db:"state"`
	Owner        string              `db:"owner"`
	StoredAt     *time.Time          `db:"stored_at"` // the owner's credentials, as the next two
	CheckedAt    *time.Time          `db:"checked_at"`
	Problem      string              `db:"problem"`
	Service      string              `db:"service"`
	Branch       string              `db:"branch"`
	Commit       string              `db:"commit"`
	Track        bool                `db:"track"`
	BranchGone   *time.Time          `db:"branch_gone"`
	WatchProblem string              `db:"watch_problem"`
	Repository   string              `db:"repository"`
	Node         string              `db:"node"`
	Serving      string              `db:"serving"`
	Latest       string              `db:"latest"`
	LatestState  sdp.DeploymentState `db:"latest_state"`
	LatestBranch string              `db:"latest_branch"`
	LatestSHA    string              `db:"latest_sha"`
	Busy         bool                `db:"busy"`
}

func (r watchedRow) domain() sdp.Watched {
	return sdp.Watched{
		Sandbox: r.Sandbox, State: r.State, Service: r.Service, Owner: r.Owner,
		Credential: sdp.TrackingCredential{User: r.Owner, StoredAt: pg.TimeOf(r.StoredAt), CheckedAt: pg.TimeOf(r.CheckedAt),
			Problem: r.Problem},
		Repository: r.Repository, Node: r.Node, Branch: r.Branch, Commit: r.Commit, Track: r.Track,
		BranchGone: pg.TimeOf(r.BranchGone), Problem: r.WatchProblem, Serving: r.Serving,
		Latest: r.Latest, LatestState: r.LatestState, LatestBranch: r.LatestBranch, LatestSHA: r.LatestSHA, Busy: r.Busy,
	}
}

// DeployMoved queues a deployment of the commit a watched branch is at now, with an audit event that says why. It does
// nothing, and returns none, if that commit was tried meanwhile or the service is not one to be deployed any more: it can
// be repeated.
func (db *DB) DeployMoved(ctx context.Context, d NewDeployment, why string) (created []sdp.Deployment, err error) {
	err = db.pool.InTx(ctx, "queueing a deployment of "+d.Service, func(tx pgx.Tx) error {
		created = nil
		if _, _, err := lockAnySandbox(ctx, tx, d.Sandbox); err != nil {
			return err
		}
		now, err := pg.Query(ctx, tx, "reading "+d.Service, pg.ByName(watchedRow.domain),
			watchedSQL+` AND s.name = $1 AND v.name = $2`, d.Sandbox, d.Service)
		if err != nil || len(now) == 0 || now[0].Branch != d.Branch || !now[0].Moved(d.SHA) {
			return err
		}
		if created, err = createDeployments(ctx, tx, []NewDeployment{d}); err != nil {
			return err
		}
		var b pgx.Batch
		outbox.Queue(&b, sdp.AuditEvent{User: "system", Action: sdp.AuditDeploymentCreate, Sandbox: d.Sandbox, Service: d.Service,
			Repository: created[0].Repository, Branch: d.Branch, SHA: d.SHA, Environment: created[0].Environment, Operation: d.ID,
			Outcome: sdp.Accepted, Detail: why})
		return tx.SendBatch(ctx, &b).Close()
	})
	return created, err
}

// MarkBranch records whether the git server has the branch a service should run, once for each change, with an audit
// event. It does nothing if the service has another branch by now.
func (db *DB) MarkBranch(ctx context.Context, sandbox, service, branch string, gone bool) error {
	e := sdp.AuditEvent{User: "system", Action: sdp.AuditBranchBack, Sandbox: sandbox, Service: service, Branch: branch,
		Outcome: sdp.Succeeded, Detail: "the git server has the branch again"}
	if gone {
		e.Action, e.Detail = sdp.AuditBranchGone, "the git server has no such branch (any more); what runs stays until it is replaced"
	}
	return db.pool.InTx(ctx, "recording the state of a branch", func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE sandbox_services v SET branch_gone = CASE WHEN $4 THEN now() END, watch_problem = ''
			FROM sandboxes s WHERE s.id = v.sandbox_id AND s.name = $1 AND s.state <> 'DELETED' AND v.name = $2
				AND v.branch = $3 AND (v.branch_gone IS NULL) = $4`, sandbox, service, branch, gone)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		var b pgx.Batch
		outbox.Queue(&b, e)
		b.Queue(`SELECT sdp_notify('sandbox/' || $1::text, $1, $1, 0)`, sandbox)
		return tx.SendBatch(ctx, &b).Close()
	})
}

// SetWatchProblem records why a service's branch could not be looked at; "" = it could.
func (db *DB) SetWatchProblem(ctx context.Context, sandbox, service, branch, problem string) error {
	_, err := db.pool.Exec(ctx, `WITH changed AS (
			UPDATE sandbox_services v SET watch_problem = $4 FROM sandboxes s WHERE s.id = v.sandbox_id AND s.name = $1
				AND s.state <> 'DELETED' AND v.name = $2 AND v.branch = $3 AND v.watch_problem <> $4 RETURNING s.name
		) SELECT sdp_notify('sandbox/' || name, name, name, 0) FROM changed`, sandbox, service, branch, pg.Clean(problem))
	return pg.Translate("recording why a branch is not watched", err)
}

// SetTrack says whether a service is deployed again when its branch moves. A service that has no branch, or is pinned to
// a commit, has nothing to follow: a Conflict.
func (db *DB) SetTrack(ctx context.Context, sandbox, service string, track bool) error {
	return db.change(ctx, "setting the tracking of "+service, func(tx pgx.Tx) error {
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

// SealedCredential are git credentials somebody stored, encrypted at rest.
type SealedCredential struct {
	sdp.TrackingCredential
	Sealed []byte
}

// StoreCredential keeps git credentials in place of any the user stored before, and forgets what was wrong with those.
func (db *DB) StoreCredential(ctx context.Context, user string, sealed []byte) (c sdp.TrackingCredential, err error) {
	err = db.change(ctx, "storing credentials", func(tx pgx.Tx) error {
		list, err := pg.Query(ctx, tx, "storing credentials", pg.ByName(credentialRow.domain), `WITH stored AS (
				INSERT INTO tracking_credentials (user_name, sealed) VALUES ($1, $2)
				ON CONFLICT (user_name) DO UPDATE SET sealed = excluded.sealed, problem = '', stored_at = clock_timestamp(), checked_at = NULL
				RETURNING *
			), told AS MATERIALIZED (`+tellOwner+`)
			SELECT `+credentialColumns+` FROM stored t, told`, user, sealed)
		stored, err := pg.First(list, err)
		c = stored.TrackingCredential
		return err
	})
	return c, err
}

// tellOwner announces a change to whoever looks at a sandbox of the user $1.
const tellOwner = `SELECT count(sdp_notify('sandbox/' || name, name, name, 0)) FROM sandboxes
	WHERE owner = $1 AND state <> 'DELETED'`

const credentialColumns = `t.user_name, t.stored_at, t.checked_at, t.problem, t.sealed`

type credentialRow struct {
	User      string     `db:"user_name"`
	StoredAt  time.Time  `db:"stored_at"`
	CheckedAt *time.Time `db:"checked_at"`
	Problem   string     `db:"problem"`
	Sealed    []byte     `db:"sealed"`
}

func (r credentialRow) domain() SealedCredential {
	return SealedCredential{Sealed: r.Sealed, TrackingCredential: sdp.TrackingCredential{User: r.User, StoredAt: r.StoredAt,
		CheckedAt: pg.TimeOf(r.CheckedAt), Problem: r.Problem}}
}

// Credentials returns what users have stored, by user. Who has stored nothing is not in it.
func (db *DB) Credentials(ctx context.Context, users ...string) (map[string]SealedCredential, error) {
	list, err := pg.Query(ctx, db.pool, "reading credentials", pg.ByName(credentialRow.domain),
		`SELECT `+credentialColumns+` FROM tracking_credentials t WHERE t.user_name = ANY($1)`, users)
	byUser := make(map[string]SealedCredential, len(list))
	for _, c := range list {
		byUser[c.User] = c
	}
	return byUser, err
}

// ForgetCredential deletes what a user stored.
func (db *DB) ForgetCredential(ctx context.Context, user string) error {
	return db.change(ctx, "deleting credentials", func(tx pgx.Tx) error {
		var found bool
		err := tx.QueryRow(ctx, `WITH gone AS (DELETE FROM tracking_credentials WHERE user_name = $1 RETURNING 1),
				told AS MATERIALIZED (`+tellOwner+`)
			SELECT EXISTS (SELECT FROM gone) FROM told`, user).Scan(&found)
		if err == nil && !found {
			err = sdp.Errorf(sdp.NotFound, "no-credential", "no git credentials of yours are stored").
				WithRemedy("there is nothing to delete")
		}
		return err
	})
}

// AcceptCredentials records that the git server took the credentials of these users.
func (db *DB) AcceptCredentials(ctx context.Context, users []string) error {
	_, err := db.pool.Exec(ctx, `UPDATE tracking_credentials SET checked_at = now()
		WHERE user_name = ANY($1) AND problem = ''`, users)
	return pg.Translate("recording checked credentials", err)
}

// RefuseCredential records why a user's credentials are not to be used again, once, with an audit event. It leaves
// credentials alone that were stored after storedAt: they are others.
func (db *DB) RefuseCredential(ctx context.Context, user string, storedAt time.Time, problem string) error {
	return db.pool.InTx(ctx, "recording refused credentials", func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE tracking_credentials SET problem = $3, checked_at = now()
			WHERE user_name = $1 AND stored_at <= $2 AND problem = ''`, user, storedAt, pg.Clean(problem))
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		var b pgx.Batch
		outbox.Queue(&b, sdp.AuditEvent{User: "system", Action: sdp.AuditTrackingStop, Outcome: sdp.OutcomeFailed,
			Detail: "the credentials " + user + " stored are not used any more: " + problem})
		b.Queue(tellOwner, user)
		return tx.SendBatch(ctx, &b).Close()
	})
}
