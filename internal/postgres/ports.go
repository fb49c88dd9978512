package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"sdp/internal/sdp"
)

// portLockSpace is the first half of the advisory locks under which a node's ports are given out; the second half is
// a hash of the node's name. Two nodes with one hash merely wait for each other.
const portLockSpace = 7_305

// foreignFor is how long a port found to be held by another program is not given out.
const foreignFor = 10 * time.Minute

// freePort returns the lowest free public port of a node's range. The transaction holds the node's port lock until it
// ends, so nobody else is given the same port; a unique index is the second line of defence.
func freePort(ctx context.Context, tx pgx.Tx, node string) (int, error) {
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
		return 0, noNode(node)
	case err != nil:
		return 0, err
	case first == 0:
		return 0, sdp.Errorf(sdp.Invalid, "no-port-range", "node %s has no range of public ports", node).
			WithRemedy("set `ports: 8080-8119` in the node's configuration and restart its worker")
	case free == nil:
		return 0, sdp.Errorf(sdp.Exhausted, "no-free-port", "all public ports of node %s, %d to %d, are taken",
			node, first, last).WithRemedy("delete a sandbox, or widen `ports:` in the node's configuration and restart its worker")
	}
	return *free, nil
}

// ReassignPort gives a sandbox another public port because heldPort, which it had, belongs to another program. That
// port is not given to anybody for ten minutes. Repeated, it returns the port the sandbox got.
func (db *DB) ReassignPort(ctx context.Context, sandbox string, heldPort int, why string) (port int, err error) {
	err = db.inTx(ctx, "reassigning a port", func(tx pgx.Tx) error {
		id, err := lockSandbox(ctx, tx, sandbox)
		if err != nil {
			return err
		}
		var node string
		if err := tx.QueryRow(ctx, `SELECT coalesce(gateway_node, ''), coalesce(port, 0) FROM sandboxes WHERE id = $1`, id).
			Scan(&node, &port); err != nil {
			return err
		}
		if port != heldPort {
			return nil
		}
		if port, err = replacePort(ctx, tx, id, node, heldPort, why); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, bumpRoutes, id)
		return err
	})
	return port, err
}

func replacePort(ctx context.Context, tx pgx.Tx, id int64, node string, heldPort int, why string) (int, error) {
	_, err := tx.Exec(ctx, `INSERT INTO foreign_ports (node, port, why, until) VALUES ($1, $2, $3, now() + $4::interval)
		ON CONFLICT (node, port) DO UPDATE SET (why, until) = (excluded.why, excluded.until)`,
		node, heldPort, clean(why), foreignFor)
	if err != nil {
		return 0, err
	}
	port, err := freePort(ctx, tx, node)
	if err != nil {
		return 0, err
	}
	_, err = tx.Exec(ctx, `UPDATE sandboxes SET port = $2 WHERE id = $1`, id, port)
	return port, err
}
