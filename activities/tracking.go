package activities

import (
	"context"

	"sdp/internal/control"
	"sdp/internal/wire"
)

// looking is who looks at branches.
func looking() *control.Call {
	return &control.Call{Actor: control.System("a look at the branches that are watched")}
}

// BeginTracking says what to ask git servers in one look at all watched branches, which has the operation's id.
func (c *Control) BeginTracking(ctx context.Context, id string) (wire.TrackRound, error) {
	round, err := c.UseCases.BeginTracking(ctx, looking(), id)
	return round, fail(err)
}

// FinishTracking does what the git servers' answers ask for. It can be repeated.
func (c *Control) FinishTracking(ctx context.Context, answers []wire.WatchAnswer) (wire.Done, error) {
	return wire.Done{}, fail(c.UseCases.FinishTracking(ctx, looking(), answers))
}
