package apitest

import (
	"context"

	"sdp/internal/sdp"
	"sdp/workflows"
)

// Images implements api.Engine: each node has the images of Stock that name it, and a node of Broken does not answer.
func (e *Engine) Images(_ context.Context, in workflows.ImagesInput) (workflows.ImagesAnswer, error) {
	out := workflows.ImagesAnswer{Failures: map[string]sdp.Failure{}}
	if err := e.failing("Images"); err != nil {
		return out, err
	}
	for _, node := range in.Nodes {
		if f, broken := e.Broken[node]; broken {
			out.Failures[node] = f
		}
		for _, i := range e.Stock {
			if i.Node == node {
				out.Images = append(out.Images, i)
			}
		}
	}
	return out, nil
}

// PruneImages implements api.Engine: what nothing needs goes.
func (e *Engine) PruneImages(_ context.Context, in workflows.PruneInput) (sdp.PruneReport, error) {
	out := sdp.PruneReport{Node: in.Node, DryRun: in.DryRun}
	if err := e.failing("PruneImages"); err != nil {
		return out, err
	}
	for _, i := range e.Stock {
		switch {
		case i.Node != in.Node || i.Kind == sdp.BaseImage:
		case len(i.NeededBy) > 0:
			out.Kept = append(out.Kept, i)
		default:
			out.Removed = append(out.Removed, i)
			out.Freed += i.Size
		}
	}
	return out, nil
}
