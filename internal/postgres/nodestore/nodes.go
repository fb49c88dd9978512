// Package nodestore keeps what exists outside sandboxes: nodes with their public ports and images, repositories, and the
// services of the shared environment.
package nodestore

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"sdp/internal/postgres/outbox"
	"sdp/internal/postgres/pg"
	"sdp/internal/postgres/stored"
	"sdp/internal/sdp"
)

// Store is this package's part of the database. It is safe for concurrent use.
type Store struct{ pool *pg.Pool }

// New returns a store on a pool.
func New(pool *pg.Pool) Store { return Store{pool} }

// RegisterNode stores a node and its repositories as its worker has them configured. A repository that another live
// node has is a Conflict; one of a node that is down moves here. If anything that routing tables are made of changed,
// the route version of every sandbox grows.
func (db *Store) RegisterNode(ctx context.Context, r sdp.NodeRegistration) error {
	return outbox.Change(ctx, db.pool, "registering node "+r.Node.Name, func(tx pgx.Tx) error {
		return changeCatalog(ctx, tx, func() error {
			if err := refuseOwned(ctx, tx, r); err != nil {
				return err
			}
			return putNode(ctx, tx, r)
		})
	})
}

// refuseOwned returns a Conflict if a live node other than r's has one of r's repositories.
func refuseOwned(ctx context.Context, q pg.Querier, r sdp.NodeRegistration) error {
	var names []string
	for _, repo := range r.Repositories {
		names = append(names, repo.Name)
	}
	type ownedRow struct {
		Repository string `db:"name"`
		Node       string `db:"node"`
	}
	taken, err := pg.Query(ctx, q, "registering node", pgx.RowToStructByName[ownedRow], `
		SELECT r.name, r.node FROM repositories r JOIN nodes n ON n.name = r.node
		WHERE r.name = ANY($1) AND r.node <> $2 AND r.removed_at IS NULL AND n.last_seen > now() - $3::interval
		ORDER BY r.name LIMIT 1`, names, r.Node.Name, sdp.LivenessLimit)
	if err != nil || len(taken) == 0 {
		return err
	}
	o := taken[0]
	return sdp.Errorf(sdp.Conflict, "repository-owned", "repository %s belongs to node %s", o.Repository, o.Node).
		WithRemedy("remove it from the configuration of one of the nodes, or give it another name in one of them")
}

func putNode(ctx context.Context, tx pgx.Tx, r sdp.NodeRegistration) error {
	n := r.Node
	var b pgx.Batch
	b.Queue(`INSERT INTO nodes AS n (name, type, address, mesh_port, port_first, port_last, key_id, public_key, builds,
			version, docker_version, limits, token_issued)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
		ON CONFLICT (name) DO UPDATE SET (type, address, mesh_port, port_first, port_last, key_id, public_key, builds,
			version, docker_version, limits, token_issued, registered_at, last_seen, removed_at, removed_by, health)
			= ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, now(), now(), NULL, '', n.health - 'refused')`,
		n.Name, n.Type, n.Address, n.MeshPort, n.PortFirst, n.PortLast, n.KeyID, n.PublicKey, n.Builds, n.Version,
		n.DockerVersion, pg.Document(n.Limits), pg.OrNull(n.TokenIssued))
	queueReleasePorts(&b, n.Name)
	names := []string{}
	for _, repo := range r.Repositories {
		names = append(names, repo.Name)
		if repo.Problem != "" { // what was known of it before stays: it may run
			b.Queue(`INSERT INTO repositories (name, node, kind, port, problem) VALUES ($1, $2, $3, 0, $4)
				ON CONFLICT (name) DO UPDATE SET (node, problem, removed_at) = ($2, $4, NULL)`,
				repo.Name, n.Name, repo.Kind, pg.Clean(repo.Problem))
			continue
		}
		b.Queue(`INSERT INTO repositories (name, node, kind, remote_url, port, health_path, ocp, upstream_env,
				variables)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
			ON CONFLICT (name) DO UPDATE SET (node, kind, remote_url, port, health_path, ocp, upstream_env, variables,
				removed_at, problem) = ($2, $3, $4, $5, $6, $7, $8, $9, NULL, '')`,
			repo.Name, n.Name, repo.Kind, repo.RemoteURL, repo.Port, repo.HealthPath, repo.OCP, repo.UpstreamEnv,
			pg.Document(pg.OrEmpty(repo.Variables)))
	}
	b.Queue(`UPDATE repositories SET removed_at = now() WHERE node = $1 AND name <> ALL($2) AND removed_at IS NULL`,
		n.Name, names)
	b.Queue(`SELECT sdp_notify('nodes', $1, '', 0)`, n.Name)
	return tx.SendBatch(ctx, &b).Close()
}

// Heartbeat records that a node's worker is alive and what its router counted. Subscribers hear of the node only if it
// was down before or what is wrong with it changed: a beat every two seconds is no news.
func (db *Store) Heartbeat(ctx context.Context, node string, h sdp.Heartbeat) error {
	h.DockerError, h.RouterError, h.ConfigError = pg.Clean(h.DockerError), pg.Clean(h.RouterError), pg.Clean(h.ConfigError)
	known := false
	var b pgx.Batch
	b.Queue(`
		WITH before AS (
			SELECT name, last_seen, health FROM nodes WHERE name = $1 AND removed_at IS NULL FOR NO KEY UPDATE
		), beat AS (
			UPDATE nodes n SET last_seen = now(), health = $2 FROM before b WHERE n.name = b.name
			RETURNING b.last_seen < now() - $3::interval
				OR b.health->>'dockerError' IS DISTINCT FROM $2::jsonb->>'dockerError'
				OR b.health->>'routerError' IS DISTINCT FROM $2::jsonb->>'routerError'
				OR b.health->>'configError' IS DISTINCT FROM $2::jsonb->>'configError' OR b.health ? 'refused' AS news
		)
		SELECT CASE WHEN news THEN sdp_notify('nodes', $1, '', 0) END FROM beat`,
		node, pg.Document(stored.Health(h.NodeHealth)), sdp.LivenessLimit).Exec(func(tag pgconn.CommandTag) error {
		known = tag.RowsAffected() > 0
		return nil
	})
	queueReleasePorts(&b, node)
	queueTraffic(&b, node, h.Traffic)
	if err := db.pool.SendBatch(ctx, &b).Close(); err != nil {
		return pg.Translate("recording a heartbeat", err)
	}
	if !known {
		return NoNode(node)
	}
	return db.setWaiting(ctx, node, h.Waiting)
}

// setWaiting records which of a node's deployments wait to build, and for what. A row that somebody else has just locked is
// left to the next heartbeat.
func (db *Store) setWaiting(ctx context.Context, node string, waiting map[string]string) error {
	ids, what := []string{}, []string{}
	for id, text := range waiting {
		ids, what = append(ids, id), append(what, pg.Clean(text))
	}
	_, err := db.pool.Exec(ctx, `
		WITH news AS (
			SELECT d.id, coalesce(w.what, '') AS what FROM deployments d LEFT JOIN unnest($2::text[], $3::text[]) AS w(id, what) ON w.id = d.id
			WHERE d.node = $1 AND d.finished_at IS NULL AND d.state IN ('BUILDING', 'CREATING_IMAGE')
				AND d.waiting_for <> coalesce(w.what, '')
			FOR NO KEY UPDATE OF d SKIP LOCKED
		), changed AS (
			UPDATE deployments d SET waiting_for = news.what FROM news WHERE d.id = news.id RETURNING d.id, d.sandbox_id
		)
		SELECT sdp_notify('deployment/' || c.id, c.id, s.name, 0) FROM changed c JOIN sandboxes s ON s.id = c.sandbox_id`,
		node, ids, what)
	return pg.Translate("recording what the builds of node "+node+" wait for", err)
}

// RefuseNode records why nothing is taken from a node's worker, until its next heartbeat is taken, and reports whether that
// is news. It is always for a node that is not known: nothing of it can be kept.
func (db *Store) RefuseNode(ctx context.Context, node, why string) (news bool, err error) {
	err = db.pool.QueryRow(ctx, `
		WITH refused AS (
			UPDATE nodes SET health = jsonb_set(health, '{refused}', to_jsonb($2::text))
			WHERE name = $1 AND health->>'refused' IS DISTINCT FROM $2 RETURNING name
		), told AS (SELECT sdp_notify('nodes', name, '', 0) FROM refused)
		SELECT EXISTS (SELECT FROM told) OR NOT EXISTS (SELECT FROM nodes WHERE name = $1)`, node, pg.Clean(why)).Scan(&news)
	return news, pg.Translate("refusing node "+node, err)
}

func NoNode(name string) error {
	return sdp.Errorf(sdp.NotFound, "node-not-found", "there is no node %q", name).
		WithRemedy("`sdp nodes` lists the nodes there are; a new one registers when its `sdp worker` starts")
}

const nodeColumns = `n.name, n.type, n.address, n.mesh_port, n.port_first, n.port_last, n.key_id, n.public_key, n.builds,
	n.version, n.docker_version, n.limits, n.registered_at, n.last_seen, now() - n.last_seen AS silent_for, n.health,
	n.cordoned_at, n.cordoned_by, n.token_issued`

// nodeRow has nodeColumns.
type nodeRow struct {
	Name          string        `db:"name"`
	Type          sdp.NodeType  `db:"type"`
	Address       string        `db:"address"`
	MeshPort      int           `db:"mesh_port"`
	PortFirst     int           `db:"port_first"`
	PortLast      int           `db:"port_last"`
	KeyID         string        `db:"key_id"`
	PublicKey     []byte        `db:"public_key"`
	Builds        int           `db:"builds"`
	Version       string        `db:"version"`
	DockerVersion string        `db:"docker_version"`
	Limits        sdp.Limits    `db:"limits"`
	RegisteredAt  time.Time     `db:"registered_at"`
	LastSeen      time.Time     `db:"last_seen"`
	SilentFor     time.Duration `db:"silent_for"`
	Health        stored.Health `db:"health"`
	CordonedAt    *time.Time    `db:"cordoned_at"`
	CordonedBy    string        `db:"cordoned_by"`
	TokenIssued   *time.Time    `db:"token_issued"`
}

func (r nodeRow) domain() sdp.Node {
	return sdp.Node{Name: r.Name, Type: r.Type, Address: r.Address, MeshPort: r.MeshPort, PortFirst: r.PortFirst,
		PortLast: r.PortLast, KeyID: r.KeyID, PublicKey: r.PublicKey, Builds: r.Builds, Version: r.Version,
		DockerVersion: r.DockerVersion, Limits: r.Limits, RegisteredAt: r.RegisteredAt, LastSeen: r.LastSeen,
		SilentFor: r.SilentFor, Health: sdp.NodeHealth(r.Health), Cordoned: sdp.Mark{By: r.CordonedBy, At: pg.TimeOf(r.CordonedAt)},
		TokenIssued: pg.TimeOf(r.TokenIssued)}
}

// Nodes lists all nodes by name, without those that were removed.
func (db *Store) Nodes(ctx context.Context) ([]sdp.Node, error) {
	return pg.Query(ctx, db.pool, "listing nodes", pg.ByName(nodeRow.domain), `SELECT `+nodeColumns+` FROM nodes n WHERE n.removed_at IS NULL ORDER BY n.name`)
}

// NodesNamed lists those of the nodes that are there.
func (db *Store) NodesNamed(ctx context.Context, names []string) ([]sdp.Node, error) {
	return pg.Query(ctx, db.pool, "listing nodes", pg.ByName(nodeRow.domain),
		`SELECT `+nodeColumns+` FROM nodes n WHERE n.removed_at IS NULL AND n.name = ANY($1)`, names)
}

// Node returns one node.
func (db *Store) Node(ctx context.Context, name string) (sdp.Node, error) {
	return nodeNamed(ctx, db.pool, name)
}

func nodeNamed(ctx context.Context, q pg.Querier, name string) (sdp.Node, error) {
	found, err := pg.Query(ctx, q, "reading node", pg.ByName(nodeRow.domain),
		`SELECT `+nodeColumns+` FROM nodes n WHERE n.name = $1 AND n.removed_at IS NULL`, name)
	if err == nil && len(found) == 1 {
		return found[0], nil
	}
	if err != nil {
		return sdp.Node{}, err
	}
	gone, err := pg.Query(ctx, q, "reading node", pgx.RowToStructByName[removedRow],
		`SELECT name, removed_by, removed_at FROM nodes WHERE name = $1`, name)
	switch {
	case err != nil:
		return sdp.Node{}, err
	case len(gone) == 1:
		return sdp.Node{}, Gone(name, gone[0].By, gone[0].At)
	}
	return sdp.Node{}, NoNode(name)
}

// repositoryColumns need the tables repositories as r and nodes as n.
const repositoryColumns = `r.name, r.node, n.type AS node_type, r.kind, r.remote_url, r.port, r.health_path, r.ocp,
	r.upstream_env, r.variables, r.problem`

// repositoryRow has repositoryColumns.
type repositoryRow struct {
	Name        string             `db:"name"`
	Node        string             `db:"node"`
	NodeType    sdp.NodeType       `db:"node_type"`
	Kind        sdp.RepositoryKind `db:"kind"`
	RemoteURL   string             `db:"remote_url"`
	Port        int                `db:"port"`
	HealthPath  string             `db:"health_path"`
	OCP         string             `db:"ocp"`
	Variables   map[string]string  `db:"variables"`
	UpstreamEnv string             `db:"upstream_env"`
	Problem     string             `db:"problem"`
}

func (r repositoryRow) domain() sdp.Repository { return sdp.Repository(r) }

// Repositories lists by name the repositories the nodes have configured now.
func (db *Store) Repositories(ctx context.Context) ([]sdp.Repository, error) {
	return pg.Query(ctx, db.pool, "listing repositories", pg.ByName(repositoryRow.domain), `SELECT `+repositoryColumns+`
		FROM repositories r JOIN nodes n ON n.name = r.node WHERE r.removed_at IS NULL ORDER BY r.name`)
}

// Repository returns one configured repository.
func (db *Store) Repository(ctx context.Context, name string) (sdp.Repository, error) {
	found, err := pg.Query(ctx, db.pool, "reading repository", pg.ByName(repositoryRow.domain), `SELECT `+repositoryColumns+`
		FROM repositories r JOIN nodes n ON n.name = r.node WHERE r.removed_at IS NULL AND r.name = $1`, name)
	if err == nil && len(found) == 0 {
		err = pg.NoRepository(name)
	}
	if err != nil {
		return sdp.Repository{}, err
	}
	return found[0], nil
}

// Provider returns a repository, configured any more or not, and the node that has it.
func Provider(ctx context.Context, q pg.Querier, repository string) (r sdp.Repository, n sdp.Node, err error) {
	var b pgx.Batch
	var repositories []sdp.Repository
	var nodes []sdp.Node
	pg.Collect(&b, &repositories, pg.ByName(repositoryRow.domain), `SELECT `+repositoryColumns+`
		FROM repositories r JOIN nodes n ON n.name = r.node WHERE r.name = $1`, repository)
	pg.Collect(&b, &nodes, pg.ByName(nodeRow.domain), `SELECT `+nodeColumns+`
		FROM nodes n JOIN repositories r ON r.node = n.name WHERE r.name = $1 AND n.removed_at IS NULL`, repository)
	if err := q.SendBatch(ctx, &b).Close(); err != nil {
		return r, n, err
	}
	if len(repositories) == 0 {
		return r, n, pgx.ErrNoRows
	}
	if len(nodes) == 0 {
		_, err = nodeNamed(ctx, q, repositories[0].Node)
		return r, n, err
	}
	return repositories[0], nodes[0], nil
}
