package workflows

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"sdp/activities"
	"sdp/internal/failure"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

func newAsk(t *testing.T) *testsuite.TestWorkflowEnvironment {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.SetTestTimeout(20 * time.Second)
	env.RegisterActivity(&activities.Control{})
	env.RegisterActivity(&activities.Host{})
	env.OnActivity(control.NodeStatus, any_, any_).Return("node micro-1: no worker since 14:02", nil)
	env.OnActivity(control.NodeAlive, any_, any_).Return(false, nil)
	return env
}

// wantFailure wants err to carry a failure to the API.
func wantFailure(t *testing.T, err error, code string) sdp.Failure {
	t.Helper()
	f, ok := failure.Of(err)
	if !ok || f.Code != code {
		t.Fatalf("ended with %v, want a failure with code %q", err, code)
	}
	return f.Failure
}

func TestLoginIsProvenOnItsNode(t *testing.T) {
	env := newAsk(t)
	env.OnActivity(host.VerifyLogin, any_, any_).Return(func(ctx context.Context, in wire.LoginInput) (string, error) {
		if queue := activity.GetInfo(ctx).TaskQueue; queue != "node-micro-1" || in.Repository != "account" {
			t.Errorf("asked %s for %s", queue, in.Repository)
		}
		return "proof", nil
	})
	env.ExecuteWorkflow(Login, wire.LoginInput{Node: "micro-1", Repository: "account"})
	var got string
	if err := errors.Join(env.GetWorkflowError(), env.GetWorkflowResult(&got)); err != nil || got != "proof" {
		t.Errorf("answered %q, %v; want what the node answered", got, err)
	}
}

func TestRefusedLoginIsToldApart(t *testing.T) {
	for _, c := range []struct {
		err  error
		code string
	}{
		{failed("wrong-credentials"), "wrong-credentials"},
		{failed("git-unreachable"), "git-unreachable"},
		{temporal.NewTimeoutError(scheduleToStart, nil), "no-worker"},
	} {
		t.Run(c.code, func(t *testing.T) {
			env := newAsk(t)
			env.OnActivity(host.VerifyLogin, any_, any_).Return("", c.err)
			env.ExecuteWorkflow(Login, wire.LoginInput{Node: "micro-1"})
			if f := wantFailure(t, env.GetWorkflowError(), c.code); f.Detail == "" {
				t.Error("the failure says nothing")
			}
		})
	}
}

func TestBranchesAreThoseOfTheOwner(t *testing.T) {
	env := newAsk(t)
	want := []sdp.Branch{{Name: "main", SHA: "aaaa"}, {Name: "feature/x", SHA: "bbbb"}}
	env.OnActivity(host.Branches, any_, any_).Return(want, nil)
	env.ExecuteWorkflow(Branches, wire.BranchesInput{Node: "micro-1", Repository: "account"})
	var got []sdp.Branch
	if err := errors.Join(env.GetWorkflowError(), env.GetWorkflowResult(&got)); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func trace(t *testing.T, hops func(queue string) ([]wire.Hop, error)) (wire.Trace, error) {
	t.Helper()
	env := newAsk(t)
	env.OnActivity(host.SendTrace, any_, any_).Return(wire.Trace{ID: "t1", Sandbox: "demo", Status: 200, Body: "hello"}, nil)
	env.OnActivity(host.Hops, any_, any_).Return(func(ctx context.Context, in wire.HopsInput) ([]wire.Hop, error) {
		if in.ID != "t1" {
			t.Errorf("asked for the hops of %q", in.ID)
		}
		return hops(activity.GetInfo(ctx).TaskQueue)
	})
	env.ExecuteWorkflow(Trace, wire.TraceInput{ID: "t1", Sandbox: "demo", Node: "gateway-1", Nodes: []string{"gateway-1", "micro-1"}})
	var out wire.Trace
	if err := env.GetWorkflowError(); err != nil {
		return out, err
	}
	return out, env.GetWorkflowResult(&out)
}

func TestTraceOrdersTheHopsOfAllNodes(t *testing.T) {
	out, err := trace(t, func(queue string) ([]wire.Hop, error) {
		if queue == "node-gateway-1" {
			return []wire.Hop{{Service: "gateway", StartedAt: 10}, {Service: "late", StartedAt: 40}}, nil
		}
		return []wire.Hop{{Service: "payment", StartedAt: 30}, {Service: "account", StartedAt: 20}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, h := range out.Hops {
		order = append(order, h.Service)
	}
	if !slices.Equal(order, []string{"gateway", "account", "payment", "late"}) || out.Status != 200 || len(out.Missing) > 0 {
		t.Errorf("hops %q, trace %+v", order, out)
	}
}

func TestTraceNamesNodesThatDidNotAnswer(t *testing.T) {
	out, err := trace(t, func(queue string) ([]wire.Hop, error) {
		if queue == "node-micro-1" {
			return nil, temporal.NewTimeoutError(scheduleToStart, nil)
		}
		return []wire.Hop{{Service: "gateway", StartedAt: 10}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(out.Missing, []string{"micro-1"}) || len(out.Hops) != 1 {
		t.Errorf("missing %q, hops %+v", out.Missing, out.Hops)
	}
}

func TestTraceThatCannotBeSentFails(t *testing.T) {
	env := newAsk(t)
	env.OnActivity(host.SendTrace, any_, any_).Return(wire.Trace{}, failed("sandbox-unreachable"))
	env.ExecuteWorkflow(Trace, wire.TraceInput{ID: "t1", Node: "gateway-1", Nodes: []string{"gateway-1"}})
	wantFailure(t, env.GetWorkflowError(), "sandbox-unreachable")
}
