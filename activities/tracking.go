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

// PlanLook begins a look at all watched branches, which has the operation's id.
func (c *Control) PlanLook(ctx context.Context, id string) (wire.Look, error) {
	l, err := c.UseCases.PlanLook(ctx, looking(), id)
	return l, fail(err)
}

// MissLook notes why a node did not ask its questions.
func (c *Control) MissLook(ctx context.Context, in wire.MissedLook) (wire.Done, error) {
	return wire.Done{}, fail(c.UseCases.MissLook(ctx, looking(), in))
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
