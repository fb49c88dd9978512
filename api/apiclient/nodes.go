package apiclient

import (
	"context"
	"net/http"

	"sdp/api/rest"
)

// Images lists the images SDP has to do with on a node, or on all nodes if node is "".
func (c *Client) Images(ctx context.Context, node string) (out rest.Images, err error) {
	return out, c.call(ctx, get("/images", values("node", node), &out))
}

// PruneImages removes the images of a node that SDP made and nothing needs; with dryRun it says what would be removed.
func (c *Client) PruneImages(ctx context.Context, node string, dryRun bool) (out rest.PruneReport, err error) {
	in := rest.PruneImages{DryRun: dryRun}
	return out, c.call(ctx, change(http.MethodPost, "/nodes/"+esc(node)+"/images/prune", in, &out))
}

// CordonNode has nothing new placed on a node; UncordonNode lets it take work again.
func (c *Client) CordonNode(ctx context.Context, node string) (out rest.Node, err error) {
	return out, c.call(ctx, change(http.MethodPost, "/nodes/"+esc(node)+"/cordon", nil, &out))
}

// UncordonNode takes CordonNode back.
func (c *Client) UncordonNode(ctx context.Context, node string) (out rest.Node, err error) {
	return out, c.call(ctx, change(http.MethodPost, "/nodes/"+esc(node)+"/uncordon", nil, &out))
}

// DrainNode cordons a node and begins to stop what runs there.
func (c *Client) DrainNode(ctx context.Context, node string) (out rest.NodeDrain, err error) {
	return out, c.call(ctx, change(http.MethodPost, "/nodes/"+esc(node)+"/drain", nil, &out))
}

// NodeWork lists what a node has to do with.
func (c *Client) NodeWork(ctx context.Context, node string) (out rest.NodeWork, err error) {
	return out, c.call(ctx, get("/nodes/"+esc(node)+"/work", nil, &out))
}

// RemoveNode gives a node up; with force also one that is down and has still to do.
func (c *Client) RemoveNode(ctx context.Context, node string, force bool) error {
	r := change(http.MethodDelete, "/nodes/"+esc(node), nil, nil)
	r.query = values("force", flag(force))
	return c.call(ctx, r)
}

// Ports lists the nodes' public ports and who has them.
func (c *Client) Ports(ctx context.Context) ([]rest.NodePorts, error) {
	return list[rest.NodePorts](ctx, c, "/ports")
}
