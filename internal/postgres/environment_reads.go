package postgres

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"

	"sdp/internal/sdp"
)

// Environment returns a live environment with its newest version.
func (db *DB) Environment(ctx context.Context, name string) (sdp.Environment, error) {
	return environmentByName(ctx, db.pool, name, 0)
}

// EnvironmentVersion returns one version of a live environment; 0 = the newest.
func (db *DB) EnvironmentVersion(ctx context.Context, name string, version int) (sdp.EnvironmentVersion, error) {
	e, err := environmentByName(ctx, db.pool, name, version)
	return e.Current, err
}

// EnvironmentNames lists the names of the live environments.
func (db *DB) EnvironmentNames(ctx context.Context) ([]string, error) {
	return environmentNames(ctx, db.pool)
}

func environmentNames(ctx context.Context, q querier) ([]string, error) {
	return query(ctx, q, "listing environments", pgx.RowTo[string],
		`SELECT name FROM environments WHERE deleted_at IS NULL ORDER BY name`)
}

// EnvironmentInUse is an environment with how many live sandboxes use it.
type EnvironmentInUse struct {
	sdp.Environment
	Sandboxes int
}

// Environments lists the live environments by name, each with its newest version.
func (db *DB) Environments(ctx context.Context, p Page) ([]EnvironmentInUse, string, error) {
	after, err := p.after()
	if err != nil {
		return nil, "", err
	}
	list, err := query(ctx, db.pool, "listing environments", func(row pgx.CollectableRow) (u EnvironmentInUse, err error) {
		var files map[string]fileDoc
		e := &u.Environment
		err = row.Scan(append([]any{&u.Sandboxes, &e.Name, &e.Description, &e.Owner, &e.Version, &e.CreatedAt, &e.UpdatedAt},
			versionFields(&e.Current, &files)...)...)
		finishVersion(&e.Current, files)
		return u, err
	}, `SELECT (SELECT count(*) FROM sandboxes s WHERE s.environment = e.name AND s.state <> 'DELETED'), `+environmentColumns+`
		FROM environments e JOIN environment_versions v ON v.environment_id = e.id AND v.version = e.version
		WHERE e.deleted_at IS NULL AND e.name > $1 ORDER BY e.name LIMIT $2`, after, p.limit()+1)
	if err != nil {
		return nil, "", err
	}
	list, next := cut(p, list, func(u EnvironmentInUse) string { return u.Name })
	return list, next, nil
}

// EnvironmentVersions lists the versions of a live environment, newest first.
func (db *DB) EnvironmentVersions(ctx context.Context, name string, p Page) ([]sdp.EnvironmentVersion, string, error) {
	before, err := p.before()
	if err != nil {
		return nil, "", err
	}
	list, err := query(ctx, db.pool, "listing versions", scanVersion, `SELECT `+versionColumns+`
		FROM environments e JOIN environment_versions v ON v.environment_id = e.id
		WHERE e.name = $1 AND e.deleted_at IS NULL AND ($2::bigint IS NULL OR v.version < $2)
		ORDER BY v.version DESC LIMIT $3`, name, before, p.limit()+1)
	if err == nil && len(list) == 0 {
		_, err = db.Environment(ctx, name)
	}
	if err != nil {
		return nil, "", err
	}
	list, next := cut(p, list, func(v sdp.EnvironmentVersion) string { return strconv.Itoa(v.Version) })
	return list, next, nil
}

// EnvironmentLayer returns one version of a live environment as it is stored, and which version it is; 0 = the newest.
func (db *DB) EnvironmentLayer(ctx context.Context, name string, version int) (sdp.SealedLayer, []sdp.SealedFile, int, error) {
	var s StoredEnvironment
	var files map[string]fileDoc
	err := db.pool.QueryRow(ctx, `SELECT e.id, v.version, v.variables, v.secrets, v.files
		FROM environments e JOIN environment_versions v ON v.environment_id = e.id
			AND v.version = coalesce(nullif($2, 0), e.version)
		WHERE e.name = $1 AND e.deleted_at IS NULL`, name, version).
		Scan(&s.ID, &s.Version, &s.Content.Variables, &s.Content.Secrets, &files)
	if errors.Is(err, pgx.ErrNoRows) {
		_, err = environmentByName(ctx, db.pool, name, version) // says which of the two is missing
	}
	if err != nil {
		return sdp.SealedLayer{}, nil, 0, translate("reading environment "+name, err)
	}
	return environmentLayer(name, s), sealedFiles(files), s.Version, nil
}

func environmentLayer(name string, s StoredEnvironment) sdp.SealedLayer {
	return sdp.SealedLayer{Name: sdp.LayerEnvironment, Of: name + "@" + strconv.Itoa(s.Version),
		Variables: s.Content.Variables, Secrets: s.Content.Secrets, Context: sdp.EnvironmentContext(s.ID, "")}
}

func sealedFiles(docs map[string]fileDoc) []sdp.SealedFile {
	var files []sdp.SealedFile
	for _, path := range slices.Sorted(maps.Keys(docs)) {
		files = append(files, sdp.SealedFile{Path: path, Size: docs[path].Size, Content: docs[path].Content})
	}
	return files
}

// EnvironmentUser is a running service of a live sandbox that uses an environment.
type EnvironmentUser struct {
	Sandbox    string
	Owner      string
	Service    string
	Deployment string
	Runs       string // environment and version it was started with, "dev@3"; "" = none
	Version    int    // what a restart would give it
	Pinned     bool   // the sandbox stays at that version
	Behind     bool   // a restart would give it another one
}

// EnvironmentUsers lists the live sandboxes that use an environment, and the services that run in them; both sorted.
func (db *DB) EnvironmentUsers(ctx context.Context, name string) (sandboxes []string, users []EnvironmentUser, err error) {
	var b pgx.Batch
	collect(&b, &sandboxes, pgx.RowTo[string],
		`SELECT name FROM sandboxes WHERE environment = $1 AND state <> 'DELETED' ORDER BY name`, name)
	collect(&b, &users, func(row pgx.CollectableRow) (u EnvironmentUser, err error) {
		return u, row.Scan(&u.Sandbox, &u.Owner, &u.Service, &u.Deployment, &u.Runs, &u.Version, &u.Pinned, &u.Behind)
	}, `SELECT s.name, s.owner, c.service, c.deployment,
			CASE WHEN d.environment <> '' THEN d.environment || '@' || d.environment_version ELSE '' END,
			coalesce(nullif(s.environment_version, 0), e.version), s.environment_version <> 0, `+behind+`
		FROM sandboxes s JOIN environments e ON e.name = s.environment AND e.deleted_at IS NULL
			JOIN containers c ON c.sandbox_id = s.id AND c.state = 'SERVING' JOIN deployments d ON d.id = c.deployment
		WHERE s.environment = $1 AND s.state <> 'DELETED' ORDER BY s.name, c.service`, name)
	return sandboxes, users, translate("reading who uses environment "+name, db.pool.SendBatch(ctx, &b).Close())
}

// behind says of a deployment d of sandbox s whether a restart would give it another version of the environment e.
const behind = `(d.environment <> s.environment
	OR d.environment_version <> coalesce(nullif(s.environment_version, 0), e.version, 0))`
