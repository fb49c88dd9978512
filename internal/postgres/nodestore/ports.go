package nodestore

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"sdp/internal/postgres/pg"
	"sdp/internal/sdp"
)

// portLockSpace is the first half of the advisory locks under which a node's ports are given out; the second half is
// a hash of the node's name. Two nodes with one hash merely wait for each other.
const portLockSpace = 7_305

// FreePort returns the lowest free public port of a node's range. The transaction holds the node's port lock until it
// ends, so nobody else is given the same port; a unique index is the second line of defence.
func FreePort(ctx context.Context, tx pgx.Tx, node string) (int, error) {
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1, hashtext($2))`, portLockSpace, node); err != nil {
		return 0, err
	}
	var first, last int
	var free *int
	err := tx.QueryRow(ctx, `SELECT n.port_first, n.port_last, (
			SELECT min(p) FROM generate_series(n.port_first, n.port_last) p WHERE p > 0
				AND NOT EXISTS (SELECT FROM sandboxes s WHERE s.gateway_node = n.name AND s.port = p AND s.state <> 'DELETED')
				AND NOT EXISTS (SELECT FROM foreign_ports f WHERE f.node = n.name AND f.port = p AND f.until > now())
		) FROM nodes n WHERE n.name = $1`, node).Scan(&first, &last, &free)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return 0, NoNode(node)
	case err != nil:
		return 0, err
	case first == 0:
		return 0, sdp.Errorf(sdp.Invalid, "no-port-range", "node %s has no range of public ports", node).
			WithRemedy("set `ports: 8080-8119` in the node's configuration")
	case free == nil:
		return 0, sdp.Errorf(sdp.Exhausted, "no-free-port", "all public ports of node %s, %d to %d, are taken",
			node, first, last).WithRemedy("delete a sandbox, or widen `ports:` in the node's configuration")
	}
	return *free, nil
}

// QueueKeepPort keeps the public port of a sandbox that ends while its node is silent: that node's router may serve it still
// when it is back, and until its worker has told it otherwise.
func QueueKeepPort(b *pgx.Batch, sandbox int64) {
	b.Queue(`INSERT INTO foreign_ports (node, port, why, until)
		SELECT n.name, s.port, 'sandbox ' || s.name || ' was removed while the node was away', 'infinity'
		FROM sandboxes s JOIN nodes n ON n.name = s.gateway_node
		WHERE s.id = $1 AND s.state <> 'DELETED' AND n.last_seen <= now() - $2::interval
		ON CONFLICT (node, port) DO UPDATE SET (why, until) = (excluded.why, excluded.until)`, sandbox, sdp.LivenessLimit)
}

// returned is how long a node that is back has to drop what is not wanted any more: several rounds of its reconciler.
const returned = time.Minute

// queueReleasePorts gives back what QueueKeepPort kept, a while after the node is back.
func queueReleasePorts(b *pgx.Batch, node string) {
	b.Queue(`UPDATE foreign_ports SET until = now() + $2::interval WHERE node = $1 AND until = 'infinity'`, node, returned)
}

// Ports lists the public ports of every node that has a range, or sandboxes with ports, by name, as of one moment.
func (db *Store) Ports(ctx context.Context) (list []sdp.NodePorts, err error) {
	err = db.pool.InTxWith(ctx, pg.Snapshot, "listing ports", func(tx pgx.Tx) error {
		list, err = pg.Query(ctx, tx, "listing ranges of ports", pg.ByName(rangeRow.domain), `
			SELECT n.name, n.port_first, n.port_last FROM nodes n
			WHERE n.port_first > 0 AND n.removed_at IS NULL OR EXISTS (
				SELECT FROM sandboxes s WHERE s.gateway_node = n.name AND s.state <> 'DELETED') ORDER BY n.name`)
		if err != nil {
			return err
		}
		if err := takenPorts(ctx, tx, list); err != nil {
			return err
		}
		return foreignPorts(ctx, tx, list)
	})
	return list, err
}

type rangeRow struct {
	Node  string `db:"name"`
	First int    `db:"port_first"`
	Last  int    `db:"port_last"`
}

func (r rangeRow) domain() sdp.NodePorts {
	return sdp.NodePorts{Node: r.Node, First: r.First, Last: r.Last}
}

type takenRow struct {
	Node    string           `db:"gateway_node"`
	Port    int              `db:"port"`
	Sandbox string           `db:"name"`
	Owner   string           `db:"owner"`
	State   sdp.SandboxState `db:"state"`
}

func (r takenRow) domain() sdp.TakenPort {
	return sdp.TakenPort{Port: r.Port, Sandbox: r.Sandbox, Owner: r.Owner, State: r.State}
}

func takenPorts(ctx context.Context, tx pgx.Tx, list []sdp.NodePorts) error {
	rows, err := pg.Query(ctx, tx, "listing sandboxes' ports", pgx.RowToStructByName[takenRow], `
		SELECT gateway_node, port, name, owner, state FROM sandboxes
		WHERE state <> 'DELETED' AND port IS NOT NULL ORDER BY port`)
	for _, r := range rows {
		if i := slices.IndexFunc(list, func(n sdp.NodePorts) bool { return n.Node == r.Node }); i >= 0 {
			list[i].Taken = append(list[i].Taken, r.domain())
		}
	}
	return err
}

type foreignRow struct {
	Node  string    `db:"node"`
	Port  int       `db:"port"`
	Why   string    `db:"why"`
	Until time.Time `db:"until"`
}

func (r foreignRow) domain() sdp.ForeignPort {
	return sdp.ForeignPort{Port: r.Port, Why: r.Why, Until: r.Until}
}

func foreignPorts(ctx context.Context, tx pgx.Tx, list []sdp.NodePorts) error {
	rows, err := pg.Query(ctx, tx, "listing foreign ports", pgx.RowToStructByName[foreignRow], `
		SELECT node, port, why, CASE WHEN until < 'infinity' THEN until ELSE now() + $1::interval END AS until
		FROM foreign_ports WHERE until > now() ORDER BY port`, returned)
	for _, r := range rows {
		if i := slices.IndexFunc(list, func(n sdp.NodePorts) bool { return n.Node == r.Node }); i >= 0 {
			list[i].Foreign = append(list[i].Foreign, r.domain())
		}
	}
	return err
}

// FreePorts counts the ports of a node's range that could be given out now.
func (db *Store) FreePorts(ctx context.Context, node string) (int, error) {
	var free int
	err := db.pool.QueryRow(ctx, `SELECT count(p) FROM nodes n, generate_series(n.port_first, n.port_last) p
		WHERE n.name = $1 AND p > 0
			AND NOT EXISTS (SELECT FROM sandboxes s WHERE s.gateway_node = n.name AND s.port = p AND s.state <> 'DELETED')
			AND NOT EXISTS (SELECT FROM foreign_ports f WHERE f.node = n.name AND f.port = p AND f.until > now())`, node).Scan(&free)
	return free, pg.Translate("counting free ports", err)
}
