package activities

import (
	"cmp"
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"sdp/internal/node"
	"sdp/internal/sdp"
	"sdp/internal/sdp/planning"
	"sdp/internal/wire"
)

// What a node is asked, by people who wait for the answer and by tracking.

// Preflight finds out which commits would be deployed, whether their images are there, and what building the others needs.
func (h *Host) Preflight(ctx context.Context, in wire.PreflightInput) (planning.PreflightReport, error) {
	var out planning.PreflightReport
	err := h.do(ctx, func(ctx context.Context) error {
		cred, err := h.node.Boxes.Credentials(in.Credentials, in.ID)
		if err != nil {
			return err
		}
		out, err = h.node.Resolver.Preflight(ctx, in.Items, cred)
		return err
	})
	return out, err
}

// VerifyLogin proves credentials against a repository's git server, and answers with the node's proof that it did.
func (h *Host) VerifyLogin(ctx context.Context, in wire.LoginInput) (proof string, err error) {
	err = h.do(ctx, func(ctx context.Context) error {
		cred, err := h.node.Boxes.Credentials(in.Credentials, in.ID)
		if err != nil {
			return err
		}
		if err := h.node.Sources.Verify(ctx, in.Repository, cred); err != nil {
			return err
		}
		in.Node, in.User = h.node.Name, cred.User // whose credentials they are, whatever was asked
		proof = h.node.Boxes.Prove(in.Claim()...)
		return nil
	})
	return proof, err
}

// Branches lists a repository's branches as its git server has them now.
func (h *Host) Branches(ctx context.Context, in wire.BranchesInput) ([]sdp.Branch, error) {
	var out []sdp.Branch
	err := h.do(ctx, func(ctx context.Context) error {
		cred, err := h.node.Boxes.Credentials(in.Credentials, in.ID)
		if err != nil {
			return err
		}
		out, err = h.node.Sources.Branches(ctx, in.Repository, cred)
		return err
	})
	return affordable(out), err
}

// watchesAtOnce bounds how many questions a node asks git servers at a time, watchTimeout how long one may take.
const (
	watchesAtOnce = 8
	watchTimeout  = 20 * time.Second
)

// Watch asks git servers where branches are, one request for each question. What goes wrong with one is its answer; the
// others are asked all the same.
func (h *Host) Watch(ctx context.Context, in wire.WatchInput) ([]wire.WatchAnswer, error) {
	out := make([]wire.WatchAnswer, len(in.Asks))
	err := h.do(ctx, func(ctx context.Context) error {
		var group errgroup.Group
		group.SetLimit(watchesAtOnce)
		for i, ask := range in.Asks {
			group.Go(func() error {
				heads, err := h.heads(ctx, ask, in.ID)
				if err != nil {
					out[i] = ask.Failed(failureFrom(err))
					return ctx.Err()
				}
				out[i] = wire.WatchAnswer{Owner: ask.Owner, StoredAt: ask.StoredAt, Repository: ask.Repository, Heads: heads}
				return nil
			})
		}
		return group.Wait()
	})
	return out, err
}

func (h *Host) heads(ctx context.Context, ask wire.WatchAsk, operation string) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, watchTimeout)
	defer cancel()
	cred, err := h.node.Boxes.Credentials(ask.Credentials, operation)
	if err != nil {
		return nil, err
	}
	return h.node.Sources.Heads(ctx, ask.Repository, cred, ask.Branches)
}

// SendTrace sends one tagged request to the sandbox's public port on this node.
func (h *Host) SendTrace(ctx context.Context, in wire.TraceInput) (wire.Trace, error) {
	var out wire.Trace
	err := h.do(ctx, func(ctx context.Context) (err error) {
		out, err = h.node.Routes.Trace(ctx, in)
		return err
	})
	return out, err
}

// Hops returns what this node's router saw of a trace.
func (h *Host) Hops(ctx context.Context, in wire.HopsInput) ([]wire.Hop, error) {
	var out []wire.Hop
	err := h.do(ctx, func(ctx context.Context) (err error) {
		out, err = h.node.Routes.Hops(ctx, in.ID)
		return err
	})
	return out, err
}

// SortHops orders hops by their start.
func SortHops(hops []wire.Hop) []wire.Hop {
	slices.SortStableFunc(hops, func(a, b wire.Hop) int { return cmp.Compare(a.StartedAt, b.StartedAt) })
	return hops
}

// PruneTime is how long a prune goes on removing images.
const PruneTime = node.PruneTime

// Images lists the images this node made and those that it makes images from, with what keeps each.
func (h *Host) Images(ctx context.Context, in wire.ImagesInput) ([]sdp.NodeImage, error) {
	var out []sdp.NodeImage
	err := h.do(ctx, func(ctx context.Context) (err error) {
		out, err = h.node.Images.List(ctx, in.Needed)
		return err
	})
	return out, err
}

// PruneImages removes the images this node made and nothing needs, or says what it would remove.
func (h *Host) PruneImages(ctx context.Context, in wire.PruneInput) (sdp.PruneReport, error) {
	var out sdp.PruneReport
	err := h.do(ctx, func(ctx context.Context) (err error) {
		if in.Needed.Images == nil { // an input that does not say what is needed does not mean "nothing"
			return sdp.Errorf(sdp.Invalid, "missing-input", "node %s was not told which of its images are needed; none was removed", h.node.Name).
				WithRemedy("prune through the server: `sdp images prune --node %s`", h.node.Name)
		}
		out, err = h.node.Images.Prune(ctx, in.Needed, in.DryRun)
		return err
	})
	return out, err
}
