package workflows

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"sdp/activities"
	"sdp/internal/failure"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// stage is a deployment in Temporal's test environment. Its fakes record what was asked of them, in order, and fail
// where a test says so.
type stage struct {
	t     *testing.T
	env   *testsuite.TestWorkflowEnvironment
	mu    sync.Mutex
	calls []string
	fails map[string]error   // by step, as recorded in calls
	block map[string]func()  // called before the step returns
	ended wire.Progress      // what SettleDeployment was told
	prev  []sdp.Container    // what served before
	kind  sdp.RepositoryKind //
	image wire.Fetched       // what Fetch answers
	nodes []string           // nodes that need the table
	away  []string           // those that are not heard of
	told  []string           // those that were given it
	alive bool               // NodeAlive's answer
	// serves is what the database says of the container of the deployment.
	serves bool
}

func newStage(t *testing.T) *stage {
	var suite testsuite.WorkflowTestSuite
	s := &stage{t: t, env: suite.NewTestWorkflowEnvironment(), fails: map[string]error{}, block: map[string]func(){},
		kind: sdp.GoRepository, nodes: []string{"micro-1", "gateway-1"},
		image: wire.Fetched{SHA: "3f2a9c1d0b7e", Image: "sdp/account:3f2a", Detail: "main -> 3f2a"}}
	s.env.SetTestTimeout(20 * time.Second)
	s.env.RegisterWorkflow(Retire)
	s.env.RegisterActivity(&activities.Control{})
	s.env.RegisterActivity(&activities.Host{})
	s.fakeControl()
	s.fakeHost()
	return s
}

func (s *stage) call(name string) error {
	s.mu.Lock() // routers are told side by side
	s.calls = append(s.calls, name)
	s.mu.Unlock()
	if block := s.block[name]; block != nil {
		block()
	}
	return s.fails[name]
}

func (s *stage) fakeControl() {
	s.env.OnActivity(control.BeginDeploy, any_, any_).Return(func(_ context.Context, in wire.Begun) (wire.Job, error) {
		s.wantBegun(in, sdp.StepFetch)
		return wire.Job{
			Deployment: "d1", Sandbox: "demo", Service: "account", Repository: "account", Node: "micro-1", Kind: s.kind,
			Branch: "main", Image: "sdp/account:before", Credentials: sdp.SealedBox{Ciphertext: []byte("login")},
			Env: map[string]string{"LEVEL": "info"}, Secrets: sdp.SealedBox{Ciphertext: []byte("secrets")},
		}, s.fails["begin"]
	})
	s.env.OnActivity(control.BeginStart, any_, any_).Return(func(_ context.Context, in wire.Begun) (wire.RoutingTable, error) {
		s.wantBegun(in, sdp.StepStart)
		return wire.RoutingTable{Sandbox: in.Sandbox, Version: 1}, s.fails["begin start"]
	})
	s.env.OnActivity(control.Publish, any_, any_).Return(func(_ context.Context, p wire.Progress) (wire.Done, error) {
		return done(s.fails["publish "+string(p.State)])
	})
	s.env.OnActivity(control.Serves, any_, any_).Return(func(context.Context, string) (bool, error) { return s.serves, s.fails["serves?"] })
	s.env.OnActivity(control.SettleDeployment, any_, any_).Return(func(_ context.Context, p wire.Progress) (wire.Done, error) {
		s.ended = p
		return done(s.call("settle"))
	})
	s.env.OnActivity(control.BeginRoute, any_, any_).Return(func(_ context.Context, in wire.Begun) (wire.Switch, error) {
		s.wantBegun(in, sdp.StepRoute)
		if in.Container.Deployment != "d1" {
			s.t.Errorf("%+v is to serve", in.Container)
		}
		return wire.Switch{Table: wire.RoutingTable{Sandbox: "demo", Version: 2, GatewayNode: "gateway-1"}, Nodes: s.nodes, Away: s.away,
			Previous: s.prev}, s.call("serve")
	})
	s.env.OnActivity(control.Unserve, any_, any_).Return(func(context.Context, string) (wire.Switch, error) {
		return wire.Switch{Table: wire.RoutingTable{Sandbox: "demo", Version: 3}, Nodes: s.nodes}, s.call("unserve")
	})
	s.env.OnActivity(control.NodeAlive, any_, any_).Return(func(context.Context, string) (bool, error) { return s.alive, s.call("alive?") })
	s.env.OnActivity(control.NodeStatus, any_, any_).Return("node micro-1: no worker since 14:02", nil)
	s.env.OnActivity(control.ContainerRemoved, any_, any_).Return(wire.Done{}, nil)
}

func (s *stage) fakeHost() {
	s.env.OnActivity(host.Fetch, any_, any_).Return(func(_ context.Context, in wire.Job) (wire.Fetched, error) {
		if in.Image != "sdp/account:before" {
			s.t.Errorf("the node is not told of the image that is known: %+v", in)
		}
		s.wantGiven(in, "login", "", "")
		return s.image, s.call("fetch")
	})
	step := func(name string) func(context.Context, wire.Job) (string, error) {
		return func(_ context.Context, in wire.Job) (string, error) {
			s.wantGiven(in, "", "secrets", "")
			return name, s.call(name)
		}
	}
	s.env.OnActivity(host.Checkout, any_, any_).Return(step("checkout"))
	s.env.OnActivity(host.Build, any_, any_).Return(step("build"))
	s.env.OnActivity(host.Image, any_, any_).Return(step("image"))
	s.env.OnActivity(host.Start, any_, any_).Return(func(_ context.Context, in wire.Job) (sdp.Container, error) {
		s.wantGiven(in, "", "secrets", "info")
		if in.Table.Version != 1 {
			s.t.Errorf("the start gets table %+v, want the one of now", in.Table)
		}
		return sdp.Container{Deployment: "d1", Sandbox: "demo", Service: "account", Node: "micro-1", SHA: s.image.SHA}, s.call("start")
	})
	s.env.OnActivity(host.Route, any_, any_).Return(func(ctx context.Context, in wire.RouteInput) (wire.Done, error) {
		if in.Table.Version == 3 {
			return done(s.call("route back"))
		}
		node := activity.GetInfo(ctx).TaskQueue
		s.mu.Lock()
		s.told = append(s.told, node)
		s.mu.Unlock()
		return done(cmp.Or(s.call("route"), s.fails["route on "+node]))
	})
	s.env.OnActivity(host.Discard, any_, any_).Return(func(context.Context, wire.DiscardInput) (wire.Done, error) {
		return done(s.call("discard"))
	})
	s.env.OnActivity(host.Retire, any_, any_).Return(func(context.Context, wire.RetireInput) (wire.Done, error) { return done(s.call("retire")) })
}

// wantGiven checks what of the job a step gets: nothing that it does not need.
func (s *stage) wantGiven(in wire.Job, credentials, secrets, level string) {
	if in.Deployment != "d1" || string(in.Credentials.Ciphertext) != credentials || string(in.Secrets.Ciphertext) != secrets ||
		in.Env["LEVEL"] != level {
		s.t.Errorf("a step gets %+v", in)
	}
}

// wantBegun checks that the step is said to run.
func (s *stage) wantBegun(in wire.Begun, step sdp.StepName) {
	n := slices.IndexFunc(in.Progress.Steps, func(one sdp.Step) bool { return one.Name == step })
	if n < 0 || in.Progress.Steps[n].State != sdp.StepRunning || in.Progress.State != step.State() || in.Progress.Deployment != "d1" {
		s.t.Errorf("with %s people are told %+v", step, in.Progress)
	}
}

func (s *stage) deploy() error {
	s.env.ExecuteWorkflow(Deploy, sdp.OperationRef{ID: "d1", Kind: sdp.OpDeploy, Sandbox: "demo", Service: "account", Shape: wire.Shape})
	if !s.env.IsWorkflowCompleted() {
		s.t.Fatal("the workflow did not end")
	}
	return s.env.GetWorkflowError()
}

func (s *stage) wantCalls(want ...string) {
	s.t.Helper()
	if !slices.Equal(s.calls, want) {
		s.t.Errorf("calls:\n got %q\nwant %q", s.calls, want)
	}
}

func (s *stage) wantEnd(state sdp.DeploymentState, step sdp.StepName, code string) {
	s.t.Helper()
	if s.ended.State != state {
		s.t.Errorf("ended %s, want %s", s.ended.State, state)
	}
	if code == "" {
		return
	}
	if f := s.ended.Failure; f == nil || f.Step != step || f.Code != code {
		s.t.Errorf("failure %+v, want step %q and code %q", f, step, code)
	}
}

func failed(code string) error {
	f := sdp.Failure{Kind: sdp.Failed, Code: code, Detail: "it does not compile"}
	return temporal.NewApplicationErrorWithOptions(f.Detail, f.Code, temporal.ApplicationErrorOptions{NonRetryable: true, Details: []any{f}})
}

func TestDeployRunsEveryStepInOrder(t *testing.T) {
	s := newStage(t)
	s.prev = []sdp.Container{{Deployment: "d0", Sandbox: "demo", Service: "account", Node: "micro-1", SHA: "0000"}}
	if err := s.deploy(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(s.calls[6:]) // the old container retires on its own time
	s.wantCalls("fetch", "checkout", "build", "image", "start", "serve", "retire", "route", "route", "settle")
	s.wantEnd(sdp.Running, "", "")
	for _, step := range s.ended.Steps {
		if step.State != sdp.StepDone {
			t.Errorf("step %s ended %s", step.Name, step.State)
		}
	}
}

func TestDeployOfKnownCommitTakesThreeRemoteSteps(t *testing.T) {
	s := newStage(t)
	s.image.Cached = true
	if err := s.deploy(); err != nil {
		t.Fatal(err)
	}
	s.wantCalls("fetch", "start", "serve", "route", "route", "settle")
	for _, step := range s.ended.Steps[2:5] {
		if step.State != sdp.StepCached {
			t.Errorf("step %s is %s, want cached", step.Name, step.State)
		}
	}
}

func TestDeployOfDockerfileBuildsInTheImageStep(t *testing.T) {
	s := newStage(t)
	s.kind = sdp.DockerfileRepository
	if err := s.deploy(); err != nil {
		t.Fatal(err)
	}
	s.wantCalls("fetch", "checkout", "image", "start", "serve", "route", "route", "settle")
}

func TestFailedStepIsReportedAndCleanedUp(t *testing.T) {
	for _, c := range []struct {
		step  string
		calls []string
	}{
		{"fetch", []string{"fetch", "discard", "settle"}},
		{"build", []string{"fetch", "checkout", "build", "discard", "settle"}},
		{"start", []string{"fetch", "checkout", "build", "image", "start", "discard", "settle"}},
	} {
		t.Run(c.step, func(t *testing.T) {
			s := newStage(t)
			s.fails[c.step] = failed("compile-error")
			if err := s.deploy(); err == nil {
				t.Error("the workflow reports success")
			}
			s.wantCalls(c.calls...)
			s.wantEnd(sdp.DeployFailed, sdp.StepName(c.step), "compile-error")
		})
	}
}

// What was sealed to the node may expire while a deployment waits for a slot: then its commit has long been resolved.
func TestFailureAfterTheFetchIsNotTheResolvings(t *testing.T) {
	for _, step := range []string{"fetch", "build", "image", "start"} {
		t.Run(step, func(t *testing.T) {
			s := newStage(t)
			s.fails[step] = failed("credentials-expired")
			if err := s.deploy(); err == nil {
				t.Error("the workflow reports success")
			}
			want := sdp.StepName(step)
			if step == "fetch" {
				want = sdp.StepResolve
			}
			s.wantEnd(sdp.DeployFailed, want, "credentials-expired")
		})
	}
}

func TestRouterThatDoesNotConfirmTakesTheSwitchBack(t *testing.T) {
	s := newStage(t)
	s.nodes = []string{"micro-1"}
	s.fails["route"] = failed("router-down")
	if err := s.deploy(); err == nil {
		t.Error("the workflow reports success")
	}
	s.wantCalls("fetch", "checkout", "build", "image", "start", "serve", "route", "unserve", "route back", "discard", "settle")
	s.wantEnd(sdp.DeployFailed, sdp.StepRoute, "router-down")
}

// TestSwitchSaysWhatServedBefore where that was another commit.
func TestSwitchSaysWhatServedBefore(t *testing.T) {
	is := sdp.Container{Service: "account", SHA: strings.Repeat("a", 40)}
	for before, want := range map[string]string{
		"":                      "account -> aaaaaaaaaaaa",
		is.SHA:                  "account -> aaaaaaaaaaaa",
		strings.Repeat("b", 40): "account -> aaaaaaaaaaaa (was bbbbbbbbbbbb)",
	} {
		var s wire.Switch
		if before != "" {
			s.Previous = []sdp.Container{{Service: "account", SHA: before}}
		}
		if got := describeSwitch("account", s, is); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestNodeWithoutWorkerFailsTheDeployment(t *testing.T) {
	s := newStage(t)
	s.fails["fetch"] = temporal.NewTimeoutError(scheduleToStart, nil)
	if err := s.deploy(); err == nil {
		t.Error("the workflow reports success")
	}
	s.wantCalls("fetch", "alive?", "settle")
	s.wantEnd(sdp.DeployFailed, sdp.StepFetch, "no-worker")
	if got := s.ended.Failure.Detail; got != "node micro-1: no worker since 14:02" {
		t.Errorf("detail %q", got)
	}
}

// A node that is heard of and does not take a step up has much to do.
func TestBusyNodeIsOfferedTheStepAgain(t *testing.T) {
	for _, step := range []string{"fetch", "checkout", "build", "image", "start", "route"} {
		t.Run(step, func(t *testing.T) {
			s := newStage(t)
			s.nodes, s.alive = []string{"micro-1"}, true
			s.fails[step] = temporal.NewTimeoutError(scheduleToStart, nil)
			s.block["alive?"] = func() { delete(s.fails, step) }
			if err := s.deploy(); err != nil {
				t.Fatal(err)
			}
			want := []string{"fetch", "checkout", "build", "image", "start", "serve", "route", "settle"}
			at := slices.Index(want, step)
			s.wantCalls(slices.Insert(want, at+1, "alive?", step)...)
		})
	}
}

func TestBusyNodeIsOfferedADiscardAgain(t *testing.T) {
	s := newStage(t)
	s.alive = true
	s.fails["build"], s.fails["discard"] = failed("compile-error"), temporal.NewTimeoutError(scheduleToStart, nil)
	s.block["alive?"] = func() { delete(s.fails, "discard") }
	if err := s.deploy(); err == nil {
		t.Error("the workflow reports success")
	}
	s.wantCalls("fetch", "checkout", "build", "discard", "alive?", "discard", "settle")
	s.wantEnd(sdp.DeployFailed, sdp.StepBuild, "compile-error")
}

// What takes long has a queue of its own, so that no route waits behind it.
func TestNothingQuickWaitsBehindWhatTakesLong(t *testing.T) {
	s := newStage(t)
	s.prev = []sdp.Container{{Deployment: "d0", Sandbox: "demo", Service: "account", Node: "micro-1", SHA: "0000"}}
	queues := map[string]string{}
	s.env.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
		if info.TaskQueue != "default-test-taskqueue" {
			queues[info.ActivityType.Name] = info.TaskQueue
		}
	})
	if err := s.deploy(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"Fetch": "node-micro-1-work", "Checkout": "node-micro-1-work", "Build": "node-micro-1-build",
		"Image": "node-micro-1-build", "Start": "node-micro-1-work", "Retire": "node-micro-1-work", "Route": "node-gateway-1"} {
		if got := queues[name]; got != want && name != "Route" || name == "Route" && strings.HasSuffix(got, "-work") {
			t.Errorf("%s is on %s, want %s", name, got, want)
		}
	}
}

func TestNodeThatIsBusyForEverIsGivenUp(t *testing.T) {
	s := newStage(t)
	s.alive = true
	s.fails["fetch"] = temporal.NewTimeoutError(scheduleToStart, nil)
	if err := s.deploy(); err == nil {
		t.Error("the workflow reports success")
	}
	s.wantEnd(sdp.DeployFailed, sdp.StepFetch, "no-worker")
	if n := slices.Index(s.calls, "settle"); n != 2*offers-1 {
		t.Errorf("%d calls before the end", n)
	}
}

// What others have settled, because Temporal had lost it, does not go on when it comes back: what it left on the node goes,
// unless requests go there.
func TestSettledDeploymentEndsAndLeavesWhatServes(t *testing.T) {
	for _, serves := range []bool{false, true} {
		s := newStage(t)
		s.serves = serves
		s.fails["publish BUILDING"] = failed(sdp.CodeSettled)
		if err := s.deploy(); err == nil {
			t.Error("the workflow reports success")
		}
		want := []string{"fetch", "checkout", "discard", "settle"}
		if serves {
			want = slices.Delete(want, 2, 3)
		}
		s.wantCalls(want...)
		s.wantEnd(sdp.DeployFailed, "", sdp.CodeSettled)
	}
}

func TestCancelEndsOnlyAfterTheNodeConfirmed(t *testing.T) {
	s := newStage(t)
	s.block["build"] = func() { s.env.CancelWorkflow() }
	s.fails["build"] = temporal.NewCanceledError()
	err := s.deploy()
	if !temporal.IsCanceledError(err) {
		t.Errorf("ended with %v, want cancelled", err)
	}
	s.wantCalls("fetch", "checkout", "build", "discard", "settle")
	s.wantEnd(sdp.DeployCancelled, "", "")
}

// Somebody cancelled it, or a newer one was accepted, before its workflow began.
func TestDeploymentThatMayNotBeginEndsAtOnce(t *testing.T) {
	for _, code := range []string{sdp.CodeCancelled, sdp.CodeSuperseded} {
		s := newStage(t)
		s.fails["begin"] = failed(code)
		if err := s.deploy(); !temporal.IsCanceledError(err) {
			t.Errorf("ended with %v, want cancelled", err)
		}
		s.wantCalls("settle")
		s.wantEnd(sdp.DeployCancelled, "", "")
	}
}

func TestDeploymentThatHasEndedKeepsItsEnd(t *testing.T) {
	s := newStage(t)
	s.fails["begin"] = failed(sdp.CodeSettled)
	if err := s.deploy(); err == nil {
		t.Error("the workflow reports success")
	}
	s.wantCalls()
}

// A cancel reaches a deployment in every step, and ends it as cancelled only with its node's word.
func TestCancelInEveryStep(t *testing.T) {
	calls := []string{"fetch", "checkout", "build", "image", "start"}
	for i, step := range calls {
		for _, silent := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s silent=%v", step, silent), func(t *testing.T) {
				s := newStage(t)
				s.fails[step] = temporal.NewCanceledError()
				s.block[step] = func() { s.env.CancelWorkflow() }
				want := append(slices.Clone(calls[:i+1]), "discard")
				if silent {
					s.fails["discard"] = temporal.NewTimeoutError(scheduleToStart, nil)
					want = append(want, "alive?")
				}
				if err := s.deploy(); err == nil || temporal.IsCanceledError(err) == silent {
					t.Errorf("ended with %v", err)
				}
				s.wantCalls(append(want, "settle")...)
				if !silent {
					s.wantEnd(sdp.DeployCancelled, "", "")
					return
				}
				s.wantEnd(sdp.DeployFailed, "", sdp.CodeCancelUnconfirmed)
				f := s.ended.Failure
				if !strings.Contains(f.Detail, "node micro-1: no worker since 14:02") || !strings.Contains(f.Remedy, "node micro-1 removes") {
					t.Errorf("failure %+v", f)
				}
			})
		}
	}
}

// A step whose node falls silent while it is cancelled is cancelled, and not failed: what becomes of it the clean-up says. One
// that fails by itself has failed.
func TestStepThatIsCancelledEndsAsWhatItIs(t *testing.T) {
	unavailable := failure.Workflow(sdp.Failure{Kind: sdp.Unavailable, Code: "worker-stopping"})
	for _, c := range []struct {
		what      string
		ends      error
		cancelled bool
	}{
		{"worker lost", temporal.NewTimeoutError(enums.TIMEOUT_TYPE_HEARTBEAT, nil), true},
		{"too slow", temporal.NewTimeoutError(enums.TIMEOUT_TYPE_START_TO_CLOSE, nil), true},
		{"not taken up", temporal.NewTimeoutError(scheduleToStart, nil), true},
		{"worker stopping", unavailable, true},
		{"confirmed", temporal.NewCanceledError(), true},
		{"does not compile", failed("compile-error"), false},
		{"done", nil, false},
	} {
		t.Run(c.what, func(t *testing.T) {
			s := newStage(t)
			s.env.RegisterDelayedCallback(s.env.CancelWorkflow, time.Second)
			d := &deploy{op: sdp.OperationRef{ID: "d1"}}
			d.job.Node = "micro-1"
			s.env.ExecuteWorkflow(func(ctx workflow.Context) error {
				ctx = shaped(ctx, wire.Shape)
				d.progress = newProgress(ctx, "d1")
				return d.step(ctx, sdp.StepBuild, false, func(ctx workflow.Context) (string, error) {
					ctx.Done().Receive(ctx, nil)
					return "", c.ends
				})
			})
			if err := s.env.GetWorkflowError(); temporal.IsCanceledError(err) != c.cancelled || (err == nil) != (c.ends == nil) {
				t.Errorf("ended with %v", err)
			}
			if got := d.progress.step(sdp.StepBuild).State; (got == sdp.StepCancelled) != c.cancelled {
				t.Errorf("the step is %s", got)
			}
		})
	}
}

// What the database calls serving is not removed.
func TestSwitchThatCannotBeTakenBackKeepsItsContainer(t *testing.T) {
	s := newStage(t)
	s.nodes = []string{"micro-1"}
	s.fails["route"], s.fails["unserve"] = failed("router-down"), failed("internal")
	if err := s.deploy(); err == nil {
		t.Error("the workflow reports success")
	}
	s.wantCalls("fetch", "checkout", "build", "image", "start", "serve", "route", "unserve", "settle")
	s.wantEnd(sdp.DeployFailed, sdp.StepRoute, "router-down")
	if !strings.Contains(s.ended.Failure.Detail, "could not be taken back") {
		t.Errorf("failure %+v", s.ended.Failure)
	}
}

func TestSwitchOfWhatIsGoneNeedsNoTakingBack(t *testing.T) {
	s := newStage(t)
	s.nodes = []string{"micro-1"}
	s.fails["route"], s.fails["unserve"] = failed("router-down"), failed("container-gone")
	_ = s.deploy()
	s.wantCalls("fetch", "checkout", "build", "image", "start", "serve", "route", "unserve", "discard", "settle")
}

func TestProgressQueryAnswersLikeTheDatabase(t *testing.T) {
	s := newStage(t)
	if err := s.deploy(); err != nil {
		t.Fatal(err)
	}
	value, err := s.env.QueryWorkflow(wire.ProgressQuery)
	if err != nil {
		t.Fatal(err)
	}
	var p wire.Progress
	if err := value.Get(&p); err != nil {
		t.Fatal(err)
	}
	if p.State != sdp.Running || p.SHA != s.image.SHA || len(p.Steps) != len(sdp.Steps) {
		t.Errorf("progress %+v", p)
	}
}
