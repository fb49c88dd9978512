// Package workflows holds the durable definitions: one file per subject, each a struct whose run reads as prose.
//
// Sandbox is the entity: one per sandbox, it decides when each operation may run and starts it as a child of its own
// ("deploy/<id>", "delete/<id>", ...), so that each is one readable run in the Temporal UI. Everything that touches a
// node is an activity on that node's task queue; everything that touches the database is a local activity of the
// control worker. What has ended is done only if it says so: see confirmed.
//
// The code here is deterministic: `make lint` runs workflowcheck, and tests replay saved histories. Runs that another build
// began go on with this one: what a workflow does otherwise than before is a change of shape.go, which the run's input says that
// it does, and the histories in testdata are never changed or removed while a run like them may exist. Worker Versioning was
// weighed and left: docs/architecture.md says why. What runs write down has names of its own, in internal/wire.
package workflows

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// idleLimit is how long an entity without work stays before it ends; the next operation starts it anew.
const idleLimit = 10 * time.Minute

// Sandbox orders the operations of one sandbox. Deployments of different services run side by side; a newer deployment
// of a service supersedes the older; creating and deleting are exclusive, and deleting cancels what runs.
func Sandbox(ctx workflow.Context, in wire.SandboxInput) error {
	ctx = shaped(ctx, in.Shape)
	s := &entity{sandbox: in.Sandbox, limit: in.HistoryLimit, queue: in.Queue, wake: workflow.NewBufferedChannel(ctx, 1)}
	if err := workflow.SetQueryHandler(ctx, wire.HeldQuery, func() ([]string, error) { return s.held(), nil }); err != nil {
		return err
	}
	return s.run(ctx)
}

type entity struct {
	sandbox string
	limit   int                // see wire.SandboxInput
	queue   []sdp.OperationRef // accepted, not started; in order of arrival
	running []*child           // started, not ended; in order of start
	wake    workflow.Channel
}

type child struct {
	op     sdp.OperationRef
	cancel workflow.CancelFunc
	ended  bool
}

func (s *entity) run(ctx workflow.Context) error {
	for {
		s.startWhatMay(ctx)
		if len(s.running) == 0 && s.long(ctx) {
			s.drainSignals(ctx)
			return workflow.NewContinueAsNewError(ctx, Sandbox,
				wire.SandboxInput{Sandbox: s.sandbox, Queue: s.queue, HistoryLimit: s.limit, Shape: wire.Shape})
		}
		if idle := s.waitForWork(ctx); idle {
			return nil
		}
	}
}

// waitForWork blocks until a signal arrived or a child ended. It reports true if neither happened for idleLimit while
// nothing was left to do.
func (s *entity) waitForWork(ctx workflow.Context) (idle bool) {
	timerCtx, stopTimer := workflow.WithCancel(ctx)
	defer stopTimer()
	s.show(ctx)
	sel := workflow.NewSelector(ctx)
	sel.AddReceive(workflow.GetSignalChannel(ctx, wire.SubmitSignal), func(c workflow.ReceiveChannel, _ bool) {
		var op sdp.OperationRef
		if c.ReceiveAsync(&op) { // Receive would wait for the next one where this cannot be read
			s.accept(ctx, op)
		}
	})
	sel.AddReceive(workflow.GetSignalChannel(ctx, wire.CancelSignal), func(c workflow.ReceiveChannel, _ bool) {
		var named string
		if c.ReceiveAsync(&named) {
			s.cancelOperation(ctx, named)
		}
	})
	sel.AddReceive(s.wake, func(c workflow.ReceiveChannel, _ bool) { c.Receive(ctx, nil) })
	if len(s.running) == 0 && len(s.queue) == 0 {
		sel.AddFuture(workflow.NewTimer(timerCtx, idleLimit), func(f workflow.Future) { idle = f.Get(ctx, nil) == nil })
	}
	sel.Select(ctx)
	s.running = slices.DeleteFunc(s.running, func(c *child) bool { return c.ended })
	return idle
}

// How many events a history may have before the run goes on in a new one, if Temporal's suggestion does not count, and how
// many times that it may have before nothing is started any more. Temporal ends a run at 51,200 events.
const (
	suggestedEvents = 4096
	fullFactor      = 5
)

// long reports whether the run goes on in a new one as soon as nothing runs; until then everything goes on as before. What
// runs is not carried over: the new run would be told of its end by another way, which each operation would pay for with
// events, while a sandbox of some thousand operations without a moment's rest waits once for those that run.
func (s *entity) long(ctx workflow.Context) bool {
	info := workflow.GetInfo(ctx)
	if s.limit > 0 {
		return info.GetCurrentHistoryLength() >= s.limit
	}
	return info.GetContinueAsNewSuggested()
}

// full reports whether the history is so long that nothing may be started before the run goes on in a new one: in a sandbox
// in which, over some thousand operations, there was no moment without one.
func (s *entity) full(ctx workflow.Context) bool {
	if !s.long(ctx) {
		return false
	}
	if !continueAtRest.in(ctx) {
		return true
	}
	return workflow.GetInfo(ctx).GetCurrentHistoryLength() >= fullFactor*cmp.Or(s.limit, suggestedEvents)
}

// drainSignals takes all that was sent. Taking one may wait for the database, and others arrive meanwhile.
func (s *entity) drainSignals(ctx workflow.Context) {
	for more := true; more; {
		more = false
		var op sdp.OperationRef
		for workflow.GetSignalChannel(ctx, wire.SubmitSignal).ReceiveAsync(&op) {
			more = true
			s.accept(ctx, op)
			op = sdp.OperationRef{}
		}
		var named string
		for workflow.GetSignalChannel(ctx, wire.CancelSignal).ReceiveAsync(&named) {
			more = true
			s.cancelOperation(ctx, named)
		}
	}
}

// accept queues an operation, unless it is known, and makes room for it: a newer deployment of a service supersedes
// older ones, a delete cancels everything. A deployment that arrives after a newer one is what is superseded.
func (s *entity) accept(ctx workflow.Context, op sdp.OperationRef) {
	if s.knows(op.ID) {
		return
	}
	if newer, late := s.newer(op); late {
		s.settle(ctx, op, sdp.CodeSuperseded, "replaced by "+newer.Title()+" before it began")
		return
	}
	for _, c := range s.running {
		if op.Supersedes(c.op) {
			c.cancel()
		}
	}
	superseded := s.take(op.Supersedes)
	s.queue = append(s.queue, op)
	for _, q := range superseded {
		s.settle(ctx, q, sdp.CodeSuperseded, "replaced by "+op.Title()+" before it began")
	}
	if behind, must := s.blocker(len(s.queue) - 1); must {
		s.reportWaiting(ctx, op, behind)
	}
}

// newer returns what is known, was accepted after op and makes it pointless.
func (s *entity) newer(op sdp.OperationRef) (sdp.OperationRef, bool) {
	supersedes := func(known sdp.OperationRef) bool { return op.OlderThan(known) && known.Supersedes(op) }
	if i := slices.IndexFunc(s.queue, supersedes); i >= 0 {
		return s.queue[i], true
	}
	if i := slices.IndexFunc(s.running, func(c *child) bool { return supersedes(c.op) }); i >= 0 {
		return s.running[i].op, true
	}
	return sdp.OperationRef{}, false
}

// take removes from the queue what matches, and returns it.
func (s *entity) take(matches func(sdp.OperationRef) bool) (taken []sdp.OperationRef) {
	s.queue = slices.DeleteFunc(s.queue, func(q sdp.OperationRef) bool {
		if !matches(q) {
			return false
		}
		taken = append(taken, q)
		return true
	})
	return taken
}

// held lists the operations that are queued or run.
func (s *entity) held() []string {
	ids := []string{}
	for _, q := range s.queue {
		ids = append(ids, q.ID)
	}
	for _, c := range s.running {
		ids = append(ids, c.op.ID)
	}
	return ids
}

func (s *entity) knows(id string) bool { return slices.Contains(s.held(), id) }

// blocker returns what the i-th queued operation must wait for: a running one, or one queued before it.
func (s *entity) blocker(i int) (sdp.OperationRef, bool) {
	for _, c := range s.running {
		if !c.ended && s.queue[i].WaitsFor(c.op) {
			return c.op, true
		}
	}
	for _, q := range s.queue[:i] {
		if s.queue[i].WaitsFor(q) {
			return q, true
		}
	}
	return sdp.OperationRef{}, false
}

// startWhatMay starts every queued operation that nothing blocks, and ends those it does not know how to start. It starts
// none once the history is full.
func (s *entity) startWhatMay(ctx workflow.Context) {
	if s.full(ctx) {
		return
	}
	for i := 0; i < len(s.queue); {
		if _, must := s.blocker(i); must {
			i++
			continue
		}
		op := s.queue[i]
		s.queue = slices.Delete(s.queue, i, i+1)
		if op.Kind.Known() {
			s.start(ctx, op)
		} else {
			s.refuse(ctx, op)
		}
	}
}

func (s *entity) start(ctx workflow.Context, op sdp.OperationRef) {
	childCtx, cancel := workflow.WithCancel(ctx)
	c := &child{op: op, cancel: cancel}
	s.running = append(s.running, c)
	future := startChild(childCtx, op, enums.PARENT_CLOSE_POLICY_ABANDON)
	workflow.Go(ctx, func(ctx workflow.Context) {
		err := confirmed(ctx, future)
		var known *temporal.ChildWorkflowExecutionAlreadyStartedError
		switch {
		case err == nil || errors.As(err, &known):
		case temporal.IsCanceledError(err):
			s.settle(ctx, op, sdp.CodeCancelled, "cancelled")
		default:
			s.settle(ctx, op, "workflow-ended", "its workflow ended before it could finish")
		}
		if temporal.IsTerminatedError(err) && keptLane.in(ctx) {
			s.awaitLeft(ctx, childCtx, op)
		}
		c.ended = true
		s.wake.SendAsync(nil)
	})
}

// How long what a terminated operation has left is waited for until it is looked at again, at first and at the most.
const (
	leftPause    = 2 * time.Second
	leftMaxPause = time.Minute
)

// awaitLeft waits for the deployments that an operation has started and that go on though its own workflow was terminated:
// nothing else may be done to their services meanwhile. What would cancel the operation, own, cancels a restart's deployment;
// those of a change are cancelled already.
func (s *entity) awaitLeft(ctx, own workflow.Context, op sdp.OperationRef) {
	if op.Kind == sdp.OpRestart {
		workflow.Go(ctx, func(ctx workflow.Context) {
			own.Done().Receive(ctx, nil)
			cancelWorkflow(ctx, sdp.OpDeploy, sdp.RestartDeployment(op.ID))
		})
	}
	for pause := leftPause; s.left(ctx, op); pause = min(2*pause, leftMaxPause) {
		if err := workflow.Sleep(ctx, pause); err != nil {
			return
		}
	}
}

func (s *entity) left(ctx workflow.Context, op sdp.OperationRef) (left bool) {
	if err := workflow.ExecuteLocalActivity(database(ctx), control.Left, op).Get(ctx, &left); err != nil {
		workflow.GetLogger(ctx).Error("Asking what a terminated operation has left failed", "operation", op.ID, "error", err)
	}
	return left
}

// startChild starts an operation's own workflow. It ends only when what it did is undone or done, hence the wait.
func startChild(ctx workflow.Context, op sdp.OperationRef, whenParentEnds enums.ParentClosePolicy) workflow.ChildWorkflowFuture {
	attributes := []temporal.SearchAttributeUpdate{attrSandbox.ValueSet(op.Sandbox), attrService.ValueSet(op.Service),
		attrUser.ValueSet(op.User), attrState.ValueSet(firstState(op))}
	if op.Node != "" {
		attributes = append(attributes, attrNode.ValueSet(op.Node))
	}
	op.Shape = wire.Shape
	return workflow.ExecuteChildWorkflow(workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            sdp.OperationWorkflowID(op.Kind, op.ID),
		WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		ParentClosePolicy:     whenParentEnds,
		WaitForCancellation:   true,
		StaticSummary:         op.Title(),
		TypedSearchAttributes: temporal.NewSearchAttributes(attributes...),
	}), op.Kind.Rules().Workflow, op)
}

// cancelOperation cancels a running operation, or ends a queued one at once: nothing of it has begun. What is not known here
// is cancelled by the ID of its workflow: a part of a change, what a restart started, or what another run of the entity did.
func (s *entity) cancelOperation(ctx workflow.Context, named string) {
	kind, id, whole := strings.Cut(named, "/")
	if !whole {
		id = named
	}
	if !s.knows(id) {
		if whole {
			cancelWorkflow(ctx, sdp.OperationKind(kind), id)
		} else {
			s.cancelPart(ctx, id)
		}
		return
	}
	for _, c := range s.running {
		if c.op.ID == id && c.op.Kind.Rules().CancellableIn(sdp.OpRunning) {
			c.cancel()
		}
	}
	mayEnd := func(q sdp.OperationRef) bool { return q.ID == id && q.Kind.Rules().CancellableIn(sdp.OpQueued) }
	for _, q := range s.take(mayEnd) {
		s.settle(ctx, q, sdp.CodeCancelled, "cancelled before it began")
	}
}

// cancelWorkflow asks the workflow of an operation to end. If there is none, or none any more, there is nothing to do: the
// operation's row says that it is to be cancelled, and will not begin.
func cancelWorkflow(ctx workflow.Context, kind sdp.OperationKind, id string) {
	if !kind.Rules().CancellableIn(sdp.OpRunning) {
		return
	}
	err := workflow.RequestCancelExternalWorkflow(ctx, sdp.OperationWorkflowID(kind, id), "").Get(ctx, nil)
	if err != nil {
		workflow.GetLogger(ctx).Info("What is to be cancelled does not run", "operation", id, "error", err)
	}
}

// cancelPart passes on what a server of before sent, which did not say of which kind the operation is.
func (s *entity) cancelPart(ctx workflow.Context, id string) {
	for _, c := range s.running {
		if c.op.Kind.Changes() && !c.ended {
			change := sdp.OperationWorkflowID(c.op.Kind, c.op.ID)
			workflow.SignalExternalWorkflow(ctx, change, "", wire.CancelSignal, id) // it has ended if this fails
		}
	}
}

// refuse ends an operation of a kind that is not known here: a newer server's, or a mistake. What it would do to the sandbox
// must not be guessed.
func (s *entity) refuse(ctx workflow.Context, op sdp.OperationRef) {
	s.write(ctx, wire.SettleInput{Operation: op, State: sdp.OpFailed, Failure: &sdp.Failure{
		Kind: sdp.Internal, Code: "unknown-operation",
		Detail: fmt.Sprintf("the server that orders sandbox %s knows no operation %q; nothing was done", s.sandbox, op.Kind),
		Remedy: sdp.SameVersion + "; then try again"}})
}

// settle writes the end of an operation whose own workflow did not.
func (s *entity) settle(ctx workflow.Context, op sdp.OperationRef, code, detail string) {
	in := settleCancelled(op, code, detail)
	if code == "workflow-ended" {
		in.State = sdp.OpFailed
		in.Failure.Kind, in.Failure.Remedy = sdp.Internal, op.TryAgain()+"; its run in the Temporal UI says why it ended"
	}
	s.write(ctx, in)
}

func (s *entity) write(ctx workflow.Context, in wire.SettleInput) {
	in.Late = true
	if err := confirmed(ctx, workflow.ExecuteLocalActivity(database(ctx), control.Settle, in)); err != nil {
		workflow.GetLogger(ctx).Error("Settling an operation failed", "operation", in.Operation.ID, "error", err)
	}
}

func (s *entity) reportWaiting(ctx workflow.Context, op, behind sdp.OperationRef) {
	in := waiting(op, behind.Title())
	if err := confirmed(ctx, workflow.ExecuteLocalActivity(database(ctx), control.Wait, in)); err != nil {
		workflow.GetLogger(ctx).Warn("Reporting a wait failed", "operation", op.ID, "error", err)
	}
}
