// Package envstore keeps environments with their versions, the settings that services get from them, and templates.
package envstore

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"sdp/internal/postgres/outbox"
	"sdp/internal/postgres/pg"
	"sdp/internal/sdp"
	"sdp/internal/sdp/settings"
)

// Store is this package's part of the database. It is safe for concurrent use.
type Store struct{ pool *pg.Pool }

// New returns a store on a pool.
func New(pool *pg.Pool) Store { return Store{pool} }

// EnvironmentContent is all that a version of an environment holds, as it is stored: secrets and files encrypted.
type EnvironmentContent struct {
	Variables map[string]string
	Secrets   map[string][]byte
	Files     map[string]settings.SealedFile // by path
}

// StoredEnvironment is an environment as a change of it finds it. What it encrypts is bound to ID.
type StoredEnvironment struct {
	ID      int64
	Version int // the newest; 0 = it is being made
	Content EnvironmentContent
}

// EnvironmentChange is who changes an environment and how. Change is called with the environment locked and returns
// what the next version holds; it must not change what it is given, may be called again, and returns nil for content
// that stays the same.
type EnvironmentChange struct {
	Name        string
	Description *string // nil = stays
	User        string
	Note        string
	Version     int // the newest version the caller knows of; 0 = any
	Change      func(StoredEnvironment) (*EnvironmentContent, error)
}

const announceEnvironment = `SELECT sdp_notify('environment/' || $1::text, $1, '', 0)`

// CreateEnvironment stores an environment with its first version.
func (db *Store) CreateEnvironment(ctx context.Context, c EnvironmentChange) (e settings.Environment, err error) {
	err = outbox.Change(ctx, db.pool, "creating environment "+c.Name, func(tx pgx.Tx) error {
		description := ""
		if c.Description != nil {
			description = *c.Description
		}
		var id int64
		err := tx.QueryRow(ctx, `INSERT INTO environments (name, description, owner, version) VALUES ($1, $2, $3, 1)
			ON CONFLICT (name) WHERE deleted_at IS NULL DO NOTHING RETURNING id`, c.Name, pg.Clean(description), c.User).Scan(&id)
		if errors.Is(err, pgx.ErrNoRows) {
			return sdp.Errorf(sdp.Conflict, "environment-exists", "there is an environment %s already", c.Name).
				WithRemedy("choose another name, or change it: `sdp env set %s`", c.Name)
		}
		if err != nil {
			return err
		}
		content, err := c.Change(StoredEnvironment{ID: id})
		if err != nil {
			return err
		}
		if err := insertVersion(ctx, tx, id, 1, content, c); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, announceEnvironment, c.Name); err != nil {
			return err
		}
		e, err = environmentByName(ctx, tx, c.Name, 0)
		return err
	})
	return e, err
}

// UpdateEnvironment makes a new version of an environment, unless nothing in it changes, and returns it as it is then.
// Errors: Conflict "environment-changed" if c.Version is not the newest any more.
func (db *Store) UpdateEnvironment(ctx context.Context, c EnvironmentChange) (e settings.Environment, err error) {
	err = outbox.Change(ctx, db.pool, "changing environment "+c.Name, func(tx pgx.Tx) error {
		stored, err := lockEnvironment(ctx, tx, c.Name)
		if err != nil {
			return err
		}
		if c.Version != 0 && c.Version != stored.Version {
			return sdp.Errorf(sdp.Conflict, "environment-changed", "environment %s is at version %d, not %d any more", c.Name,
				stored.Version, c.Version).WithRemedy("look at what changed with `sdp env diff %s %d %d`, then try again",
				c.Name, min(c.Version, stored.Version), max(c.Version, stored.Version))
		}
		content, err := c.Change(stored)
		if err != nil {
			return err
		}
		if content != nil {
			if err := insertVersion(ctx, tx, stored.ID, stored.Version+1, content, c); err != nil {
				return err
			}
		}
		if content != nil || c.Description != nil {
			_, err = tx.Exec(ctx, `WITH changed AS (UPDATE environments SET description = coalesce($2, description),
					updated_at = now(), version = version + $3 WHERE id = $1 RETURNING name)
				SELECT sdp_notify('environment/' || name, name, '', 0) FROM changed`,
				stored.ID, cleanOptional(c.Description), countIf(content != nil))
			if err != nil {
				return err
			}
		}
		e, err = environmentByName(ctx, tx, c.Name, 0)
		return err
	})
	return e, err
}

func cleanOptional(s *string) *string {
	if s == nil {
		return nil
	}
	c := pg.Clean(*s)
	return &c
}

func countIf(b bool) int {
	if b {
		return 1
	}
	return 0
}

// lockEnvironment reads a live environment and keeps others from changing or deleting it until the transaction ends.
func lockEnvironment(ctx context.Context, tx pgx.Tx, name string) (s StoredEnvironment, err error) {
	var files map[string]fileDoc
	// Two statements: one that had to wait for the lock would not see the version written meanwhile.
	err = tx.QueryRow(ctx, `SELECT id, version FROM environments WHERE name = $1 AND deleted_at IS NULL FOR UPDATE`, name).
		Scan(&s.ID, &s.Version)
	if errors.Is(err, pgx.ErrNoRows) {
		err = NoEnvironment(ctx, tx, name)
	}
	if err != nil {
		return s, err
	}
	err = tx.QueryRow(ctx, `SELECT variables, secrets, files FROM environment_versions
		WHERE environment_id = $1 AND version = $2`, s.ID, s.Version).Scan(&s.Content.Variables, &s.Content.Secrets, &files)
	s.Content.Files = map[string]settings.SealedFile{}
	for path, f := range files {
		s.Content.Files[path] = settings.SealedFile{Path: path, Size: f.Size, Content: f.Content}
	}
	return s, err
}

func insertVersion(ctx context.Context, tx pgx.Tx, id int64, version int, content *EnvironmentContent,
	c EnvironmentChange,
) error {
	files := map[string]fileDoc{}
	for path, f := range content.Files {
		files[path] = fileDoc{f.Size, f.Content}
	}
	_, err := tx.Exec(ctx, `INSERT INTO environment_versions (environment_id, version, variables, secrets, files, author, note)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`, id, version, pg.Document(pg.OrEmpty(content.Variables)),
		pg.Document(pg.OrEmpty(content.Secrets)), pg.Document(files), c.User, pg.Clean(c.Note))
	return err
}

// DeleteEnvironment deletes an environment that no live sandbox and no snapshot uses. Its secrets and files are gone.
func (db *Store) DeleteEnvironment(ctx context.Context, name string) error {
	return outbox.Change(ctx, db.pool, "deleting environment "+name, func(tx pgx.Tx) error {
		stored, err := lockEnvironment(ctx, tx, name)
		if err != nil {
			return err
		}
		if err := refuseUsed(ctx, tx, name); err != nil {
			return err
		}
		var b pgx.Batch
		b.Queue(`UPDATE environments SET deleted_at = now() WHERE id = $1`, stored.ID)
		b.Queue(`UPDATE environment_versions SET secrets = '{}', files = '{}' WHERE environment_id = $1`, stored.ID)
		b.Queue(announceEnvironment, name)
		return tx.SendBatch(ctx, &b).Close()
	})
}

func refuseUsed(ctx context.Context, tx pgx.Tx, name string) error {
	var sandboxes, snapshots []string
	err := tx.QueryRow(ctx, `SELECT
		ARRAY(SELECT name FROM sandboxes WHERE environment = $1 AND state <> 'DELETED' ORDER BY name),
		ARRAY(SELECT p.name || ' of ' || s.name FROM snapshots p JOIN sandboxes s ON s.id = p.sandbox_id
			WHERE p.spec->>'environment' = $1 ORDER BY p.seq)`, name).Scan(&sandboxes, &snapshots)
	switch {
	case err != nil:
		return err
	case len(sandboxes) > 0:
		return sdp.Errorf(sdp.Conflict, "environment-used", "environment %s is used by sandbox %s", name, few(sandboxes)).
			WithRemedy("give them another environment or delete them first; `sdp env usage %s` lists them", name)
	case len(snapshots) > 0:
		return sdp.Errorf(sdp.Conflict, "environment-used", "environment %s is needed by snapshot %s", name, few(snapshots)).
			WithRemedy("delete the snapshots first: `sdp snapshot list`")
	}
	return nil
}

// few names the first of a list and says how many more there are.
func few(names []string) string {
	const shown = 5
	if len(names) <= shown {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:shown], ", ") + " and " + strconv.Itoa(len(names)-shown) + " more"
}

// requireEnvironment keeps an environment from being deleted until the transaction, which makes a sandbox use it, ends.
// It is NotFound if there is no such environment or version; "" and version 0, the newest, are always fine.
func Require(ctx context.Context, tx pgx.Tx, name string, version int) error {
	if name == "" {
		return nil
	}
	var found bool
	err := tx.QueryRow(ctx, `SELECT $2 = 0 OR EXISTS (SELECT FROM environment_versions v
			WHERE v.environment_id = e.id AND v.version = $2)
		FROM environments e WHERE e.name = $1 AND e.deleted_at IS NULL FOR SHARE OF e`, name, version).Scan(&found)
	if errors.Is(err, pgx.ErrNoRows) {
		return NoEnvironment(ctx, tx, name)
	}
	if err == nil && !found {
		return noVersion(name, version)
	}
	return err
}

// noEnvironment says that there is no environment of the name, and which one was perhaps meant.
func NoEnvironment(ctx context.Context, q pg.Querier, name string) error {
	names, err := environmentNames(ctx, q)
	if err != nil {
		return err
	}
	e := sdp.Errorf(sdp.NotFound, "unknown-environment", "there is no environment %q", pg.Clean(name))
	const remedy = "`sdp env list` lists the environments there are; `sdp env create` makes one"
	if near := sdp.Nearest(name, names); len(near) > 0 {
		return e.WithRemedy("did you mean %q? %s", near[0], remedy)
	}
	return e.WithRemedy(remedy)
}

func noVersion(name string, version int) error {
	return sdp.Errorf(sdp.NotFound, "unknown-version", "environment %s has no version %d", name, version).
		WithRemedy("`sdp env versions %s` lists its versions", name)
}

// fileDoc is a stored file of an environment.
type fileDoc struct {
	Size    int    `json:"size"`
	Content []byte `json:"content,omitempty"`
}

// environmentColumns need environments as e and environment_versions as v. Encrypted bytes are left out.
const environmentColumns = `e.name, e.description, e.owner, e.version AS newest, e.created_at AS made_at, e.updated_at, ` +
	versionColumns

const versionColumns = `v.version, v.variables, ARRAY(SELECT jsonb_object_keys(v.secrets)) AS secret_keys,
	(SELECT coalesce(jsonb_object_agg(key, jsonb_build_object('size', value->'size')), '{}') FROM jsonb_each(v.files)) AS files,
	v.author, v.note, v.created_at`

// environmentRow has environmentColumns.
type environmentRow struct {
	versionRow
	Name        string    `db:"name"`
	Description string    `db:"description"`
	Owner       string    `db:"owner"`
	Newest      int       `db:"newest"`
	MadeAt      time.Time `db:"made_at"`
	UpdatedAt   time.Time `db:"updated_at"`
}

func (r environmentRow) domain() settings.Environment {
	return settings.Environment{Name: r.Name, Description: r.Description, Owner: r.Owner, Version: r.Newest,
		CreatedAt: r.MadeAt, UpdatedAt: r.UpdatedAt, Current: r.versionRow.domain()}
}

// versionRow has versionColumns.
type versionRow struct {
	Version    int                `db:"version"`
	Variables  map[string]string  `db:"variables"`
	SecretKeys []string           `db:"secret_keys"`
	Files      map[string]fileDoc `db:"files"` // without their content
	Author     string             `db:"author"`
	Note       string             `db:"note"`
	CreatedAt  time.Time          `db:"created_at"`
}

func (r versionRow) domain() settings.EnvironmentVersion {
	v := settings.EnvironmentVersion{Version: r.Version, Variables: r.Variables, SecretKeys: r.SecretKeys, Author: r.Author,
		Note: r.Note, CreatedAt: r.CreatedAt}
	slices.Sort(v.SecretKeys)
	for _, path := range slices.Sorted(maps.Keys(r.Files)) {
		v.Files = append(v.Files, settings.EnvironmentFile{Path: path, Size: r.Files[path].Size})
	}
	return v
}

// environmentByName reads a live environment with one version as its Current; 0 = the newest.
func environmentByName(ctx context.Context, q pg.Querier, name string, version int) (settings.Environment, error) {
	found, err := pg.Query(ctx, q, "reading environment "+name, pg.ByName(environmentRow.domain), `SELECT `+environmentColumns+`
		FROM environments e JOIN environment_versions v ON v.environment_id = e.id
			AND v.version = coalesce(nullif($2, 0), e.version)
		WHERE e.name = $1 AND e.deleted_at IS NULL`, name, version)
	if err == nil && len(found) == 0 {
		if version != 0 {
			if _, err := environmentByName(ctx, q, name, 0); err == nil {
				return settings.Environment{}, noVersion(name, version)
			}
		}
		err = NoEnvironment(ctx, q, name)
	}
	if err != nil {
		return settings.Environment{}, err
	}
	return found[0], nil
}
