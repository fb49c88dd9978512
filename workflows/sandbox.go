// Package workflows holds the durable definitions: one file per subject, each a struct whose run reads as prose.
//
// Sandbox is the entity: one per sandbox, it decides when each operation may run and starts it as a child of its own
// ("deploy/<id>", "delete/<id>", ...), so that each is one readable run in the Temporal UI. Everything that touches a
// node is an activity on that node's task queue; everything that touches the database is a local activity of the
// control worker. What has ended is done only if it says so: see confirmed.
//
// The code here is deterministic: `make lint` runs workflowcheck, and tests replay saved histories. Runs that another build
// began go on with this one, by patches: a change of what a workflow does is guarded by workflow.GetVersion, with a name in
// options.go, and the histories in testdata are never changed or removed while a run like them may exist. Worker Versioning
// was weighed and left: docs/architecture.md says why. What runs write down has names of its own, in internal/wire.
package workflows

import (
	"errors"
	"fmt"
	"slices"
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
	s := &entity{sandbox: in.Sandbox, wake: workflow.NewBufferedChannel(ctx, 1)}
	s.queue = in.Queue
	return s.run(ctx)
}

type entity struct {
	sandbox string
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
		if s.shouldContinueAsNew(ctx) {
			s.drainSignals(ctx)
			return workflow.NewContinueAsNewError(ctx, Sandbox, wire.SandboxInput{Sandbox: s.sandbox, Queue: s.queue})
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
	sel := workflow.NewSelector(ctx)
	sel.AddReceive(workflow.GetSignalChannel(ctx, wire.SubmitSignal), func(c workflow.ReceiveChannel, _ bool) {
		var op sdp.OperationRef
		if c.ReceiveAsync(&op) { // Receive would wait for the next one where this cannot be read
			s.accept(ctx, op)
		}
	})
	sel.AddReceive(workflow.GetSignalChannel(ctx, wire.CancelSignal), func(c workflow.ReceiveChannel, _ bool) {
		var id string
		if c.ReceiveAsync(&id) {
			s.cancelOperation(ctx, id)
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

func (s *entity) shouldContinueAsNew(ctx workflow.Context) bool {
	return len(s.running) == 0 && workflow.GetInfo(ctx).GetContinueAsNewSuggested()
}

func (s *entity) drainSignals(ctx workflow.Context) {
	var op sdp.OperationRef
	for workflow.GetSignalChannel(ctx, wire.SubmitSignal).ReceiveAsync(&op) {
		s.accept(ctx, op)
	}
	var id string
	for workflow.GetSignalChannel(ctx, wire.CancelSignal).ReceiveAsync(&id) {
		s.cancelOperation(ctx, id)
	}
}

// accept queues an operation, unless it is known, and makes room for it: a newer deployment of a service supersedes
// older ones, a delete cancels everything.
func (s *entity) accept(ctx workflow.Context, op sdp.OperationRef) {
	if s.knows(op.ID) {
		return
	}
	for _, c := range s.running {
		if op.Supersedes(c.op) {
			c.cancel()
		}
	}
	s.queue = slices.DeleteFunc(s.queue, func(q sdp.OperationRef) bool {
		if !op.Supersedes(q) {
			return false
		}
		s.settle(ctx, q, "superseded", "replaced by "+op.Title()+" before it began")
		return true
	})
	s.queue = append(s.queue, op)
	if behind, must := s.blocker(len(s.queue) - 1); must {
		s.reportWaiting(ctx, op, behind)
	}
}

func (s *entity) knows(id string) bool {
	return slices.ContainsFunc(s.queue, func(q sdp.OperationRef) bool { return q.ID == id }) ||
		slices.ContainsFunc(s.running, func(c *child) bool { return c.op.ID == id })
}

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
// none once Temporal suggests to continue as new, so that the history stops growing.
func (s *entity) startWhatMay(ctx workflow.Context) {
	if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
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
	childCtx = asChild(childCtx, op, enums.PARENT_CLOSE_POLICY_ABANDON)
	future := workflow.ExecuteChildWorkflow(childCtx, op.Kind.Rules().Workflow, op)
	workflow.Go(ctx, func(ctx workflow.Context) {
		err := confirmed(ctx, future)
		var known *temporal.ChildWorkflowExecutionAlreadyStartedError
		switch {
		case err == nil || errors.As(err, &known):
		case temporal.IsCanceledError(err):
			s.settle(ctx, op, "cancelled", "cancelled")
		default:
			s.settle(ctx, op, "workflow-ended", "its workflow ended before it could finish")
		}
		c.ended = true
		s.wake.SendAsync(nil)
	})
}

// asChild are the options of an operation's own workflow. It ends only when what it did is undone or done, hence the
// wait.
func asChild(ctx workflow.Context, op sdp.OperationRef, whenParentEnds enums.ParentClosePolicy) workflow.Context {
	return workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            sdp.OperationWorkflowID(op.Kind, op.ID),
		WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		ParentClosePolicy:     whenParentEnds,
		WaitForCancellation:   true,
		StaticSummary:         op.Title(),
		TypedSearchAttributes: temporal.NewSearchAttributes(
			attrSandbox.ValueSet(op.Sandbox), attrService.ValueSet(op.Service), attrUser.ValueSet(op.User)),
	})
}

// cancelOperation cancels a running operation, or ends a queued one at once: nothing of it has begun. What is unknown
// here may be a part of a change that runs.
func (s *entity) cancelOperation(ctx workflow.Context, id string) {
	known := s.knows(id)
	for _, c := range s.running {
		switch {
		case c.op.ID == id && c.op.Kind.Rules().CancellableIn(sdp.OpRunning):
			c.cancel()
		case !known && c.op.Kind.Changes() && !c.ended:
			change := sdp.OperationWorkflowID(c.op.Kind, c.op.ID)
			workflow.SignalExternalWorkflow(ctx, change, "", wire.CancelSignal, id) // it has ended if this fails
		}
	}
	s.queue = slices.DeleteFunc(s.queue, func(q sdp.OperationRef) bool {
		if q.ID == id {
			s.settle(ctx, q, "cancelled", "cancelled before it began")
		}
		return q.ID == id
	})
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
		in.Failure.Kind, in.Failure.Remedy = sdp.Internal, "look at the run in the Temporal UI, then try again"
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
