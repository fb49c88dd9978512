package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"sdp/activities"
	"sdp/internal/failure"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// pruneLimit bounds a prune on a node. It removes what it can within activities.PruneTime and says what is left.
const pruneLimit = activities.PruneTime + 10*time.Second

// Images asks all nodes at once. A node that does not answer is named in the result.
func Images(ctx workflow.Context, in wire.InventoryInput) (wire.Inventory, error) {
	out := wire.Inventory{Failures: map[string]sdp.Failure{}}
	futures := make([]workflow.Future, len(in.Nodes))
	for i, node := range in.Nodes {
		needed, err := neededImages(ctx, node)
		if err != nil {
			return out, err
		}
		futures[i] = begin(onNode(ctx, node, askLimit), host.Images, wire.ImagesInput{Needed: needed})
	}
	for i, node := range in.Nodes {
		var images []sdp.NodeImage
		if err := futures[i].Get(ctx, &images); err != nil {
			out.Failures[node] = failureOf(ctx, "", node, err)
			continue
		}
		out.Images = append(out.Images, images...)
	}
	return out, nil
}

// PruneImages finds out what is needed and has the node remove the rest. What comes to be needed meanwhile, the node
// knows best: it claims images for the deployments it works on.
func PruneImages(ctx workflow.Context, in wire.PruneRequest) (sdp.PruneReport, error) {
	var out sdp.PruneReport
	needed, err := neededImages(ctx, in.Node)
	if err != nil {
		return out, err
	}
	prune := wire.PruneInput{Needed: needed, DryRun: in.DryRun}
	err = begin(atWork(ctx, in.Node, pruneLimit), host.PruneImages, prune).Get(ctx, &out)
	if err != nil {
		return out, failure.Workflow(failureOf(ctx, "", in.Node, err))
	}
	return out, nil
}

func neededImages(ctx workflow.Context, node string) (sdp.NeededImages, error) {
	var needed sdp.NeededImages
	err := workflow.ExecuteLocalActivity(database(ctx), control.NeededImages, node).Get(ctx, &needed)
	return needed, err
}
