package workflows

import (
	"context"

	"sdp/internal/sdp"
)

// Images lists the images on nodes that SDP has to do with, and what needs each.
func (e *Engine) Images(ctx context.Context, in ImagesInput) (ImagesAnswer, error) {
	var out ImagesAnswer
	err := e.run(ctx, "images/"+in.ID, Images, in, &out)
	return out, err
}

// PruneImages removes the images of a node that SDP made and nothing needs, or says what it would remove.
func (e *Engine) PruneImages(ctx context.Context, in PruneInput) (sdp.PruneReport, error) {
	var out sdp.PruneReport
	err := e.run(ctx, "prune/"+in.ID, PruneImages, in, &out)
	return out, err
}
