// Package outbox keeps what happened: the audit, which says who did what, and the events, which say how far deployments
// and other operations are. Both are written in the transaction of the change they speak of: the audit by whoever makes
// the change (see Trail), the events by triggers (migration 0010), which no change of a state can bypass.
package outbox

import (
	"context"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"sdp/internal/postgres/pg"
	"sdp/internal/sdp"
)

// Store is this package's part of the database. It is safe for concurrent use.
type Store struct{ pool *pg.Pool }

// New returns a store on a pool.
func New(pool *pg.Pool) Store { return Store{pool} }

// AuditFilter selects audit events; empty fields do not restrict.
type AuditFilter struct {
	Sandbox     string
	Repository  string
	Branch      string
	Environment string
	User        string
	Service     string
	Action      sdp.AuditAction
	Operation   string
	Outcome     sdp.Outcome
	Since       time.Time // inclusive
	Until       time.Time // exclusive
	Text        string    // contained in any of an event's texts, upper and lower case alike
}

// Audit adds an event. ID and At are the database's; events are never changed. One whose Once is there already is not
// added.
func (db *Store) Audit(ctx context.Context, e sdp.AuditEvent) error {
	var b pgx.Batch
	Queue(&b, e)
	return pg.Translate("writing the audit", db.pool.SendBatch(ctx, &b).Close())
}

// Queue adds to b what adds an event.
func Queue(b *pgx.Batch, e sdp.AuditEvent) {
	b.Queue(`WITH e AS (INSERT INTO audit_events (user_name, action, sandbox, service, repository, branch, sha, environment,
			operation, outcome, detail, once) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, nullif($12, ''))
		ON CONFLICT (once) WHERE once IS NOT NULL DO NOTHING RETURNING sandbox)
		SELECT sdp_notify('audit', sandbox, '', 0) FROM e`,
		pg.Clean(e.User), pg.Clean(string(e.Action)), pg.Clean(e.Sandbox), pg.Clean(e.Service), pg.Clean(e.Repository),
		pg.Clean(e.Branch), pg.Clean(e.SHA), pg.Clean(e.Environment), pg.Clean(e.Operation), string(e.Outcome),
		pg.Clean(e.Detail), pg.Clean(e.Once))
}

type auditRow struct {
	ID          int64           `db:"id"`
	At          time.Time       `db:"at"`
	User        string          `db:"user_name"`
	Action      sdp.AuditAction `db:"action"`
	Sandbox     string          `db:"sandbox"`
	Service     string          `db:"service"`
	Repository  string          `db:"repository"`
	Branch      string          `db:"branch"`
	SHA         string          `db:"sha"`
	Environment string          `db:"environment"`
	Operation   string          `db:"operation"`
	Outcome     sdp.Outcome     `db:"outcome"`
	Detail      string          `db:"detail"`
}

func (r auditRow) domain() sdp.AuditEvent {
	return sdp.AuditEvent{ID: r.ID, At: r.At, User: r.User, Action: r.Action, Sandbox: r.Sandbox, Service: r.Service,
		Repository: r.Repository, Branch: r.Branch, SHA: r.SHA, Environment: r.Environment, Operation: r.Operation,
		Outcome: r.Outcome, Detail: r.Detail}
}

// AuditEvents lists audit events, newest first.
func (db *Store) AuditEvents(ctx context.Context, f AuditFilter, p pg.Page) ([]sdp.AuditEvent, string, error) {
	before, err := p.Before()
	if err != nil {
		return nil, "", err
	}
	events, err := pg.Query(ctx, db.pool, "reading the audit", pg.ByName(auditRow.domain), `
		SELECT id, at, user_name, action, sandbox, service, repository, branch, sha, environment, operation, outcome, detail
		FROM audit_events
		WHERE ($1 = '' OR sandbox = $1) AND ($2 = '' OR user_name = $2) AND ($3 = '' OR service = $3)
			AND ($4 = '' OR action = $4) AND ($5 = '' OR operation = $5) AND ($6 = '' OR outcome::text = $6)
			AND ($7::timestamptz IS NULL OR at >= $7) AND ($8::timestamptz IS NULL OR at < $8)
			AND ($9::bigint IS NULL OR id < $9)
			AND ($10 = '' OR strpos(lower(concat_ws(' ', user_name, action, sandbox, service, repository, branch, sha,
				environment, operation, detail)), lower($10)) > 0)
			AND ($12 = '' OR repository = $12) AND ($13 = '' OR branch = $13) AND ($14 = '' OR environment = $14)
		ORDER BY id DESC LIMIT $11`, f.Sandbox, f.User, f.Service, string(f.Action), f.Operation, string(f.Outcome),
		pg.OrNull(f.Since), pg.OrNull(f.Until), before, f.Text, p.Size()+1,
		f.Repository, f.Branch, f.Environment)
	if err != nil {
		return nil, "", err
	}
	events, next := pg.Cut(p, events, func(e sdp.AuditEvent) string { return strconv.FormatInt(e.ID, 10) })
	return events, next, nil
}
