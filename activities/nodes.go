package activities

import (
	"context"
	"slices"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// NodeAlive reports whether the node's worker was heard of lately; one that was removed is as good as silent.
func (c *Control) NodeAlive(ctx context.Context, node string) (bool, error) {
	n, err := c.DB.Node(ctx, node)
	if err != nil && sdp.AsError(err).Code == wire.NodeRemoved {
		return false, nil
	}
	if err != nil {
		return false, fail(err)
	}
	return c.UseCases.Alive(n) == nil, nil
}

// NodeStatus says in a sentence since when a node has had no worker.
func (c *Control) NodeStatus(ctx context.Context, node string) (string, error) {
	n, err := c.DB.Node(ctx, node)
	if err != nil {
		return "", fail(err)
	}
	if err := c.UseCases.Alive(n); err != nil {
		return sdp.AsError(err).Detail, nil
	}
	return "node " + node + ": its worker did not take the task up in time", nil
}

// switched completes a switch that was committed: with which of its nodes are away.
func (c *Control) switched(ctx context.Context, s wire.Switch, err error) (wire.Switch, error) {
	if err == nil {
		s.Away, err = c.away(ctx, s.Nodes)
	}
	s.Table = s.Table.Name() // with hundreds of services it is too large for histories
	return s, fail(err)
}

// teardown completes what there is to take down in the same way.
func (c *Control) teardown(ctx context.Context, in wire.TeardownInput, err error) (wire.TeardownInput, error) {
	if err == nil {
		in.Away, err = c.away(ctx, in.Nodes)
	}
	return in, fail(err)
}

// away are those of the nodes that are not heard of.
func (c *Control) away(ctx context.Context, nodes []string) (away []string, err error) {
	known, err := c.DB.NodesNamed(ctx, nodes)
	for _, name := range nodes {
		if !slices.ContainsFunc(known, func(n sdp.Node) bool { return n.Name == name && c.UseCases.Alive(n) == nil }) {
			away = append(away, name)
		}
	}
	return away, err
}
