package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"sdp/internal/sdp"
)

// RegisterNode stores a node and its repositories as its worker has them configured. A repository that another live
// node has is a Conflict; one of a node that is down moves here. If anything that routing tables are made of changed,
// the route version of every sandbox grows.
func (db *DB) RegisterNode(ctx context.Context, r sdp.NodeRegistration) error {
	return db.inTx(ctx, "registering node "+r.Node.Name, func(tx pgx.Tx) error {
		return changeCatalog(ctx, tx, func() error {
			if err := refuseOwned(ctx, tx, r); err != nil {
				return err
			}
			return putNode(ctx, tx, r)
		})
	})
}

// refuseOwned returns a Conflict if a live node other than r's has one of r's repositories.
func refuseOwned(ctx context.Context, q querier, r sdp.NodeRegistration) error {
	var names []string
	for _, repo := range r.Repositories {
		names = append(names, repo.Name)
	}
	type owned struct{ repository, node string }
	taken, err := query(ctx, q, "registering node", func(row pgx.CollectableRow) (o owned, err error) {
		return o, row.Scan(&o.repository, &o.node)
	}, `SELECT r.name, r.node FROM repositories r JOIN nodes n ON n.name = r.node
		WHERE r.name = ANY($1) AND r.node <> $2 AND r.removed_at IS NULL AND n.last_seen > now() - $3::interval
		ORDER BY r.name LIMIT 1`, names, r.Node.Name, sdp.LivenessLimit)
	if err != nil || len(taken) == 0 {
		return err
	}
	o := taken[0]
	return sdp.Errorf(sdp.Conflict, "repository-owned", "repository %s belongs to node %s", o.repository, o.node).
		WithRemedy("remove it from the configuration of one of the nodes, or give it another name in one of them")
}

func putNode(ctx context.Context, tx pgx.Tx, r sdp.NodeRegistration) error {
	n := r.Node
	var b pgx.Batch
	b.Queue(`INSERT INTO nodes AS n (name, type, address, mesh_port, port_first, port_last, key_id, public_key, builds,
			version, docker_version, limits)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		ON CONFLICT (name) DO UPDATE SET (type, address, mesh_port, port_first, port_last, key_id, public_key, builds,
			version, docker_version, limits, registered_at, last_seen)
			= ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, now(), now())`,
		n.Name, n.Type, n.Address, n.MeshPort, n.PortFirst, n.PortLast, n.KeyID, n.PublicKey, n.Builds, n.Version,
		n.DockerVersion, document(limitsDoc(n.Limits)))
	names := []string{}
	for _, repo := range r.Repositories {
		names = append(names, repo.Name)
		b.Queue(`INSERT INTO repositories (name, node, kind, remote_url, port, health_path, ocp, upstream_env,
				variables)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
			ON CONFLICT (name) DO UPDATE SET (node, kind, remote_url, port, health_path, ocp, upstream_env, variables,
				removed_at) = ($2, $3, $4, $5, $6, $7, $8, $9, NULL)`,
			repo.Name, n.Name, repo.Kind, repo.RemoteURL, repo.Port, repo.HealthPath, repo.OCP, repo.UpstreamEnv,
			document(orEmpty(repo.Variables)))
	}
	b.Queue(`UPDATE repositories SET removed_at = now() WHERE node = $1 AND name <> ALL($2) AND removed_at IS NULL`,
		n.Name, names)
	b.Queue(`SELECT sdp_notify('nodes', $1, '', 0)`, n.Name)
	return tx.SendBatch(ctx, &b).Close()
}

// Heartbeat records that a node's worker is alive and what its router counted. Subscribers hear of the node only if it
// was down before or what is wrong with it changed: a beat every two seconds is no news.
func (db *DB) Heartbeat(ctx context.Context, node string, h sdp.Heartbeat) error {
	h.DockerError, h.RouterError = clean(h.DockerError), clean(h.RouterError)
	known := false
	var b pgx.Batch
	b.Queue(`
		WITH before AS (
			SELECT name, last_seen, health FROM nodes WHERE name = $1 FOR NO KEY UPDATE
		), beat AS (
			UPDATE nodes n SET last_seen = now(), health = $2 FROM before b WHERE n.name = b.name
			RETURNING b.last_seen < now() - $3::interval
				OR b.health->>'dockerError' IS DISTINCT FROM $2::jsonb->>'dockerError'
				OR b.health->>'routerError' IS DISTINCT FROM $2::jsonb->>'routerError' AS news
		)
		SELECT CASE WHEN news THEN sdp_notify('nodes', $1, '', 0) END FROM beat`,
		node, document(healthDoc(h.NodeHealth)), sdp.LivenessLimit).Exec(func(tag pgconn.CommandTag) error {
		known = tag.RowsAffected() > 0
		return nil
	})
	queueTraffic(&b, node, h.Traffic)
	if err := db.pool.SendBatch(ctx, &b).Close(); err != nil {
		return translate("recording a heartbeat", err)
	}
	if !known {
		return noNode(node)
	}
	return nil
}

func noNode(name string) error {
	return sdp.Errorf(sdp.NotFound, "node-not-found", "there is no node %q", name).
		WithRemedy("`sdp nodes` lists the nodes there are; a new one registers when its `sdp worker` starts")
}

const nodeColumns = `n.name, n.type, n.address, n.mesh_port, n.port_first, n.port_last, n.key_id, n.public_key, n.builds,
	n.version, n.docker_version, n.limits, n.registered_at, n.last_seen, n.health`

func nodeFields(n *sdp.Node, h *healthDoc) []any {
	return []any{&n.Name, &n.Type, &n.Address, &n.MeshPort, &n.PortFirst, &n.PortLast, &n.KeyID, &n.PublicKey, &n.Builds,
		&n.Version, &n.DockerVersion, (*limitsDoc)(&n.Limits), &n.RegisteredAt, &n.LastSeen, h}
}

func scanNode(row pgx.CollectableRow) (n sdp.Node, err error) {
	var h healthDoc
	err = row.Scan(nodeFields(&n, &h)...)
	n.Health = sdp.NodeHealth(h)
	return n, err
}

// Nodes lists all nodes by name.
func (db *DB) Nodes(ctx context.Context) ([]sdp.Node, error) {
	return query(ctx, db.pool, "listing nodes", scanNode, `SELECT `+nodeColumns+` FROM nodes n ORDER BY n.name`)
}

// Node returns one node.
func (db *DB) Node(ctx context.Context, name string) (sdp.Node, error) {
	found, err := query(ctx, db.pool, "reading node", scanNode,
		`SELECT `+nodeColumns+` FROM nodes n WHERE n.name = $1`, name)
	if err == nil && len(found) == 0 {
		err = noNode(name)
	}
	if err != nil {
		return sdp.Node{}, err
	}
	return found[0], nil
}

const repositoryColumns = `r.name, r.node, n.type, r.kind, r.remote_url, r.port, r.health_path, r.ocp, r.upstream_env,
	r.variables`

func repositoryFields(r *sdp.Repository) []any {
	return []any{&r.Name, &r.Node, &r.NodeType, &r.Kind, &r.RemoteURL, &r.Port, &r.HealthPath, &r.OCP, &r.UpstreamEnv,
		&r.Variables}
}

func scanRepository(row pgx.CollectableRow) (r sdp.Repository, err error) {
	return r, row.Scan(repositoryFields(&r)...)
}

// Repositories lists by name the repositories the nodes have configured now.
func (db *DB) Repositories(ctx context.Context) ([]sdp.Repository, error) {
	return query(ctx, db.pool, "listing repositories", scanRepository, `SELECT `+repositoryColumns+`
		FROM repositories r JOIN nodes n ON n.name = r.node WHERE r.removed_at IS NULL ORDER BY r.name`)
}

// Repository returns one configured repository.
func (db *DB) Repository(ctx context.Context, name string) (sdp.Repository, error) {
	found, err := query(ctx, db.pool, "reading repository", scanRepository, `SELECT `+repositoryColumns+`
		FROM repositories r JOIN nodes n ON n.name = r.node WHERE r.removed_at IS NULL AND r.name = $1`, name)
	if err == nil && len(found) == 0 {
		err = noRepository(name)
	}
	if err != nil {
		return sdp.Repository{}, err
	}
	return found[0], nil
}
