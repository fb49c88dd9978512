package worker

import (
	"context"

	"sdp/internal/containers"
)

// watchTargets tells the node's router when a container stops, and where it is when it runs again, until ctx ends. It does
// so as soon as Docker says it, because Docker gives the address of a container that stopped to the next one.
func (a *agent) watchTargets(ctx context.Context) error {
	for e := range a.runtime.Events(ctx) {
		var err error
		switch e.Action {
		case containers.Resync:
			err = a.node.Targets.TellAll(ctx)
		case "start", "die", "pause", "unpause":
			err = a.node.Targets.Tell(ctx, e.ID)
		case "destroy":
			err = a.node.Targets.TellGone(ctx, e.Deployment)
		}
		if err != nil && ctx.Err() == nil {
			a.log.Warn("Telling the router where containers are failed; the next round does", "error", err)
		}
	}
	return nil
}
