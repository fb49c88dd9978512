package postgres

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"

	"sdp/internal/postgres/pg"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// Table computes a sandbox's routing table and the nodes whose routers need it: the gateway node, those with
// containers of the sandbox, and those whose repositories it has deployed.
func (db *DB) Table(ctx context.Context, sandbox string) (table wire.RoutingTable, nodes []string, err error) {
	err = db.pool.InTxWith(ctx, pg.Snapshot, "computing a routing table", func(tx pgx.Tx) error {
		table, nodes, err = tableOf(ctx, tx, sandbox)
		return err
	})
	return table, nodes, err
}

func tableOf(ctx context.Context, q pg.Querier, sandbox string) (wire.RoutingTable, []string, error) {
	found, err := tables(ctx, q, []string{sandbox})
	if err != nil {
		return wire.RoutingTable{}, nil, err
	}
	if len(found) == 0 {
		return wire.RoutingTable{}, nil, pg.NoSandbox(sandbox)
	}
	return found[0].table, found[0].nodes, nil
}

// TablesFor computes the routing tables of those of the sandboxes that need the node's router, in their order.
func (db *DB) TablesFor(ctx context.Context, node string, sandboxes []string) (all []wire.RoutingTable, err error) {
	err = db.pool.InTxWith(ctx, pg.Snapshot, "computing routing tables of node "+node, func(tx pgx.Tx) error {
		found, err := tables(ctx, tx, sandboxes)
		for _, name := range sandboxes {
			i := slices.IndexFunc(found, func(t sandboxTable) bool { return t.table.Sandbox == name })
			if i >= 0 && slices.Contains(found[i].nodes, node) {
				all = append(all, found[i].table)
			}
		}
		return err
	})
	return all, err
}

// sandboxTable is a computed table and who needs it.
type sandboxTable struct {
	table wire.RoutingTable
	nodes []string
}

// tables computes the tables of live sandboxes in one round trip.
func tables(ctx context.Context, q pg.Querier, names []string) ([]sandboxTable, error) {
	var (
		b          pgx.Batch
		sandboxes  []tableRow
		catalog    []catalogRow
		services   []tableServiceRow
		containers []tableContainerRow
		latest     []tableLatestRow
	)
	const live = ` s.state <> 'DELETED' AND s.name = ANY($1) `
	// The version is read first: should the rest be newer, the table is pushed again, but it never says more than it has.
	pg.Collect(&b, &sandboxes, pgx.RowToStructByName, `SELECT id, name, state, route_version, gateway,
		coalesce(gateway_node, '') AS gateway_node, coalesce(port, 0) AS port,
		EXISTS (SELECT FROM nodes n WHERE n.name = s.gateway_node AND n.removed_at IS NOT NULL) AS no_gateway_node
		FROM sandboxes s WHERE`+live+`ORDER BY name`, names)
	pg.Collect(&b, &catalog, pgx.RowToStructByName, `SELECT coalesce(r.name, h.name) AS name, coalesce(n.name, '') AS node,
			coalesce(r.port, h.port) AS port, coalesce(nullif(r.ocp, ''), h.url, '') AS ocp,
			coalesce(r.removed_at IS NULL, true) AS configured
		FROM (SELECT * FROM repositories WHERE port > 0) r FULL JOIN shared_services h ON h.name = r.name
		LEFT JOIN nodes n ON n.name = r.node AND n.removed_at IS NULL ORDER BY 1`)
	pg.Collect(&b, &services, pgx.RowToStructByName, `SELECT v.sandbox_id, v.name, v.source, v.url,
			v.container_name IS NOT NULL AS deployed
		FROM sandbox_services v JOIN sandboxes s ON s.id = v.sandbox_id WHERE`+live, names)
	pg.Collect(&b, &containers, pgx.RowToStructByName, `SELECT c.sandbox_id, c.service, c.node,
			n.address AS node_address, n.mesh_port, c.address, c.sha, c.deployment, c.state
		FROM containers c JOIN sandboxes s ON s.id = c.sandbox_id JOIN nodes n ON n.name = c.node
		WHERE c.state <> 'REMOVED' AND`+live, names)
	pg.Collect(&b, &latest, pgx.RowToStructByName, `SELECT v.sandbox_id, v.name AS service, d.id, d.state, coalesce(n.name, '') AS removed
		FROM sandbox_services v JOIN sandboxes s ON s.id = v.sandbox_id
		CROSS JOIN LATERAL (SELECT id, state, node FROM deployments d WHERE d.sandbox_id = v.sandbox_id AND d.service = v.name
			ORDER BY seq DESC LIMIT 1) d
		LEFT JOIN nodes n ON n.name = d.node AND n.removed_at IS NOT NULL
		WHERE v.source = 'sandbox' AND`+live, names)
	if err := q.SendBatch(ctx, &b).Close(); err != nil {
		return nil, pg.Translate("computing routing tables", err)
	}
	builders := map[int64]*tableBuilder{}
	for _, s := range sandboxes {
		builders[s.ID] = newTableBuilder(s)
	}
	spread(builders, services, func(t *tableBuilder, v tableServiceRow) { t.services[v.Name] = v })
	spread(builders, containers, (*tableBuilder).addContainer)
	spread(builders, latest, func(t *tableBuilder, d tableLatestRow) { t.latest[d.Service] = d })
	result := make([]sandboxTable, len(sandboxes))
	for i, s := range sandboxes {
		result[i] = builders[s.ID].build(catalog)
	}
	return result, nil
}

// Rows that tables are made of.
type (
	tableRow struct {
		ID          int64            `db:"id"`
		Name        string           `db:"name"`
		State       sdp.SandboxState `db:"state"`
		Version     int64            `db:"route_version"`
		GatewayNode string           `db:"gateway_node"`
		Port        int              `db:"port"`
		Gateway     string           `db:"gateway"`
		NoNode      bool             `db:"no_gateway_node"` // the gateway node was removed
	}
	catalogRow struct {
		Name       string `db:"name"`
		Node       string `db:"node"` // "" for a shared service
		Port       int    `db:"port"`
		OCP        string `db:"ocp"`
		Configured bool   `db:"configured"` // false for a repository that left its node's configuration
	}
	tableServiceRow struct {
		SandboxID int64      `db:"sandbox_id"`
		Name      string     `db:"name"`
		Source    sdp.Source `db:"source"`
		URL       string     `db:"url"`
		Deployed  bool       `db:"deployed"` // it had a deployment, so its node has, or may get, containers and a network
	}
	tableContainerRow struct {
		SandboxID   int64              `db:"sandbox_id"`
		Service     string             `db:"service"`
		Node        string             `db:"node"`
		NodeAddress string             `db:"node_address"`
		MeshPort    int                `db:"mesh_port"`
		Address     string             `db:"address"`
		SHA         string             `db:"sha"`
		Deployment  string             `db:"deployment"`
		State       sdp.ContainerState `db:"state"`
	}
	tableLatestRow struct {
		SandboxID int64               `db:"sandbox_id"`
		Service   string              `db:"service"`
		ID        string              `db:"id"`
		State     sdp.DeploymentState `db:"state"`
		Removed   string              `db:"removed"` // its node, if that was removed
	}
)

func (r tableServiceRow) sandbox() int64   { return r.SandboxID }
func (r tableContainerRow) sandbox() int64 { return r.SandboxID }
func (r tableLatestRow) sandbox() int64    { return r.SandboxID }

// spread hands each row to the builder of its sandbox.
func spread[R interface{ sandbox() int64 }](builders map[int64]*tableBuilder, rows []R, add func(*tableBuilder, R)) {
	for _, r := range rows {
		if t, ok := builders[r.sandbox()]; ok {
			add(t, r)
		}
	}
}

type tableBuilder struct {
	row      tableRow
	services map[string]tableServiceRow
	serving  map[string]tableContainerRow
	latest   map[string]tableLatestRow
	nodes    map[string]bool
}

func newTableBuilder(s tableRow) *tableBuilder {
	t := &tableBuilder{row: s, services: map[string]tableServiceRow{}, serving: map[string]tableContainerRow{},
		latest: map[string]tableLatestRow{}, nodes: map[string]bool{}}
	if s.GatewayNode != "" && !s.NoNode {
		t.nodes[s.GatewayNode] = true
	}
	return t
}

func (t *tableBuilder) addContainer(c tableContainerRow) {
	t.nodes[c.Node] = true
	if c.State == sdp.Serving {
		t.serving[c.Service] = c
	}
}

func (t *tableBuilder) build(catalog []catalogRow) sandboxTable {
	table := wire.RoutingTable{Sandbox: t.row.Name, Version: t.row.Version, State: t.row.State,
		GatewayNode: t.row.GatewayNode, PublicPort: t.row.Port, Gateway: t.row.Gateway}
	for _, c := range catalog {
		service, known := t.services[c.Name]
		if !known && !c.Configured {
			continue
		}
		if service.Deployed && c.Node != "" {
			t.nodes[c.Node] = true
		}
		table.Services = append(table.Services, t.route(c, service))
	}
	return sandboxTable{table: table, nodes: slices.Sorted(maps.Keys(t.nodes))}
}

func (t *tableBuilder) route(c catalogRow, v tableServiceRow) wire.ServiceRoute {
	r := wire.ServiceRoute{Service: c.Name, Port: c.Port, Source: v.Source}
	switch v.Source {
	case sdp.SourceSandbox:
		if s, ok := t.serving[c.Name]; ok {
			r.Target = s.target()
		} else {
			r.Reason = t.reason(c.Name)
		}
	case sdp.SourceURL:
		r.URL = v.URL
	default: // no row: a service nobody touched is the shared environment's
		r.Source, r.URL = sdp.SourceOCP, c.OCP
		if c.OCP == "" {
			r.Reason = fmt.Sprintf("the shared environment does not serve %s, and it was not deployed to this sandbox", c.Name)
		}
	}
	return r
}

func (c tableContainerRow) target() *wire.Target {
	return &wire.Target{Node: c.Node, NodeAddress: net.JoinHostPort(c.NodeAddress, strconv.Itoa(c.MeshPort)),
		Address: c.Address, SHA: c.SHA, Deployment: c.Deployment}
}

// reason says why no container answers. It is part of the table, so whatever changes it raises the route version.
func (t *tableBuilder) reason(service string) string {
	d, ok := t.latest[service]
	switch {
	case !ok:
		return service + " was not deployed to this sandbox"
	case d.State == sdp.DeployFailed:
		return fmt.Sprintf("the last deployment of %s, %s, failed", service, d.ID)
	case d.State == sdp.DeployCancelled:
		return fmt.Sprintf("the last deployment of %s, %s, was cancelled", service, d.ID)
	case d.State.Settled() && d.Removed != "":
		return fmt.Sprintf("node %s, where %s ran, was removed", d.Removed, service)
	case d.State.Settled():
		return service + " is stopped"
	}
	return service + " is being deployed"
}
