package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"sdp/internal/sdp"
)

// SealedCredential are git credentials somebody stored, encrypted at rest.
type SealedCredential struct {
	sdp.TrackingCredential
	Sealed []byte
}

// StoreCredential keeps git credentials in place of any the user stored before, and forgets what was wrong with those.
func (db *DB) StoreCredential(ctx context.Context, user string, sealed []byte) (sdp.TrackingCredential, error) {
	stored, err := query(ctx, db.pool, "storing credentials", scanCredential, `WITH stored AS (
			INSERT INTO tracking_credentials (user_name, sealed) VALUES ($1, $2)
			ON CONFLICT (user_name) DO UPDATE SET sealed = excluded.sealed, problem = '', stored_at = clock_timestamp(), checked_at = NULL
			RETURNING *
		), told AS MATERIALIZED (`+tellOwner+`)
		SELECT `+credentialColumns+` FROM stored t, told`, user, sealed)
	if err != nil {
		return sdp.TrackingCredential{}, err
	}
	return stored[0].TrackingCredential, nil
}

// tellOwner announces a change to whoever looks at a sandbox of the user $1.
const tellOwner = `SELECT count(sdp_notify('sandbox/' || name, name, name, 0)) FROM sandboxes
	WHERE owner = $1 AND state <> 'DELETED'`

const credentialColumns = `t.user_name, t.stored_at, t.checked_at, t.problem, t.sealed`

func scanCredential(row pgx.CollectableRow) (c SealedCredential, err error) {
	var checked *time.Time
	err = row.Scan(&c.User, &c.StoredAt, &checked, &c.Problem, &c.Sealed)
	c.CheckedAt = timeOf(checked)
	return c, err
}

// Credentials returns what users have stored, by user. Who has stored nothing is not in it.
func (db *DB) Credentials(ctx context.Context, users ...string) (map[string]SealedCredential, error) {
	list, err := query(ctx, db.pool, "reading credentials", scanCredential,
		`SELECT `+credentialColumns+` FROM tracking_credentials t WHERE t.user_name = ANY($1)`, users)
	byUser := make(map[string]SealedCredential, len(list))
	for _, c := range list {
		byUser[c.User] = c
	}
	return byUser, err
}

// ForgetCredential deletes what a user stored.
func (db *DB) ForgetCredential(ctx context.Context, user string) error {
	var found bool
	err := db.pool.QueryRow(ctx, `WITH gone AS (DELETE FROM tracking_credentials WHERE user_name = $1 RETURNING 1),
			told AS MATERIALIZED (`+tellOwner+`)
		SELECT EXISTS (SELECT FROM gone) FROM told`, user).Scan(&found)
	if err == nil && !found {
		return sdp.Errorf(sdp.NotFound, "no-credential", "no git credentials of yours are stored").
			WithRemedy("there is nothing to delete")
	}
	return translate("deleting credentials", err)
}

// AcceptCredentials records that the git server took the credentials of these users.
func (db *DB) AcceptCredentials(ctx context.Context, users []string) error {
	_, err := db.pool.Exec(ctx, `UPDATE tracking_credentials SET checked_at = now() WHERE user_name = ANY($1) AND problem = ''`, users)
	return translate("recording checked credentials", err)
}

// RefuseCredential records why a user's credentials are not to be used again, once, with an audit event. It leaves
// credentials alone that were stored after storedAt: they are others.
func (db *DB) RefuseCredential(ctx context.Context, user string, storedAt time.Time, problem string) error {
	return db.inTx(ctx, "recording refused credentials", func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE tracking_credentials SET problem = $3, checked_at = now()
			WHERE user_name = $1 AND stored_at <= $2 AND problem = ''`, user, storedAt, clean(problem))
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		var b pgx.Batch
		queueAudit(&b, sdp.AuditEvent{User: "system", Action: "tracking.stop", Outcome: sdp.OutcomeFailed,
			Detail: "the credentials " + user + " stored are not used any more: " + problem})
		b.Queue(tellOwner, user)
		return tx.SendBatch(ctx, &b).Close()
	})
}
