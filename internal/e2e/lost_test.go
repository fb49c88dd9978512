package e2e

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"sdp/api/rest"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// Somebody ends workflows in Temporal by hand: whatever that was in the middle of ends all the same, and the sandbox can be
// used.

// terminate ends workflows as the button of Temporal's Web UI does.
func terminate(t *testing.T, ids ...string) {
	t.Helper()
	inTemporal(t, ids, func(c client.Client, id string) error { return c.TerminateWorkflow(t.Context(), id, "", "by a test") })
}

// forget has Temporal lose its records of workflows.
func forget(t *testing.T, ids ...string) {
	t.Helper()
	inTemporal(t, ids, func(c client.Client, id string) error {
		_, err := c.WorkflowService().DeleteWorkflowExecution(t.Context(), &workflowservice.DeleteWorkflowExecutionRequest{
			Namespace: intruderNamespace, WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: id}})
		return err
	})
	var missing *serviceerror.NotFound
	inTemporal(t, ids, func(c client.Client, id string) error {
		return until(time.Minute, func() error {
			if _, err := c.DescribeWorkflowExecution(t.Context(), id, ""); !errors.As(err, &missing) {
				return errorf("it is still there: %v", err)
			}
			return nil
		})
	})
}

func inTemporal(t *testing.T, ids []string, do func(client.Client, string) error) {
	t.Helper()
	c, err := client.Dial(client.Options{HostPort: temporalAddress(t), Namespace: intruderNamespace, Logger: silent{}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, id := range ids {
		if err := do(c, id); err != nil {
			t.Fatalf("%s: %v", id, err)
		}
	}
}

// corrected waits until the audit says what the server did about an operation.
func corrected(t *testing.T, id, what string) {
	t.Helper()
	eventually(t, time.Minute, func() error {
		events := ask[rest.Page[rest.AuditEvent]](t, stack, 200, "GET", "/api/v1/audit?operation="+id, "")
		if !slices.ContainsFunc(events.Items, func(e rest.AuditEvent) bool {
			return e.User == "system" && strings.HasPrefix(e.Detail, "server: "+what)
		}) {
			return errorf("the audit does not say that the server %s: %+v", what, events.Items)
		}
		return nil
	})
}

// What waited in the sandbox's workflow is handed over again, after what runs.
func TestTerminatedSandboxWorkflowLosesNoWork(t *testing.T) {
	box := newGatedBox(t)
	box.gate.close(box.Name)
	d := deployInBackground(t, box.Name, "account@"+gateBranch(t))
	box.gate.arrived(t, box.Name)
	restart := ask[rest.Operation](t, stack, 202, "POST", "/api/v1/sandboxes/"+box.Name+"/services/account/restart", "")
	eventually(t, time.Minute, func() error {
		op := ask[rest.Operation](t, stack, 200, "GET", "/api/v1/operations/"+restart.ID, "")
		if op.WaitingFor == "" {
			return errorf("the restart does not wait: it is %s", op.State)
		}
		return nil
	})
	terminate(t, "sandbox/"+box.Name)
	box.gate.open(box.Name)
	waitState(t, box.Name, d.ID, time.Minute, sdp.Running, sdp.DeployStopped)
	stack.succeeds(t, restart.ID)
	corrected(t, restart.ID, "handed it to Temporal again")
	stack.sound(t, box.Name)
}

// A sandbox's workflow goes on in a new run in the middle of its work, and again: nothing that is submitted or cancelled
// meanwhile is lost over that.
func TestContinuedSandboxWorkflowLosesNoWork(t *testing.T) {
	box := newSandbox(t, "")
	c := withKeys(t)
	workflowID := sdp.SandboxWorkflowID(box.Name)
	terminate(t, workflowID)
	_, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: workflowID, TaskQueue: sdp.ControlQueue},
		wire.SandboxWorkflow, wire.SandboxInput{Sandbox: box.Name, HistoryLimit: 12, Shape: wire.Shape})
	if err != nil {
		t.Fatal(err)
	}
	asked := map[string]bool{} // whether it was cancelled
	for n := range 40 {
		op := ask[rest.Operation](t, stack, 202, "POST", "/api/v1/sandboxes/"+box.Name+"/touch", "")
		asked[op.ID] = false
		if n%3 == 0 {
			status, text, err := stack.request(t, "POST", "/api/v1/operations/"+op.ID+"/cancel", "")
			if asked[op.ID] = status == 202; err != nil || status != 202 && status != 409 {
				t.Fatalf("the cancel: %d, %v: %s", status, err, text)
			}
		}
	}
	for id, cancelled := range asked {
		if op := stack.ended(t, id); op.State != sdp.OpSucceeded && !(cancelled && op.State == sdp.OpCancelled) {
			t.Errorf("%s is %s: %+v; cancelled %t", id, op.State, op.Failure, cancelled)
		}
	}
	eventually(t, time.Minute, func() error {
		runs, err := c.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{
			Query: "WorkflowId = '" + workflowID + "' AND ExecutionStatus = 'ContinuedAsNew'"})
		if err != nil || runs.Count < 2 {
			return errorf("%d runs have gone on in a new one: %v", runs.GetCount(), err)
		}
		return nil
	})
}

// A restart whose workflow somebody ends takes nothing with it: what it has started serves, and what comes next for the service
// waits for that.
func TestTerminatedRestartLetsItsDeploymentServe(t *testing.T) {
	box := newGatedBox(t)
	sdpOK(t, "deploy", box.Name, "account@"+gateBranch(t), "--wait")
	box.gate.close(box.Name)
	services := "/api/v1/sandboxes/" + box.Name + "/services/account/"
	restart := ask[rest.Operation](t, stack, 202, "POST", services+"restart", "")
	box.gate.arrived(t, box.Name)
	terminate(t, "restart/"+restart.ID)
	if op := stack.ended(t, restart.ID); op.State != sdp.OpFailed {
		t.Errorf("the restart is %s", op.State)
	}
	next := ask[rest.Operation](t, stack, 202, "POST", services+"restart", "")
	eventually(t, time.Minute, func() error {
		op := ask[rest.Operation](t, stack, 200, "GET", "/api/v1/operations/"+next.ID, "")
		if !strings.Contains(op.WaitingFor, restart.ID) {
			return errorf("the next restart is %s and waits for %q", op.State, op.WaitingFor)
		}
		return nil
	})
	box.gate.open(box.Name)
	waitState(t, box.Name, sdp.RestartDeployment(restart.ID), time.Minute, sdp.Running, sdp.DeployStopped)
	stack.succeeds(t, next.ID)
	stack.sound(t, box.Name)
}

// What Temporal has no record of any more ends, its node keeps nothing of it, and the next deployment runs.
func TestForgottenDeploymentSettles(t *testing.T) {
	box := newGatedBox(t)
	box.gate.close(box.Name)
	d := deployInBackground(t, box.Name, "account@"+gateBranch(t))
	box.gate.arrived(t, box.Name)
	forget(t, "sandbox/"+box.Name, "deploy/"+d.ID)
	if d = waitState(t, box.Name, d.ID, time.Minute, sdp.DeployFailed); d.Failure == nil || d.Failure.Code != "workflow-lost" {
		t.Errorf("the deployment failed with %+v", d.Failure)
	}
	corrected(t, d.ID, "settled it as failed")
	box.same(t)
	box.gate.open(box.Name)
	sdpOK(t, "deploy", box.Name, "account@"+gateBranch(t), "--wait")
	stack.sound(t, box.Name)
}

// An apply that is all or nothing comes to nothing, whichever of its workflows are gone, and the next one is accepted.
func TestTerminatedApplySettles(t *testing.T) {
	box := newGatedBox(t)
	for name, withParts := range map[string]bool{"the apply": false, "the apply and its parts": true} {
		t.Run(name, func(t *testing.T) {
			box.gate.close(box.Name)
			id := box.apply(t, sdp.NewID("v-"), true)
			box.gate.arrived(t, box.Name)
			ids := []string{"sandbox/" + box.Name, "apply/" + id}
			for _, d := range stack.history(t, box.Name) {
				if withParts && d.Operation == id {
					ids = append(ids, "deploy/"+d.ID)
				}
			}
			terminate(t, ids...)
			op := stack.ended(t, id)
			if op.State != sdp.OpFailed || op.Failure == nil || op.Failure.Code != "workflow-lost" {
				t.Errorf("the apply is %s: %+v", op.State, op.Failure)
			}
			corrected(t, id, "settled it as failed")
			partsSayWhy(t, box.Name, id)
			box.same(t)
			box.gate.open(box.Name)
		})
	}
	stack.succeeds(t, box.apply(t, sdp.NewID("v-"), true))
	stack.sound(t, box.Name)
}

// partsSayWhy checks that the parts of a change have ended, and that people and the audit know why.
func partsSayWhy(t *testing.T, sandbox, change string) {
	t.Helper()
	for _, d := range stack.history(t, sandbox) {
		if d.Operation != change {
			continue
		}
		if !d.State.Settled() || d.Failure == nil {
			t.Errorf("part %s is %s because of %+v", d.ID, d.State, d.Failure)
		}
		path := "/api/v1/audit?action=deployment.finish&operation=" + d.ID
		if events := ask[rest.Page[rest.AuditEvent]](t, stack, 200, "GET", path, ""); len(events.Items) != 1 {
			t.Errorf("the audit of the end of part %s: %+v", d.ID, events.Items)
		}
	}
}

// A codec key stays for as long as Temporal says that it keeps history.
func TestCodecKeyIsNeededAsLongAsTemporalKeepsHistory(t *testing.T) {
	sdpFails(t, 1, []string{"Temporal keeps its history for 72h0m0s"}, "keys", "retire",
		filepath.Join(stack.data, "keys", "codec.keys"), "none", "--config", filepath.Join(stack.data, "config", "server.yaml"))
}
