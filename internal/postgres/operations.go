package postgres

import (
	"context"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"sdp/internal/postgres/pg"
	"sdp/internal/postgres/stored"
	"sdp/internal/sdp"
)

// CreateOperation queues an operation on a live sandbox. Deletes are queued by BeginDelete.
func (db *DB) CreateOperation(ctx context.Context, op sdp.Operation) error {
	return db.accept(ctx, "queueing an operation", func(tx pgx.Tx) error {
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

// SetOperation puts an operation into a state it may go to from where it is, else it is a Conflict. waitingFor counts
// for QUEUED, f for FAILED and CANCELLED. What was cancelled before it began does not begin. A delete that ends without success gives the sandbox back: it can be used, or
// deleted again.
func (db *DB) SetOperation(ctx context.Context, id string, state sdp.OperationState, waitingFor string,
	f *sdp.Failure,
) error {
	return db.change(ctx, "recording operation "+id, func(tx pgx.Tx) error {
		return setOperation(ctx, tx, id, state, waitingFor, f)
	})
}

func setOperation(ctx context.Context, tx pgx.Tx, id string, state sdp.OperationState, waitingFor string, f *sdp.Failure) error {
	tag, err := tx.Exec(ctx, `
		WITH changed AS (
			UPDATE operations SET state = $2::operation_state,
				waiting_for = CASE $2::operation_state WHEN 'QUEUED' THEN $4 ELSE '' END,
				failure = CASE WHEN $2::operation_state IN ('FAILED', 'CANCELLED') THEN coalesce($5::jsonb, failure) END,
				finished_at = CASE WHEN $2::operation_state IN ('SUCCEEDED', 'FAILED', 'CANCELLED') THEN coalesce(finished_at, now()) END
			WHERE id = $1 AND state = ANY($3::text[]::operation_state[])
				AND NOT ($2::operation_state = 'RUNNING' AND state = 'QUEUED' AND cancel_requested_at IS NOT NULL)
			RETURNING sandbox_id, kind, state
		), given_back AS (
			UPDATE sandboxes s SET deleting = false FROM changed c
			WHERE s.id = c.sandbox_id AND s.deleting AND c.kind = 'delete' AND c.state IN ('FAILED', 'CANCELLED')
		)
		SELECT sdp_notify('sandbox/' || s.name, $1, s.name, 0) FROM changed c JOIN sandboxes s ON s.id = c.sandbox_id`,
		id, state, pg.Texts(state.From()), pg.Clean(waitingFor), stored.FailureDocument(f))
	if err != nil || tag.RowsAffected() > 0 {
		return err
	}
	op, err := operationByID(ctx, tx, id)
	if err == nil {
		err = sdp.Errorf(sdp.Conflict, "operation-state", "operation %s is %s and cannot become %s", id, op.State, state)
	}
	return err
}

// operationColumns need the tables operations as o and sandboxes as s.
const operationColumns = `o.id, o.kind, s.name AS sandbox, o.service, coalesce(o.source::text, '') AS source, o.url, o.state,
	o.waiting_for, o.failure, o.requested_by, o.created_at, o.finished_at, o.change, o.cancel_requested_at,
	o.cancel_requested_by`

// operationRow has operationColumns.
type operationRow struct {
	ID                string             `db:"id"`
	Kind              sdp.OperationKind  `db:"kind"`
	Sandbox           string             `db:"sandbox"`
	Service           string             `db:"service"`
	Source            sdp.Source         `db:"source"`
	URL               string             `db:"url"`
	State             sdp.OperationState `db:"state"`
	WaitingFor        string             `db:"waiting_for"`
	Failure           *stored.Failure    `db:"failure"`
	RequestedBy       string             `db:"requested_by"`
	CreatedAt         time.Time          `db:"created_at"`
	FinishedAt        *time.Time         `db:"finished_at"`
	Change            *changeDoc         `db:"change"`
	CancelRequestedAt *time.Time         `db:"cancel_requested_at"`
	CancelRequestedBy string             `db:"cancel_requested_by"`
}

func (r operationRow) domain() sdp.Operation {
	return sdp.Operation{ID: r.ID, Kind: r.Kind, Sandbox: r.Sandbox, Service: r.Service, Source: r.Source, URL: r.URL,
		Change: r.Change.change(), State: r.State, WaitingFor: r.WaitingFor, Failure: r.Failure.Domain(),
		RequestedBy: r.RequestedBy, CreatedAt: r.CreatedAt, FinishedAt: pg.TimeOf(r.FinishedAt),
		CancelRequestedAt: pg.TimeOf(r.CancelRequestedAt), CancelRequestedBy: r.CancelRequestedBy}
}

// Operation returns one operation.
func (db *DB) Operation(ctx context.Context, id string) (sdp.Operation, error) {
	return operationByID(ctx, db.pool, id)
}

func operationByID(ctx context.Context, q pg.Querier, id string) (sdp.Operation, error) {
	found, err := pg.Query(ctx, q, "reading operation "+id, pg.ByName(operationRow.domain), `SELECT `+operationColumns+`
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
	before, err := p.Before()
	if err != nil {
		return nil, "", err
	}
	type numberedRow struct {
		operationRow
		Seq int64 `db:"seq"`
	}
	rows, err := pg.Query(ctx, db.pool, "listing operations", pgx.RowToStructByName[numberedRow], `
		SELECT o.seq, `+operationColumns+` FROM operations o JOIN sandboxes s ON s.id = o.sandbox_id
		WHERE ($1 = '' OR s.name = $1) AND ($2::bigint IS NULL OR o.seq < $2)
			AND ($4 = '' OR o.service = $4) AND ($5 = '' OR o.requested_by = $5) AND ($6 = '' OR o.kind::text = $6)
			AND ($7 = '' OR o.state::text = $7)
			AND ($8::timestamptz IS NULL OR o.created_at >= $8) AND ($9::timestamptz IS NULL OR o.created_at < $9)
			`+pg.Only(f.Active, "AND o.finished_at IS NULL")+`
		ORDER BY o.seq DESC LIMIT $3`, f.Sandbox, before, p.Size()+1, f.Service, f.User, string(f.Kind), string(f.State),
		pg.OrNull(f.Since), pg.OrNull(f.Until))
	if err != nil {
		return nil, "", err
	}
	rows, next := pg.Cut(p, rows, func(r numberedRow) string { return strconv.FormatInt(r.Seq, 10) })
	list := make([]sdp.Operation, len(rows))
	for i, r := range rows {
		list[i] = r.domain()
	}
	return list, next, nil
}

type refRow struct {
	ID      string            `db:"id"`
	Kind    sdp.OperationKind `db:"kind"`
	Sandbox string            `db:"sandbox"`
	Service string            `db:"service"`
	User    string            `db:"requested_by"`
	Seq     int64             `db:"seq"`
}

func (r refRow) domain() sdp.OperationRef {
	return sdp.OperationRef{ID: r.ID, Kind: r.Kind, Sandbox: r.Sandbox, Service: r.Service, User: r.User, Seq: r.Seq}
}

// Unsubmitted lists deployments and operations that were accepted longer than olderThan ago and, as far as is known,
// never handed to their sandbox's workflow; oldest first, and the creation of a sandbox before the deployments that were
// accepted with it. The hand-over can be repeated without harm.
func (db *DB) Unsubmitted(ctx context.Context, olderThan time.Duration) ([]sdp.OperationRef, error) {
	return pg.Query(ctx, db.pool, "looking for lost operations", pg.ByName(refRow.domain), `
		SELECT w.id, w.kind, s.name AS sandbox, w.service, w.requested_by, CASE w.kind WHEN 'deploy' THEN w.seq ELSE 0 END AS seq FROM (
			SELECT id, 'deploy' AS kind, sandbox_id, service, requested_by, created_at, seq FROM deployments
			WHERE finished_at IS NULL AND state = 'QUEUED' AND submitted_at IS NULL AND operation IS NULL
			UNION ALL
			SELECT id, kind, sandbox_id, service, requested_by, created_at, seq FROM operations
			WHERE finished_at IS NULL AND state = 'QUEUED' AND submitted_at IS NULL
		) w JOIN sandboxes s ON s.id = w.sandbox_id
		WHERE w.created_at < now() - $1::interval ORDER BY w.created_at, w.kind = 'deploy', w.seq LIMIT 1000`, olderThan)
}

// MarkSubmitted records that a deployment or an operation was handed to its sandbox's workflow, now.
func (db *DB) MarkSubmitted(ctx context.Context, id string) error {
	_, err := db.pool.Exec(ctx, `
		WITH d AS (UPDATE deployments SET submitted_at = now() WHERE id = $1)
		UPDATE operations SET submitted_at = now() WHERE id = $1`, id)
	return pg.Translate("recording a hand-over", err)
}

// MarkCancelled notes that a deployment, or an operation with those of its deployments that are not settled, is to be
// cancelled by somebody, and returns since when. The first who asks counts. It is a Conflict ("too-late") where the table of kinds does not allow it (any more).
func (db *DB) MarkCancelled(ctx context.Context, id, by string) (at time.Time, err error) {
	err = db.accept(ctx, "noting a cancel", func(tx pgx.Tx) error {
		var since *time.Time
		err := tx.QueryRow(ctx, markCancelled, id, pg.Texts(sdp.CancellableKinds(sdp.OpQueued)),
			pg.Texts(sdp.CancellableKinds(sdp.OpRunning)), pg.Clean(by)).Scan(&since)
		if err == nil && since == nil {
			err = sdp.Errorf(sdp.Conflict, "too-late", "%s cannot be cancelled any more", id).
				WithRemedy("`sdp history SANDBOX` shows what became of it")
		}
		at = pg.TimeOf(since)
		return err
	})
	return at, err
}

// itsDeployments are those of the operations of o: the parts of a change, and what a restart starts.
const itsDeployments = `(operation IN (SELECT id FROM o) OR id IN (SELECT 'd' || substr(id, 2) FROM o WHERE kind = 'restart'))`

const markCancelled = `
		WITH o AS (
			UPDATE operations SET cancel_requested_at = coalesce(cancel_requested_at, now()),
				cancel_requested_by = CASE WHEN cancel_requested_at IS NULL THEN $4 ELSE cancel_requested_by END
			WHERE id = $1 AND (state = 'QUEUED' AND kind = ANY($2) OR state = 'RUNNING' AND kind = ANY($3))
			RETURNING id, kind, sandbox_id, cancel_requested_at
		), d AS (
			UPDATE deployments SET cancel_requested_at = coalesce(cancel_requested_at, now()),
				cancel_requested_by = CASE WHEN cancel_requested_at IS NULL THEN $4 ELSE cancel_requested_by END
			WHERE (id = $1 OR ` + itsDeployments + `) AND finished_at IS NULL RETURNING id, sandbox_id, cancel_requested_at
		), told AS MATERIALIZED (
			SELECT m.at, sdp_notify(m.topic || m.key, m.id, s.name, 0) FROM (
				SELECT cancel_requested_at AS at, 'deployment/' AS topic, id AS key, id, sandbox_id FROM d
				UNION ALL
				SELECT o.cancel_requested_at, 'sandbox/', s.name, o.id, o.sandbox_id FROM o JOIN sandboxes s ON s.id = o.sandbox_id
			) m JOIN sandboxes s ON s.id = m.sandbox_id
		)
		SELECT min(at) FROM told`

// MarkCancelSent records that Temporal was told of a cancel.
func (db *DB) MarkCancelSent(ctx context.Context, id string) error {
	_, err := db.pool.Exec(ctx, `
		WITH o AS (UPDATE operations SET cancel_sent_at = now() WHERE id = $1 RETURNING id, kind)
		UPDATE deployments SET cancel_sent_at = now() WHERE id = $1 OR `+itsDeployments, id)
	return pg.Translate("recording that a cancel was passed on", err)
}

// CancelsToSend lists what is to be cancelled and not settled yet, of which Temporal was not told within olderThan, or not
// for so long that it may have been lost: again is how long at first, then twice as long each time, up to an hour. Parts of
// a change that is cancelled hear of it from the change.
func (db *DB) CancelsToSend(ctx context.Context, olderThan, again time.Duration) ([]sdp.OperationRef, error) {
	return pg.Query(ctx, db.pool, "looking for lost cancels", pg.ByName(refRow.domain), `
		SELECT w.id, w.kind, s.name AS sandbox, w.service, w.requested_by, w.seq FROM (
			SELECT id, 'deploy' AS kind, sandbox_id, service, requested_by, seq, cancel_requested_at AS asked, cancel_sent_at AS sent
			FROM deployments d WHERE finished_at IS NULL AND cancel_requested_at IS NOT NULL AND NOT EXISTS (
				SELECT FROM operations o WHERE o.id = d.operation AND o.finished_at IS NULL AND o.cancel_requested_at IS NOT NULL)
			UNION ALL
			SELECT id, kind, sandbox_id, service, requested_by, 0, cancel_requested_at, cancel_sent_at
			FROM operations WHERE finished_at IS NULL AND cancel_requested_at IS NOT NULL
		) w JOIN sandboxes s ON s.id = w.sandbox_id
		WHERE CASE WHEN sent IS NULL THEN asked <= now() - $1::interval
			ELSE sent <= now() - greatest($2::interval, least(sent - asked, interval '1 hour')) END
		ORDER BY asked, w.id LIMIT 1000`, olderThan, again)
}
