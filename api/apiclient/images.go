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

// Ports lists the nodes' public ports and who has them.
func (c *Client) Ports(ctx context.Context) ([]rest.NodePorts, error) {
	return list[rest.NodePorts](ctx, c, "/ports")
}
