package postgres

import (
	"context"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"sdp/internal/sdp"
)

// CreateOperation queues an operation on a live sandbox. Deletes are queued by BeginDelete.
func (db *DB) CreateOperation(ctx context.Context, op sdp.Operation) error {
	return db.inTx(ctx, "queueing an operation", func(tx pgx.Tx) error {
		if _, err := lockSandbox(ctx, tx, op.Sandbox); err != nil {
			return err
		}
		return insertOperation(ctx, tx, op)
	})
}

func insertOperation(ctx context.Context, tx pgx.Tx, op sdp.Operation) error {
	if op.Kind == sdp.OpDeploy {
		return sdp.Errorf(sdp.Internal, "not-an-operation", "a deployment is stored as one")
	}
	_, err := tx.Exec(ctx, `WITH o AS (
			INSERT INTO operations (id, kind, sandbox_id, service, source, url, requested_by, change)
			SELECT $1, $2, s.id, $4, nullif($5, '')::route_source, $6, $7, $8 FROM sandboxes s
			WHERE s.name = $3 AND s.state <> 'DELETED' RETURNING id
		) SELECT sdp_notify('sandbox/' || $3::text, id, $3, 0) FROM o`,
		op.ID, op.Kind, op.Sandbox, op.Service, string(op.Source), op.URL, op.RequestedBy, changeDocument(op.Change))
	return err
}

// operationFrom lists the states an operation may be put into s from. A state may be set again, because the activity
// that does it may be retried.
func operationFrom(s sdp.OperationState) []string {
	switch s {
	case sdp.OpQueued:
		return []string{string(sdp.OpQueued)}
	case sdp.OpRunning:
		return []string{string(sdp.OpQueued), string(sdp.OpRunning)}
	}
	return []string{string(sdp.OpQueued), string(sdp.OpRunning), string(s)}
}

// SetOperation puts an operation into a state it may go to from where it is, else it is a Conflict. waitingFor counts
// for QUEUED, f for FAILED and CANCELLED. A delete that ends without success gives the sandbox back: it can be used, or
// deleted again.
func (db *DB) SetOperation(ctx context.Context, id string, state sdp.OperationState, waitingFor string,
	f *sdp.Failure,
) error {
	tag, err := db.pool.Exec(ctx, `
		WITH changed AS (
			UPDATE operations SET state = $2::operation_state,
				waiting_for = CASE $2::operation_state WHEN 'QUEUED' THEN $4 ELSE '' END,
				failure = CASE WHEN $2::operation_state IN ('FAILED', 'CANCELLED') THEN coalesce($5::jsonb, failure) END,
				finished_at = CASE WHEN $2::operation_state IN ('SUCCEEDED', 'FAILED', 'CANCELLED') THEN coalesce(finished_at, now()) END
			WHERE id = $1 AND state = ANY($3::text[]::operation_state[])
			RETURNING sandbox_id, kind, state
		), given_back AS (
			UPDATE sandboxes s SET deleting = false FROM changed c
			WHERE s.id = c.sandbox_id AND s.deleting AND c.kind = 'delete' AND c.state IN ('FAILED', 'CANCELLED')
		)
		SELECT sdp_notify('sandbox/' || s.name, $1, s.name, 0) FROM changed c JOIN sandboxes s ON s.id = c.sandbox_id`,
		id, state, operationFrom(state), clean(waitingFor), failureDocument(f))
	if err != nil {
		return translate("recording operation "+id, err)
	}
	if tag.RowsAffected() > 0 {
		return nil
	}
	op, err := db.Operation(ctx, id)
	if err == nil {
		err = sdp.Errorf(sdp.Conflict, "operation-state", "operation %s is %s and cannot become %s", id, op.State, state)
	}
	return err
}

const operationColumns = `o.id, o.kind, s.name, o.service, coalesce(o.source::text, ''), o.url, o.state, o.waiting_for,
	o.failure, o.requested_by, o.created_at, o.finished_at, o.change, o.cancel_requested_at`

func scanOperation(row pgx.CollectableRow) (sdp.Operation, error) { return scanOperationAfter(row) }

// scanOperationAfter scans a row whose operation follows other columns.
func scanOperationAfter(row scanner, first ...any) (o sdp.Operation, err error) {
	var failure *failureDoc
	var finished, cancelled *time.Time
	var change *changeDoc
	err = row.Scan(append(first, &o.ID, &o.Kind, &o.Sandbox, &o.Service, &o.Source, &o.URL, &o.State, &o.WaitingFor,
		&failure, &o.RequestedBy, &o.CreatedAt, &finished, &change, &cancelled)...)
	o.Failure, o.FinishedAt, o.Change = failure.failure(), timeOf(finished), change.change()
	o.CancelRequestedAt = timeOf(cancelled)
	return o, err
}

// Operation returns one operation.
func (db *DB) Operation(ctx context.Context, id string) (sdp.Operation, error) {
	found, err := query(ctx, db.pool, "reading operation "+id, scanOperation, `SELECT `+operationColumns+`
		FROM operations o JOIN sandboxes s ON s.id = o.sandbox_id WHERE o.id = $1`, id)
	if err == nil && len(found) == 0 {
		err = sdp.Errorf(sdp.NotFound, "operation-not-found", "there is no operation %q", id)
	}
	if err != nil {
		return sdp.Operation{}, err
	}
	return found[0], nil
}

// OperationFilter selects operations; empty fields do not restrict. Sandbox also finds those of deleted sandboxes of that
// name.
type OperationFilter struct {
	Sandbox string
	Service string
	User    string
	Kind    sdp.OperationKind
	State   sdp.OperationState
	Active  bool      // only what is not settled
	Since   time.Time // created then or later
	Until   time.Time // created before
}

// Operations lists operations, newest first.
func (db *DB) Operations(ctx context.Context, f OperationFilter, p Page) ([]sdp.Operation, string, error) {
	before, err := p.before()
	if err != nil {
		return nil, "", err
	}
	type numbered struct {
		seq int64
		op  sdp.Operation
	}
	rows, err := query(ctx, db.pool, "listing operations", func(row pgx.CollectableRow) (n numbered, err error) {
		n.op, err = scanOperationAfter(row, &n.seq)
		return n, err
	}, `SELECT o.seq, `+operationColumns+` FROM operations o JOIN sandboxes s ON s.id = o.sandbox_id
		WHERE ($1 = '' OR s.name = $1) AND ($2::bigint IS NULL OR o.seq < $2)
			AND ($4 = '' OR o.service = $4) AND ($5 = '' OR o.requested_by = $5) AND ($6 = '' OR o.kind::text = $6)
			AND ($7 = '' OR o.state::text = $7)
			AND ($8::timestamptz IS NULL OR o.created_at >= $8) AND ($9::timestamptz IS NULL OR o.created_at < $9)
			`+only(f.Active, "AND o.finished_at IS NULL")+`
		ORDER BY o.seq DESC LIMIT $3`, f.Sandbox, before, p.limit()+1, f.Service, f.User, string(f.Kind), string(f.State),
		orNull(f.Since), orNull(f.Until))
	if err != nil {
		return nil, "", err
	}
	rows, next := cut(p, rows, func(n numbered) string { return strconv.FormatInt(n.seq, 10) })
	list := make([]sdp.Operation, len(rows))
	for i, n := range rows {
		list[i] = n.op
	}
	return list, next, nil
}

// Unsubmitted lists deployments and operations that were accepted longer than olderThan ago and, as far as is known,
// never handed to their sandbox's workflow; oldest first. The hand-over can be repeated without harm.
func (db *DB) Unsubmitted(ctx context.Context, olderThan time.Duration) ([]sdp.OperationRef, error) {
	return query(ctx, db.pool, "looking for lost operations", func(row pgx.CollectableRow) (r sdp.OperationRef, err error) {
		return r, row.Scan(&r.ID, &r.Kind, &r.Sandbox, &r.Service, &r.User)
	}, `SELECT w.id, w.kind, s.name, w.service, w.requested_by FROM (
			SELECT id, 'deploy' AS kind, sandbox_id, service, requested_by, created_at FROM deployments
			WHERE finished_at IS NULL AND state = 'QUEUED' AND submitted_at IS NULL AND operation IS NULL
			UNION ALL
			SELECT id, kind::text, sandbox_id, service, requested_by, created_at FROM operations
			WHERE finished_at IS NULL AND state = 'QUEUED' AND submitted_at IS NULL
		) w JOIN sandboxes s ON s.id = w.sandbox_id
		WHERE w.created_at < now() - $1::interval ORDER BY w.created_at, w.id LIMIT 1000`, olderThan)
}

// MarkSubmitted records that a deployment or an operation was handed to its sandbox's workflow.
func (db *DB) MarkSubmitted(ctx context.Context, id string) error {
	_, err := db.pool.Exec(ctx, `
		WITH d AS (UPDATE deployments SET submitted_at = now() WHERE id = $1 AND submitted_at IS NULL)
		UPDATE operations SET submitted_at = now() WHERE id = $1 AND submitted_at IS NULL`, id)
	return translate("recording a hand-over", err)
}

// MarkCancelled notes that a deployment, or an operation with those of its parts that are not settled, is to be
// cancelled, and returns since when. What is settled stays as it is: then it returns the zero time.
func (db *DB) MarkCancelled(ctx context.Context, id string) (time.Time, error) {
	var at *time.Time
	err := db.pool.QueryRow(ctx, `
		WITH o AS (
			UPDATE operations SET cancel_requested_at = coalesce(cancel_requested_at, now())
			WHERE id = $1 AND finished_at IS NULL RETURNING id, sandbox_id, cancel_requested_at
		), d AS (
			UPDATE deployments SET cancel_requested_at = coalesce(cancel_requested_at, now())
			WHERE (id = $1 OR operation = $1) AND finished_at IS NULL RETURNING id, sandbox_id, cancel_requested_at
		), told AS MATERIALIZED (
			SELECT m.at, sdp_notify(m.topic || m.key, m.id, s.name, 0) FROM (
				SELECT cancel_requested_at AS at, 'deployment/' AS topic, id AS key, id, sandbox_id FROM d
				UNION ALL
				SELECT o.cancel_requested_at, 'sandbox/', s.name, o.id, o.sandbox_id FROM o JOIN sandboxes s ON s.id = o.sandbox_id
			) m JOIN sandboxes s ON s.id = m.sandbox_id
		)
		SELECT min(at) FROM told`, id).Scan(&at)
	return timeOf(at), translate("noting a cancel", err)
}
