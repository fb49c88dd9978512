package workflows

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"sdp/internal/failure"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// changeBench runs an Apply. Its deployments are fakes that take a second, or as long as a test says, and hold as the
// real one does; what is asked of the database and the nodes is recorded by bench.
type changeBench struct {
	*bench
	change wire.Change
	ends   map[string]error         // how a deployment ends that does not become healthy
	takes  map[string]time.Duration // until then
	// cancelled is how a deployment ends that is cancelled, if not as cancelled
	cancelled map[string]error
}

func newChangeBench(t *testing.T, change wire.Change) *changeBench {
	b := &changeBench{bench: newBench(t), change: change, ends: map[string]error{}, takes: map[string]time.Duration{},
		cancelled: map[string]error{}}
	for i, a := range b.change.Actions {
		if a.Kind.Deploys() {
			b.change.Actions[i].Deployment = "d-" + a.Service
		}
	}
	b.env.RegisterWorkflowWithOptions(b.deployment, workflow.RegisterOptions{Name: "Deploy"})
	b.env.RegisterWorkflowWithOptions(func(_ workflow.Context, in wire.RetireInput) (wire.Done, error) {
		return done(b.call("retire " + in.Container.Deployment + " for " + in.Successor))
	}, workflow.RegisterOptions{Name: "Retire"})
	b.env.OnActivity(control.Publish, any_, any_).Return(wire.Done{}, nil)
	b.env.OnActivity(control.BeginChange, any_, any_).Return(func(context.Context, string) (wire.Change, error) {
		return b.change, b.call("begin")
	})
	b.env.OnActivity(control.CommitChange, any_, any_).Return(func(_ context.Context, in wire.CommitInput) (wire.Switch, error) {
		out := wire.Switch{Table: b.table.Table, Nodes: b.table.Nodes}
		for _, s := range in.Services {
			out.Previous = append(out.Previous, sdp.Container{Deployment: "old-" + s, Sandbox: "demo", Service: s, Node: "micro-1"})
		}
		return out, b.call("commit " + describeCommit(in))
	})
	b.env.OnActivity(control.RevertChange, any_, any_).Return(func(_ context.Context, in wire.CommitInput) (wire.Switch, error) {
		back := b.table
		back.Table.PublicPort = 9999 // tells the tables apart
		return back, b.call("revert " + describeCommit(in))
	})
	b.env.OnActivity(control.AbandonChange, any_, any_).Return(func(context.Context, sdp.OperationRef) (wire.TeardownInput, error) {
		return wire.TeardownInput{Sandbox: "demo", Nodes: b.table.Nodes, Gone: b.fails["delete meanwhile"] != nil}, b.call("abandon")
	})
	b.env.OnActivity(control.ReportTeardown, any_, any_).Return(func(context.Context, wire.SettleInput) (wire.Done, error) { return done(b.call("report")) })
	return b
}

func describeCommit(in wire.CommitInput) string {
	text := strings.Join(in.Services, "+")
	if in.Gateway {
		text += " gateway"
	}
	if len(in.Containers) > 0 {
		text += fmt.Sprintf(" (%d containers)", len(in.Containers))
	}
	return text
}

// deployment stands for Deploy.
func (b *changeBench) deployment(ctx workflow.Context, op sdp.OperationRef) (wire.Done, error) {
	_ = b.call("deploy " + op.Service)
	ctx = shaped(ctx, op.Shape)
	d := &deploy{op: op, progress: newProgress(ctx, op.ID)}
	d.job.Node = "micro-1"
	err := workflow.Sleep(ctx, max(b.takes[op.Service], time.Second))
	if err != nil && b.cancelled[op.Service] != nil {
		err = b.cancelled[op.Service]
	}
	if err == nil {
		err = b.ends[op.Service]
	}
	if err == nil && op.Hold {
		err = d.hold(ctx, sdp.Container{Deployment: op.ID, Sandbox: "demo", Service: op.Service, Node: "micro-1"})
	}
	if err != nil {
		_ = b.call("undo " + op.Service)
		return done(err)
	}
	return done(b.call("done " + op.Service))
}

func (b *changeBench) apply() error {
	b.t.Helper()
	b.env.ExecuteWorkflow(Apply, op(sdp.OpApply, "o1", ""))
	if !b.env.IsWorkflowCompleted() {
		b.t.Fatal("the workflow did not end")
	}
	return b.env.GetWorkflowError()
}

func (b *changeBench) wantDetail(want string) {
	b.t.Helper()
	if got := b.settle[1].Failure.Detail; got != want {
		b.t.Errorf("detail:\n got %q\nwant %q", got, want)
	}
}

// never fails the test if something was asked for.
func (b *changeBench) never(prefix string) {
	b.t.Helper()
	if slices.ContainsFunc(b.calls, func(c string) bool { return strings.HasPrefix(c, prefix) }) {
		b.t.Errorf("calls %q, want no %q", b.calls, prefix)
	}
}

// inOrder fails the test unless these were asked for, one after the other, with anything in between.
func (b *changeBench) inOrder(want ...string) {
	b.t.Helper()
	rest := b.calls
	for _, w := range want {
		i := slices.Index(rest, w)
		if i < 0 {
			b.t.Fatalf("calls %q, want in this order %q", b.calls, want)
		}
		rest = rest[i+1:]
	}
}

func deploys(services ...string) []sdp.Action {
	var out []sdp.Action
	for _, s := range services {
		out = append(out, sdp.Action{Service: s, Kind: sdp.ActionDeploy})
	}
	return out
}

var (
	toOCP = sdp.Action{Service: "ledger", Kind: sdp.ActionRoute, Source: sdp.SourceOCP}
	away  = sdp.Action{Service: "user", Kind: sdp.ActionRemove}
)

func TestPartsOfAChangeRunSideBySide(t *testing.T) {
	b := newChangeBench(t, wire.Change{Actions: append(deploys("account", "payment"), toOCP, away)})
	if err := b.apply(); err != nil {
		t.Fatal(err)
	}
	b.wantSettled(sdp.OpSucceeded, "")
	b.inOrder("begin", "deploy account", "done account")
	b.inOrder("begin", "deploy payment", "done payment")
	b.inOrder("begin", "commit ledger", "route 8080 on node-micro-1", "retire old-ledger for ")
	b.inOrder("begin", "commit user", "retire old-user for ")
	if i := slices.Index(b.calls, "done account"); slices.Index(b.calls, "deploy payment") > i {
		t.Errorf("one deployment waited for the other: %q", b.calls)
	}
}

func TestFailedPartLeavesTheOthersAlone(t *testing.T) {
	b := newChangeBench(t, wire.Change{Actions: append(deploys("account", "gift", "payment"), toOCP)})
	b.ends["account"] = stepFailure(sdp.StepBuild, "it does not compile")
	b.fails["commit ledger"] = failed("not-in-ocp")
	if err := b.apply(); err == nil {
		t.Error("the workflow reports success")
	}
	b.wantSettled(sdp.OpFailed, "services-failed")
	b.wantDetail("2 of 4 services failed: account (build): it does not compile; ledger: it does not compile")
	b.inOrder("done gift")
	b.inOrder("done payment")
	b.never("undo payment")
}

func TestFailureOfOnePartKeepsItsOutputAndRemedy(t *testing.T) {
	b := newChangeBench(t, wire.Change{Atomic: true, Actions: deploys("account")})
	f := sdp.Failure{Step: sdp.StepBuild, Kind: sdp.Failed, Code: "compile-error", Detail: "no", Remedy: "mend it", Output: "main.go:3"}
	b.ends["account"] = failure.Workflow(f)
	_ = b.apply()
	got := b.settle[1].Failure
	if got.Output != "main.go:3" || got.Remedy != "mend it" || got.Kind != sdp.Failed || got.Step != "" {
		t.Errorf("failure %+v", got)
	}
}

func stepFailure(step sdp.StepName, detail string) error {
	return failure.Workflow(sdp.Failure{Step: step, Kind: sdp.Failed, Code: "compile-error", Detail: detail})
}

func TestRouteThatARouterDoesNotConfirmGoesBack(t *testing.T) {
	b := newChangeBench(t, wire.Change{Actions: []sdp.Action{toOCP}})
	b.fails["route 8080 on node-micro-1"] = failed("router-down")
	if err := b.apply(); err == nil {
		t.Error("the workflow reports success")
	}
	b.inOrder("commit ledger", "revert ledger", "route 9999 on node-micro-1")
	b.never("retire")
	b.wantSettled(sdp.OpFailed, "services-failed")
}

func TestAtomicChangeSwitchesEverythingAtOnce(t *testing.T) {
	b := newChangeBench(t, wire.Change{Atomic: true, Gateway: true, Actions: append(deploys("account", "payment"), toOCP, away)})
	b.takes["payment"] = time.Minute
	if err := b.apply(); err != nil {
		t.Fatal(err)
	}
	b.wantSettled(sdp.OpSucceeded, "")
	b.inOrder("begin", "deploy payment", "commit account+payment+ledger+user gateway (2 containers)",
		"route 8080 on node-micro-1", "done account")
	b.inOrder("commit account+payment+ledger+user gateway (2 containers)", "retire old-account for d-account")
	b.never("revert")
	if n := len(b.calls); n != 1+2+1+2+4+2 {
		t.Errorf("%d calls: %q", n, b.calls)
	}
}

func TestAtomicChangeWithoutDeploymentsIsOneSwitch(t *testing.T) {
	b := newChangeBench(t, wire.Change{Atomic: true, Actions: []sdp.Action{toOCP, away}})
	if err := b.apply(); err != nil {
		t.Fatal(err)
	}
	b.inOrder("begin", "commit ledger+user", "route 8080 on node-gateway-1")
}

func TestAtomicChangeThatFailsChangesNothing(t *testing.T) {
	b := newChangeBench(t, wire.Change{Atomic: true, Actions: append(deploys("account", "payment", "user"), toOCP)})
	b.ends["account"] = stepFailure(sdp.StepStart, "it never became healthy")
	b.takes["account"] = time.Minute
	b.takes["user"] = time.Hour // still at work when account fails
	if err := b.apply(); err == nil {
		t.Error("the workflow reports success")
	}
	b.wantSettled(sdp.OpFailed, "nothing-changed")
	b.wantDetail("nothing was changed: account (start): it never became healthy")
	b.inOrder("undo account")
	b.inOrder("undo payment")
	b.inOrder("undo user")
	b.never("commit")
}

func TestAtomicChangeIsTakenBackWhenARouterDoesNotConfirm(t *testing.T) {
	b := newChangeBench(t, wire.Change{Atomic: true, Actions: deploys("account")})
	b.fails["route 8080 on node-gateway-1"] = failed("router-down")
	if err := b.apply(); err == nil {
		t.Error("the workflow reports success")
	}
	b.inOrder("commit account (1 containers)", "revert account (1 containers)", "route 9999 on node-gateway-1", "undo account")
	b.never("retire")
	b.never("done")
	b.wantSettled(sdp.OpFailed, "nothing-changed")
}

// What the database calls serving is not removed, and says that it serves.
func TestAtomicChangeThatCannotBeTakenBackKeepsItsContainers(t *testing.T) {
	b := newChangeBench(t, wire.Change{Atomic: true, Actions: deploys("account")})
	b.fails["route 8080 on node-gateway-1"] = failed("router-down")
	b.fails["revert account (1 containers)"] = failed("internal")
	if err := b.apply(); err == nil {
		t.Error("the workflow reports success")
	}
	b.inOrder("commit account (1 containers)", "revert account (1 containers)", "done account")
	b.never("undo")
	b.never("retire")
	b.wantSettled(sdp.OpFailed, "router-down")
}

// A change is not called cancelled while something may be left of a part.
func TestCancelOfAChangeWithAPartThatIsNotConfirmed(t *testing.T) {
	for name, atomic := range map[string]bool{"atomic": true, "not atomic": false} {
		t.Run(name, func(t *testing.T) {
			b := newChangeBench(t, wire.Change{Atomic: atomic, Actions: deploys("account")})
			b.takes["account"] = time.Hour
			b.cancelled["account"] = failure.Workflow(sdp.Failure{Kind: sdp.Unavailable, Code: sdp.CodeCancelUnconfirmed,
				Detail: "nobody has confirmed it: node micro-1: no worker since 14:02", Remedy: "node micro-1 removes it"})
			b.env.RegisterDelayedCallback(b.env.CancelWorkflow, time.Minute)
			if err := b.apply(); err == nil || temporal.IsCanceledError(err) {
				t.Errorf("ended with %v", err)
			}
			last := b.settle[len(b.settle)-1]
			if last.State != sdp.OpFailed || !strings.Contains(last.Failure.Detail, "no worker since 14:02") {
				t.Errorf("settled %+v (%+v)", last, last.Failure)
			}
		})
	}
}

func TestCancelOfAChangeWaitsForItsParts(t *testing.T) {
	for name, atomic := range map[string]bool{"atomic": true, "not atomic": false} {
		t.Run(name, func(t *testing.T) {
			b := newChangeBench(t, wire.Change{Atomic: atomic, Actions: deploys("account", "payment")})
			b.takes["payment"] = time.Hour
			b.env.RegisterDelayedCallback(b.env.CancelWorkflow, time.Minute)
			if err := b.apply(); !temporal.IsCanceledError(err) {
				t.Errorf("ended with %v, want cancelled", err)
			}
			b.wantSettled(sdp.OpCancelled, "")
			b.inOrder("undo payment")
			if atomic {
				b.inOrder("undo account")
				b.never("commit")
			} else {
				b.inOrder("done account")
			}
		})
	}
}

func TestCancelAfterTheSwitchComesTooLate(t *testing.T) {
	b := newChangeBench(t, wire.Change{Atomic: true, Actions: deploys("account")})
	b.hooks["route 8080 on node-micro-1"] = b.env.CancelWorkflow
	if err := b.apply(); err != nil {
		t.Fatal(err)
	}
	b.wantSettled(sdp.OpSucceeded, "")
	b.inOrder("commit account (1 containers)", "done account")
	b.never("revert")
}

func TestNewSandboxTakesItsPortBesideItsDeployments(t *testing.T) {
	b := newChangeBench(t, wire.Change{New: true, Atomic: true, Actions: deploys("account")})
	b.fails["route 8080 on node-gateway-1"] = failed("port-held")
	if err := b.apply(); err != nil {
		t.Fatal(err)
	}
	b.inOrder("table", "route 8080 on node-gateway-1", "reassign", "route 8081 on node-gateway-1", "commit account (1 containers)")
	b.never("abandon")
	b.wantSettled(sdp.OpSucceeded, "")
}

func TestNewSandboxThatFailsIsTakenDown(t *testing.T) {
	b := newChangeBench(t, wire.Change{New: true, Atomic: true, Actions: deploys("account", "payment")})
	b.ends["account"] = stepFailure(sdp.StepBuild, "it does not compile")
	if err := b.apply(); err == nil {
		t.Error("the workflow reports success")
	}
	b.inOrder("undo payment", "abandon", "stop traffic on node-gateway-1", "teardown on node-micro-1-work")
	b.inOrder("stop traffic on node-micro-1", "teardown on node-gateway-1-work")
	b.never("commit")
	b.wantSettled(sdp.OpFailed, "nothing-changed")
	b.wantDetail("nothing was changed: account (build): it does not compile")
}

func TestCancelledNewSandboxIsTakenDown(t *testing.T) {
	b := newChangeBench(t, wire.Change{New: true, Atomic: true, Actions: deploys("account")})
	b.takes["account"] = time.Hour
	b.env.RegisterDelayedCallback(b.env.CancelWorkflow, time.Minute)
	if err := b.apply(); !temporal.IsCanceledError(err) {
		t.Errorf("ended with %v, want cancelled", err)
	}
	b.inOrder("undo account", "abandon", "teardown on node-micro-1-work")
	b.wantSettled(sdp.OpCancelled, "")
}

func TestTearDownIsTriedUntilItIsDone(t *testing.T) {
	b := newChangeBench(t, wire.Change{New: true, Atomic: true, Actions: deploys("account")})
	b.ends["account"] = stepFailure(sdp.StepBuild, "it does not compile")
	b.fails["teardown on node-micro-1-work"] = failed("docker-down")
	began, back := b.env.Now(), 26*time.Hour
	b.env.RegisterDelayedCallback(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.fails, "teardown on node-micro-1-work")
	}, back)
	if err := b.apply(); err == nil {
		t.Error("the workflow reports success")
	}
	b.wantSettled(sdp.OpFailed, "nothing-changed")
	b.inOrder("teardown on node-micro-1-work", "report", "abandon", "teardown on node-micro-1-work")
	if took := b.env.Now().Sub(began); took < back || took > back+teardownMaxPause {
		t.Errorf("it took %v, want the node to be back, and then an attempt", took)
	}
	reports := 0
	for _, c := range b.calls {
		if c == "report" {
			reports++
		}
	}
	if reports != 1 {
		t.Errorf("reported %d times", reports)
	}
}

func TestTearDownIsLeftToADelete(t *testing.T) {
	b := newChangeBench(t, wire.Change{New: true, Atomic: true, Actions: deploys("account")})
	b.takes["account"] = time.Hour
	b.fails["delete meanwhile"] = failed("x")
	b.env.RegisterDelayedCallback(b.env.CancelWorkflow, time.Minute)
	_ = b.apply()
	b.inOrder("undo account", "abandon")
	b.never("teardown")
	b.wantSettled(sdp.OpCancelled, "")
}

func TestNewSandboxThatMayHaveFailuresStays(t *testing.T) {
	b := newChangeBench(t, wire.Change{New: true, Actions: deploys("account", "payment")})
	b.ends["account"] = stepFailure(sdp.StepBuild, "it does not compile")
	if err := b.apply(); err == nil {
		t.Error("the workflow reports success")
	}
	b.inOrder("done payment")
	b.never("abandon")
	b.wantDetail("1 of 3 services failed: account (build): it does not compile")
}

func TestGatewayGoesOnceTheNewOneRuns(t *testing.T) {
	change := wire.Change{Gateway: true, Front: "edge", Back: "gateway",
		Actions: append(deploys("edge"), sdp.Action{Service: "gateway", Kind: sdp.ActionRemove}, away)}
	b := newChangeBench(t, change)
	if err := b.apply(); err != nil {
		t.Fatal(err)
	}
	b.inOrder("done edge", "commit gateway gateway", "retire old-gateway for ")
	b.inOrder("commit user", "done edge")

	b = newChangeBench(t, change)
	b.ends["edge"] = stepFailure(sdp.StepStart, "it never became healthy")
	if err := b.apply(); err == nil {
		t.Error("the workflow reports success")
	}
	b.never("commit gateway")
	b.wantDetail("2 of 3 services failed: edge (start): it never became healthy; " +
		"the gateway: stays as it was, because edge does not run")
}

func TestChangeThatMayNotBeginDoesNothing(t *testing.T) {
	b := newChangeBench(t, wire.Change{Atomic: true, New: true, Actions: deploys("account")})
	b.fails["begin"] = failed("sandbox-deleting")
	b.env.OnActivity(control.BeginChange, any_, any_).Return(wire.Change{}, failed("sandbox-deleting"))
	if err := b.apply(); err == nil {
		t.Error("the workflow reports success")
	}
	b.never("deploy")
	b.wantSettled(sdp.OpFailed, "sandbox-deleting")
}

func TestCancelOfOnePart(t *testing.T) {
	for name, c := range map[string]struct {
		atomic bool
		takes  time.Duration // a cancel after a minute finds it at work, or held
		state  sdp.OperationState
		code   string
	}{
		"at work, not atomic": {false, time.Hour, sdp.OpFailed, "services-failed"},
		"at work, atomic":     {true, time.Hour, sdp.OpCancelled, ""},
		"held":                {true, time.Second, sdp.OpCancelled, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newChangeBench(t, wire.Change{Atomic: c.atomic, Actions: deploys("account", "payment")})
			b.takes["account"], b.takes["payment"] = c.takes, 2*time.Minute
			b.env.RegisterDelayedCallback(func() { b.env.SignalWorkflow(wire.CancelSignal, "d-account") }, time.Minute)
			if err := b.apply(); err == nil {
				t.Error("the workflow reports success")
			}
			b.wantSettled(c.state, c.code)
			b.inOrder("undo account")
			if c.atomic {
				b.inOrder("undo payment")
				b.never("commit")
				return
			}
			b.wantDetail("1 of 2 services failed: account: cancelled")
			b.inOrder("done payment")
		})
	}
}
