package activities

import (
	"context"
	"errors"
	"sync"
	"time"

	"sdp/internal/logs"
	"sdp/internal/node"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// The steps of a deployment on its node. Each is an activity of its own, so that it is shown, retried and cancelled by
// its name.

// Fetch turns a branch into a commit and has it in the clone, unless its image is there. The sandbox's network is made
// meanwhile.
func (h *Host) Fetch(ctx context.Context, in wire.Job) (wire.Fetched, error) {
	var out wire.Fetched
	err := h.do(ctx, func(ctx context.Context) error {
		cred, err := h.node.Boxes.Credentials(in.Credentials, in.Deployment)
		if err != nil {
			return err
		}
		h.node.Containers.PrepareNetwork(ctx, in.Sandbox)
		return h.node.Logs.During(in.Deployment, []string{cred.Password}, func(log *logs.Stream) error {
			out, err = h.node.Resolver.Fetch(ctx, in, cred, log)
			return err
		})
	})
	return out, err
}

// Checkout exports the commit into a directory of its own.
func (h *Host) Checkout(ctx context.Context, in wire.Job) (string, error) {
	err := h.step(ctx, in.Deployment, sdp.SealedBox{}, func(ctx context.Context, _ node.Confidential, log *logs.Stream) error {
		return h.node.Sources.Checkout(ctx, in, log)
	})
	return sdp.ShortSHA(in.SHA), err
}

// Build runs `go build` on the host, once there is a slot for it. Where another deployment builds the same, it waits for that.
func (h *Host) Build(ctx context.Context, in wire.Job) (detail string, err error) {
	err = h.step(ctx, in.Deployment, in.Secrets, func(ctx context.Context, _ node.Confidential, log *logs.Stream) error {
		began := time.Now()
		cached, err := h.node.Images.Build(ctx, in, log)
		detail = "go build took " + time.Since(began).Round(time.Millisecond).String()
		if cached {
			detail = "cached"
		}
		return err
	})
	return detail, err
}

// Image makes the image of a built binary, or builds the repository's Dockerfile.
func (h *Host) Image(ctx context.Context, in wire.Job) (string, error) {
	err := h.step(ctx, in.Deployment, in.Secrets, func(ctx context.Context, _ node.Confidential, log *logs.Stream) error {
		return h.node.Images.Make(ctx, in, log)
	})
	return in.Image, err
}

// Start creates a service's new generation beside the old one and waits until it is healthy.
func (h *Host) Start(ctx context.Context, in wire.Job) (sdp.Container, error) {
	var out sdp.Container
	err := h.step(ctx, in.Deployment, in.Secrets, func(ctx context.Context, given node.Confidential, log *logs.Stream) (err error) {
		if in.Table, err = h.table(ctx, in.Table); err != nil {
			return err
		}
		out, err = h.node.Containers.Start(ctx, in, given, log)
		return err
	})
	return out, err
}

// Route makes this node's router serve a table, and finishes the logs of the deployments it routes to. Error "port-held":
// something foreign holds the public port.
func (h *Host) Route(ctx context.Context, in wire.RouteInput) (wire.Done, error) {
	return wire.Done{}, h.do(ctx, func(ctx context.Context) error {
		if err := h.route(ctx, in); err != nil {
			return err
		}
		var errs []error
		for _, c := range in.Containers {
			errs = append(errs, h.node.Logs.End(c.Deployment, "ROUTE", "requests go to the new container"))
		}
		return errors.Join(errs...)
	})
}

// route tells the router and, meanwhile, the container runtime.
func (h *Host) route(ctx context.Context, in wire.RouteInput) (err error) {
	var group sync.WaitGroup
	kept := make([]error, len(in.Containers))
	for i, c := range in.Containers {
		group.Go(func() { kept[i] = h.node.Containers.Keep(ctx, c.DockerID) })
	}
	table, err := h.table(ctx, in.Table)
	if err == nil {
		err = h.node.Routes.Apply(ctx, table)
	}
	group.Wait()
	return errors.Join(append([]error{err}, kept...)...)
}

// Retire removes a replaced container once it has finished the requests it has.
func (h *Host) Retire(ctx context.Context, in wire.RetireInput) (wire.Done, error) {
	return wire.Done{}, h.do(ctx, func(ctx context.Context) error { return h.node.Containers.Retire(ctx, in) })
}

// Discard removes what a failed or cancelled deployment left on this node and completes its log.
func (h *Host) Discard(ctx context.Context, in wire.DiscardInput) (wire.Done, error) {
	return wire.Done{}, h.do(ctx, func(ctx context.Context) error {
		err := h.node.Containers.Discard(ctx, in.Deployment)
		return errors.Join(err, h.node.Logs.End(in.Deployment, "END", in.Reason))
	})
}

// StopTraffic makes this node's router refuse requests for a sandbox that is being deleted.
func (h *Host) StopTraffic(ctx context.Context, in wire.TeardownInput) (wire.Done, error) {
	return wire.Done{}, h.do(ctx, func(ctx context.Context) error { return h.node.Routes.Stop(ctx, in.Sandbox) })
}

// Teardown removes a sandbox's containers and network from this node.
func (h *Host) Teardown(ctx context.Context, in wire.TeardownInput) (wire.Done, error) {
	return wire.Done{}, h.do(ctx, func(ctx context.Context) error { return h.node.Containers.Teardown(ctx, in.Sandbox) })
}
