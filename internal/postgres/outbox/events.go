package outbox

import (
	"context"
	"time"

	"sdp/internal/postgres/pg"
	"sdp/internal/sdp"
)

// EventFilter selects events; empty fields do not restrict.
type EventFilter struct {
	Sandbox    string
	Service    string
	Deployment string
	Type       sdp.EventType
	Since      time.Time // inclusive
}

type eventRow struct {
	Seq        int64         `db:"seq"`
	At         time.Time     `db:"at"`
	Type       sdp.EventType `db:"type"`
	Sandbox    string        `db:"sandbox"`
	Service    string        `db:"service"`
	Deployment string        `db:"deployment"`
	Operation  string        `db:"operation"`
	User       string        `db:"user_name"`
	SHA        string        `db:"sha"`
	Cached     bool          `db:"cached"`
	Code       string        `db:"code"`
}

func (r eventRow) domain() sdp.Event {
	return sdp.Event{Seq: r.Seq, At: r.At, Type: r.Type, Sandbox: r.Sandbox, Service: r.Service, Deployment: r.Deployment,
		Operation: r.Operation, User: r.User, SHA: r.SHA, Cached: r.Cached, Code: r.Code}
}

// Events lists what happened after an event, oldest first; 0 = from the first there is. What is committed later comes
// later: nothing appears before an event that was listed. The hub's topic "events" says when there are more.
func (db *Store) Events(ctx context.Context, after int64, f EventFilter, limit int) ([]sdp.Event, error) {
	return pg.Query(ctx, db.pool, "reading events", pg.ByName(eventRow.domain), `SELECT seq, at, type, sandbox, service,
			deployment, operation, user_name, sha, cached, code FROM events
		WHERE seq > $1 AND ($2 = '' OR sandbox = $2) AND ($3 = '' OR service = $3) AND ($4 = '' OR deployment = $4)
			AND ($5 = '' OR type = $5) AND ($6::timestamptz IS NULL OR at >= $6)
		ORDER BY seq LIMIT $7`, after, f.Sandbox, f.Service, f.Deployment, string(f.Type), pg.OrNull(f.Since), limit)
}

// LastEvent returns the newest event's Seq, 0 if there is none.
func (db *Store) LastEvent(ctx context.Context) (seq int64, err error) {
	err = db.pool.QueryRow(ctx, `SELECT coalesce(max(seq), 0) FROM events`).Scan(&seq)
	return seq, pg.Translate("reading events", err)
}

// DropEventsBefore forgets the events older than t.
func (db *Store) DropEventsBefore(ctx context.Context, t time.Time) error {
	_, err := db.pool.Exec(ctx, `DELETE FROM events WHERE at < $1`, t)
	return pg.Translate("dropping old events", err)
}
