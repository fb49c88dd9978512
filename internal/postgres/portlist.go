package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"sdp/internal/sdp"
)

// Ports lists the public ports of every node that has a range, or sandboxes with ports, by name, as of one moment.
func (db *DB) Ports(ctx context.Context) (list []sdp.NodePorts, err error) {
	err = db.inTxWith(ctx, snapshot, "listing ports", func(tx pgx.Tx) error {
		list, err = query(ctx, tx, "listing ranges of ports", scanRange, `
			SELECT n.name, n.port_first, n.port_last FROM nodes n WHERE n.port_first > 0 OR EXISTS (
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

func scanRange(row pgx.CollectableRow) (p sdp.NodePorts, err error) {
	return p, row.Scan(&p.Node, &p.First, &p.Last)
}

func takenPorts(ctx context.Context, tx pgx.Tx, list []sdp.NodePorts) error {
	type row struct {
		node string
		port sdp.TakenPort
	}
	rows, err := query(ctx, tx, "listing sandboxes' ports", func(r pgx.CollectableRow) (v row, err error) {
		return v, r.Scan(&v.node, &v.port.Port, &v.port.Sandbox, &v.port.Owner, &v.port.State)
	}, `SELECT gateway_node, port, name, owner, state FROM sandboxes WHERE state <> 'DELETED' AND port IS NOT NULL ORDER BY port`)
	for _, r := range rows {
		if i := slices.IndexFunc(list, func(n sdp.NodePorts) bool { return n.Node == r.node }); i >= 0 {
			list[i].Taken = append(list[i].Taken, r.port)
		}
	}
	return err
}

func foreignPorts(ctx context.Context, tx pgx.Tx, list []sdp.NodePorts) error {
	type row struct {
		node string
		port sdp.ForeignPort
	}
	rows, err := query(ctx, tx, "listing foreign ports", func(r pgx.CollectableRow) (v row, err error) {
		return v, r.Scan(&v.node, &v.port.Port, &v.port.Why, &v.port.Until)
	}, `SELECT node, port, why, until FROM foreign_ports WHERE until > now() ORDER BY port`)
	for _, r := range rows {
		if i := slices.IndexFunc(list, func(n sdp.NodePorts) bool { return n.Node == r.node }); i >= 0 {
			list[i].Foreign = append(list[i].Foreign, r.port)
		}
	}
	return err
}
