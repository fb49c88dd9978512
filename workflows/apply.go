package workflows

import (
	"errors"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/workflow"

	"sdp/internal/failure"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// Apply carries a change out: an apply, a clone or a restore. What it does to one service is a part; parts run side by
// side, deployments as children of their own. Without Atomic each part succeeds or fails by itself. With it, containers
// are started beside what serves and wait there until all are healthy; then one transaction switches all routes and one table
// goes to the routers. Whatever goes wrong before leaves no trace.
func Apply(ctx workflow.Context, op sdp.OperationRef) (wire.Done, error) {
	return operation{op}.settled(ctx, (&apply{op: op}).run)
}

type apply struct {
	op      sdp.OperationRef
	change  wire.Change
	parts   []*part
	stopped bool // somebody cancelled one of the parts
	over    bool // it comes to nothing
	stuck   bool // what it switched could not be taken back, so that it serves
}

// part is what is done to one service, to the gateway's place or to the public port.
type part struct {
	name   string // for people
	action sdp.Action
	child  workflow.ChildWorkflowFuture // of a deployment
	cancel workflow.CancelFunc
	ready  *sdp.Container // healthy, waiting for the decision
	ended  bool
	err    error
}

func (a *apply) run(ctx workflow.Context) error {
	err := workflow.ExecuteLocalActivity(database(ctx), control.BeginChange, a.op.ID).Get(ctx, &a.change)
	if err == nil && a.change.Atomic {
		err = a.runAtomically(ctx)
	} else if err == nil {
		err = a.runIndependently(ctx)
	}
	if err != nil && a.change.New && a.change.Atomic {
		return errors.Join(err, a.tearDown(ctx))
	}
	return err
}

// runIndependently does each part by itself. A cancel reaches the parts directly; those that are done by then stay done.
func (a *apply) runIndependently(ctx workflow.Context) error {
	a.listen(ctx)
	a.deploy(ctx)
	a.claim(ctx)
	if a.change.Gateway {
		a.parts = append(a.parts, a.startPart(ctx, "the gateway", a.gateway))
	}
	for _, action := range a.change.Actions {
		if !action.Kind.Deploys() && !a.withGateway(action) {
			a.parts = append(a.parts, a.startPart(ctx, action.Service, func(ctx workflow.Context) error {
				return a.reroute(ctx, wire.CommitInput{Services: []string{action.Service}})
			}))
		}
	}
	a.awaitAll(ctx)
	return a.outcome(ctx)
}

// runAtomically does everything or nothing.
func (a *apply) runAtomically(ctx workflow.Context) error {
	whole, done := workflow.NewDisconnectedContext(ctx)
	defer done()
	a.listen(whole)
	a.deploy(whole)
	a.claim(whole)
	err := workflow.Await(ctx, func() bool { return a.broken() || a.prepared() })
	if err != nil || a.broken() {
		return a.giveUp(whole, err)
	}
	s, err := a.switchOver(ctx, a.everything())
	if err != nil && !(a.stuck && honestCancel.in(whole)) {
		return a.giveUp(whole, err)
	}
	for _, p := range a.parts {
		p.sendDecision(whole, wire.Decision{Serves: true, Detail: p.switched(s)})
	}
	if err == nil {
		a.retire(whole, s)
	}
	a.awaitAll(whole)
	return errors.Join(err, a.outcome(whole))
}

// deploy starts the deployments.
func (a *apply) deploy(ctx workflow.Context) {
	for _, action := range a.change.Actions {
		if !action.Kind.Deploys() {
			continue
		}
		ref := sdp.OperationRef{ID: action.Deployment, Kind: sdp.OpDeploy, Sandbox: a.op.Sandbox, Service: action.Service,
			User: a.op.User, Hold: a.change.Atomic}
		p := &part{name: action.Service, action: action}
		var own workflow.Context
		own, p.cancel = workflow.WithCancel(ctx)
		p.child = startChild(own, ref, enums.PARENT_CLOSE_POLICY_REQUEST_CANCEL)
		workflow.Go(ctx, func(ctx workflow.Context) {
			p.err = confirmed(ctx, p.child)
			p.ended = true
		})
		a.parts = append(a.parts, p)
	}
}

// claim has the gateway node's router own the public port of a sandbox the change makes.
func (a *apply) claim(ctx workflow.Context) {
	if a.change.New {
		a.parts = append(a.parts, a.startPart(ctx, "the public port", func(ctx workflow.Context) error {
			return claimPort(ctx, a.op.Sandbox)
		}))
	}
}

// startPart runs a part that is no deployment.
func (a *apply) startPart(ctx workflow.Context, name string, do func(workflow.Context) error) *part {
	p := &part{name: name}
	ctx, p.cancel = workflow.WithCancel(ctx)
	workflow.Go(ctx, func(ctx workflow.Context) {
		p.err = do(ctx)
		p.ended = true
	})
	return p
}

// gateway has the public port answered by another service, once that runs; the one before is then rerouted or removed.
func (a *apply) gateway(ctx workflow.Context) error {
	for _, p := range a.parts {
		if p.action.Service != a.change.Front || p.child == nil {
			continue
		}
		if err := workflow.Await(ctx, func() bool { return p.ended }); err != nil {
			return err
		}
		if p.err != nil {
			return failure.Workflow(sdp.Failure{Kind: sdp.Conflict, Code: "gateway-stays",
				Detail: "stays as it was, because " + p.name + " does not run"})
		}
	}
	in := wire.CommitInput{Gateway: true}
	for _, action := range a.change.Actions {
		if a.withGateway(action) {
			in.Services = append(in.Services, action.Service)
		}
	}
	return a.reroute(ctx, in)
}

// withGateway reports whether an action takes the gateway that was away: it must not go before the new one answers.
func (a *apply) withGateway(action sdp.Action) bool {
	return a.change.Gateway && action.Service == a.change.Back && !action.Kind.Deploys()
}

func (a *apply) reroute(ctx workflow.Context, in wire.CommitInput) error {
	s, err := a.switchOver(ctx, in)
	if err == nil {
		a.retire(ctx, s)
	}
	return err
}

// switchOver commits a switch and tells every router concerned. Once it is committed a cancel comes too late; a router
// that does not confirm takes the switch back.
func (a *apply) switchOver(ctx workflow.Context, in wire.CommitInput) (s wire.Switch, err error) {
	if err := ctx.Err(); err != nil {
		return s, err
	}
	ctx, done := workflow.NewDisconnectedContext(ctx)
	defer done()
	in.Operation = a.op.ID
	err = workflow.ExecuteLocalActivity(database(ctx), control.CommitChange, in).Get(ctx, &s)
	if err == nil {
		err = applyTable(ctx, s, in.Containers...)
	}
	if err == nil {
		return s, nil
	}
	var back wire.Switch
	undone := workflow.ExecuteLocalActivity(database(ctx), control.RevertChange, in).Get(ctx, &back)
	a.stuck = undone != nil
	if undone == nil {
		undone = applyTable(ctx, back)
	}
	return s, errors.Join(err, undone)
}

func (a *apply) everything() wire.CommitInput {
	in := wire.CommitInput{Gateway: a.change.Gateway}
	for _, action := range a.change.Actions {
		in.Services = append(in.Services, action.Service)
	}
	for _, p := range a.parts {
		if p.ready != nil {
			in.Containers = append(in.Containers, *p.ready)
		}
	}
	return in
}

// retire lets what was replaced finish its requests, on its own time.
func (a *apply) retire(ctx workflow.Context, s wire.Switch) {
	for _, action := range a.change.Actions {
		retire(ctx, s.Replaced(action.Service), action.Deployment)
	}
}

// giveUp has every part end, and waits until the nodes have confirmed that nothing of it is left.
func (a *apply) giveUp(ctx workflow.Context, cause error) error {
	a.over = true
	for _, p := range a.parts {
		p.stop(ctx)
	}
	a.awaitAll(ctx)
	return a.nothingChanged(ctx, cause)
}
