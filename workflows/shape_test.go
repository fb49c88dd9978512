package workflows

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// What a deployment writes down of itself is an event each: a warm one is to be a short history.
func TestWarmDeploymentIsAShortHistory(t *testing.T) {
	for _, known := range []string{"micro-1", ""} {
		s := newStage(t)
		s.image.Cached = true
		shown := s.upserts()
		local, remote := 0, 0
		s.env.SetOnLocalActivityStartedListener(func(*activity.Info, context.Context, []any) { local++ })
		s.env.SetOnActivityStartedListener(func(*activity.Info, context.Context, converter.EncodedValues) { remote++ })
		s.env.ExecuteWorkflow(Deploy, sdp.OperationRef{ID: "d1", Kind: sdp.OpDeploy, Sandbox: "demo", Service: "account",
			Node: known, Shape: wire.Shape})
		if err := s.env.GetWorkflowError(); err != nil {
			t.Fatal(err)
		}
		want := []string{"STARTING_CONTAINER", "RUNNING"}
		if known == "" {
			want = append([]string{"micro-1"}, want...)
		}
		if !slices.Equal(*shown, want) || local != 4 || remote != 4 {
			t.Errorf("it is shown as %q, want %q; %d local activities and %d on nodes, want 4 and 4", *shown, want, local, remote)
		}
	}
}

// What a newer server has started goes on with one that knows how.
func TestRunOfANewerBuildIsLeftToIt(t *testing.T) {
	for _, definition := range []any{Deploy, Restart} {
		s := newStage(t)
		newer := op(sdp.OpDeploy, "d1", "account")
		newer.Shape = wire.Shape + 1
		s.env.ExecuteWorkflow(definition, newer)
		var blocked *temporal.PanicError // the test environment ends the run; a worker fails the task
		if err := s.env.GetWorkflowError(); !errors.As(err, &blocked) || !strings.Contains(blocked.Error(), sdp.SameVersion) {
			t.Errorf("ended with %v", err)
		}
		s.wantCalls()
	}
}
