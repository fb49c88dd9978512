// Package pause waits for a time, or until nobody wants to wait any more.
package pause

import (
	"context"
	"time"
)

// For waits for d. It returns early, with the context's error, when ctx ends.
func For(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
