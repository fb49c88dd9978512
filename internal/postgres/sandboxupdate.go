package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"sdp/internal/sdp"
)

// SandboxSettings are what of a sandbox can be changed while everything in it runs on.
type SandboxSettings struct {
	Description        string
	Labels             map[string]string
	Environment        string
	EnvironmentVersion int
	Variables          map[string]string
	Secrets            map[string][]byte // encrypted
	Limits             sdp.SandboxLimits
	Expiry             sdp.Expiry
}

// UpdateSandbox changes the settings of a live sandbox. change is called with the sandbox locked and as it is; what it
// returns is stored. Running containers keep what they were started with. It is a Conflict ("change-running") while an
// apply, a clone or a restore is under way.
func (db *DB) UpdateSandbox(ctx context.Context, name string, change func(sdp.Sandbox, SandboxSettings) (SandboxSettings, error)) (s sdp.Sandbox, err error) {
	err = db.inTx(ctx, "changing the settings of sandbox "+name, func(tx pgx.Tx) error {
		id, err := lockSandbox(ctx, tx, name)
		if err != nil {
			return err
		}
		if err := refuseChanging(ctx, tx, id, name); err != nil {
			return err
		}
		if s, err = sandboxByName(ctx, tx, name); err != nil {
			return err
		}
		before := SandboxSettings{Description: s.Description, Labels: s.Labels, Environment: s.Environment,
			EnvironmentVersion: s.EnvironmentVersion, Variables: s.Variables, Limits: s.Limits, Expiry: s.Expiry}
		if err := tx.QueryRow(ctx, `SELECT secrets FROM sandboxes WHERE id = $1`, id).Scan(&before.Secrets); err != nil {
			return err
		}
		after, err := change(s, before)
		if err != nil {
			return err
		}
		if err := after.store(ctx, tx, id); err != nil {
			return err
		}
		s, err = sandboxByName(ctx, tx, name)
		return err
	})
	return s, err
}

// store writes the settings. The version of the routes grows, so that a plan made before is stale.
func (n SandboxSettings) store(ctx context.Context, tx pgx.Tx, id int64) error {
	if err := requireEnvironment(ctx, tx, n.Environment, n.EnvironmentVersion); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE sandboxes SET description = $2, labels = $3, environment = $4, environment_version = $5,
			variables = $6, secrets = $7, limits = $8, idle_after = $9, delete_after = $10
		WHERE id = $1`, id, clean(n.Description), document(orEmpty(n.Labels)), n.Environment, n.EnvironmentVersion,
		document(orEmpty(n.Variables)), document(orEmpty(n.Secrets)), limitsDocument(n.Limits), intervalOf(n.Expiry.IdleAfter),
		intervalOf(n.Expiry.DeleteAfter))
	if err == nil {
		_, err = tx.Exec(ctx, bumpRoutes, id)
	}
	return err
}
