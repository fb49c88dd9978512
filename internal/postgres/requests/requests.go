// Package requests keeps what requests leave behind: revoked sessions, and answers by Idempotency-Key.
package requests

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"sdp/internal/postgres/outbox"
	"sdp/internal/postgres/pg"
	"sdp/internal/sdp"
)

// Store is this package's part of the database. It is safe for concurrent use.
type Store struct{ pool *pg.Pool }

// New returns a store on a pool.
func New(pool *pg.Pool) Store { return Store{pool} }

// RevokeSession makes a session invalid for the rest of its life.
func (db *Store) RevokeSession(ctx context.Context, id string, expires time.Time) error {
	return outbox.Change(ctx, db.pool, "revoking a session", func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `
			WITH expired AS (DELETE FROM revoked_sessions WHERE expires_at < now() AND id <> $1)
			INSERT INTO revoked_sessions (id, expires_at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING`, id, expires)
		return err
	})
}

// SessionRevoked reports whether a session was revoked.
func (db *Store) SessionRevoked(ctx context.Context, id string) (revoked bool, err error) {
	err = db.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM revoked_sessions WHERE id = $1)`, id).Scan(&revoked)
	return revoked, pg.Translate("checking a session", err)
}

// StoredResponse is the answer to a request with an Idempotency-Key, given again when the request is repeated. Where the
// request has started something and its answer was not stored, Status is 0.
type StoredResponse struct {
	Status  int
	Header  map[string][]string
	Body    []byte
	Started []string // IDs of the operations and deployments
}

// How long an answer is kept for repetitions, and how long a claim without an answer holds: the server that made it
// has crashed by then.
const (
	keyLifetime   = 24 * time.Hour
	claimLifetime = 2 * time.Minute
)

// ClaimKey claims a user's Idempotency-Key for a request. It returns nil if the caller is the first and shall do the
// work, or what is stored: the answer, or what was started. The key of another request is Invalid; one whose request is still
// at work and has started nothing is a Conflict. fingerprint tells requests apart.
func (db *Store) ClaimKey(ctx context.Context, user, key, fingerprint string) (existing *StoredResponse, err error) {
	err = db.pool.InTx(ctx, "claiming an idempotency key", func(tx pgx.Tx) error {
		existing, err = claimKey(ctx, tx, user, key, fingerprint)
		return err
	})
	return existing, err
}

// claimRow is a request's claim of a key, and its response once Status is there.
type claimRow struct {
	Fingerprint string              `db:"fingerprint"`
	Status      *int                `db:"status"`
	Header      map[string][]string `db:"header"`
	Body        []byte              `db:"body"`
	Started     []string            `db:"started"`
}

func claimKey(ctx context.Context, tx pgx.Tx, user, key, fingerprint string) (*StoredResponse, error) {
	_, err := tx.Exec(ctx, `DELETE FROM idempotency_keys WHERE claimed_at < now() - $1::interval
		OR user_name = $2 AND key = $3 AND status IS NULL AND started IS NULL AND claimed_at < now() - $4::interval`,
		keyLifetime, user, key, claimLifetime)
	if err != nil {
		return nil, err
	}
	tag, err := tx.Exec(ctx, `INSERT INTO idempotency_keys (user_name, key, fingerprint) VALUES ($1, $2, $3)
		ON CONFLICT DO NOTHING`, user, key, fingerprint)
	if err != nil || tag.RowsAffected() == 1 {
		return nil, err
	}
	r, err := pg.One(ctx, tx, pgx.RowToStructByName[claimRow], `
		SELECT fingerprint, status, coalesce(header, '{}') AS header, body, started FROM idempotency_keys
		WHERE user_name = $1 AND key = $2`, user, key)
	switch {
	case errors.Is(err, pgx.ErrNoRows): // released since: the next attempt may claim it
		return nil, keyInUse()
	case err != nil:
		return nil, err
	case r.Fingerprint != fingerprint:
		return nil, sdp.Errorf(sdp.Invalid, "idempotency-key-reused", "the Idempotency-Key was used for another request").
			WithRemedy("use a new key for each request")
	case r.Status == nil && r.Started == nil:
		return nil, keyInUse()
	case r.Status == nil:
		return &StoredResponse{Started: r.Started}, nil
	}
	return &StoredResponse{Status: *r.Status, Header: r.Header, Body: r.Body}, nil
}

func keyInUse() error {
	return sdp.Errorf(sdp.Conflict, "request-in-progress", "the request with this Idempotency-Key is still at work").
		WithRemedy("send it again in a moment")
}

// NoteStarted has the next change of ctx, if it starts something, note with a user's key what. From then on the key is not
// given back, and the claim does not lapse, whatever becomes of the answer.
func (db *Store) NoteStarted(ctx context.Context, user, key string) {
	outbox.OnStart(ctx, func(b *pgx.Batch, events []sdp.AuditEvent) {
		started := []string{}
		for _, e := range events {
			if e.Operation != "" {
				started = append(started, e.Operation)
			}
		}
		b.Queue(`UPDATE idempotency_keys SET started = $3 WHERE user_name = $1 AND key = $2`, user, key, started)
	})
}

// StoreResponse keeps the answer to the request that claimed a key.
func (db *Store) StoreResponse(ctx context.Context, user, key string, r StoredResponse) error {
	_, err := db.pool.Exec(ctx, `UPDATE idempotency_keys SET status = $3, header = $4, body = $5
		WHERE user_name = $1 AND key = $2`, user, key, r.Status, pg.Document(pg.OrEmpty(r.Header)), r.Body)
	return pg.Translate("storing a response", err)
}

// ReleaseKey gives a claimed key back, unless its request has started something: it came to nothing and may be tried again.
func (db *Store) ReleaseKey(ctx context.Context, user, key string) error {
	_, err := db.pool.Exec(ctx, `DELETE FROM idempotency_keys
		WHERE user_name = $1 AND key = $2 AND status IS NULL AND started IS NULL`,
		user, key)
	return pg.Translate("releasing an idempotency key", err)
}
