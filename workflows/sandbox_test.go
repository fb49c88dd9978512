package workflows

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"sdp/activities"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

const (
	any_            = mock.Anything
	scheduleToStart = enums.TIMEOUT_TYPE_SCHEDULE_TO_START
)

// yard is a sandbox's entity workflow with operations that take a minute each.
type yard struct {
	env     *testsuite.TestWorkflowEnvironment
	events  []string
	lock    sync.Mutex // local activities run at once
	settled []wire.SettleInput
	waited  []wire.WaitingInput
	// onSettle is called when the end of an operation is written
	onSettle func()
}

func newYard(t *testing.T) *yard {
	var suite testsuite.WorkflowTestSuite
	y := &yard{env: suite.NewTestWorkflowEnvironment()}
	y.env.SetTestTimeout(20 * time.Second)
	y.env.RegisterActivity(&activities.Control{})
	y.env.OnActivity(control.Settle, any_, any_).Return(func(_ context.Context, in wire.SettleInput) (wire.Done, error) {
		y.lock.Lock()
		defer y.lock.Unlock()
		y.settled = append(y.settled, in)
		if y.onSettle != nil {
			y.onSettle()
		}
		return done(nil)
	})
	y.env.OnActivity(control.Wait, any_, any_).Return(func(_ context.Context, in wire.WaitingInput) (wire.Done, error) {
		y.lock.Lock()
		defer y.lock.Unlock()
		y.waited = append(y.waited, in)
		return done(nil)
	})
	operation := func(ctx workflow.Context, op sdp.OperationRef) (wire.Done, error) {
		y.events = append(y.events, "begin "+op.ID)
		err := workflow.Sleep(ctx, time.Minute)
		if err != nil {
			y.events = append(y.events, "cancel "+op.ID)
			return done(err)
		}
		y.events = append(y.events, "end "+op.ID)
		return done(nil)
	}
	for _, name := range []string{"Deploy", "Create", "Restart", "Stop", "Route", "Delete", "Apply"} {
		y.env.RegisterWorkflowWithOptions(operation, workflow.RegisterOptions{Name: name})
	}
	return y
}

// at sends a signal when the entity has run for so long.
func (y *yard) at(after time.Duration, signal string, arg any) {
	y.env.RegisterDelayedCallback(func() { y.env.SignalWorkflow(signal, arg) }, after)
}

func (y *yard) run(t *testing.T) {
	t.Helper()
	y.env.ExecuteWorkflow(Sandbox, wire.SandboxInput{Sandbox: "demo"})
	if err := y.env.GetWorkflowError(); err != nil {
		t.Fatal(err)
	}
}

func (y *yard) want(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(y.events, want) {
		t.Errorf("events:\n got %q\nwant %q", y.events, want)
	}
}

func op(kind sdp.OperationKind, id, service string) sdp.OperationRef {
	return sdp.OperationRef{ID: id, Kind: kind, Sandbox: "demo", Service: service, User: "alice", Shape: wire.Shape}
}

func TestDeploymentsOfDifferentServicesRunSideBySide(t *testing.T) {
	y := newYard(t)
	y.at(0, wire.SubmitSignal, op(sdp.OpDeploy, "a", "account"))
	y.at(time.Second, wire.SubmitSignal, op(sdp.OpDeploy, "b", "payment"))
	y.run(t)
	y.want(t, "begin a", "begin b", "end a", "end b")
}

func TestEntitySaysWhatItHas(t *testing.T) {
	y := newYard(t)
	y.at(0, wire.SubmitSignal, op(sdp.OpDeploy, "a", "account"))
	y.at(time.Second, wire.SubmitSignal, op(sdp.OpRestart, "b", "account"))
	for after, want := range map[time.Duration][]string{2 * time.Second: {"b", "a"}, 90 * time.Second: {"b"}, 3 * time.Minute: {}} {
		y.env.RegisterDelayedCallback(func() {
			var held []string
			value, err := y.env.QueryWorkflow(wire.HeldQuery)
			if err == nil {
				err = value.Get(&held)
			}
			if err != nil || !slices.Equal(held, want) {
				t.Errorf("after %s it has %q, want %q (%v)", after, held, want, err)
			}
		}, after)
	}
	y.run(t)
}

func TestNewerDeploymentSupersedesTheOlder(t *testing.T) {
	y := newYard(t)
	y.at(0, wire.SubmitSignal, op(sdp.OpDeploy, "a", "account"))
	y.at(time.Second, wire.SubmitSignal, op(sdp.OpDeploy, "b", "account"))
	y.run(t)
	y.want(t, "begin a", "cancel a", "begin b", "end b")
	if len(y.waited) != 1 || y.waited[0].Operation.ID != "b" || y.waited[0].Behind != "deploy of account (a)" {
		t.Errorf("waits reported: %+v", y.waited)
	}
}

func TestQueuedDeploymentThatIsSupersededNeverBegins(t *testing.T) {
	y := newYard(t)
	y.at(0, wire.SubmitSignal, op(sdp.OpRestart, "r", "account"))
	y.at(time.Second, wire.SubmitSignal, op(sdp.OpDeploy, "a", "account"))
	y.at(2*time.Second, wire.SubmitSignal, op(sdp.OpDeploy, "b", "account"))
	y.run(t)
	y.want(t, "begin r", "end r", "begin b", "end b")
	if len(y.settled) != 1 || y.settled[0].Operation.ID != "a" || y.settled[0].State != sdp.OpCancelled {
		t.Errorf("settled: %+v", y.settled)
	}
}

func TestDeleteCancelsWhatRunsAndRunsAlone(t *testing.T) {
	y := newYard(t)
	y.at(0, wire.SubmitSignal, op(sdp.OpDeploy, "a", "account"))
	y.at(time.Second, wire.SubmitSignal, op(sdp.OpDelete, "x", ""))
	y.at(2*time.Second, wire.SubmitSignal, op(sdp.OpDeploy, "b", "payment"))
	y.run(t)
	y.want(t, "begin a", "cancel a", "begin x", "end x", "begin b", "end b")
}

// A kind that is not known here is a newer server's, or nobody's: what it would do must not be guessed.
func TestUnknownKindIsRefusedAndTouchesNothing(t *testing.T) {
	for _, kind := range []sdp.OperationKind{"suspend", ""} {
		for _, service := range []string{"account", ""} {
			t.Run(fmt.Sprintf("%q of %q", kind, service), func(t *testing.T) {
				y := newYard(t)
				y.at(0, wire.SubmitSignal, op(sdp.OpDeploy, "a", "payment"))
				y.at(time.Second, wire.SubmitSignal, op(kind, "u", service))
				y.at(2*time.Second, wire.SubmitSignal, op(sdp.OpDeploy, "b", "account"))
				y.run(t)
				y.want(t, "begin a", "begin b", "end a", "end b")
				y.wantUnknown(t, "u")
			})
		}
	}
}

func TestUnknownKindThatWasCarriedOverIsRefused(t *testing.T) {
	y := newYard(t)
	y.env.ExecuteWorkflow(Sandbox, wire.SandboxInput{Sandbox: "demo", Queue: []sdp.OperationRef{
		op("suspend", "u", ""), op(sdp.OpStop, "s", "payment")}})
	y.want(t, "begin s", "end s")
	y.wantUnknown(t, "u")
}

func (y *yard) wantUnknown(t *testing.T, id string) {
	t.Helper()
	if len(y.settled) != 1 || y.settled[0].Operation.ID != id || y.settled[0].State != sdp.OpFailed {
		t.Fatalf("settled: %+v, want %s FAILED", y.settled, id)
	}
	if f := y.settled[0].Failure; f.Code != "unknown-operation" || f.Detail == "" || f.Remedy == "" {
		t.Errorf("failure %+v", f)
	}
}

// Everybody who reaches Temporal can send a signal that cannot be read. The entity goes on.
func TestSignalThatCannotBeReadHoldsNothingUp(t *testing.T) {
	y := newYard(t)
	y.at(0, wire.SubmitSignal, op(sdp.OpDeploy, "a", "account"))
	y.at(time.Second, wire.SubmitSignal, "no operation")
	y.at(2*time.Second, wire.CancelSignal, 7)
	y.at(3*time.Second, wire.CancelSignal, "a")
	y.run(t)
	y.want(t, "begin a", "cancel a")
}

func TestOperationsOfOneServiceWaitInOrder(t *testing.T) {
	y := newYard(t)
	y.at(0, wire.SubmitSignal, op(sdp.OpDeploy, "a", "account"))
	y.at(time.Second, wire.SubmitSignal, op(sdp.OpStop, "s", "account"))
	y.at(2*time.Second, wire.SubmitSignal, op(sdp.OpRoute, "r", "account"))
	y.run(t)
	y.want(t, "begin a", "end a", "begin s", "end s", "begin r", "end r")
}

func TestSubmittingTwiceRunsOnce(t *testing.T) {
	y := newYard(t)
	y.at(0, wire.SubmitSignal, op(sdp.OpDeploy, "a", "account"))
	y.at(time.Second, wire.SubmitSignal, op(sdp.OpDeploy, "a", "account"))
	y.run(t)
	y.want(t, "begin a", "end a")
}

func TestCancelOfAQueuedOperationEndsItAtOnce(t *testing.T) {
	y := newYard(t)
	y.at(0, wire.SubmitSignal, op(sdp.OpDeploy, "a", "account"))
	y.at(time.Second, wire.SubmitSignal, op(sdp.OpStop, "s", "account"))
	y.at(2*time.Second, wire.CancelSignal, "s")
	y.run(t)
	y.want(t, "begin a", "end a")
	if len(y.settled) != 1 || y.settled[0].Operation.ID != "s" || y.settled[0].State != sdp.OpCancelled {
		t.Errorf("settled: %+v", y.settled)
	}
}

func TestCancelOfARunningOperationReachesIt(t *testing.T) {
	y := newYard(t)
	y.at(0, wire.SubmitSignal, op(sdp.OpDeploy, "a", "account"))
	y.at(time.Second, wire.CancelSignal, "a")
	y.run(t)
	y.want(t, "begin a", "cancel a")
}

// A stop or a route that is cut off in the middle would leave routers that know nothing of it.
func TestCancelOfAShortOperationThatRunsComesTooLate(t *testing.T) {
	y := newYard(t)
	y.at(0, wire.SubmitSignal, op(sdp.OpStop, "s", "account"))
	y.at(time.Second, wire.CancelSignal, "s")
	y.run(t)
	y.want(t, "begin s", "end s")
}

func TestChangeRunsAlone(t *testing.T) {
	for _, kind := range []sdp.OperationKind{sdp.OpApply, sdp.OpClone, sdp.OpRestore} {
		y := newYard(t)
		y.at(0, wire.SubmitSignal, op(sdp.OpDeploy, "a", "account"))
		y.at(time.Second, wire.SubmitSignal, op(kind, "c", ""))
		y.at(2*time.Second, wire.SubmitSignal, op(sdp.OpDeploy, "b", "payment"))
		y.at(3*time.Second, wire.SubmitSignal, op(kind, "d", ""))
		y.run(t)
		y.want(t, "begin a", "end a", "begin c", "end c", "begin b", "end b", "begin d", "end d")
	}
}

func TestDeleteCancelsARunningChange(t *testing.T) {
	y := newYard(t)
	y.at(0, wire.SubmitSignal, op(sdp.OpApply, "c", ""))
	y.at(time.Second, wire.SubmitSignal, op(sdp.OpDelete, "x", ""))
	y.run(t)
	y.want(t, "begin c", "cancel c", "begin x", "end x")
}

func TestDeleteEndsAChangeThatWaits(t *testing.T) {
	y := newYard(t)
	y.at(0, wire.SubmitSignal, op(sdp.OpStop, "s", "account"))
	y.at(time.Second, wire.SubmitSignal, op(sdp.OpApply, "c", ""))
	y.at(2*time.Second, wire.SubmitSignal, op(sdp.OpDelete, "x", ""))
	y.run(t)
	y.want(t, "begin s", "cancel s", "begin x", "end x")
	slices.SortFunc(y.settled, func(a, b wire.SettleInput) int { return strings.Compare(a.Operation.ID, b.Operation.ID) })
	if len(y.settled) != 2 || y.settled[0].Operation.ID != "c" || y.settled[0].Failure.Code != "superseded" {
		t.Errorf("settled: %+v", y.settled)
	}
}

func TestCancelOfAPartReachesItsChange(t *testing.T) {
	y := newYard(t)
	var told []any
	apply := func(ctx workflow.Context, op sdp.OperationRef) (wire.Done, error) {
		var part string
		workflow.GetSignalChannel(ctx, wire.CancelSignal).Receive(ctx, &part)
		told = append(told, part)
		return done(nil)
	}
	y.env.OnWorkflow("Apply", any_, any_).Return(apply)
	y.at(0, wire.SubmitSignal, op(sdp.OpApply, "c", ""))
	y.at(time.Second, wire.CancelSignal, "d-part")
	y.run(t)
	if len(told) != 1 || told[0] != "d-part" {
		t.Errorf("the change was told %q", told)
	}
}

func TestOperationWhoseWorkflowEndedWithoutAWordIsSettled(t *testing.T) {
	y := newYard(t)
	y.env.OnWorkflow("Route", any_, any_).Return(wire.Done{}, errors.New("its history was lost"))
	y.at(0, wire.SubmitSignal, op(sdp.OpRoute, "r", "account"))
	y.at(time.Second, wire.SubmitSignal, op(sdp.OpDeploy, "a", "account"))
	y.run(t)
	y.want(t, "begin a", "end a")
	if len(y.settled) != 1 || y.settled[0].State != sdp.OpFailed || y.settled[0].Failure.Code != "workflow-ended" {
		t.Errorf("settled: %+v", y.settled)
	}
}

// A deployment whose hand-over was lost for a while must not cancel one that was asked for later.
func TestOlderDeploymentThatArrivesLateIsSuperseded(t *testing.T) {
	numbered := func(id string, seq int64) sdp.OperationRef {
		ref := op(sdp.OpDeploy, id, "account")
		ref.Seq = seq
		return ref
	}
	for what, first := range map[string]sdp.OperationKind{"running": "", "queued": sdp.OpStop} {
		t.Run(what, func(t *testing.T) {
			y := newYard(t)
			want := []string{"begin b", "end b"}
			if first != "" {
				y.at(0, wire.SubmitSignal, op(first, "x", "account"))
				want = append([]string{"begin x", "end x"}, want...)
			}
			y.at(time.Second, wire.SubmitSignal, numbered("b", 2))
			y.at(2*time.Second, wire.SubmitSignal, numbered("a", 1))
			y.run(t)
			y.want(t, want...)
			if len(y.settled) != 1 || y.settled[0].Operation.ID != "a" || y.settled[0].State != sdp.OpCancelled ||
				y.settled[0].Failure.Code != sdp.CodeSuperseded {
				t.Errorf("settled: %+v", y.settled)
			}
		})
	}
}

// What a restart started, a part of a change, and what another run of the entity started are reached by their own name.
func TestCancelReachesWhatTheEntityDoesNotKnow(t *testing.T) {
	for named, reached := range map[string]bool{"deploy/d-1": true, "restart/o-1": true, "apply/o-1": true, "stop/o-1": false,
		"delete/o-1": false, "login/l-1": false} {
		y := newYard(t)
		var asked []string
		y.env.OnRequestCancelExternalWorkflow(any_, any_, any_).Return(func(_, id, _ string) error {
			asked = append(asked, id)
			return errors.New("there is no such run")
		})
		y.at(0, wire.SubmitSignal, op(sdp.OpRestart, "r", "account"))
		y.at(time.Second, wire.CancelSignal, named)
		y.run(t)
		y.want(t, "begin r", "end r")
		if got := slices.Equal(asked, []string{named}); got != reached || len(asked) > 1 {
			t.Errorf("the cancel of %s went to %q", named, asked)
		}
	}
}

func TestCancelNamesTheWorkflow(t *testing.T) {
	y := newYard(t)
	y.at(0, wire.SubmitSignal, op(sdp.OpDeploy, "a", "account"))
	y.at(time.Second, wire.SubmitSignal, op(sdp.OpStop, "s", "account"))
	y.at(2*time.Second, wire.CancelSignal, "stop/s")
	y.at(3*time.Second, wire.CancelSignal, "deploy/a")
	y.run(t)
	y.want(t, "begin a", "cancel a")
	if len(y.settled) != 2 || y.settled[0].Operation.ID != "s" || y.settled[0].State != sdp.OpCancelled {
		t.Errorf("settled: %+v", y.settled)
	}
}

// carriedOver runs the entity to its Continue-As-New and returns what goes on.
func (y *yard) carriedOver(t *testing.T, in wire.SandboxInput) wire.SandboxInput {
	t.Helper()
	y.env.ExecuteWorkflow(Sandbox, in)
	var next *workflow.ContinueAsNewError
	if err := y.env.GetWorkflowError(); !errors.As(err, &next) {
		t.Fatalf("ended with %v, want to continue as new", err)
	}
	var out wire.SandboxInput
	if err := converter.GetDefaultDataConverter().FromPayloads(next.Input, &out); err != nil {
		t.Fatal(err)
	}
	if out.Sandbox != in.Sandbox || out.HistoryLimit != in.HistoryLimit {
		t.Errorf("it goes on with %+v", out)
	}
	return out
}

// When the history has grown long everything goes on until nothing runs.
func TestContinueAsNewWaitsForAMomentOfRest(t *testing.T) {
	y := newYard(t)
	y.at(0, wire.SubmitSignal, op(sdp.OpDeploy, "a", "account"))
	y.env.RegisterDelayedCallback(func() { y.env.SetContinueAsNewSuggested(true) }, time.Second)
	y.at(2*time.Second, wire.SubmitSignal, op(sdp.OpDeploy, "b", "payment"))
	y.at(3*time.Second, wire.SubmitSignal, op(sdp.OpStop, "s", "account"))
	next := y.carriedOver(t, wire.SandboxInput{Sandbox: "demo"})
	y.want(t, "begin a", "begin b", "end a", "begin s", "end b", "end s")
	if len(next.Queue) != 0 {
		t.Errorf("it goes on with %+v", next)
	}
}

// A history that is full must end: what runs is let end, nothing more is started, and what is queued goes on in the next.
func TestContinueAsNewOfAFullHistoryCarriesTheQueueOver(t *testing.T) {
	y := newYard(t)
	y.at(0, wire.SubmitSignal, op(sdp.OpDeploy, "a", "account"))
	y.env.RegisterDelayedCallback(func() { y.env.SetCurrentHistoryLength(10 * fullFactor) }, time.Second)
	y.at(2*time.Second, wire.SubmitSignal, op(sdp.OpDeploy, "b", "payment"))
	y.at(3*time.Second, wire.SubmitSignal, op(sdp.OpStop, "s", "payment"))
	next := y.carriedOver(t, wire.SandboxInput{Sandbox: "demo", HistoryLimit: 10})
	y.want(t, "begin a", "end a")
	if len(next.Queue) != 2 || next.Queue[0].ID != "b" || next.Queue[1].ID != "s" {
		t.Errorf("it goes on with %+v", next)
	}
}

// What arrives while the end of another operation is written is not lost.
func TestContinueAsNewTakesWhatArrivesMeanwhile(t *testing.T) {
	y := newYard(t)
	y.env.SetCurrentHistoryLength(10 * fullFactor)
	y.onSettle = func() { y.env.SignalWorkflow(wire.SubmitSignal, op(sdp.OpDeploy, "b", "payment")) }
	y.at(0, wire.CancelSignal, "stop/s")
	next := y.carriedOver(t, wire.SandboxInput{Sandbox: "demo", HistoryLimit: 10, Queue: []sdp.OperationRef{op(sdp.OpStop, "s", "account")}})
	if len(y.settled) != 1 || len(next.Queue) != 1 || next.Queue[0].ID != "b" {
		t.Errorf("settled %+v, goes on with %+v", y.settled, next)
	}
}

// What a terminated restart has started goes on, and nothing else is done to its service until that has ended. A newer
// deployment does not end it; a delete does.
func TestTerminatedRestartKeepsItsServiceBusy(t *testing.T) {
	for name, last := range map[string]sdp.OperationRef{"another service": op(sdp.OpDeploy, "o", "payment"),
		"the service": op(sdp.OpStop, "o", "account"), "the sandbox": op(sdp.OpDelete, "o", "")} {
		t.Run(name, func(t *testing.T) {
			y := newYard(t)
			y.env.OnWorkflow("Restart", any_, any_).Return(wire.Done{}, &temporal.TerminatedError{})
			left := true
			y.env.OnActivity(control.Left, any_, any_).Return(func(_ context.Context, of sdp.OperationRef) (bool, error) {
				if of.ID != "o-restart" {
					t.Errorf("asked what %s has left", of.ID)
				}
				return left, nil
			})
			cancelled := false
			y.env.OnRequestCancelExternalWorkflow(any_, "deploy/d-restart", "").Return(func(string, string, string) error {
				cancelled = true
				return nil
			})
			y.at(0, wire.SubmitSignal, op(sdp.OpRestart, "o-restart", "account"))
			y.at(time.Minute, wire.SubmitSignal, last)
			y.env.RegisterDelayedCallback(func() {
				if begun := slices.Contains(y.events, "begin o"); begun != (name == "another service") {
					t.Errorf("events %q while the deployment goes on", y.events)
				}
				if cancelled != (name == "the sandbox") {
					t.Errorf("the deployment is cancelled: %t", cancelled)
				}
				left = false
			}, 10*time.Minute)
			y.run(t)
			y.want(t, "begin o", "end o")
		})
	}
}

func TestQueueThatWasCarriedOverRunsInOrder(t *testing.T) {
	y := newYard(t)
	y.env.ExecuteWorkflow(Sandbox, wire.SandboxInput{Sandbox: "demo", Queue: []sdp.OperationRef{
		op(sdp.OpDeploy, "b", "payment"), op(sdp.OpStop, "s", "payment")}})
	y.want(t, "begin b", "end b", "begin s", "end s")
}
