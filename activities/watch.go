package activities

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"sdp/internal/git"
)

// watchesAtOnce bounds how many questions a node asks git servers at a time, watchTimeout how long one may take.
const (
	watchesAtOnce = 8
	watchTimeout  = 20 * time.Second
)

// Watch asks git servers where branches are, one request for each question. What goes wrong with one is its answer; the
// others are asked all the same.
func (h *Host) Watch(ctx context.Context, in WatchInput) ([]WatchAnswer, error) {
	out := make([]WatchAnswer, len(in.Asks))
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
				out[i] = WatchAnswer{Owner: ask.Owner, StoredAt: ask.StoredAt, Repository: ask.Repository, Heads: heads}
				return nil
			})
		}
		return group.Wait()
	})
	return out, err
}

func (h *Host) heads(ctx context.Context, ask WatchAsk, operation string) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, watchTimeout)
	defer cancel()
	clone, cred, err := h.asked(ask.Repository, ask.Credentials, operation)
	if err != nil {
		return nil, err
	}
	all, err := git.Heads(ctx, clone.RemoteURL(), cred)
	if err != nil {
		return nil, err
	}
	heads := make(map[string]string, len(ask.Branches))
	for _, branch := range ask.Branches {
		heads[branch] = all[branch]
	}
	return heads, nil
}
