package postgres

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"sdp/internal/sdp"
)

// SandboxFilter selects sandboxes; empty fields do not restrict.
type SandboxFilter struct {
	Owner  string
	States []sdp.SandboxState // none = all but DELETED
}

// Sandbox returns a live sandbox with its services.
func (db *DB) Sandbox(ctx context.Context, name string) (s sdp.Sandbox, err error) {
	err = db.inTxWith(ctx, snapshot, "reading sandbox "+name, func(tx pgx.Tx) error {
		s, err = sandboxByName(ctx, tx, name)
		return err
	})
	return s, err
}

func sandboxByName(ctx context.Context, q querier, name string) (sdp.Sandbox, error) {
	found, err := sandboxes(ctx, q, `WHERE s.name = $1 AND s.state <> 'DELETED'`, name)
	if err == nil && len(found) == 0 {
		err = noSandbox(name)
	}
	if err != nil {
		return sdp.Sandbox{}, err
	}
	return found[0], nil
}

// Sandboxes lists sandboxes with their services by name. The number of queries does not depend on the number of rows.
func (db *DB) Sandboxes(ctx context.Context, f SandboxFilter, p Page) (list []sdp.Sandbox, next string, err error) {
	after, err := p.after()
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
	err = db.inTxWith(ctx, snapshot, "listing sandboxes", func(tx pgx.Tx) error {
		list, err = sandboxes(ctx, tx, `WHERE s.state = ANY($1::text[]::sandbox_state[]) AND ($2 = '' OR s.owner = $2)
			AND (s.name, s.created_at) > ($3, $4) ORDER BY s.name, s.created_at LIMIT $5`,
			texts(states), f.Owner, name, created, p.limit()+1)
		return err
	})
	list, next = cut(p, list, joinKey)
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
		return "", time.Time{}, badCursor()
	}
	return name, created, nil
}

// texts turns named strings into plain ones, which the driver can send as an array without knowing the enum.
func texts[S ~string](list []S) []string {
	plain := make([]string, len(list))
	for i, s := range list {
		plain[i] = string(s)
	}
	return plain
}

// sandboxes reads the sandboxes that where selects and, in one more round trip, all that belongs to them.
func sandboxes(ctx context.Context, q querier, where string, args ...any) ([]sdp.Sandbox, error) {
	type idRow struct {
		id int64
		s  sdp.Sandbox
	}
	rows, err := query(ctx, q, "reading sandboxes", func(row pgx.CollectableRow) (r idRow, err error) {
		var deleted, stored, checked *time.Time
		var idle, remove *time.Duration
		var secrets map[string]json.RawMessage
		var limits sandboxLimitsDoc
		var traffic map[string]trafficDoc
		s := &r.s
		err = row.Scan(&r.id, &s.Name, &s.State, &s.Owner, &s.Description, &s.Labels, &s.Environment, &s.EnvironmentVersion,
			&s.Variables, &secrets, &limits, &idle, &remove, &s.Gateway, &s.GatewayNode, &s.Port, &s.RouteVersion,
			&s.Deleting, &s.CreatedAt, &deleted, &stored, &checked, &s.Tracking.Problem, &traffic)
		s.SecretKeys, s.Limits, s.DeletedAt = slices.Sorted(maps.Keys(secrets)), limits.limits(), timeOf(deleted)
		s.Tracking.User, s.Tracking.StoredAt, s.Tracking.CheckedAt = s.Owner, timeOf(stored), timeOf(checked)
		s.Traffic = trafficOf(s.Name, traffic)
		s.Expiry = sdp.Expiry{IdleAfter: durationOf(idle), DeleteAfter: durationOf(remove)}
		return r, err
	}, `SELECT s.id, s.name, s.state, s.owner, s.description, s.labels, s.environment, s.environment_version, s.variables,
		s.secrets, s.limits, s.idle_after, s.delete_after, s.gateway, coalesce(s.gateway_node, ''), coalesce(s.port, 0),
		s.route_version, s.deleting, s.created_at, s.deleted_at, t.stored_at, t.checked_at, coalesce(t.problem, ''), f.nodes
		FROM sandboxes s LEFT JOIN tracking_credentials t ON t.user_name = s.owner
			LEFT JOIN sandbox_traffic f ON f.sandbox_id = s.id `+where, args...)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	ids := make([]int64, len(rows))
	for i, r := range rows {
		ids[i] = r.id
	}
	services, err := servicesOf(ctx, q, ids)
	if err != nil {
		return nil, err
	}
	list := make([]sdp.Sandbox, len(rows))
	for i, r := range rows {
		list[i] = r.s
		list[i].Services = services[r.id]
	}
	return list, nil
}

type ofSandbox[T any] struct {
	id    int64
	value T
}

type servingContainer struct {
	sdp.Container
	behind bool
}

// servicesOf reads the services of several sandboxes, sorted by name, each with its serving container and its latest
// deployment (without steps).
func servicesOf(ctx context.Context, q querier, ids []int64) (map[int64][]sdp.Service, error) {
	var (
		b          pgx.Batch
		services   []ofSandbox[sdp.Service]
		containers []ofSandbox[servingContainer]
		latest     []ofSandbox[sdp.Deployment]
	)
	collect(&b, &services, scanService, `SELECT v.sandbox_id, s.name, v.name, v.branch, v.commit, v.track, v.branch_gone,
			v.watch_problem, v.source, v.url, v.env, v.secrets, v.limits
		FROM sandbox_services v JOIN sandboxes s ON s.id = v.sandbox_id WHERE s.id = ANY($1) ORDER BY v.name`, ids)
	collect(&b, &containers, func(row pgx.CollectableRow) (c ofSandbox[servingContainer], err error) {
		return c, row.Scan(append([]any{&c.id, &c.value.behind, &c.value.Branch}, containerFields(&c.value.Container)...)...)
	}, `SELECT c.sandbox_id, `+behind+`, d.branch, `+containerColumns+` FROM containers c JOIN sandboxes s ON s.id = c.sandbox_id
			JOIN deployments d ON d.id = c.deployment
			LEFT JOIN environments e ON e.name = s.environment AND e.deleted_at IS NULL
		WHERE c.state = 'SERVING' AND s.id = ANY($1)`, ids)
	collect(&b, &latest, func(row pgx.CollectableRow) (d ofSandbox[sdp.Deployment], err error) {
		d.value, err = scanDeploymentAfter(row, &d.id)
		return d, err
	}, `SELECT v.sandbox_id, `+deploymentColumns+` FROM sandbox_services v JOIN sandboxes s ON s.id = v.sandbox_id
		CROSS JOIN LATERAL (SELECT * FROM deployments d WHERE d.sandbox_id = v.sandbox_id AND d.service = v.name
			ORDER BY d.seq DESC LIMIT 1) d WHERE s.id = ANY($1)`, ids)
	if err := q.SendBatch(ctx, &b).Close(); err != nil {
		return nil, translate("reading services", err)
	}
	type key struct {
		id      int64
		service string
	}
	serving, newest := map[key]servingContainer{}, map[key]*sdp.Deployment{}
	for _, c := range containers {
		serving[key{c.id, c.value.Service}] = c.value
	}
	for i, d := range latest {
		newest[key{d.id, d.value.Service}] = &latest[i].value
	}
	result := map[int64][]sdp.Service{}
	for _, s := range services {
		at := key{s.id, s.value.Name}
		if c, ok := serving[at]; ok {
			s.value.Serving, s.value.Behind = &c.Container, c.behind
		}
		s.value.Latest = newest[at]
		result[s.id] = append(result[s.id], s.value)
	}
	return result, nil
}

func scanService(row pgx.CollectableRow) (s ofSandbox[sdp.Service], err error) {
	v := &s.value
	var secrets map[string]json.RawMessage
	var gone *time.Time
	err = row.Scan(&s.id, &v.Sandbox, &v.Name, &v.Branch, &v.Commit, &v.Track, &gone, &v.WatchProblem, &v.Source, &v.URL, &v.Env, &secrets,
		(*limitsDoc)(&v.Limits))
	v.SecretKeys, v.BranchGone = slices.Sorted(maps.Keys(secrets)), timeOf(gone)
	return s, err
}
