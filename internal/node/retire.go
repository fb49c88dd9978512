package node

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"sdp/internal/containers"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// stopGrace is how long a container may take to stop by itself.
const stopGrace = 10 * time.Second

// Keep has the runtime restart a container that ends. Before it was healthy once, that would hide why it ended.
func (c *Containers) Keep(ctx context.Context, id string) error {
	if id == "" {
		return nil
	}
	return c.runtime.Keep(ctx, id)
}

// Discard removes what a failed or cancelled deployment left on this node.
func (c *Containers) Discard(ctx context.Context, deployment string) error {
	c.images.claims.drop(deployment)
	c.images.slots.drop(deployment)
	c.sources.end(deployment)
	return errors.Join(c.runtime.RemoveDeployment(ctx, deployment), c.sources.DropCheckout(deployment))
}

// Retire lets a replaced container finish the requests it has and removes it. Its successor then takes over the
// canonical name. One that is gone has no requests: nothing of its deployment's is cut.
func (c *Containers) Retire(ctx context.Context, in wire.RetireInput) error {
	_, found, err := c.runtime.Inspect(ctx, in.Container.DockerID)
	if err != nil {
		return err
	}
	if found && in.Container.Address != "" {
		if err := c.routes.drain(ctx, in.Container.Deployment, c.drain); err != nil {
			return err
		}
	}
	if err := c.remove(ctx, in.Container.DockerID); err != nil {
		return err
	}
	return c.inherit(ctx, in)
}

func (c *Containers) remove(ctx context.Context, id string) error {
	if err := c.runtime.Stop(ctx, id, stopGrace); err != nil {
		return err
	}
	return c.runtime.Remove(ctx, id)
}

// inherit gives the canonical name to the successor, unless that has been replaced itself in the meantime.
func (c *Containers) inherit(ctx context.Context, in wire.RetireInput) error {
	own := sdp.GenerationName(in.Container.Sandbox, in.Container.Service, in.Successor)
	successor, found, err := c.runtime.Inspect(ctx, own)
	if in.Successor == "" || err != nil || !found {
		return err
	}
	err = c.runtime.Rename(ctx, successor.ID, sdp.ContainerName(in.Container.Sandbox, in.Container.Service))
	if sdp.KindOf(err) == sdp.Conflict || sdp.KindOf(err) == sdp.NotFound {
		return nil // another generation holds it; its own retirement passes the name on
	}
	return err
}

// Teardown removes a sandbox's containers, routes and network from this node. Only what carries our labels is touched.
func (c *Containers) Teardown(ctx context.Context, sandbox string) error {
	all, err := c.runtime.List(ctx)
	if err != nil {
		return err
	}
	mine := slices.DeleteFunc(all, func(c containers.Container) bool { return c.Sandbox != sandbox })
	errs := make([]error, len(mine))
	var group sync.WaitGroup
	for i, container := range mine {
		group.Go(func() { errs[i] = c.remove(ctx, container.ID) })
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return errors.Join(c.routes.Stop(ctx, sandbox), containers.UnlessMiscounted(c.runtime.RemoveNetwork(ctx, sandbox)))
}
