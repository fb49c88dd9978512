package envstore

import (
	"context"

	"github.com/jackc/pgx/v5"

	"sdp/internal/postgres/pg"
	"sdp/internal/sdp"
	"sdp/internal/sdp/settings"
)

// Settings returns by service what the containers of a live sandbox would get if they were started now: for every
// service that a repository provides. If the sandbox's environment, or the version it is pinned to, does not exist,
// EnvironmentVersion is 0.
func (db *Store) Settings(ctx context.Context, sandbox string) (all map[string]settings.Settings, err error) {
	err = db.pool.InTxWith(ctx, pg.Snapshot, "reading the settings of sandbox "+sandbox, func(tx pgx.Tx) error {
		all, err = SettingsOf(ctx, tx, sandbox)
		return err
	})
	return all, err
}

func SettingsOf(ctx context.Context, q pg.Querier, sandbox string) (map[string]settings.Settings, error) {
	var b pgx.Batch
	var common []commonRow
	var services []serviceRow
	pg.Collect(&b, &common, pgx.RowToStructByName, `
		SELECT s.name, s.environment, s.variables AS own_variables, s.secrets AS own_secrets, s.limits,
			coalesce(e.id, 0) AS id, coalesce(v.version, 0) AS version, coalesce(v.variables, '{}') AS variables,
			coalesce(v.secrets, '{}') AS secrets, coalesce(v.files, '{}') AS files
		FROM sandboxes s LEFT JOIN environments e ON e.name = s.environment AND e.deleted_at IS NULL
			LEFT JOIN environment_versions v ON v.environment_id = e.id
				AND v.version = coalesce(nullif(s.environment_version, 0), e.version)
		WHERE s.name = $1 AND s.state <> 'DELETED'`, sandbox)
	pg.Collect(&b, &services, pgx.RowToStructByName, `
		SELECT v.name, r.name AS repository, r.variables AS defaults, v.env, v.secrets, v.limits,
			n.limits AS node_limits
		FROM sandbox_services v JOIN sandboxes s ON s.id = v.sandbox_id JOIN repositories r ON r.name = v.name
			JOIN nodes n ON n.name = r.node
		WHERE s.name = $1 AND s.state <> 'DELETED'`, sandbox)
	if err := q.SendBatch(ctx, &b).Close(); err != nil {
		return nil, pg.Translate("reading settings", err)
	}
	if len(common) == 0 {
		return nil, pg.NoSandbox(sandbox)
	}
	all := map[string]settings.Settings{}
	for _, v := range services {
		all[v.Name] = common[0].with(v)
	}
	return all, nil
}

// commonRow has the settings that all services of a sandbox share: those of its environment and its own.
type commonRow struct {
	contentRow
	Sandbox     string            `db:"name"`
	Environment string            `db:"environment"`
	Variables   map[string]string `db:"own_variables"`
	Secrets     map[string][]byte `db:"own_secrets"`
	Limits      sdp.SandboxLimits `db:"limits"`
}

// serviceRow has the settings of one service: its repository's and its own.
type serviceRow struct {
	Name       string            `db:"name"`
	Repository string            `db:"repository"`
	Defaults   map[string]string `db:"defaults"`
	Variables  map[string]string `db:"env"`
	Secrets    map[string][]byte `db:"secrets"`
	Limits     sdp.Limits        `db:"limits"`
	NodeLimits sdp.Limits        `db:"node_limits"`
}

func (r commonRow) with(v serviceRow) settings.Settings {
	s := settings.Settings{
		Environment: r.Environment, EnvironmentVersion: r.Version, Files: sealedFiles(r.Files),
		FileContext: settings.EnvironmentContext(r.ID, ""),
		Limits:      v.Limits.Or(r.Limits.Container).Or(v.NodeLimits),
	}
	var environment *settings.SealedLayer
	if r.Version > 0 {
		layer := r.layer(r.Environment)
		environment = &layer
	}
	s.Layers = settings.LayersOf(v.Repository, v.Defaults, environment,
		r.Sandbox, settings.OwnValues{Variables: r.Variables, Secrets: r.Secrets},
		v.Name, settings.OwnValues{Variables: v.Variables, Secrets: v.Secrets})
	return s
}

// RecordSettings notes with what settings a deployment's container is started.
func (db *Store) RecordSettings(ctx context.Context, deployment string, s settings.Settings) error {
	_, err := db.pool.Exec(ctx, `UPDATE deployments SET environment = $2, environment_version = $3, settings_digest = $4
		WHERE id = $1`, deployment, s.Environment, s.EnvironmentVersion, s.Digest())
	return pg.Translate("recording the settings of a deployment", err)
}
