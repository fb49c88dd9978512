package workflows

import (
	"slices"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"

	"sdp/internal/sdp"
)

// three has the sandbox on three nodes, of which one does not answer any more; away says whether that is known beforehand.
func three(t *testing.T, silent string, away bool) *stage {
	s := newStage(t)
	s.nodes = []string{"gateway-1", "micro-1", "micro-2"}
	s.fails["route on node-"+silent] = temporal.NewTimeoutError(scheduleToStart, nil)
	if away {
		s.away = []string{silent}
	}
	return s
}

func TestNodeThatIsAwayHoldsNoDeploymentUp(t *testing.T) {
	s := three(t, "micro-2", true)
	if err := s.deploy(); err != nil {
		t.Error(err)
	}
	s.wantEnd(sdp.Running, "", "")
	if slices.Contains(s.told, "node-micro-2") || len(s.told) != 2 {
		t.Errorf("told %q", s.told)
	}
}

func TestNodeThatGoesAwayMeanwhileTakesNoSwitchBack(t *testing.T) {
	s := three(t, "micro-2", false)
	if err := s.deploy(); err != nil {
		t.Error(err)
	}
	s.wantEnd(sdp.Running, "", "")
}

func TestRouterOfALiveNodeMustConfirm(t *testing.T) {
	s := three(t, "micro-2", false)
	s.alive = true
	if err := s.deploy(); err == nil {
		t.Error("the workflow reports success")
	}
	s.wantEnd(sdp.DeployFailed, sdp.StepRoute, "no-worker")
}

// The node with the public port and the new container's own decide, alive or not.
func TestRequiredNodesMustConfirmTheSwitch(t *testing.T) {
	for _, node := range []string{"gateway-1", "micro-1"} {
		s := three(t, node, true)
		if err := s.deploy(); err == nil {
			t.Error("the workflow reports success")
		}
		s.wantEnd(sdp.DeployFailed, sdp.StepRoute, "no-worker")
	}
}

func TestDeleteLeavesWhatIsOnAnAbsentNodeToItsReconciler(t *testing.T) {
	b := newBench(t)
	b.away = []string{"micro-1"}
	if err := b.run(Delete, sdp.OpDelete); err != nil {
		t.Fatal(err)
	}
	b.wantCalls([]string{"begin teardown"}, []string{"stop traffic on node-gateway-1"}, []string{"teardown on node-gateway-1-work"},
		[]string{"finish delete"})
	b.wantSettled(sdp.OpSucceeded, "")
}

func TestDeleteGoesOnWhenANodeGoesAwayMeanwhile(t *testing.T) {
	b := newBench(t)
	b.fails["teardown on node-micro-1-work"] = temporal.NewTimeoutError(scheduleToStart, nil)
	if err := b.run(Delete, sdp.OpDelete); err != nil {
		t.Fatal(err)
	}
	b.wantSettled(sdp.OpSucceeded, "")
}

// The container cannot be removed before its node is back; the operation does not wait for that.
func TestStopDoesNotWaitForANodeThatIsGone(t *testing.T) {
	b := newBench(t)
	b.env.RegisterWorkflow(Retire)
	b.table.Previous = []sdp.Container{{Deployment: "d0", Sandbox: "demo", Service: "account", Node: "micro-1"}}
	b.fails["retire on node-micro-1-work"] = temporal.NewApplicationError("nobody there", "unavailable")
	start := b.env.Now()
	var took time.Duration
	b.hooks["alive?"] = func() { took = b.env.Now().Sub(start) }
	if err := b.run(Stop, sdp.OpStop); err != nil {
		t.Fatal(err)
	}
	b.wantSettled(sdp.OpSucceeded, "")
	if took != retirePause {
		t.Errorf("looked whether the node is there after %s", took)
	}
}

// The node with the public port is needed for a switch to something, not for one away from it.
func TestStopDoesWithoutTheNodeWithThePort(t *testing.T) {
	b := newBench(t)
	b.env.RegisterWorkflow(Retire)
	b.table.Previous = []sdp.Container{{Deployment: "d0", Sandbox: "demo", Service: "account", Node: "micro-1"}}
	b.table.Away = []string{"gateway-1"}
	if err := b.run(Stop, sdp.OpStop); err != nil {
		t.Fatal(err)
	}
	b.wantCalls([]string{"stop"}, []string{"route 8080 on node-micro-1"}, []string{"retire on node-micro-1-work"}, []string{"removed"})
	b.wantSettled(sdp.OpSucceeded, "")
}
