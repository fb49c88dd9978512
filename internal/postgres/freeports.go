package postgres

import (
	"context"
)

// FreePorts counts the ports of a node's range that could be given out now.
func (db *DB) FreePorts(ctx context.Context, node string) (int, error) {
	var free int
	err := db.pool.QueryRow(ctx, `SELECT count(p) FROM nodes n, generate_series(n.port_first, n.port_last) p
		WHERE n.name = $1 AND p > 0
			AND NOT EXISTS (SELECT FROM sandboxes s WHERE s.gateway_node = n.name AND s.port = p AND s.state <> 'DELETED')
			AND NOT EXISTS (SELECT FROM foreign_ports f WHERE f.node = n.name AND f.port = p AND f.until > now())`, node).Scan(&free)
	return free, translate("counting free ports", err)
}
