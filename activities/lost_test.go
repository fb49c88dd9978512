package activities

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"sdp/internal/control"
	"sdp/internal/control/reconcile"
	"sdp/internal/postgres"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// memory is what Temporal has: an engine for what the reconciler asks.
type memory struct {
	control.Engine
	runs      map[string]sdp.Run // by workflow; a missing one is missing
	held      []string           // what the entity has
	submitted []string
	cancelled []string
	down      error
}

func (m *memory) Describe(_ context.Context, workflow string) (sdp.Run, error) {
	if run, known := m.runs[workflow]; known || m.down != nil {
		return run, m.down
	}
	return sdp.Run{State: sdp.RunMissing}, nil
}

func (m *memory) Held(context.Context, string) ([]string, error) { return m.held, m.down }

func (m *memory) Submit(_ context.Context, op sdp.OperationRef) error {
	m.submitted = append(m.submitted, op.ID)
	return m.down
}

func (m *memory) Cancel(_ context.Context, op sdp.OperationRef) error {
	m.cancelled = append(m.cancelled, op.ID)
	return m.down
}

// aftermath is a platform whose operations were handed over long ago.
type aftermath struct {
	*platform
	*memory
}

func newAftermath(t *testing.T) aftermath {
	t.Helper()
	s := aftermath{newPlatform(t), &memory{runs: map[string]sdp.Run{}}}
	s.done(s.Settle(t.Context(), wire.SettleInput{State: sdp.OpSucceeded,
		Operation: sdp.OperationRef{ID: "o-create", Kind: sdp.OpCreate, Sandbox: "box", User: "ann"}}))
	return s
}

// look has the reconciler compare, an hour after everything that has happened.
func (s aftermath) look() error {
	s.t.Helper()
	s.sql(`UPDATE deployments SET submitted_at = submitted_at - interval '1 hour';
		UPDATE operations SET submitted_at = submitted_at - interval '1 hour';
		UPDATE containers SET updated_at = updated_at - interval '1 hour'`)
	r := reconcile.Reconciler{DB: s.DB, Engine: s.memory, Log: slog.New(slog.DiscardHandler)}
	return r.Lost(s.t.Context(), time.Minute)
}

func (s aftermath) looks() {
	s.t.Helper()
	s.must(s.look())
}

// handedOver queues a deployment of account that Temporal was given.
func (s aftermath) handedOver() string {
	s.t.Helper()
	id := s.queue(postgres.NewDeployment{})
	s.must(s.DB.MarkSubmitted(s.t.Context(), id))
	return id
}

// begun is handedOver for one that is in the middle of its build.
func (s aftermath) begun() string {
	s.t.Helper()
	id := s.handedOver()
	s.done(s.Publish(s.t.Context(), wire.Progress{Deployment: id, State: sdp.Building, SHA: commit,
		Steps: []sdp.Step{{Name: sdp.StepBuild, State: sdp.StepRunning}}}))
	return id
}

// given is an operation that Temporal was given.
func (s aftermath) given(kind sdp.OperationKind, state sdp.OperationState) sdp.OperationRef {
	s.t.Helper()
	op := s.operation(kind, nil)
	s.must(s.DB.MarkSubmitted(s.t.Context(), op.ID))
	s.done(s.Settle(s.t.Context(), wire.SettleInput{Operation: op, State: state}))
	return op
}

func (s aftermath) state(operation string) sdp.OperationState {
	s.t.Helper()
	op, err := s.DB.Operation(s.t.Context(), operation)
	s.must(err)
	return op.State
}

func (s aftermath) wantLost(f *sdp.Failure, detail string) {
	s.t.Helper()
	if f == nil || f.Code != "workflow-lost" || !strings.Contains(f.Detail, detail) || f.Remedy == "" {
		s.t.Errorf("failure %+v, want workflow-lost because of %q", f, detail)
	}
}

func (s aftermath) wantAudit(id string, prefixes ...string) {
	s.t.Helper()
	got := s.audited(id)
	ok := len(got) == len(prefixes)
	for i := range prefixes {
		ok = ok && strings.HasPrefix(got[i], prefixes[i])
	}
	if !ok {
		s.t.Errorf("audited %q, want %q", got, prefixes)
	}
}

var terminated = sdp.Run{State: sdp.RunClosed, Ended: "terminated"}

func TestLostDeploymentFails(t *testing.T) {
	t.Parallel()
	s := newAftermath(t)
	for detail, run := range map[string]*sdp.Run{"closed (terminated)": &terminated, "no record": nil} {
		id := s.begun()
		if run != nil {
			s.runs["deploy/"+id] = *run
		}
		s.looks()
		d := s.deployment(id)
		equal(t, "state", d.State, sdp.DeployFailed)
		s.wantLost(d.Failure, detail)
		equal(t, "its step", d.Steps[0].State, sdp.StepFailed)
		s.looks() // there is nothing more to do
		s.wantAudit(id, "reconcile succeeded: server: settled it as failed: ", "deployment.finish failed: workflow-lost: ")
	}
	equal(t, "handed over again", len(s.submitted), 0)
}

// What requests go to runs, whoever was to write that.
func TestLostDeploymentThatServesRuns(t *testing.T) {
	t.Parallel()
	s := newAftermath(t)
	first := s.run()
	second := s.handedOver()
	s.done(s.Publish(t.Context(), wire.Progress{Deployment: second, State: sdp.StartingContainer, SHA: commit}))
	s.serve(second)
	s.looks()
	equal(t, "state", s.deployment(second).State, sdp.Running)
	equal(t, "what it replaced", s.deployment(first).State, sdp.DeployStopped)
	s.wantAudit(second, "reconcile succeeded: server: settled it as done", "deployment.finish succeeded")
	s.looks()
	left, err := s.DB.Containers(t.Context(), postgres.ContainerFilter{Sandbox: "box"})
	s.must(err)
	if len(left) != 1 || left[0].Deployment != second {
		t.Errorf("containers %+v: the one that was replaced is to go, its removal is lost", left)
	}
}

func TestRemovalUnderWayIsWaitedFor(t *testing.T) {
	t.Parallel()
	s := newAftermath(t)
	first := s.run()
	s.run()
	s.runs["retire/"+first] = sdp.Run{State: sdp.RunOpen}
	s.looks()
	left, err := s.DB.Containers(t.Context(), postgres.ContainerFilter{Sandbox: "box", States: []sdp.ContainerState{sdp.Retiring}})
	s.must(err)
	equal(t, "containers that are being removed", len(left), 1)
}

func TestWhatRunsIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := newAftermath(t)
	runs, blocked := s.begun(), s.given(sdp.OpStop, sdp.OpRunning).ID
	s.runs["deploy/"+runs] = sdp.Run{State: sdp.RunOpen, Attempts: 1}
	s.runs["stop/"+blocked] = sdp.Run{State: sdp.RunOpen, Attempts: 40}
	s.looks()
	s.looks()
	equal(t, "state", s.deployment(runs).State, sdp.Building)
	equal(t, "state", s.state(blocked), sdp.OpRunning)
	s.wantAudit(runs)
	s.wantAudit(blocked, "reconcile succeeded: server: its workflow fails in Temporal again and again (40 attempts")
}

func TestTemporalThatDoesNotAnswerHasLostNothing(t *testing.T) {
	t.Parallel()
	s := newAftermath(t)
	id := s.begun()
	s.down = sdp.Errorf(sdp.Unavailable, "temporal-unreachable", "Temporal does not answer")
	if err := s.look(); sdp.KindOf(err) != sdp.Unavailable {
		t.Errorf("got %v", err)
	}
	equal(t, "state", s.deployment(id).State, sdp.Building)
}

// What waits may wait for hours; only what its sandbox's entity does not have is handed over again, and then it has time.
func TestWhatNeverBeganIsHandedOverAgain(t *testing.T) {
	t.Parallel()
	s := newAftermath(t)
	waits, lost := s.handedOver(), s.given(sdp.OpStop, sdp.OpQueued).ID
	s.runs["sandbox/box"], s.held = sdp.Run{State: sdp.RunOpen}, []string{waits}
	s.looks()
	r := reconcile.Reconciler{DB: s.DB, Engine: s.memory, Log: slog.New(slog.DiscardHandler)}
	s.must(r.Lost(t.Context(), time.Minute)) // nothing is due
	if !slices.Equal(s.submitted, []string{lost}) {
		t.Errorf("handed over again: %q, want %s", s.submitted, lost)
	}
	s.wantAudit(lost, "reconcile succeeded: server: handed it to Temporal again")
	delete(s.runs, "sandbox/box") // the entity was terminated
	s.submitted = nil
	s.looks()
	if !slices.Equal(s.submitted, []string{waits, lost}) {
		t.Errorf("handed over again: %q, want both, in order", s.submitted)
	}
	s.runs["sandbox/box"] = sdp.Run{State: sdp.RunOpen, Attempts: 9}
	s.submitted = nil
	s.looks()
	equal(t, "handed to an entity that is blocked", len(s.submitted), 0)
	equal(t, "state", s.deployment(waits).State, sdp.Queued)
}

// A new entity does not know what the one before it began: what has to wait for that is handed over when it has ended.
func TestWhatWaitsForAnOrphanIsHandedOverAfterIt(t *testing.T) {
	t.Parallel()
	s := newAftermath(t)
	runs, waits := s.begun(), s.given(sdp.OpStop, sdp.OpQueued).ID
	s.runs["deploy/"+runs] = sdp.Run{State: sdp.RunOpen}
	s.looks()
	equal(t, "handed over while it runs", len(s.submitted), 0)
	s.runs["deploy/"+runs] = terminated
	s.looks()
	if !slices.Equal(s.submitted, []string{waits}) {
		t.Errorf("handed over again: %q, want %s", s.submitted, waits)
	}
}

func TestLostOperationsEnd(t *testing.T) {
	t.Parallel()
	s := newAftermath(t)
	s.run()
	for _, kind := range []sdp.OperationKind{sdp.OpStop, sdp.OpTouch} {
		op := s.operation(kind, func(o *sdp.Operation) {
			if kind.Rules().Scope == sdp.ScopeSandbox {
				o.Service = ""
			}
		})
		s.must(s.DB.MarkSubmitted(t.Context(), op.ID))
		s.done(s.Settle(t.Context(), wire.SettleInput{Operation: op, State: sdp.OpRunning}))
		s.looks()
		equal(t, string(kind), s.state(op.ID), sdp.OpFailed)
		s.wantAudit(op.ID, "reconcile succeeded: server: settled it as failed", string(kind.Rules().Ended)+" failed: workflow-lost")
	}
}

// A stop that was lost after its switch leaves a container that nothing needs.
func TestContainerOfALostStopGoes(t *testing.T) {
	t.Parallel()
	s := newAftermath(t)
	id := s.run()
	op := s.given(sdp.OpStop, sdp.OpRunning)
	_, err := s.StopService(t.Context(), op)
	s.must(err)
	s.looks()
	equal(t, "stop", s.state(op.ID), sdp.OpFailed)
	left, err := s.DB.Containers(t.Context(), postgres.ContainerFilter{Sandbox: "box"})
	s.must(err)
	equal(t, "containers", len(left), 0)
	desired, err := s.DB.Desired(t.Context(), "micro-1")
	s.must(err)
	if len(desired.Containers) != 0 || len(desired.Busy) != 0 {
		t.Errorf("the node would keep it: %+v", desired)
	}
	s.wantAudit(id, "deployment.finish succeeded", "reconcile succeeded: micro-1: has a container that was to be removed")
}

// A delete that is lost gives the sandbox back; if it returns it finds nothing to do.
func TestLostDeleteGivesTheSandboxBack(t *testing.T) {
	t.Parallel()
	s := newAftermath(t)
	s.run()
	op := sdp.OperationRef{ID: "o-delete", Kind: sdp.OpDelete, Sandbox: "box", User: "ann"}
	s.must(s.DB.BeginDelete(t.Context(), "box", sdp.Operation{ID: op.ID, RequestedBy: "ann"}))
	s.must(s.DB.MarkSubmitted(t.Context(), op.ID))
	s.done(s.Settle(t.Context(), wire.SettleInput{Operation: op, State: sdp.OpRunning}))
	s.looks()
	equal(t, "state", s.state(op.ID), sdp.OpFailed)
	s.handedOver() // it takes new work

	_, err := s.BeginTeardown(t.Context(), op)
	wantFailure(t, err, sdp.Conflict, "operation-state")
	s.must(s.DB.BeginDelete(t.Context(), "box", sdp.Operation{ID: "o-again", RequestedBy: "ann"}))
	_, err = s.FinishDelete(t.Context(), op) // the sandbox is another delete's by now
	wantFailure(t, err, sdp.Conflict, "operation-state")
}

// A workflow that comes back after others settled its operation is refused, and the operation stays as it is.
func TestWhatWasSettledIsNotCarriedOut(t *testing.T) {
	t.Parallel()
	s := newAftermath(t)
	serving := s.run()
	for _, kind := range []sdp.OperationKind{sdp.OpStop, sdp.OpRestart} {
		op := s.given(kind, sdp.OpRunning)
		s.looks()
		_, err := s.Settle(t.Context(), wire.SettleInput{Operation: op, State: sdp.OpRunning})
		wantFailure(t, err, sdp.Conflict, "operation-state")
		if kind == sdp.OpStop {
			_, err = s.StopService(t.Context(), op)
		} else {
			_, err = s.NewRestart(t.Context(), op)
		}
		wantFailure(t, err, sdp.Conflict, "operation-state")
		s.done(s.Settle(t.Context(), wire.SettleInput{Operation: op, State: sdp.OpSucceeded}))
		equal(t, "state", s.state(op.ID), sdp.OpFailed)
	}
	route := s.operation(sdp.OpRoute, func(o *sdp.Operation) { o.Source = sdp.SourceOCP })
	s.done(s.Settle(t.Context(), wire.SettleInput{Operation: route, State: sdp.OpFailed,
		Failure: &sdp.Failure{Code: "workflow-lost"}}))
	_, err := s.SetRoute(t.Context(), route)
	wantFailure(t, err, sdp.Conflict, "operation-state")
	equal(t, "what ran", s.deployment(serving).State, sdp.Running)
}

func TestDeploymentThatComesBackIsRefused(t *testing.T) {
	t.Parallel()
	s := newAftermath(t)
	id := s.begun()
	s.looks()
	_, err := s.Publish(t.Context(), wire.Progress{Deployment: id, State: sdp.CreatingImage})
	wantFailure(t, err, sdp.Conflict, sdp.CodeSettled)
	_, err = s.Serve(t.Context(), sdp.Container{Deployment: id, Sandbox: "box", Service: "account", Node: "micro-1",
		DockerID: "docker-late", Address: "10.1.0.3:8080", SHA: commit, Image: "sdp/account:x"})
	wantFailure(t, err, sdp.Conflict, sdp.CodeSettled)
	desired, err := s.DB.Desired(t.Context(), "micro-1")
	s.must(err)
	equal(t, "containers the node would keep", len(desired.Containers), 0)
	_, err = s.SettleDeployment(t.Context(), wire.Progress{Deployment: id, State: sdp.Running, SHA: commit})
	wantFailure(t, err, sdp.Conflict, sdp.CodeSettled)
	s.done(s.SettleDeployment(t.Context(), wire.Progress{Deployment: id, State: sdp.DeployFailed,
		Failure: &sdp.Failure{Code: sdp.CodeSettled}}))
	s.wantLost(s.deployment(id).Failure, "no record")
}

// change is an apply of box that deploys account, all or nothing, and that Temporal was given. It returns both.
func (s aftermath) change() (op sdp.OperationRef, part string) {
	s.t.Helper()
	box, err := s.DB.Sandbox(s.t.Context(), "box")
	s.must(err)
	op = sdp.OperationRef{ID: sdp.NewID("o-"), Kind: sdp.OpApply, Sandbox: "box", User: "ann"}
	d := postgres.NewDeployment{Deployment: sdp.Deployment{ID: sdp.NewID("d-"), Service: "account", Branch: "main",
		RequestedBy: "ann"}}
	_, _, err = s.DB.AcceptChange(s.t.Context(), postgres.NewChange{RouteVersion: box.RouteVersion,
		Deployments: []postgres.NewDeployment{d},
		Operation: sdp.Operation{ID: op.ID, Kind: op.Kind, RequestedBy: "ann", Change: &sdp.Change{Atomic: true,
			Spec:    sdp.SandboxSpec{Name: "box", Services: map[string]sdp.ServiceSpec{"account": {Branch: "main"}}},
			Actions: []sdp.Action{{Service: "account", Kind: sdp.ActionDeploy, Deployment: d.ID}}}}})
	s.must(err)
	s.must(s.DB.MarkSubmitted(s.t.Context(), op.ID))
	return op, d.ID
}

func (s aftermath) begin(op sdp.OperationRef) {
	s.t.Helper()
	s.done(s.Settle(s.t.Context(), wire.SettleInput{Operation: op, State: sdp.OpRunning}))
	_, err := s.BeginChange(s.t.Context(), op.ID)
	s.must(err)
}

// Nobody but the change starts its parts, so that it is handed over again and they are not.
func TestChangeThatNeverBeganIsHandedOverAgain(t *testing.T) {
	t.Parallel()
	s := newAftermath(t)
	op, part := s.change()
	s.looks()
	if !slices.Equal(s.submitted, []string{op.ID}) {
		t.Errorf("handed over again: %q, want %s", s.submitted, op.ID)
	}
	equal(t, "its part", s.deployment(part).State, sdp.Queued)
}

func TestLostChangeEndsWithItsParts(t *testing.T) {
	t.Parallel()
	s := newAftermath(t)
	op, part := s.change()
	s.begin(op)
	s.done(s.Publish(t.Context(), wire.Progress{Deployment: part, State: sdp.Building}))
	s.looks()
	equal(t, "the change", s.state(op.ID), sdp.OpFailed)
	equal(t, "its part", s.deployment(part).State, sdp.DeployFailed)
	s.wantLost(s.deployment(part).Failure, "no record")
	s.wantAudit(op.ID, "reconcile succeeded: server: settled it as failed", "sandbox.apply.finish failed: workflow-lost")
	s.handedOver() // the sandbox takes new work
}

// A part that waits for a change that is gone would wait for ever: it undoes what it did first.
func TestPartOfALostChangeIsCancelled(t *testing.T) {
	t.Parallel()
	s := newAftermath(t)
	op, part := s.change()
	s.begin(op)
	s.done(s.Publish(t.Context(), wire.Progress{Deployment: part, State: sdp.StartingContainer}))
	s.runs["deploy/"+part] = sdp.Run{State: sdp.RunOpen}
	s.looks()
	if !slices.Equal(s.memory.cancelled, []string{part}) {
		t.Errorf("cancelled %q", s.memory.cancelled)
	}
	equal(t, "the change, while its part runs", s.state(op.ID), sdp.OpRunning)
	s.done(s.SettleDeployment(t.Context(), wire.Progress{Deployment: part, State: sdp.DeployCancelled}))
	s.looks()
	equal(t, "the change", s.state(op.ID), sdp.OpFailed)
}

// While the change runs it is the one to say how its parts end.
func TestPartOfAChangeThatRunsIsLeftToIt(t *testing.T) {
	t.Parallel()
	s := newAftermath(t)
	op, part := s.change()
	s.begin(op)
	s.runs["apply/"+op.ID] = sdp.Run{State: sdp.RunOpen}
	s.looks()
	equal(t, "its part", s.deployment(part).State, sdp.Queued)
	s.runs["deploy/"+part] = terminated
	s.looks()
	equal(t, "its part, terminated", s.deployment(part).State, sdp.DeployFailed)
	equal(t, "the change", s.state(op.ID), sdp.OpRunning)
}

// The sandbox's entity, too, only sees that a workflow has ended: what its deployment has made to serve runs.
func TestDeploymentWhoseWorkflowEndedAndThatServesRuns(t *testing.T) {
	t.Parallel()
	s := newAftermath(t)
	id := s.handedOver()
	s.done(s.Publish(t.Context(), wire.Progress{Deployment: id, State: sdp.StartingContainer, SHA: commit}))
	s.serve(id)
	ref := sdp.OperationRef{ID: id, Kind: sdp.OpDeploy, Sandbox: "box", Service: "account", User: "ann"}
	s.done(s.Settle(t.Context(), wire.SettleInput{Operation: ref, State: sdp.OpFailed, Late: true,
		Failure: &sdp.Failure{Code: "workflow-ended"}}))
	equal(t, "state", s.deployment(id).State, sdp.Running)
	s.wantAudit(id, "deployment.finish succeeded")
}
