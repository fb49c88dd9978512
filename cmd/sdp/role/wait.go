package role

import (
	"context"
	"log/slog"
	"time"

	"sdp/internal/pause"
)

const (
	retryEvery  = time.Second      // between attempts at something that is not there yet
	remindEvery = 15 * time.Second // between log lines about the same wait
)

// await calls try until it succeeds, ctx ends (then it returns nil), or its error is one that waiting does not mend. It says at once what it
// waits for, and again from time to time.
func await(ctx context.Context, what string, try func(context.Context) error, mends func(error) bool) error {
	var said time.Time
	for again := true; again; again = pause.For(ctx, retryEvery) == nil {
		err := try(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // told to stop; what broke because of that is no failure
		}
		if err == nil || !mends(err) {
			return err
		}
		if time.Since(said) >= remindEvery {
			slog.Warn("Waiting", "for", what, "error", err)
			said = time.Now()
		}
	}
	return nil
}
