package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"sdp/internal/postgres/envstore"
	"sdp/internal/postgres/pg"
	"sdp/internal/postgres/stored"
	"sdp/internal/sdp"
)

// SandboxFilter selects sandboxes; empty fields do not restrict.
type SandboxFilter struct {
	Owner  string
	States []sdp.SandboxState // none = all but DELETED
}

// Sandbox returns a live sandbox with its services.
func (db *DB) Sandbox(ctx context.Context, name string) (s sdp.Sandbox, err error) {
	err = db.pool.InTxWith(ctx, pg.Snapshot, "reading sandbox "+name, func(tx pgx.Tx) error {
		s, err = sandboxByName(ctx, tx, name)
		return err
	})
	return s, err
}

func sandboxByName(ctx context.Context, q pg.Querier, name string) (sdp.Sandbox, error) {
	found, err := sandboxes(ctx, q, `WHERE s.name = $1 AND s.state <> 'DELETED'`, name)
	if err == nil && len(found) == 0 {
		err = pg.NoSandbox(name)
	}
	if err != nil {
		return sdp.Sandbox{}, err
	}
	return found[0], nil
}

// Sandboxes lists sandboxes with their services by name. The number of queries does not depend on the number of rows.
func (db *DB) Sandboxes(ctx context.Context, f SandboxFilter, p Page) (list []sdp.Sandbox, next string, err error) {
	after, err := p.After()
	if err != nil {
		return nil, "", err
	}
	name, created, err := splitKey(after)
	if err != nil {
		return nil, "", err
	}
	states := f.States
	if len(states) == 0 {
		states = []sdp.SandboxState{sdp.Active, sdp.Suspended, sdp.Expired}
	}
	err = db.pool.InTxWith(ctx, pg.Snapshot, "listing sandboxes", func(tx pgx.Tx) error {
		list, err = sandboxes(ctx, tx, `WHERE s.state = ANY($1::text[]::sandbox_state[]) AND ($2 = '' OR s.owner = $2)
			AND (s.name, s.created_at) > ($3, $4) ORDER BY s.name, s.created_at LIMIT $5`,
			pg.Texts(states), f.Owner, name, created, p.Size()+1)
		return err
	})
	list, next = pg.Cut(p, list, joinKey)
	return list, next, err
}

// Deleted sandboxes may share a name, so the key of the list is the name and when the sandbox was created.
func joinKey(s sdp.Sandbox) string { return s.Name + " " + s.CreatedAt.Format(time.RFC3339Nano) }

func splitKey(key string) (name string, created time.Time, err error) {
	if key == "" {
		return "", time.Time{}, nil
	}
	for i := range key {
		if key[i] == ' ' {
			created, err = time.Parse(time.RFC3339Nano, key[i+1:])
			name = key[:i]
		}
	}
	if name == "" || err != nil {
		return "", time.Time{}, pg.BadCursor()
	}
	return name, created, nil
}

type sandboxRow struct {
	ID                 int64                      `db:"id"`
	Name               string                     `db:"name"`
	State              sdp.SandboxState           `db:"state"`
	Owner              string                     `db:"owner"`
	Description        string                     `db:"description"`
	Labels             map[string]string          `db:"labels"`
	Environment        string                     `db:"environment"`
	EnvironmentVersion int                        `db:"environment_version"`
	Variables          map[string]string          `db:"variables"`
	Secrets            map[string]json.RawMessage `db:"secrets"`
	Limits             sdp.SandboxLimits          `db:"limits"`
	IdleAfter          *time.Duration             `db:"idle_after"`
	DeleteAfter        *time.Duration             `db:"delete_after"`
	Gateway            string                     `db:"gateway"`
	GatewayNode        string                     `db:"gateway_node"`
	Port               int                        `db:"port"`
	PortHeld           bool                       `db:"port_held"`
	RouteVersion       int64                      `db:"route_version"`
	Deleting           bool                       `db:"deleting"`
	CreatedAt          time.Time                  `db:"created_at"`
	DeletedAt          *time.Time                 `db:"deleted_at"`
	TouchedAt          *time.Time                 `db:"touched_at"`
	StoredAt           *time.Time                 `db:"stored_at"` // the owner's credentials, as the next two
	CheckedAt          *time.Time                 `db:"checked_at"`
	Problem            string                     `db:"problem"`
	Traffic            map[string]stored.Traffic  `db:"traffic"` // by node
}

func (r sandboxRow) domain() sdp.Sandbox {
	return sdp.Sandbox{
		Name: r.Name, State: r.State, Owner: r.Owner, Description: r.Description, Labels: r.Labels,
		Environment: r.Environment, EnvironmentVersion: r.EnvironmentVersion,
		Variables: r.Variables, SecretKeys: pg.SortedKeys(r.Secrets), Limits: r.Limits,
		Expiry: sdp.Expiry{IdleAfter: sdp.SpanOf(pg.DurationOf(r.IdleAfter)),
			DeleteAfter: sdp.SpanOf(pg.DurationOf(r.DeleteAfter))},
		Gateway: r.Gateway, GatewayNode: r.GatewayNode, Port: r.Port, PortHeld: r.PortHeld, RouteVersion: r.RouteVersion,
		Deleting: r.Deleting, CreatedAt: r.CreatedAt, DeletedAt: pg.TimeOf(r.DeletedAt), TouchedAt: pg.TimeOf(r.TouchedAt),
		Tracking: sdp.TrackingCredential{User: r.Owner, StoredAt: pg.TimeOf(r.StoredAt), CheckedAt: pg.TimeOf(r.CheckedAt),
			Problem: r.Problem},
		Traffic: stored.TrafficOf(r.Name, r.Traffic),
	}
}

// sandboxes reads the sandboxes that where selects and, in one more round trip, all that belongs to them.
func sandboxes(ctx context.Context, q pg.Querier, where string, args ...any) ([]sdp.Sandbox, error) {
	rows, err := pg.Query(ctx, q, "reading sandboxes", pgx.RowToStructByName[sandboxRow], `SELECT s.id, s.name, s.state, s.owner,
			s.description, s.labels, s.environment, s.environment_version, s.variables, s.secrets, s.limits, s.idle_after,
			s.delete_after, s.gateway, coalesce(s.gateway_node, '') AS gateway_node, coalesce(s.port, 0) AS port, s.route_version,
			s.deleting, s.created_at, s.deleted_at, s.touched_at, t.stored_at, t.checked_at, coalesce(t.problem, '') AS problem,
			f.nodes AS traffic, coalesce(n.health->'portHeld' ? s.name, false) AS port_held
		FROM sandboxes s LEFT JOIN tracking_credentials t ON t.user_name = s.owner LEFT JOIN nodes n ON n.name = s.gateway_node
			LEFT JOIN sandbox_traffic f ON f.sandbox_id = s.id `+where, args...)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	ids := make([]int64, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	services, err := servicesOf(ctx, q, ids)
	if err != nil {
		return nil, err
	}
	list := make([]sdp.Sandbox, len(rows))
	for i, r := range rows {
		list[i] = r.domain()
		list[i].Services = services[r.ID]
	}
	return list, nil
}

// Touch marks the sandbox of an operation as used when that was asked for. It can be repeated.
func (db *DB) Touch(ctx context.Context, operation string) error {
	_, err := db.pool.Exec(ctx, `WITH touched AS (
			UPDATE sandboxes s SET touched_at = greatest(s.touched_at, o.created_at) FROM operations o
			WHERE o.id = $1 AND s.id = o.sandbox_id AND s.state <> 'DELETED' RETURNING s.name
		) SELECT sdp_notify('sandbox/' || name, name, name, 0) FROM touched`, operation)
	return pg.Translate("marking a sandbox as used", err)
}

type serviceRow struct {
	SandboxID    int64                      `db:"sandbox_id"`
	Sandbox      string                     `db:"sandbox"`
	Name         string                     `db:"name"`
	Branch       string                     `db:"branch"`
	Commit       string                     `db:"commit"`
	Track        bool                       `db:"track"`
	BranchGone   *time.Time                 `db:"branch_gone"`
	WatchProblem string                     `db:"watch_problem"`
	Source       sdp.Source                 `db:"source"`
	URL          string                     `db:"url"`
	Env          map[string]string          `db:"env"`
	Secrets      map[string]json.RawMessage `db:"secrets"`
	Limits       sdp.Limits                 `db:"limits"`
}

func (r serviceRow) domain() sdp.Service {
	return sdp.Service{Sandbox: r.Sandbox, Name: r.Name, Branch: r.Branch, Commit: r.Commit, Track: r.Track,
		BranchGone: pg.TimeOf(r.BranchGone), WatchProblem: r.WatchProblem, Limits: r.Limits, Source: r.Source, URL: r.URL,
		Env: r.Env, SecretKeys: pg.SortedKeys(r.Secrets)}
}

// servingRow is a container that answers.
type servingRow struct {
	containerRow
	SandboxID int64  `db:"sandbox_id"`
	Branch    string `db:"branch"`
	Behind    bool   `db:"behind"`
}

func (r servingRow) domain() *sdp.Container {
	c := r.containerRow.domain()
	c.Branch = r.Branch
	return &c
}

// newestRow is the latest deployment of a service.
type newestRow struct {
	deploymentRow
	SandboxID int64 `db:"sandbox_id"`
}

// servicesOf reads the services of several sandboxes, sorted by name, each with its serving container and its latest
// deployment (without steps).
func servicesOf(ctx context.Context, q pg.Querier, ids []int64) (map[int64][]sdp.Service, error) {
	var (
		b        pgx.Batch
		services []serviceRow
		serving  []servingRow
		newest   []newestRow
	)
	pg.Collect(&b, &services, pgx.RowToStructByName, `SELECT v.sandbox_id, s.name AS sandbox, v.name, v.branch, v.commit, v.track,
			v.branch_gone, v.watch_problem, v.source, v.url, v.env, v.secrets, v.limits
		FROM sandbox_services v JOIN sandboxes s ON s.id = v.sandbox_id WHERE s.id = ANY($1) ORDER BY v.name`, ids)
	pg.Collect(&b, &serving, pgx.RowToStructByName, `SELECT c.sandbox_id, d.branch, `+envstore.Behind+` AS behind,
			`+containerColumns+`
		FROM containers c JOIN sandboxes s ON s.id = c.sandbox_id JOIN deployments d ON d.id = c.deployment
			LEFT JOIN environments e ON e.name = s.environment AND e.deleted_at IS NULL
		WHERE c.state = 'SERVING' AND s.id = ANY($1)`, ids)
	pg.Collect(&b, &newest, pgx.RowToStructByName, `SELECT v.sandbox_id, `+deploymentColumns+`
		FROM sandbox_services v JOIN sandboxes s ON s.id = v.sandbox_id
		CROSS JOIN LATERAL (SELECT * FROM deployments d WHERE d.sandbox_id = v.sandbox_id AND d.service = v.name
			ORDER BY d.seq DESC LIMIT 1) d WHERE s.id = ANY($1)`, ids)
	if err := q.SendBatch(ctx, &b).Close(); err != nil {
		return nil, pg.Translate("reading services", err)
	}
	return joined(services, serving, newest), nil
}

// joined puts together by sandbox what belongs to its services.
func joined(services []serviceRow, serving []servingRow, newest []newestRow) map[int64][]sdp.Service {
	type key struct {
		id      int64
		service string
	}
	containers, deployments := map[key]servingRow{}, map[key]sdp.Deployment{}
	for _, c := range serving {
		containers[key{c.SandboxID, c.Service}] = c
	}
	for _, d := range newest {
		deployments[key{d.SandboxID, d.Service}] = d.domain()
	}
	result := map[int64][]sdp.Service{}
	for _, r := range services {
		at, service := key{r.SandboxID, r.Name}, r.domain()
		if c, ok := containers[at]; ok {
			service.Serving, service.Behind = c.domain(), c.Behind
		}
		if d, ok := deployments[at]; ok {
			service.Latest = &d
		}
		result[r.SandboxID] = append(result[r.SandboxID], service)
	}
	return result
}
