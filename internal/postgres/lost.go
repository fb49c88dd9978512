package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"sdp/internal/postgres/outbox"
	"sdp/internal/postgres/pg"
	"sdp/internal/sdp"
)

// HandedOver is a deployment or an operation that Temporal was given and that has not ended.
type HandedOver struct {
	sdp.OperationRef
	Began      bool             // it has left the queue
	Cancelled  bool             // somebody asked for it to be cancelled
	Whole      sdp.OperationRef // of a part: the change or the restart that starts it; its ID is "" otherwise
	WholeBegan bool
}

type handedOverRow struct {
	refRow
	Began      bool              `db:"began"`
	WholeID    string            `db:"whole"`
	WholeKind  sdp.OperationKind `db:"whole_kind"`
	WholeBegan bool              `db:"whole_began"`
}

func (r handedOverRow) domain() HandedOver {
	h := HandedOver{OperationRef: r.refRow.domain(), Began: r.Began, WholeBegan: r.WholeBegan}
	if r.WholeID != "" {
		h.Whole = sdp.OperationRef{ID: r.WholeID, Kind: r.WholeKind, Sandbox: r.Sandbox, User: r.User}
	}
	return h
}

// HandedOver lists deployments and operations that were last handed over longer than olderThan ago and have not ended: parts
// first, the rest in the order in which it was accepted. The deployment that a restart makes has the restart's ID but for the
// first character.
func (db *DB) HandedOver(ctx context.Context, olderThan time.Duration) ([]HandedOver, error) {
	return pg.Query(ctx, db.pool, "looking for what was handed over", pg.ByName(handedOverRow.domain), `
		SELECT w.id, w.kind, s.name AS sandbox, w.service, w.requested_by, CASE w.kind WHEN 'deploy' THEN w.seq ELSE 0 END AS seq,
			w.state <> 'QUEUED' AS began, w.whole,
			w.whole_kind, w.whole_began FROM (
			SELECT d.id, 'deploy' AS kind, d.sandbox_id, d.service, d.requested_by, d.state::text,
				coalesce(o.id, '') AS whole, coalesce(o.kind, '') AS whole_kind, coalesce(o.state <> 'QUEUED', false) AS whole_began,
				CASE WHEN o.id IS NULL THEN d.submitted_at ELSE o.submitted_at END AS at, d.created_at, d.seq
			FROM deployments d LEFT JOIN operations o ON o.sandbox_id = d.sandbox_id
				AND (o.id = d.operation OR d.operation IS NULL AND o.kind = 'restart' AND substr(o.id, 2) = substr(d.id, 2))
			WHERE d.finished_at IS NULL
			UNION ALL
			SELECT id, kind, sandbox_id, service, requested_by, state::text, '', '', false, submitted_at, created_at, seq
			FROM operations WHERE finished_at IS NULL
		) w JOIN sandboxes s ON s.id = w.sandbox_id
		WHERE w.at < now() - $1::interval ORDER BY w.whole = '', w.created_at, w.kind = 'deploy', w.seq LIMIT 1000`, olderThan)
}

// SettleLost writes the end of a deployment or an operation that nobody carries out any more. What was committed counts: a
// deployment whose container serves is RUNNING, and a change that switches all or nothing and has switched SUCCEEDED. All
// else FAILED with f; a delete gives the sandbox back, and what a change was to make stays, to be deleted. events says, by
// whether it came to a good end, what the audit has of it. settled is false where it had ended before.
func (db *DB) SettleLost(ctx context.Context, ref sdp.OperationRef, f sdp.Failure, events func(good bool) []sdp.AuditEvent,
) (settled bool, err error) {
	var good bool
	ctx, trail := outbox.WithTrail(ctx, func() []sdp.AuditEvent { return events(good) })
	err = db.change(ctx, "settling "+ref.ID+", which is lost", func(tx pgx.Tx) (err error) {
		switch {
		case ref.Kind == sdp.OpDeploy:
			good, err = settleLostDeployment(ctx, tx, ref.ID, f)
		case ref.Kind.Changes():
			good, err = settleLostChange(ctx, tx, ref.ID, f)
		default:
			err = settleLostOperation(ctx, tx, ref.ID, f)
		}
		return err
	})
	return trail.Written(), err
}

func settleLostDeployment(ctx context.Context, tx pgx.Tx, id string, f sdp.Failure) (serves bool, err error) {
	_, err = tx.Exec(ctx, `SELECT FROM sandboxes s JOIN deployments d ON d.sandbox_id = s.id WHERE d.id = $1
		FOR NO KEY UPDATE OF s`, id)
	if err != nil {
		return false, err
	}
	d, err := deploymentByID(ctx, tx, id)
	if err != nil || d.State.Settled() {
		return false, orUnchanged(err)
	}
	serves, err = confirmServing(ctx, tx, id)
	if err != nil || serves {
		return serves, err
	}
	return false, publish(ctx, tx, id, sdp.DeployFailed, StateChange{Failure: &f}, brokenOff(d.Steps, sdp.StepFailed))
}

// confirmServing settles a deployment whose container serves.
func confirmServing(ctx context.Context, tx pgx.Tx, id string) (serves bool, err error) {
	c, err := containerState(ctx, tx, id)
	if err != nil || c.state != sdp.Serving {
		return false, err
	}
	return true, confirm(ctx, tx, id)
}

// orUnchanged is err, or that there was nothing to change.
func orUnchanged(err error) error {
	if err == nil {
		return outbox.ErrUnchanged
	}
	return err
}

// brokenOff are the steps of a deployment that ended in the middle of one.
func brokenOff(steps []sdp.Step, as sdp.StepState) []sdp.Step {
	for i := range steps {
		if steps[i].State == sdp.StepRunning {
			steps[i].State, steps[i].FinishedAt = as, time.Now()
		}
	}
	return steps
}

func settleLostChange(ctx context.Context, tx pgx.Tx, id string, f sdp.Failure) (switched bool, err error) {
	c, err := lockChange(ctx, tx, id)
	if err != nil || c.state.Settled() {
		return false, orUnchanged(err)
	}
	for _, a := range c.change.Actions {
		if _, err := confirmServing(ctx, tx, a.Deployment); err != nil {
			return false, err
		}
	}
	c.lost = true
	if c.change.Atomic && len(c.commits) > 0 {
		return true, c.settle(ctx, tx, sdp.OpSucceeded, nil)
	}
	return false, c.settle(ctx, tx, sdp.OpFailed, &f)
}

func settleLostOperation(ctx context.Context, tx pgx.Tx, id string, f sdp.Failure) error {
	op, err := operationByID(ctx, tx, id)
	if err != nil || op.State.Settled() {
		return orUnchanged(err)
	}
	return setOperation(ctx, tx, id, sdp.OpFailed, "", &f)
}

// Left reports whether deployments have not ended that an operation has started: the parts of a change, or a restart's.
func (db *DB) Left(ctx context.Context, op sdp.OperationRef) (left bool, err error) {
	err = db.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM deployments WHERE finished_at IS NULL AND (operation = $1 OR id = $2))`,
		op.ID, sdp.RestartDeployment(op.ID)).Scan(&left)
	return left, pg.Translate("looking for what "+op.ID+" has started", err)
}

// LeftBehind lists containers that were taken out of service longer than olderThan ago and are still there, though nothing
// is under way for their service. Whoever was to remove them is late, or lost.
func (db *DB) LeftBehind(ctx context.Context, olderThan time.Duration) ([]sdp.Container, error) {
	return pg.Query(ctx, db.pool, "looking for containers left behind", pg.ByName(containerRow.domain), `SELECT `+containerColumns+`
		FROM containers c JOIN sandboxes s ON s.id = c.sandbox_id
		WHERE c.state IN ('RETIRING', 'STOPPED') AND c.updated_at < now() - $1::interval AND s.state <> 'DELETED' AND NOT s.deleting
			AND NOT EXISTS (SELECT FROM deployments d WHERE d.sandbox_id = c.sandbox_id AND d.service = c.service
				AND d.finished_at IS NULL)
			AND NOT EXISTS (SELECT FROM operations o WHERE o.sandbox_id = c.sandbox_id AND o.finished_at IS NULL
				AND o.service IN ('', c.service))
		ORDER BY c.updated_at LIMIT 1000`, olderThan)
}
