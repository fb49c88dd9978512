package postgres

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"sdp/internal/postgres/pg"
	"sdp/internal/sdp"
	"sdp/internal/sdp/definition"
)

// Secrets are encrypted values by service and key; those of the sandbox itself are below "".
type Secrets = map[string]map[string][]byte

type snapshotImageDoc struct {
	Service string `json:"service"`
	Node    string `json:"node"`
	Image   string `json:"image"`
	SHA     string `json:"sha"`
}

// CreateSnapshot freezes a sandbox as it is at one moment: nothing of it can change while its row is locked. Of n, ID,
// Sandbox, Name, Description and Author count. It is a Conflict if the sandbox is being deleted or changed, runs nothing,
// or has a snapshot of that name.
func (db *DB) CreateSnapshot(ctx context.Context, n sdp.Snapshot) (sdp.Snapshot, error) {
	err := db.change(ctx, "taking a snapshot of "+n.Sandbox, func(tx pgx.Tx) error {
		id, err := lockSandbox(ctx, tx, n.Sandbox)
		if err != nil {
			return err
		}
		if err := refuseChanging(ctx, tx, id, n.Sandbox); err != nil {
			return err
		}
		sandbox, err := sandboxByName(ctx, tx, n.Sandbox)
		if err != nil {
			return err
		}
		n.Spec, n.Images = definition.Of(sandbox, true), sdp.SnapshotImages(sandbox)
		if len(n.Images) == 0 {
			return nothingRuns(n.Sandbox)
		}
		if n.Spec.EnvironmentVersion, err = runningVersion(ctx, tx, id, sandbox); err != nil {
			return err
		}
		return insertSnapshot(ctx, tx, id, n)
	})
	if err != nil {
		return sdp.Snapshot{}, err
	}
	return db.Snapshot(ctx, n.ID)
}

func nothingRuns(sandbox string) error {
	return sdp.Errorf(sdp.Conflict, "nothing-running", "nothing runs in sandbox %s: there is nothing to freeze", sandbox).
		WithRemedy("deploy a service first; `sdp template create NAME --from %s` keeps a definition without what runs", sandbox)
}

// runningVersion is the version of the sandbox's environment that its containers run with, the newest if they run with
// several, and the environment's newest where none has any.
func runningVersion(ctx context.Context, q pg.Querier, id int64, sandbox sdp.Sandbox) (version int, err error) {
	if sandbox.Environment == "" || sandbox.EnvironmentVersion > 0 {
		return sandbox.EnvironmentVersion, nil
	}
	err = q.QueryRow(ctx, `SELECT coalesce(
			(SELECT nullif(max(d.environment_version), 0) FROM containers c JOIN deployments d ON d.id = c.deployment
				WHERE c.sandbox_id = $1 AND c.state = 'SERVING' AND d.environment = $2),
			(SELECT version FROM environments WHERE name = $2 AND deleted_at IS NULL), 0)`, id, sandbox.Environment).Scan(&version)
	return version, err
}

// RunningVersion is the version of its environment that a live sandbox's containers run with, as a snapshot of it would
// have it.
func (db *DB) RunningVersion(ctx context.Context, sandbox sdp.Sandbox) (version int, err error) {
	var id int64
	err = db.pool.QueryRow(ctx, `SELECT id FROM sandboxes WHERE name = $1 AND state <> 'DELETED'`, sandbox.Name).Scan(&id)
	if err == nil {
		version, err = runningVersion(ctx, db.pool, id, sandbox)
	}
	return version, pg.Translate("reading sandbox "+sandbox.Name, err)
}

func insertSnapshot(ctx context.Context, tx pgx.Tx, id int64, n sdp.Snapshot) error {
	secrets, err := secretsOf(ctx, tx, id)
	if err != nil {
		return err
	}
	images := make([]snapshotImageDoc, len(n.Images))
	for i, image := range n.Images {
		images[i] = snapshotImageDoc(image)
	}
	tag, err := tx.Exec(ctx, `INSERT INTO snapshots (id, sandbox_id, name, description, author, spec, secrets, images)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (sandbox_id, name) DO NOTHING`,
		n.ID, id, n.Name, pg.Clean(n.Description), n.Author, pg.Document(specDocument(n.Spec)), pg.Document(secrets),
		pg.Document(images))
	if err == nil && tag.RowsAffected() == 0 {
		err = sdp.Errorf(sdp.Conflict, "snapshot-exists", "sandbox %s has a snapshot %s already", n.Sandbox, n.Name).
			WithRemedy("choose another name, or delete that one: `sdp snapshot delete %s/%s`", n.Sandbox, n.Name)
	}
	return err
}

// secretsOf reads all secrets of a sandbox.
func secretsOf(ctx context.Context, q pg.Querier, id int64) (Secrets, error) {
	type row struct {
		Service string            `db:"service"`
		Secrets map[string][]byte `db:"secrets"`
	}
	rows, err := pg.Query(ctx, q, "reading secrets", pgx.RowToStructByName[row], `
		SELECT '' AS service, secrets FROM sandboxes WHERE id = $1
		UNION ALL SELECT name, secrets FROM sandbox_services WHERE sandbox_id = $1`, id)
	all := Secrets{}
	for _, r := range rows {
		if len(r.Secrets) > 0 {
			all[r.Service] = r.Secrets
		}
	}
	return all, err
}

// SandboxSecrets returns a live sandbox and its secrets as they are at one moment.
func (db *DB) SandboxSecrets(ctx context.Context, name string) (sdp.Sandbox, Secrets, error) {
	return db.sandboxSecrets(ctx, name, func(pgx.Tx, int64) error { return nil })
}

// CopySource is SandboxSecrets for a sandbox that is to be copied: a Conflict while a change of it is under way, for
// half of it might be about to be put back.
func (db *DB) CopySource(ctx context.Context, name string) (sdp.Sandbox, Secrets, error) {
	return db.sandboxSecrets(ctx, name, func(tx pgx.Tx, id int64) error { return refuseChanging(ctx, tx, id, name) })
}

func (db *DB) sandboxSecrets(ctx context.Context, name string, check func(pgx.Tx, int64) error) (sandbox sdp.Sandbox,
	secrets Secrets, err error) {
	err = db.pool.InTxWith(ctx, pg.Snapshot, "reading sandbox "+name, func(tx pgx.Tx) error {
		if sandbox, err = sandboxByName(ctx, tx, name); err != nil {
			return err
		}
		var id int64
		if err := tx.QueryRow(ctx, `SELECT id FROM sandboxes WHERE name = $1 AND state <> 'DELETED'`, name).Scan(&id); err != nil {
			return err
		}
		if err := check(tx, id); err != nil {
			return err
		}
		secrets, err = secretsOf(ctx, tx, id)
		return err
	})
	return sandbox, secrets, err
}

// Snapshot returns one snapshot.
func (db *DB) Snapshot(ctx context.Context, id string) (sdp.Snapshot, error) {
	found, err := db.snapshots(ctx, `WHERE p.id = $1`, id)
	if err == nil && len(found) == 0 {
		err = noSnapshot(id)
	}
	if err != nil {
		return sdp.Snapshot{}, err
	}
	return found[0].domain(), nil
}

// Snapshots lists the snapshots of sandboxes of a name, those of deleted ones too; "" = of all. Newest first.
func (db *DB) Snapshots(ctx context.Context, sandbox string, p Page) ([]sdp.Snapshot, string, error) {
	before, err := p.Before()
	if err != nil {
		return nil, "", err
	}
	rows, err := db.snapshots(ctx, `WHERE ($1 = '' OR s.name = $1) AND ($2::bigint IS NULL OR p.seq < $2)
		ORDER BY p.seq DESC LIMIT $3`, sandbox, before, p.Size()+1)
	if err != nil {
		return nil, "", err
	}
	rows, next := pg.Cut(p, rows, func(r snapshotRow) string { return strconv.FormatInt(r.Seq, 10) })
	list := make([]sdp.Snapshot, len(rows))
	for i, r := range rows {
		list[i] = r.domain()
	}
	return list, next, nil
}

type snapshotRow struct {
	ID          string             `db:"id"`
	Seq         int64              `db:"seq"`
	Sandbox     string             `db:"sandbox"`
	Gone        bool               `db:"gone"`
	Name        string             `db:"name"`
	Description string             `db:"description"`
	Author      string             `db:"author"`
	CreatedAt   time.Time          `db:"created_at"`
	Spec        specDoc            `db:"spec"`
	Images      []snapshotImageDoc `db:"images"`
	Secrets     Secrets            `db:"secrets"`
}

func (r snapshotRow) domain() sdp.Snapshot {
	n := sdp.Snapshot{ID: r.ID, Sandbox: r.Sandbox, Name: r.Name, Description: r.Description, Author: r.Author,
		CreatedAt: r.CreatedAt, Spec: r.Spec.spec(), SecretKeys: map[string][]string{}, Gone: r.Gone}
	for _, image := range r.Images {
		n.Images = append(n.Images, sdp.SnapshotImage(image))
	}
	for service, values := range r.Secrets {
		n.SecretKeys[service] = pg.SortedKeys(values)
	}
	return n
}

// snapshots reads the snapshots that where selects.
func (db *DB) snapshots(ctx context.Context, where string, args ...any) ([]snapshotRow, error) {
	return pg.Query(ctx, db.pool, "reading snapshots", pgx.RowToStructByName[snapshotRow], `
		SELECT p.id, p.seq, s.name AS sandbox, s.state = 'DELETED' AS gone, p.name, p.description, p.author, p.created_at, p.spec,
			p.images, p.secrets
		FROM snapshots p JOIN sandboxes s ON s.id = p.sandbox_id `+where, args...)
}

// SnapshotSecrets returns the secrets that a snapshot holds, encrypted as they were in its sandbox.
func (db *DB) SnapshotSecrets(ctx context.Context, id string) (secrets Secrets, err error) {
	err = db.pool.QueryRow(ctx, `SELECT secrets FROM snapshots WHERE id = $1`, id).Scan(&secrets)
	if errors.Is(err, pgx.ErrNoRows) {
		err = noSnapshot(id)
	}
	return secrets, pg.Translate("reading secrets of "+id, err)
}

// DeleteSnapshot deletes a snapshot. Its images may then be cleaned away.
func (db *DB) DeleteSnapshot(ctx context.Context, id string) error {
	return db.change(ctx, "deleting snapshot "+id, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `DELETE FROM snapshots WHERE id = $1`, id)
		if err == nil && tag.RowsAffected() == 0 {
			err = noSnapshot(id)
		}
		return err
	})
}

func noSnapshot(id string) error {
	return sdp.Errorf(sdp.NotFound, "snapshot-not-found", "there is no snapshot %q", id).
		WithRemedy("`sdp snapshot list` lists the snapshots there are")
}
