package activities

import (
	"cmp"
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"sdp/internal/node"
	"sdp/internal/pause"
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

// Look gets the node's questions for git servers from the server, asks them and gives the answers back, a page at a time.
func (h *Host) Look(ctx context.Context, in wire.LookInput) (wire.Done, error) {
	return wire.Done{}, h.do(ctx, func(ctx context.Context) error {
		ask := wire.AsksRequest{LookInput: in}
		for {
			page, err := h.server.Asks(ctx, ask)
			if err != nil {
				return err
			}
			answers, err := h.watch(ctx, in.ID, page.Asks)
			if err != nil {
				return err
			}
			if err := h.report(ctx, wire.AnswersReport{LookInput: in, Answers: answers}); err != nil || page.Next == "" {
				return err
			}
			ask.After = page.Next
		}
	})
}

// report gives answers to the server, for as long as it takes: to ask again could show refused credentials once more.
func (h *Host) report(ctx context.Context, r wire.AnswersReport) error {
	for len(r.Answers) > 0 {
		err := h.server.TakeAnswers(ctx, r)
		if kind := sdp.KindOf(err); err == nil || kind != sdp.Unavailable && kind != sdp.Internal {
			return err
		}
		if ended := pause.For(ctx, serverAgain); ended != nil {
			return err
		}
	}
	return nil
}

// Watch is Look for questions that came through Temporal.
func (h *Host) Watch(ctx context.Context, in wire.WatchInput) (out []wire.WatchAnswer, err error) {
	err = h.do(ctx, func(ctx context.Context) error {
		out, err = h.watch(ctx, in.ID, in.Asks)
		return err
	})
	return out, err
}

// watch asks git servers where branches are, one request for each question. What goes wrong with one is its answer; the
// others are asked all the same.
func (h *Host) watch(ctx context.Context, operation string, asks []wire.WatchAsk) ([]wire.WatchAnswer, error) {
	out := make([]wire.WatchAnswer, len(asks))
	var group errgroup.Group
	group.SetLimit(watchesAtOnce)
	for i, ask := range asks {
		group.Go(func() error {
			heads, err := h.heads(ctx, ask, operation)
			if err != nil {
				out[i] = ask.Failed(failureFrom(err))
				return ctx.Err()
			}
			out[i] = wire.WatchAnswer{Owner: ask.Owner, StoredAt: ask.StoredAt, Repository: ask.Repository, Heads: heads}
			return nil
		})
	}
	return out, group.Wait()
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
