package workflows

import (
	"errors"
	"testing"
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// newHeld is a deployment that is a part of an atomic change. What it tells the change is recorded.
func newHeld(t *testing.T) *stage {
	s := newStage(t)
	s.image = wire.Fetched{SHA: "3f2a9c1d0b7e", Image: "sdp/account:3f2a", Cached: true}
	s.env.RegisterWorkflow(Deploy)
	s.env.RegisterWorkflowWithOptions(s.change, workflow.RegisterOptions{Name: "Apply"})
	return s
}

// change stands for Apply: it starts the deployment and records what that says; the test speaks for it. One without a
// user ends at once, as if somebody had terminated it.
func (s *stage) change(ctx workflow.Context, op sdp.OperationRef) (wire.Done, error) {
	child := startChild(ctx, op, enums.PARENT_CLOSE_POLICY_ABANDON)
	if op.User == "" {
		return done(child.GetChildWorkflowExecution().Get(ctx, nil))
	}
	workflow.Go(ctx, func(ctx workflow.Context) {
		for {
			var ready wire.Ready
			workflow.GetSignalChannel(ctx, wire.ReadySignal).Receive(ctx, &ready)
			_ = s.call(map[bool]string{false: "told: healthy", true: "told: cancelled"}[ready.Cancelled])
		}
	})
	return done(confirmed(ctx, child))
}

func (s *stage) hold(definition any, user string) error {
	s.t.Helper()
	s.env.ExecuteWorkflow(definition, sdp.OperationRef{ID: "d1", Kind: sdp.OpDeploy, Sandbox: "demo", Service: "account",
		User: user, Hold: true, Shape: wire.Shape})
	if !s.env.IsWorkflowCompleted() {
		s.t.Fatal("the workflow did not end")
	}
	return s.env.GetWorkflowError()
}

func (s *stage) decide(d wire.Decision) {
	s.env.RegisterDelayedCallback(func() {
		if err := s.env.SignalWorkflowByID("deploy/d1", wire.DecisionSignal, d); err != nil {
			s.t.Error(err)
		}
	}, time.Hour)
}

func TestHeldDeploymentServesWhenItsChangeSaysSo(t *testing.T) {
	s := newHeld(t)
	s.decide(wire.Decision{Serves: true, Detail: "account -> 3f2a"})
	if err := s.hold("Apply", "ann"); err != nil {
		t.Fatal(err)
	}
	s.wantCalls("fetch", "start", "told: healthy", "settle") // it does not switch by itself
	s.wantEnd(sdp.Running, "", "")
	if route := s.ended.Steps[6]; route.Detail != "account -> 3f2a" || route.State != sdp.StepDone {
		t.Errorf("route step %+v", route)
	}
}

func TestHeldDeploymentGoesWhenItsChangeComesToNothing(t *testing.T) {
	s := newHeld(t)
	s.decide(wire.Decision{})
	if err := s.hold("Apply", "ann"); !temporal.IsCanceledError(err) {
		t.Errorf("ended with %v, want cancelled", err)
	}
	s.wantCalls("fetch", "start", "told: healthy", "discard", "settle")
	s.wantEnd(sdp.DeployCancelled, "", "")
}

// A cancel of a held deployment may come after the switch: only the change knows.
func TestCancelOfAHeldDeploymentIsDecidedByItsChange(t *testing.T) {
	for name, c := range map[string]struct {
		serves bool
		state  sdp.DeploymentState
	}{"before the switch": {false, sdp.DeployCancelled}, "after it": {true, sdp.Running}} {
		t.Run(name, func(t *testing.T) {
			s := newHeld(t)
			s.env.RegisterDelayedCallback(s.env.CancelWorkflow, time.Minute)
			s.decide(wire.Decision{Serves: c.serves})
			_ = s.hold("Apply", "ann")
			want := []string{"fetch", "start", "told: healthy", "told: cancelled", "settle"}
			if !c.serves {
				want = []string{"fetch", "start", "told: healthy", "told: cancelled", "discard", "settle"}
			}
			s.wantCalls(want...)
			s.wantEnd(c.state, "", "")
		})
	}
}

func TestHeldDeploymentWhoseChangeWasTerminatedEndsByWhatIsCommitted(t *testing.T) {
	for name, serves := range map[string]bool{"serving": true, "not serving": false} {
		t.Run(name, func(t *testing.T) {
			s := newHeld(t)
			s.serves = serves
			// The change is a child itself here: the test environment ends with the outermost workflow.
			outer := func(ctx workflow.Context, op sdp.OperationRef) error {
				ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{WorkflowID: "apply/o1"})
				return errors.Join(confirmed(ctx, workflow.ExecuteChildWorkflow(ctx, "Apply", op)), workflow.Sleep(ctx, time.Hour))
			}
			s.env.RegisterWorkflowWithOptions(outer, workflow.RegisterOptions{Name: "outer"})
			if err := s.hold("outer", ""); err != nil {
				t.Fatal(err)
			}
			if serves {
				s.wantCalls("fetch", "start", "settle")
				s.wantEnd(sdp.Running, "", "")
				return
			}
			s.wantCalls("fetch", "start", "discard", "settle")
			s.wantEnd(sdp.DeployCancelled, "", "")
		})
	}
}
