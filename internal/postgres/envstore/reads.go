package envstore

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"

	"sdp/internal/postgres/pg"
	"sdp/internal/sdp/settings"
)

// Environment returns a live environment with its newest version.
func (db *Store) Environment(ctx context.Context, name string) (settings.Environment, error) {
	return environmentByName(ctx, db.pool, name, 0)
}

// EnvironmentVersion returns one version of a live environment; 0 = the newest.
func (db *Store) EnvironmentVersion(ctx context.Context, name string, version int) (settings.EnvironmentVersion, error) {
	e, err := environmentByName(ctx, db.pool, name, version)
	return e.Current, err
}

// EnvironmentNames lists the names of the live environments.
func (db *Store) EnvironmentNames(ctx context.Context) ([]string, error) {
	return environmentNames(ctx, db.pool)
}

func environmentNames(ctx context.Context, q pg.Querier) ([]string, error) {
	return pg.Query(ctx, q, "listing environments", pgx.RowTo[string],
		`SELECT name FROM environments WHERE deleted_at IS NULL ORDER BY name`)
}

// EnvironmentInUse is an environment with how many live sandboxes use it.
type EnvironmentInUse struct {
	settings.Environment
	Sandboxes int
}

type inUseRow struct {
	environmentRow
	Sandboxes int `db:"sandboxes"`
}

func (r inUseRow) domain() EnvironmentInUse {
	return EnvironmentInUse{r.environmentRow.domain(), r.Sandboxes}
}

// Environments lists the live environments by name, each with its newest version.
func (db *Store) Environments(ctx context.Context, p pg.Page) ([]EnvironmentInUse, string, error) {
	after, err := p.After()
	if err != nil {
		return nil, "", err
	}
	list, err := pg.Query(ctx, db.pool, "listing environments", pg.ByName(inUseRow.domain), `
		SELECT (SELECT count(*) FROM sandboxes s WHERE s.environment = e.name AND s.state <> 'DELETED') AS sandboxes,
			`+environmentColumns+`
		FROM environments e JOIN environment_versions v ON v.environment_id = e.id AND v.version = e.version
		WHERE e.deleted_at IS NULL AND e.name > $1 ORDER BY e.name LIMIT $2`, after, p.Size()+1)
	if err != nil {
		return nil, "", err
	}
	list, next := pg.Cut(p, list, func(u EnvironmentInUse) string { return u.Name })
	return list, next, nil
}

// EnvironmentVersions lists the versions of a live environment, newest first.
func (db *Store) EnvironmentVersions(ctx context.Context, name string, p pg.Page) ([]settings.EnvironmentVersion, string, error) {
	before, err := p.Before()
	if err != nil {
		return nil, "", err
	}
	list, err := pg.Query(ctx, db.pool, "listing versions", pg.ByName(versionRow.domain), `SELECT `+versionColumns+`
		FROM environments e JOIN environment_versions v ON v.environment_id = e.id
		WHERE e.name = $1 AND e.deleted_at IS NULL AND ($2::bigint IS NULL OR v.version < $2)
		ORDER BY v.version DESC LIMIT $3`, name, before, p.Size()+1)
	if err == nil && len(list) == 0 {
		_, err = db.Environment(ctx, name)
	}
	if err != nil {
		return nil, "", err
	}
	list, next := pg.Cut(p, list, func(v settings.EnvironmentVersion) string { return strconv.Itoa(v.Version) })
	return list, next, nil
}

// contentRow is all that a version of an environment holds.
type contentRow struct {
	ID        int64              `db:"id"` // of the environment
	Version   int                `db:"version"`
	Variables map[string]string  `db:"variables"`
	Secrets   map[string][]byte  `db:"secrets"`
	Files     map[string]fileDoc `db:"files"`
}

// EnvironmentLayer returns one version of a live environment as it is stored, and which version it is; 0 = the newest.
func (db *Store) EnvironmentLayer(ctx context.Context, name string, version int,
) (settings.SealedLayer, []settings.SealedFile, int, error) {
	r, err := pg.One(ctx, db.pool, pgx.RowToStructByName[contentRow], `SELECT e.id, v.version, v.variables, v.secrets, v.files
		FROM environments e JOIN environment_versions v ON v.environment_id = e.id
			AND v.version = coalesce(nullif($2, 0), e.version)
		WHERE e.name = $1 AND e.deleted_at IS NULL`, name, version)
	if errors.Is(err, pgx.ErrNoRows) {
		_, err = environmentByName(ctx, db.pool, name, version) // says which of the two is missing
	}
	if err != nil {
		return settings.SealedLayer{}, nil, 0, pg.Translate("reading environment "+name, err)
	}
	return r.layer(name), sealedFiles(r.Files), r.Version, nil
}

func (r contentRow) layer(name string) settings.SealedLayer {
	return settings.SealedLayer{Name: settings.LayerEnvironment, Of: name + "@" + strconv.Itoa(r.Version),
		Variables: r.Variables, Secrets: r.Secrets, Context: settings.EnvironmentContext(r.ID, "")}
}

func sealedFiles(docs map[string]fileDoc) []settings.SealedFile {
	var files []settings.SealedFile
	for _, path := range slices.Sorted(maps.Keys(docs)) {
		files = append(files, settings.SealedFile{Path: path, Size: docs[path].Size, Content: docs[path].Content})
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

type userRow struct {
	Sandbox    string `db:"sandbox"`
	Owner      string `db:"owner"`
	Service    string `db:"service"`
	Deployment string `db:"deployment"`
	Runs       string `db:"runs"`
	Version    int    `db:"version"`
	Pinned     bool   `db:"pinned"`
	Behind     bool   `db:"behind"`
}

func (r userRow) domain() EnvironmentUser { return EnvironmentUser(r) }

// EnvironmentUsers lists the live sandboxes that use an environment, and the services that run in them; both sorted.
func (db *Store) EnvironmentUsers(ctx context.Context, name string) (sandboxes []string, users []EnvironmentUser, err error) {
	var b pgx.Batch
	pg.Collect(&b, &sandboxes, pgx.RowTo[string],
		`SELECT name FROM sandboxes WHERE environment = $1 AND state <> 'DELETED' ORDER BY name`, name)
	pg.Collect(&b, &users, pg.ByName(userRow.domain), `SELECT s.name AS sandbox, s.owner, c.service, c.deployment,
			CASE WHEN d.environment <> '' THEN d.environment || '@' || d.environment_version ELSE '' END AS runs,
			coalesce(nullif(s.environment_version, 0), e.version) AS version, s.environment_version <> 0 AS pinned,
			`+Behind+` AS behind
		FROM sandboxes s JOIN environments e ON e.name = s.environment AND e.deleted_at IS NULL
			JOIN containers c ON c.sandbox_id = s.id AND c.state = 'SERVING' JOIN deployments d ON d.id = c.deployment
		WHERE s.environment = $1 AND s.state <> 'DELETED' ORDER BY s.name, c.service`, name)
	return sandboxes, users, pg.Translate("reading who uses environment "+name, db.pool.SendBatch(ctx, &b).Close())
}

// behind says of a deployment d of sandbox s whether a restart would give it another version of the environment e.
const Behind = `(d.environment <> s.environment
	OR d.environment_version <> coalesce(nullif(s.environment_version, 0), e.version, 0))`
