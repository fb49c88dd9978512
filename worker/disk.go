package worker

import (
	"context"
	"fmt"
	"time"

	"sdp/internal/sdp"
)

// diskEvery is how often the disk is compared with the watermark. A build takes longer than that to fill anything.
const diskEvery = time.Minute

// imagesUsed is how much of the disk where Docker keeps its images is not available any more, in percent; 0 = unknown.
func (a *agent) imagesUsed(ctx context.Context) int { return a.node.Images.Disk(ctx).Used() }

// watchDisk removes images nothing needs whenever the disk is fuller than the watermark.
func (a *agent) watchDisk(ctx context.Context) error {
	if a.config.Images.Watermark == 0 {
		return nil
	}
	ticker := time.NewTicker(diskEvery)
	defer ticker.Stop()
	for {
		if err := a.pruneAbove(ctx, a.imagesUsed(ctx)); err != nil && ctx.Err() == nil {
			a.log.Warn("Pruning images failed; trying again", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// pruneAbove removes images nothing needs if used percent of the disk are more than the watermark, and reports what it
// removed. Without the server it removes nothing: only that knows what is needed. That nothing can be removed is no news
// for the audit; `sdp nodes` shows it all the time.
func (a *agent) pruneAbove(ctx context.Context, used int) error {
	mark := a.config.Images.Watermark
	if mark == 0 || used <= mark {
		return nil
	}
	needed, err := a.server.neededImages(ctx)
	if err != nil {
		return fmt.Errorf("asking which images are needed: %w", err)
	}
	report, err := a.node.Images.Prune(ctx, needed, false)
	if len(report.Removed) == 0 {
		return err
	}
	a.log.Info("Pruned images", "used", used, "watermark", mark, "removed", len(report.Removed), "bytes", report.Freed)
	told := sdp.WatermarkPrune{Used: used, Watermark: mark, Report: report}
	if err != nil {
		told.Problem = sdp.AsError(err).Detail
	}
	return a.server.prunedImages(context.WithoutCancel(ctx), told)
}
