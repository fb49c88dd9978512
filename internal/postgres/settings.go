package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"sdp/internal/sdp"
)

// Settings returns by service what the containers of a live sandbox would get if they were started now: for every
// service that a repository provides. If the sandbox's environment, or the version it is pinned to, does not exist,
// EnvironmentVersion is 0.
func (db *DB) Settings(ctx context.Context, sandbox string) (all map[string]sdp.Settings, err error) {
	err = db.inTxWith(ctx, snapshot, "reading the settings of sandbox "+sandbox, func(tx pgx.Tx) error {
		all, err = settingsOf(ctx, tx, sandbox)
		return err
	})
	return all, err
}

func settingsOf(ctx context.Context, q querier, sandbox string) (map[string]sdp.Settings, error) {
	var b pgx.Batch
	var common []commonSettings
	var services []serviceSettings
	collect(&b, &common, scanCommonSettings, `SELECT s.name, s.environment, s.variables, s.secrets, s.limits,
			coalesce(e.id, 0), coalesce(v.version, 0), coalesce(v.variables, '{}'), coalesce(v.secrets, '{}'),
			coalesce(v.files, '{}')
		FROM sandboxes s LEFT JOIN environments e ON e.name = s.environment AND e.deleted_at IS NULL
			LEFT JOIN environment_versions v ON v.environment_id = e.id
				AND v.version = coalesce(nullif(s.environment_version, 0), e.version)
		WHERE s.name = $1 AND s.state <> 'DELETED'`, sandbox)
	collect(&b, &services, scanServiceSettings, `SELECT v.name, r.name, r.variables, v.env, v.secrets, v.limits, n.limits
		FROM sandbox_services v JOIN sandboxes s ON s.id = v.sandbox_id JOIN repositories r ON r.name = v.name
			JOIN nodes n ON n.name = r.node
		WHERE s.name = $1 AND s.state <> 'DELETED'`, sandbox)
	if err := q.SendBatch(ctx, &b).Close(); err != nil {
		return nil, translate("reading settings", err)
	}
	if len(common) == 0 {
		return nil, noSandbox(sandbox)
	}
	all := map[string]sdp.Settings{}
	for _, v := range services {
		all[v.service] = common[0].with(v)
	}
	return all, nil
}

// commonSettings are those that all services of a sandbox share.
type commonSettings struct {
	sandbox, environment string
	stored               StoredEnvironment
	files                map[string]fileDoc
	variables            map[string]string
	secrets              map[string][]byte
	limits               sandboxLimitsDoc
}

func scanCommonSettings(row pgx.CollectableRow) (c commonSettings, err error) {
	return c, row.Scan(&c.sandbox, &c.environment, &c.variables, &c.secrets, &c.limits, &c.stored.ID, &c.stored.Version,
		&c.stored.Content.Variables, &c.stored.Content.Secrets, &c.files)
}

type serviceSettings struct {
	service, repository string
	defaults, variables map[string]string
	secrets             map[string][]byte
	limits, nodeLimits  limitsDoc
}

func scanServiceSettings(row pgx.CollectableRow) (v serviceSettings, err error) {
	return v, row.Scan(&v.service, &v.repository, &v.defaults, &v.variables, &v.secrets, &v.limits, &v.nodeLimits)
}

func (c commonSettings) with(v serviceSettings) sdp.Settings {
	s := sdp.Settings{
		Environment: c.environment, EnvironmentVersion: c.stored.Version, Files: sealedFiles(c.files),
		FileContext: sdp.EnvironmentContext(c.stored.ID, ""),
		Limits:      sdp.Limits(v.limits).Or(sdp.Limits(c.limits.Container)).Or(sdp.Limits(v.nodeLimits)),
	}
	var environment *sdp.SealedLayer
	if c.stored.Version > 0 {
		layer := environmentLayer(c.environment, c.stored)
		environment = &layer
	}
	s.Layers = sdp.LayersOf(v.repository, v.defaults, environment, c.sandbox, sdp.OwnValues{Variables: c.variables, Secrets: c.secrets},
		v.service, sdp.OwnValues{Variables: v.variables, Secrets: v.secrets})
	return s
}

// RecordSettings notes with what settings a deployment's container is started.
func (db *DB) RecordSettings(ctx context.Context, deployment string, s sdp.Settings) error {
	_, err := db.pool.Exec(ctx, `UPDATE deployments SET environment = $2, environment_version = $3, settings_digest = $4
		WHERE id = $1`, deployment, s.Environment, s.EnvironmentVersion, s.Digest())
	return translate("recording the settings of a deployment", err)
}
