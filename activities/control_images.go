package activities

import (
	"context"

	"sdp/internal/sdp"
)

// NeededImages says which of a node's images must stay.
func (c *Control) NeededImages(ctx context.Context, node string) (sdp.NeededImages, error) {
	needed, err := c.DB.NeededImages(ctx, node)
	return needed, fail(err)
}
