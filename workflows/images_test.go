package workflows

import (
	"context"
	"errors"
	"testing"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

var neededOf = func(_ context.Context, node string) (sdp.NeededImages, error) {
	return sdp.NeededImages{Images: map[string][]string{"of " + node: {"a snapshot"}}}, nil
}

func TestImagesNamesTheNodeThatDoesNotAnswer(t *testing.T) {
	env := newAsk(t)
	env.OnActivity(control.NeededImages, any_, any_).Return(neededOf)
	env.OnActivity(host.Images, any_, any_).Return(func(ctx context.Context, in wire.ImagesInput) ([]sdp.NodeImage, error) {
		if activity.GetInfo(ctx).TaskQueue == "node-micro-1" {
			return nil, temporal.NewTimeoutError(scheduleToStart, nil)
		}
		return []sdp.NodeImage{{Name: "x", NeededBy: in.Needed.Images["of gateway-1"]}}, nil
	})
	env.ExecuteWorkflow(Images, wire.InventoryInput{ID: "i-1", Nodes: []string{"micro-1", "gateway-1"}})
	var out wire.Inventory
	if err := errors.Join(env.GetWorkflowError(), env.GetWorkflowResult(&out)); err != nil {
		t.Fatal(err)
	}
	if f := out.Failures["micro-1"]; f.Code != "no-worker" || f.Detail != "node micro-1: no worker since 14:02" {
		t.Errorf("micro-1: %+v", f)
	}
	if len(out.Images) != 1 || len(out.Images[0].NeededBy) != 1 {
		t.Errorf("images %+v", out.Images)
	}
}

func TestPruneKnowsWhatIsNeeded(t *testing.T) {
	env := newAsk(t)
	env.OnActivity(control.NeededImages, any_, any_).Return(neededOf)
	env.OnActivity(host.PruneImages, any_, any_).Return(func(ctx context.Context, in wire.PruneInput) (sdp.PruneReport, error) {
		if queue := activity.GetInfo(ctx).TaskQueue; queue != "node-micro-1-work" || in.Needed.Images["of micro-1"] == nil || !in.DryRun {
			t.Errorf("asked %s with %+v", queue, in)
		}
		return sdp.PruneReport{Node: "micro-1", DryRun: true, Freed: 7}, nil
	})
	env.ExecuteWorkflow(PruneImages, wire.PruneRequest{ID: "i-1", Node: "micro-1", DryRun: true})
	var out sdp.PruneReport
	if err := errors.Join(env.GetWorkflowError(), env.GetWorkflowResult(&out)); err != nil || out.Freed != 7 {
		t.Errorf("%+v, %v", out, err)
	}
}

func TestPruneOfANodeWithoutWorkerFails(t *testing.T) {
	env := newAsk(t)
	env.OnActivity(control.NeededImages, any_, any_).Return(neededOf)
	env.OnActivity(host.PruneImages, any_, any_).Return(sdp.PruneReport{}, temporal.NewTimeoutError(scheduleToStart, nil))
	env.ExecuteWorkflow(PruneImages, wire.PruneRequest{ID: "i-1", Node: "micro-1"})
	wantFailure(t, env.GetWorkflowError(), "no-worker")
}
