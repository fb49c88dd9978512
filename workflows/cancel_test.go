package workflows

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// answers are what activities answer, by name; where there is none it is the zero value.
type answers map[string]any

var (
	switched = wire.Switch{Table: wire.RoutingTable{Sandbox: "demo", GatewayNode: "gateway-1"}, Nodes: []string{"micro-1", "gateway-1"}}
	deployed = answers{"BeginDeploy": wire.Job{Sandbox: "demo", Service: "account", Node: "micro-1", Kind: sdp.GoRepository},
		"BeginRoute": switched, "Start": sdp.Container{Deployment: "d1", Sandbox: "demo", Service: "account", Node: "micro-1"},
		"NodeStatus": "node micro-1: no worker since 14:02"}
	running = sdp.Container{Deployment: "d0", Sandbox: "demo", Service: "account", Node: "micro-1"}
	down    = wire.TeardownInput{Sandbox: "demo", Nodes: switched.Nodes}
)

// kindsInTest has an entry for every kind of operation: what its activities answer.
var kindsInTest = map[sdp.OperationKind]answers{
	sdp.OpDeploy:  deployed,
	sdp.OpRestart: deployed.and(answers{"NewRestart": op(sdp.OpDeploy, "d1", "account")}),
	sdp.OpCreate:  {"CurrentTable": switched},
	sdp.OpStop:    {"StopService": wire.Switch{Table: switched.Table, Nodes: switched.Nodes, Previous: []sdp.Container{running}}},
	sdp.OpRoute:   {"SetRoute": switched},
	sdp.OpDelete:  {"BeginTeardown": down},
	sdp.OpTouch:   {},
	sdp.OpApply:   deployed.and(answers{"BeginChange": wire.Change{Actions: []sdp.Action{toDeploy("account")}}}),
	sdp.OpRestore: deployed.and(answers{"CommitChange": switched,
		"BeginChange": wire.Change{Atomic: true, Actions: []sdp.Action{toDeploy("account"), toDeploy("payment")}}}),
	sdp.OpClone: deployed.and(answers{"CommitChange": switched, "CurrentTable": switched, "AbandonChange": down,
		"BeginChange": wire.Change{New: true, Atomic: true, Actions: []sdp.Action{toDeploy("account"), toDeploy("payment")}}}),
}

func toDeploy(service string) sdp.Action {
	return sdp.Action{Service: service, Kind: sdp.ActionDeploy, Deployment: "d-" + service}
}

func (a answers) and(more answers) answers {
	all := answers{}
	for _, some := range []answers{a, more} {
		for name, answer := range some {
			all[name] = answer
		}
	}
	return all
}

// theatre is a sandbox's entity with the operations as they are, and activities that answer as they are told. One of them may
// be where a cancel arrives.
type theatre struct {
	t       *testing.T
	env     *testsuite.TestWorkflowEnvironment
	op      sdp.OperationRef
	answers answers
	at      string // the activity in which the operation is cancelled
	stays   bool   // that goes on in spite of it
	silent  bool   // nodes do not take up what cleans up

	lock    sync.Mutex
	calls   []string // in order; on a node: "Fetch on node-micro-1"
	nodes   []string // the activities on nodes
	begun   []string // deployments of which something is on a node
	gone    []string // those of which a node has confirmed that nothing is left
	cleaned chan struct{}
	ends    map[string]sdp.OperationState // how the operation, or its deployments, were settled
	failure *sdp.Failure                  // of the operation
}

func newTheatre(t *testing.T, kind sdp.OperationKind) *theatre {
	var suite testsuite.WorkflowTestSuite
	given, has := kindsInTest[kind]
	if !has {
		t.Fatalf("kindsInTest has no entry for %s", kind)
	}
	x := &theatre{t: t, env: suite.NewTestWorkflowEnvironment(), op: op(kind, "x1", "account"), answers: given,
		cleaned: make(chan struct{}), ends: map[string]sdp.OperationState{}}
	x.env.SetTestTimeout(20 * time.Second)
	for _, definition := range Definitions() {
		x.env.RegisterWorkflow(definition)
	}
	for _, activities := range []reflect.Type{reflect.TypeOf(host), reflect.TypeOf(control)} {
		for method := range activities.Methods() {
			x.fake(method, activities == reflect.TypeOf(host))
		}
	}
	return x
}

// fake stands for an activity.
func (x *theatre) fake(method reflect.Method, onNode bool) {
	in := []reflect.Type{reflect.TypeFor[context.Context]()}
	for i := 2; i < method.Type.NumIn(); i++ {
		in = append(in, method.Type.In(i))
	}
	out := []reflect.Type{method.Type.Out(0), reflect.TypeFor[error]()}
	play := func(args []reflect.Value) []reflect.Value {
		answer := reflect.New(out[0]).Elem()
		if given, has := x.answers[method.Name]; has {
			answer.Set(reflect.ValueOf(given))
		}
		if job, is := answer.Interface().(wire.Job); is {
			job.Deployment = args[1].Interface().(wire.Begun).Progress.Deployment
			answer.Set(reflect.ValueOf(job))
		}
		failed := reflect.New(out[1]).Elem()
		if err := x.play(args[0].Interface().(context.Context), method.Name, onNode, args[1:]); err != nil {
			failed.Set(reflect.ValueOf(err))
		}
		return []reflect.Value{answer, failed}
	}
	x.env.RegisterActivityWithOptions(reflect.MakeFunc(reflect.FuncOf(in, out, false), play).Interface(),
		activity.RegisterOptions{Name: method.Name})
}

func (x *theatre) play(ctx context.Context, name string, onNode bool, args []reflect.Value) error {
	x.lock.Lock()
	first := onNode && !slices.Contains(x.nodes, name)
	if onNode {
		x.nodes = append(x.nodes, name)
		x.calls = append(x.calls, name+" on "+activity.GetInfo(ctx).TaskQueue)
	} else {
		x.calls = append(x.calls, name)
	}
	if job, of := args[0].Interface().(wire.Job); onNode && of && !slices.Contains(x.gone, job.Deployment) {
		// after that the test environment may still begin what was cancelled; a node does not
		x.begun = append(x.begun, job.Deployment)
	}
	x.lock.Unlock()
	switch name {
	case "Settle":
		in := args[0].Interface().(wire.SettleInput)
		x.settled(in.Operation.ID, in.State, in.Failure)
	case "SettleDeployment":
		in := args[0].Interface().(wire.Progress)
		x.settled(in.Deployment, map[sdp.DeploymentState]sdp.OperationState{sdp.Running: sdp.OpSucceeded,
			sdp.DeployFailed: sdp.OpFailed, sdp.DeployCancelled: sdp.OpCancelled}[in.State], in.Failure)
	case "Discard":
		return x.discard(args[0].Interface().(wire.DiscardInput).Deployment)
	}
	if first && name == x.at {
		x.env.SignalWorkflow(wire.CancelSignal, sdp.OperationWorkflowID(x.op.Kind, x.op.ID))
		if !x.stays {
			<-x.cleaned
		}
	}
	return nil
}

// settled notes how something ended: as in the database, the first end counts.
func (x *theatre) settled(id string, state sdp.OperationState, failure *sdp.Failure) {
	x.lock.Lock()
	defer x.lock.Unlock()
	if end, noted := x.ends[id]; noted && end.Settled() {
		return
	}
	x.ends[id] = state
	if id == x.op.ID {
		x.failure = failure
	}
}

func (x *theatre) discard(deployment string) error {
	x.lock.Lock()
	defer x.lock.Unlock()
	select {
	case <-x.cleaned:
	default:
		close(x.cleaned)
	}
	if x.silent {
		return temporal.NewTimeoutError(scheduleToStart, nil)
	}
	x.gone = append(x.gone, deployment)
	x.begun = slices.DeleteFunc(x.begun, func(id string) bool { return id == deployment })
	return nil
}

// run lets the entity carry the operation out and end.
func (x *theatre) run() {
	x.t.Helper()
	x.env.RegisterDelayedCallback(func() { x.env.SignalWorkflow(wire.SubmitSignal, x.op) }, time.Second)
	x.env.ExecuteWorkflow(Sandbox, wire.SandboxInput{Sandbox: "demo", Shape: wire.Shape})
	if err := x.env.GetWorkflowError(); err != nil {
		x.t.Fatal(err)
	}
}

// want checks how the operation ended, and that nothing is called cancelled without the word of its node, nor left unsaid
// which node has not given it.
func (x *theatre) want(state sdp.OperationState) {
	x.t.Helper()
	if x.ends[x.op.ID] != state {
		x.t.Errorf("it ended %s (%+v), want %s; calls %q", x.ends[x.op.ID], x.failure, state, x.calls)
	}
	if f := x.failure; state == sdp.OpFailed && (!strings.Contains(f.Detail, "nobody has confirmed that nothing of it is left: node micro-1: no worker since") ||
		strings.Contains(f.Detail, "canceled")) {
		x.t.Errorf("the failure is %+v", f)
	}
	for id, end := range x.ends {
		if end == sdp.OpCancelled && (slices.Contains(x.begun, id) || id == x.op.ID && len(x.begun) > 0) {
			x.t.Errorf("%s is called cancelled with %q on the node; calls %q", id, x.begun, x.calls)
		}
	}
}

// stages are the activities on nodes that an operation has when nobody cancels it, and which of them come after the switch.
func stages(t *testing.T, kind sdp.OperationKind) (all []string, late map[string]bool) {
	t.Helper()
	x := newTheatre(t, kind)
	x.run()
	x.want(sdp.OpSucceeded)
	late = map[string]bool{}
	committed := false
	for _, call := range x.calls {
		name, _, onNode := strings.Cut(call, " on ")
		committed = committed || name == "BeginRoute" || name == "CommitChange"
		if onNode && !slices.Contains(all, name) {
			all = append(all, name)
			late[name] = committed
		}
	}
	return all, late
}

// A cancel of an operation of any kind, in any of its steps on a node, whether the node then answers or not.
func TestCancelOfEveryKindWhileItRuns(t *testing.T) {
	for _, kind := range sdp.OperationKinds() {
		all, late := stages(t, kind)
		may := kind.Rules().CancellableIn(sdp.OpRunning)
		for _, at := range all {
			for _, silent := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s in %s silent=%v", kind, at, silent), func(t *testing.T) {
					x := newTheatre(t, kind)
					x.at, x.silent, x.stays = at, silent, !may || late[at]
					x.run()
					switch {
					case x.stays:
						x.want(sdp.OpSucceeded)
					case silent && slices.Contains(x.nodes, "Discard"): // nothing was on the node if not
						x.want(sdp.OpFailed)
					default:
						x.want(sdp.OpCancelled)
					}
				})
			}
		}
	}
}

// A cancel of an operation of any kind that waits for another one.
func TestCancelOfEveryKindWhileItWaits(t *testing.T) {
	for _, kind := range sdp.OperationKinds() {
		t.Run(string(kind), func(t *testing.T) {
			blocker := op(sdp.OpCreate, "blocker", "")
			if kind == sdp.OpCreate {
				blocker.Kind = sdp.OpApply
			}
			x := newTheatre(t, kind)
			x.env.RegisterWorkflowWithOptions(func(ctx workflow.Context, _ sdp.OperationRef) (wire.Done, error) {
				return done(workflow.Sleep(ctx, time.Minute))
			}, workflow.RegisterOptions{Name: blocker.Kind.Rules().Workflow, DisableAlreadyRegisteredCheck: true})
			x.env.RegisterDelayedCallback(func() { x.env.SignalWorkflow(wire.SubmitSignal, blocker) }, 0)
			x.env.RegisterDelayedCallback(func() {
				x.env.SignalWorkflow(wire.CancelSignal, sdp.OperationWorkflowID(kind, x.op.ID))
			}, 2*time.Second)
			x.run()
			if kind.Rules().Lane == sdp.LaneFree || !kind.Rules().CancellableIn(sdp.OpQueued) {
				x.want(sdp.OpSucceeded)
				return
			}
			if x.ends[x.op.ID] != sdp.OpCancelled || x.failure.Code != sdp.CodeCancelled || len(x.nodes) > 0 {
				t.Errorf("it ended %s (%+v); calls %q", x.ends[x.op.ID], x.failure, x.calls)
			}
		})
	}
}
