package workflows

import (
	"context"
	"errors"
	"testing"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"sdp/internal/sdp/planning"
	"sdp/internal/wire"
)

// TestPreflightNamesTheNodeThatDoesNotAnswer asks two nodes, one of which has no worker: the other's answer is there.
func TestPreflightNamesTheNodeThatDoesNotAnswer(t *testing.T) {
	env := newAsk(t)
	env.OnActivity(host.Preflight, any_, any_).Return(func(ctx context.Context, in wire.PreflightInput) (planning.PreflightReport, error) {
		if queue := activity.GetInfo(ctx).TaskQueue; queue != "node-"+in.Node {
			t.Errorf("%s was asked on %s", in.Node, queue)
		}
		if in.Node == "micro-1" {
			return planning.PreflightReport{}, temporal.NewTimeoutError(scheduleToStart, nil)
		}
		return planning.PreflightReport{Node: in.Node, Results: []planning.PreflightResult{{Service: in.Items[0].Service, SHA: "aaaa"}}}, nil
	})
	items := []planning.PreflightItem{{Service: "gateway", Branch: "main"}}
	env.ExecuteWorkflow(Preflight, wire.PlanInput{ID: "p-1", Nodes: []wire.PreflightInput{
		{Node: "micro-1", Items: items}, {Node: "gateway-1", Items: items}}})
	var out wire.PlanAnswer
	if err := errors.Join(env.GetWorkflowError(), env.GetWorkflowResult(&out)); err != nil {
		t.Fatal(err)
	}
	if f := out.Failures["micro-1"]; f.Code != "no-worker" || f.Detail != "node micro-1: no worker since 14:02" {
		t.Errorf("micro-1: %+v", f)
	}
	if len(out.Reports) != 1 || out.Reports[0].Node != "gateway-1" || out.Reports[0].Results[0].SHA != "aaaa" {
		t.Errorf("reports %+v", out.Reports)
	}
}
