package postgres

import (
	"context"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"sdp/internal/sdp"
)

// AuditFilter selects audit events; empty fields do not restrict.
type AuditFilter struct {
	Sandbox     string
	Repository  string
	Branch      string
	Environment string
	User        string
	Service     string
	Action      string
	Operation   string
	Outcome     sdp.Outcome
	Since       time.Time // inclusive
	Until       time.Time // exclusive
	Text        string    // contained in any of an event's texts, upper and lower case alike
}

// Audit adds an event. ID and At are the database's; events are never changed. One whose Once is there already is not
// added.
func (db *DB) Audit(ctx context.Context, e sdp.AuditEvent) error {
	var b pgx.Batch
	queueAudit(&b, e)
	return translate("writing the audit", db.pool.SendBatch(ctx, &b).Close())
}

func queueAudit(b *pgx.Batch, e sdp.AuditEvent) {
	b.Queue(`WITH e AS (INSERT INTO audit_events (user_name, action, sandbox, service, repository, branch, sha, environment,
			operation, outcome, detail, once) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, nullif($12, ''))
		ON CONFLICT (once) WHERE once IS NOT NULL DO NOTHING RETURNING sandbox)
		SELECT sdp_notify('audit', sandbox, '', 0) FROM e`,
		clean(e.User), clean(e.Action), clean(e.Sandbox), clean(e.Service), clean(e.Repository), clean(e.Branch),
		clean(e.SHA), clean(e.Environment), clean(e.Operation), string(e.Outcome), clean(e.Detail), clean(e.Once))
}

// AuditEvents lists audit events, newest first.
func (db *DB) AuditEvents(ctx context.Context, f AuditFilter, p Page) ([]sdp.AuditEvent, string, error) {
	before, err := p.before()
	if err != nil {
		return nil, "", err
	}
	events, err := query(ctx, db.pool, "reading the audit", scanAudit, `SELECT id, at, user_name, action, sandbox, service,
			repository, branch, sha, environment, operation, outcome, detail FROM audit_events
		WHERE ($1 = '' OR sandbox = $1) AND ($2 = '' OR user_name = $2) AND ($3 = '' OR service = $3)
			AND ($4 = '' OR action = $4) AND ($5 = '' OR operation = $5) AND ($6 = '' OR outcome::text = $6)
			AND ($7::timestamptz IS NULL OR at >= $7) AND ($8::timestamptz IS NULL OR at < $8)
			AND ($9::bigint IS NULL OR id < $9)
			AND ($10 = '' OR strpos(lower(concat_ws(' ', user_name, action, sandbox, service, repository, branch, sha,
				environment, operation, detail)), lower($10)) > 0)
			AND ($12 = '' OR repository = $12) AND ($13 = '' OR branch = $13) AND ($14 = '' OR environment = $14)
		ORDER BY id DESC LIMIT $11`, f.Sandbox, f.User, f.Service, f.Action, f.Operation, string(f.Outcome),
		orNull(f.Since), orNull(f.Until), before, f.Text, p.limit()+1,
		f.Repository, f.Branch, f.Environment)
	if err != nil {
		return nil, "", err
	}
	events, next := cut(p, events, func(e sdp.AuditEvent) string { return strconv.FormatInt(e.ID, 10) })
	return events, next, nil
}

func scanAudit(row pgx.CollectableRow) (e sdp.AuditEvent, err error) {
	return e, row.Scan(&e.ID, &e.At, &e.User, &e.Action, &e.Sandbox, &e.Service, &e.Repository, &e.Branch, &e.SHA,
		&e.Environment, &e.Operation, &e.Outcome, &e.Detail)
}

// orNull is NULL for the zero time.
func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
