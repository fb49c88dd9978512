package worker

import (
	"context"
	"fmt"
	"time"

	"sdp/activities"
	"sdp/internal/sdp"
)

// diskEvery is how often the disk is compared with the watermark. A build takes longer than that to fill anything.
const diskEvery = time.Minute

// imagesUsed is how much of the disk where Docker keeps its images is not available any more, in percent; 0 = unknown.
func (n *node) imagesUsed(ctx context.Context) int {
	if n.host == nil {
		return 0
	}
	free, total := activities.ImageDisk(ctx, n.host)
	if total == 0 {
		return 0
	}
	return int((total - free) * 100 / total)
}

// watchDisk removes images nothing needs whenever the disk is fuller than the watermark.
func (n *node) watchDisk(ctx context.Context) error {
	if n.config.Images.Watermark == 0 {
		return nil
	}
	ticker := time.NewTicker(diskEvery)
	defer ticker.Stop()
	for {
		if err := n.pruneAbove(ctx, n.imagesUsed(ctx)); err != nil && ctx.Err() == nil {
			n.log.Warn("Pruning images failed; trying again", "error", err)
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
func (n *node) pruneAbove(ctx context.Context, used int) error {
	mark := n.config.Images.Watermark
	if mark == 0 || used <= mark {
		return nil
	}
	needed, err := n.server.neededImages(ctx)
	if err != nil {
		return fmt.Errorf("asking which images are needed: %w", err)
	}
	report, err := activities.Prune(ctx, n.host, needed, false)
	if len(report.Removed) == 0 {
		return err
	}
	n.log.Info("Pruned images", "used", used, "watermark", mark, "removed", len(report.Removed), "bytes", report.Freed)
	told := sdp.WatermarkPrune{Used: used, Watermark: mark, Report: report}
	if err != nil {
		told.Problem = sdp.AsError(err).Detail
	}
	return n.server.prunedImages(context.WithoutCancel(ctx), told)
}
