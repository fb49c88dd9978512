package workflows

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"sdp/activities"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// bench runs the short operations in Temporal's test environment. Its fakes record what was asked of them, as
// "activity" or "activity on node's queue", in order, and fail where a test says so.
type bench struct {
	t      *testing.T
	env    *testsuite.TestWorkflowEnvironment
	mu     sync.Mutex
	calls  []string
	fails  map[string]error
	hooks  map[string]func() // called when this is asked
	settle []wire.SettleInput
	gone   bool        // the sandbox of a delete
	away   []string    // nodes of a delete that are not heard of
	alive  bool        // NodeAlive's answer
	table  wire.Switch // what every change of routes answers
}

func newBench(t *testing.T) *bench {
	var suite testsuite.WorkflowTestSuite
	b := &bench{t: t, env: suite.NewTestWorkflowEnvironment(), fails: map[string]error{}, hooks: map[string]func(){},
		table: wire.Switch{Table: wire.RoutingTable{Sandbox: "demo", Version: 2, PublicPort: 8080}, Nodes: []string{"gateway-1", "micro-1"}}}
	b.env.SetTestTimeout(20 * time.Second)
	b.env.RegisterActivity(&activities.Control{})
	b.env.RegisterActivity(&activities.Host{})
	b.fakeControl()
	b.fakeHost()
	return b
}

// done is what an activity answers, and a child, that has nothing else to say.
func done(err error) (wire.Done, error) { return wire.Done{}, err }

func (b *bench) call(name string) error {
	b.mu.Lock() // nodes work side by side
	defer b.mu.Unlock()
	b.calls = append(b.calls, name)
	if hook := b.hooks[name]; hook != nil {
		hook()
	}
	return b.fails[name]
}

// onQueue records a node's activity with the queue it was sent to: the wrong queue is the wrong machine.
func (b *bench) onQueue(ctx context.Context, name string) error {
	return b.call(name + " on " + activity.GetInfo(ctx).TaskQueue)
}

func (b *bench) fakeControl() {
	b.env.OnActivity(control.Settle, any_, any_).Return(func(_ context.Context, in wire.SettleInput) (wire.Done, error) {
		b.settle = append(b.settle, in)
		return done(b.fails["settle "+string(in.State)])
	})
	change := func(name string) func() (wire.Switch, error) {
		return func() (wire.Switch, error) { return b.table, b.call(name) }
	}
	b.env.OnActivity(control.CurrentTable, any_, any_).Return(func(context.Context, string) (wire.Switch, error) { return change("table")() })
	b.env.OnActivity(control.ReassignPort, any_, any_).Return(func(_ context.Context, t wire.RoutingTable) (wire.Switch, error) {
		b.table.Table.PublicPort = t.PublicPort + 1
		return change("reassign")()
	})
	b.env.OnActivity(control.SetRoute, any_, any_).Return(func(context.Context, sdp.OperationRef) (wire.Switch, error) { return change("set route")() })
	b.env.OnActivity(control.StopService, any_, any_).Return(func(context.Context, sdp.OperationRef) (wire.Switch, error) { return change("stop")() })
	b.env.OnActivity(control.NewRestart, any_, any_).Return(func(_ context.Context, op sdp.OperationRef) (sdp.OperationRef, error) {
		op.ID, op.Kind = "d1", sdp.OpDeploy
		return op, b.call("new restart")
	})
	b.env.OnActivity(control.BeginTeardown, any_, any_).Return(func(_ context.Context, op sdp.OperationRef) (wire.TeardownInput, error) {
		return wire.TeardownInput{Sandbox: op.Sandbox, Nodes: b.table.Nodes, Away: b.away, Gone: b.gone}, b.call("begin teardown")
	})
	b.env.OnActivity(control.FinishDelete, any_, any_).Return(func(context.Context, sdp.OperationRef) (wire.Done, error) { return done(b.call("finish delete")) })
	b.env.OnActivity(control.ContainerRemoved, any_, any_).Return(func(context.Context, string) (wire.Done, error) { return done(b.call("removed")) })
	b.env.OnActivity(control.NodeAlive, any_, any_).Return(func(context.Context, string) (bool, error) { return b.alive, b.call("alive?") })
	b.env.OnActivity(control.NodeStatus, any_, any_).Return("node micro-1: no worker since 14:02", nil)
	b.env.OnActivity(control.NodeAlive, any_, any_).Return(false, nil)
}

func (b *bench) fakeHost() {
	b.env.OnActivity(host.Route, any_, any_).Return(func(ctx context.Context, in wire.RouteInput) (wire.Done, error) {
		return done(b.onQueue(ctx, fmt.Sprintf("route %d", in.Table.PublicPort)))
	})
	b.env.OnActivity(host.Retire, any_, any_).Return(func(ctx context.Context, _ wire.RetireInput) (wire.Done, error) {
		return done(b.onQueue(ctx, "retire"))
	})
	b.env.OnActivity(host.StopTraffic, any_, any_).Return(func(ctx context.Context, _ wire.TeardownInput) (wire.Done, error) {
		return done(b.onQueue(ctx, "stop traffic"))
	})
	b.env.OnActivity(host.Teardown, any_, any_).Return(func(ctx context.Context, _ wire.TeardownInput) (wire.Done, error) {
		return done(b.onQueue(ctx, "teardown"))
	})
}

// run executes an operation's workflow and returns how that ended.
func (b *bench) run(definition any, kind sdp.OperationKind) error {
	b.env.ExecuteWorkflow(definition, op(kind, "o1", "account"))
	if !b.env.IsWorkflowCompleted() {
		b.t.Fatal("the workflow did not end")
	}
	return b.env.GetWorkflowError()
}

// wantCalls compares what was asked. What is sent to several nodes at once may arrive in any order: steps are groups.
func (b *bench) wantCalls(steps ...[]string) {
	b.t.Helper()
	got := b.calls
	for _, step := range steps {
		if len(got) < len(step) {
			b.t.Fatalf("calls: got %q, want %q", b.calls, steps)
		}
		now := slices.Sorted(slices.Values(got[:len(step)]))
		if !slices.Equal(now, slices.Sorted(slices.Values(step))) {
			b.t.Fatalf("calls: got %q, want %q", b.calls, steps)
		}
		got = got[len(step):]
	}
	if len(got) > 0 {
		b.t.Fatalf("calls: got %q, want %q", b.calls, steps)
	}
}

func (b *bench) wantSettled(state sdp.OperationState, code string) {
	b.t.Helper()
	if len(b.settle) != 2 || b.settle[0].State != sdp.OpRunning || b.settle[1].State != state {
		b.t.Fatalf("settled %+v (%+v), want RUNNING, then %s", b.settle, b.settle[len(b.settle)-1].Failure, state)
	}
	f := b.settle[1].Failure
	if code == "" && f != nil || code != "" && (f == nil || f.Code != code) {
		b.t.Errorf("failure %+v, want code %q", f, code)
	}
}

func both(what string) []string {
	return []string{what + " on node-gateway-1", what + " on node-micro-1"}
}

func TestCreateHasTheRouterOwnThePort(t *testing.T) {
	b := newBench(t)
	if err := b.run(Create, sdp.OpCreate); err != nil {
		t.Fatal(err)
	}
	b.wantCalls([]string{"table"}, both("route 8080"))
	b.wantSettled(sdp.OpSucceeded, "")
}

func TestCreateTakesTheNextPortWhenOneIsHeld(t *testing.T) {
	b := newBench(t)
	b.table.Nodes = []string{"gateway-1"}
	b.fails["route 8080 on node-gateway-1"] = failed("port-held")
	b.fails["route 8081 on node-gateway-1"] = failed("port-held")
	if err := b.run(Create, sdp.OpCreate); err != nil {
		t.Fatal(err)
	}
	b.wantCalls([]string{"table"}, []string{"route 8080 on node-gateway-1"}, []string{"reassign"},
		[]string{"route 8081 on node-gateway-1"}, []string{"reassign"}, []string{"route 8082 on node-gateway-1"})
	b.wantSettled(sdp.OpSucceeded, "")
}

func TestCreateGivesUpWhenEveryPortIsHeld(t *testing.T) {
	b := newBench(t)
	b.table.Nodes = []string{"gateway-1"}
	for port := 8080; port < 8080+2*portAttempts; port++ {
		b.fails[fmt.Sprintf("route %d on node-gateway-1", port)] = failed("port-held")
	}
	if err := b.run(Create, sdp.OpCreate); err == nil {
		t.Error("the workflow reports success")
	}
	if want := 1 + portAttempts + portAttempts - 1; len(b.calls) != want {
		t.Errorf("%d calls, want %d: %q", len(b.calls), want, b.calls)
	}
	b.wantSettled(sdp.OpFailed, "port-held")
}

func TestRouteTellsEveryRouter(t *testing.T) {
	b := newBench(t)
	if err := b.run(Route, sdp.OpRoute); err != nil {
		t.Fatal(err)
	}
	b.wantCalls([]string{"set route"}, both("route 8080"))
	b.wantSettled(sdp.OpSucceeded, "")
}

func TestRefusedRouteIsSettledWithItsReason(t *testing.T) {
	b := newBench(t)
	b.fails["set route"] = failed("not-running")
	if err := b.run(Route, sdp.OpRoute); err == nil {
		t.Error("the workflow reports success")
	}
	b.wantCalls([]string{"set route"})
	b.wantSettled(sdp.OpFailed, "not-running")
}

func TestRouteWithoutWorkerSaysSinceWhen(t *testing.T) {
	b := newBench(t)
	b.alive = true
	b.fails["route 8080 on node-micro-1"] = temporal.NewTimeoutError(scheduleToStart, nil)
	if err := b.run(Route, sdp.OpRoute); err == nil {
		t.Error("the workflow reports success")
	}
	b.wantSettled(sdp.OpFailed, "no-worker")
	if got := b.settle[1].Failure.Detail; got != "node micro-1: no worker since 14:02" {
		t.Errorf("detail %q", got)
	}
}

func TestCancelledOperationIsSettledAsCancelled(t *testing.T) {
	b := newBench(t)
	b.fails["set route"] = temporal.NewCanceledError()
	if err := b.run(Route, sdp.OpRoute); !temporal.IsCanceledError(err) {
		t.Errorf("ended with %v, want cancelled", err)
	}
	b.wantSettled(sdp.OpCancelled, "")
}

func TestOperationDoesNothingUnlessItCouldSayThatItBegan(t *testing.T) {
	b := newBench(t)
	b.fails["settle RUNNING"] = failed("not-found")
	if err := b.run(Delete, sdp.OpDelete); err == nil {
		t.Error("the workflow reports success")
	}
	b.wantCalls()
}

func TestOperationThatWasCancelledBeforeDoesNothing(t *testing.T) {
	b := newBench(t)
	b.fails["settle RUNNING"] = failed(sdp.CodeCancelled)
	if err := b.run(Stop, sdp.OpStop); !temporal.IsCanceledError(err) {
		t.Errorf("ended with %v, want cancelled", err)
	}
	b.wantCalls()
}

func TestStopRetiresTheContainerAfterItsTrafficIsGone(t *testing.T) {
	b := newBench(t)
	b.env.RegisterWorkflow(Retire)
	b.table.Previous = []sdp.Container{{Deployment: "d0", Sandbox: "demo", Service: "account", Node: "micro-1"}}
	if err := b.run(Stop, sdp.OpStop); err != nil {
		t.Fatal(err)
	}
	b.wantCalls([]string{"stop"}, both("route 8080"), []string{"retire on node-micro-1-work"}, []string{"removed"})
	b.wantSettled(sdp.OpSucceeded, "")
}

func TestStopOfWhatDoesNotRunOnlySetsTheRoute(t *testing.T) {
	b := newBench(t)
	if err := b.run(Stop, sdp.OpStop); err != nil {
		t.Fatal(err)
	}
	b.wantCalls([]string{"stop"}, both("route 8080"))
}

func TestStopKeepsTheContainerWhileARouterMayStillSendToIt(t *testing.T) {
	b := newBench(t)
	b.table.Previous = []sdp.Container{{Deployment: "d0", Node: "micro-1"}}
	b.fails["route 8080 on node-gateway-1"] = failed("router-down")
	if err := b.run(Stop, sdp.OpStop); err == nil {
		t.Error("the workflow reports success")
	}
	b.wantCalls([]string{"stop"}, both("route 8080"))
	b.wantSettled(sdp.OpFailed, "router-down")
}

func TestRestartIsADeployment(t *testing.T) {
	for _, c := range []struct {
		name  string
		ends  error
		state sdp.OperationState
		code  string
	}{
		{"done", nil, sdp.OpSucceeded, ""},
		{"failed", failed("never-healthy"), sdp.OpFailed, "never-healthy"},
		{"cancelled", temporal.NewCanceledError(), sdp.OpCancelled, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			deploy := func(ctx workflow.Context, op sdp.OperationRef) (wire.Done, error) {
				b.calls = append(b.calls, workflow.GetInfo(ctx).WorkflowExecution.ID)
				return done(c.ends)
			}
			b.env.RegisterWorkflowWithOptions(deploy, workflow.RegisterOptions{Name: "Deploy"})
			if err := b.run(Restart, sdp.OpRestart); (err == nil) != (c.ends == nil) {
				t.Errorf("ended with %v", err)
			}
			b.wantCalls([]string{"new restart"}, []string{"deploy/d1"})
			b.wantSettled(c.state, c.code)
		})
	}
}

func TestCancelOfARestartReachesItsDeployment(t *testing.T) {
	b := newBench(t)
	deploy := func(ctx workflow.Context, _ sdp.OperationRef) (wire.Done, error) {
		err := workflow.Sleep(ctx, time.Hour)
		b.calls = append(b.calls, fmt.Sprint("cancelled: ", temporal.IsCanceledError(err)))
		return done(err)
	}
	b.env.RegisterWorkflowWithOptions(deploy, workflow.RegisterOptions{Name: "Deploy"})
	b.env.RegisterDelayedCallback(b.env.CancelWorkflow, time.Minute)
	if err := b.run(Restart, sdp.OpRestart); !temporal.IsCanceledError(err) {
		t.Errorf("ended with %v, want cancelled", err)
	}
	b.wantCalls([]string{"new restart"}, []string{"cancelled: true"})
	b.wantSettled(sdp.OpCancelled, "")
}

func TestDeleteStopsAllTrafficBeforeItRemovesAnything(t *testing.T) {
	b := newBench(t)
	if err := b.run(Delete, sdp.OpDelete); err != nil {
		t.Fatal(err)
	}
	b.wantCalls([]string{"begin teardown"}, both("stop traffic"), []string{"teardown on node-gateway-1-work", "teardown on node-micro-1-work"}, []string{"finish delete"})
	b.wantSettled(sdp.OpSucceeded, "")
}

// The change that was to make the sandbox has taken it down, and another one may have its name by now.
func TestDeleteOfWhatIsGoneTouchesNothing(t *testing.T) {
	b := newBench(t)
	b.gone = true
	if err := b.run(Delete, sdp.OpDelete); err != nil {
		t.Fatal(err)
	}
	b.wantCalls([]string{"begin teardown"})
	b.wantSettled(sdp.OpSucceeded, "")
}

func TestDeleteThatFailsOnOneNodeKeepsTheRows(t *testing.T) {
	b := newBench(t)
	b.fails["teardown on node-gateway-1-work"] = failed("docker-down")
	if err := b.run(Delete, sdp.OpDelete); err == nil {
		t.Error("the workflow reports success")
	}
	b.wantCalls([]string{"begin teardown"}, both("stop traffic"), []string{"teardown on node-gateway-1-work", "teardown on node-micro-1-work"})
	b.wantSettled(sdp.OpFailed, "docker-down")
}
