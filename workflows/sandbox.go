// Package workflows holds the durable definitions: one file per subject, each a struct whose run reads as prose.
//
// Sandbox is the entity: one per sandbox, it decides when each operation may run and starts it as a child of its own
// ("deploy/<id>", "delete/<id>", ...), so that each is one readable run in the Temporal UI. Everything that touches a
// node is an activity on that node's task queue; everything that touches the database is a local activity of the
// control worker. The code here is deterministic: `make lint` runs workflowcheck, and tests replay saved histories.
package workflows

import (
	"errors"
	"slices"
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"sdp/internal/sdp"
)

// Definitions are all workflows there are: what the control worker registers and what tests replay.
func Definitions() []any {
	return []any{Sandbox, Deploy, Create, Restart, Stop, Route, Delete, Apply, Retire, Login, Branches, Trace,
		Preflight, Track, Images, PruneImages}
}

// idleLimit is how long an entity without work stays before it ends; the next operation starts it anew.
const idleLimit = 10 * time.Minute

// SandboxInput starts, or continues, a sandbox's entity workflow.
type SandboxInput struct {
	Sandbox string
	Queue   []sdp.OperationRef // carried over by Continue-As-New
}

// Sandbox orders the operations of one sandbox. Deployments of different services run side by side; a newer deployment
// of a service supersedes the older; creating and deleting are exclusive, and deleting cancels what runs.
func Sandbox(ctx workflow.Context, in SandboxInput) error {
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
			return workflow.NewContinueAsNewError(ctx, Sandbox, SandboxInput{Sandbox: s.sandbox, Queue: s.queue})
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
	sel.AddReceive(workflow.GetSignalChannel(ctx, signalSubmit), func(c workflow.ReceiveChannel, _ bool) {
		var op sdp.OperationRef
		c.Receive(ctx, &op)
		s.accept(ctx, op)
	})
	sel.AddReceive(workflow.GetSignalChannel(ctx, signalCancel), func(c workflow.ReceiveChannel, _ bool) {
		var id string
		c.Receive(ctx, &id)
		s.cancelOperation(ctx, id)
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
	for workflow.GetSignalChannel(ctx, signalSubmit).ReceiveAsync(&op) {
		s.accept(ctx, op)
	}
	var id string
	for workflow.GetSignalChannel(ctx, signalCancel).ReceiveAsync(&id) {
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
		if supersedes(op, c.op) {
			c.cancel()
		}
	}
	s.queue = slices.DeleteFunc(s.queue, func(q sdp.OperationRef) bool {
		if !supersedes(op, q) {
			return false
		}
		s.settle(ctx, q, "superseded", "replaced by "+describe(op)+" before it began")
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

// supersedes reports whether accepting op makes older pointless.
func supersedes(op, older sdp.OperationRef) bool {
	if older.Kind == sdp.OpDelete || older.Kind == sdp.OpCreate {
		return false
	}
	if op.Kind == sdp.OpDelete {
		return true
	}
	return op.Kind == sdp.OpDeploy && older.Kind == sdp.OpDeploy && op.Service == older.Service
}

func conflicts(a, b sdp.OperationRef) bool {
	return a.Kind.Exclusive() || b.Kind.Exclusive() || a.Service == b.Service
}

// blocker returns what the i-th queued operation must wait for: a running one, or one queued before it.
func (s *entity) blocker(i int) (sdp.OperationRef, bool) {
	for _, c := range s.running {
		if !c.ended && conflicts(s.queue[i], c.op) {
			return c.op, true
		}
	}
	for _, q := range s.queue[:i] {
		if conflicts(s.queue[i], q) {
			return q, true
		}
	}
	return sdp.OperationRef{}, false
}

// startWhatMay starts every queued operation that nothing blocks. It starts none once Temporal suggests to continue as
// new, so that the history stops growing.
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
		s.start(ctx, op)
	}
}

func (s *entity) start(ctx workflow.Context, op sdp.OperationRef) {
	childCtx, cancel := workflow.WithCancel(ctx)
	c := &child{op: op, cancel: cancel}
	s.running = append(s.running, c)
	childCtx = asChild(childCtx, op, enums.PARENT_CLOSE_POLICY_ABANDON)
	future := workflow.ExecuteChildWorkflow(childCtx, definitionOf(op.Kind), op)
	workflow.Go(ctx, func(ctx workflow.Context) {
		err := future.Get(ctx, nil)
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
		StaticSummary:         describe(op),
		TypedSearchAttributes: temporal.NewSearchAttributes(
			attrSandbox.ValueSet(op.Sandbox), attrService.ValueSet(op.Service), attrUser.ValueSet(op.User)),
	})
}

func definitionOf(kind sdp.OperationKind) any {
	switch kind {
	case sdp.OpDeploy:
		return Deploy
	case sdp.OpCreate:
		return Create
	case sdp.OpRestart:
		return Restart
	case sdp.OpStop:
		return Stop
	case sdp.OpRoute:
		return Route
	case sdp.OpApply, sdp.OpClone, sdp.OpRestore:
		return Apply
	default:
		return Delete
	}
}

// cancelOperation cancels a running operation, or ends a queued one at once: nothing of it has begun. What is unknown
// here may be a part of a change that runs.
func (s *entity) cancelOperation(ctx workflow.Context, id string) {
	known := s.knows(id)
	for _, c := range s.running {
		switch {
		case c.op.ID == id && c.op.Kind.Cancellable():
			c.cancel()
		case !known && c.op.Kind.Changes() && !c.ended:
			change := sdp.OperationWorkflowID(c.op.Kind, c.op.ID)
			workflow.SignalExternalWorkflow(ctx, change, "", signalCancel, id) // it has ended if this fails
		}
	}
	s.queue = slices.DeleteFunc(s.queue, func(q sdp.OperationRef) bool {
		if q.ID == id {
			s.settle(ctx, q, "cancelled", "cancelled before it began")
		}
		return q.ID == id
	})
}

// settle writes the end of an operation whose own workflow did not.
func (s *entity) settle(ctx workflow.Context, op sdp.OperationRef, code, detail string) {
	in := settleCancelled(op, code, detail)
	in.Late = true
	if code == "workflow-ended" {
		in.State = sdp.OpFailed
		in.Failure.Kind, in.Failure.Remedy = sdp.Internal, "look at the run in the Temporal UI, then try again"
	}
	if err := workflow.ExecuteLocalActivity(database(ctx), control.Settle, in).Get(ctx, nil); err != nil {
		workflow.GetLogger(ctx).Error("Settling an operation failed", "operation", op.ID, "error", err)
	}
}

func (s *entity) reportWaiting(ctx workflow.Context, op, behind sdp.OperationRef) {
	in := waiting(op, describe(behind))
	if err := workflow.ExecuteLocalActivity(database(ctx), control.Wait, in).Get(ctx, nil); err != nil {
		workflow.GetLogger(ctx).Warn("Reporting a wait failed", "operation", op.ID, "error", err)
	}
}

// describe names an operation for people: "deploy of account (d5x...)".
func describe(op sdp.OperationRef) string {
	if op.Service == "" {
		return string(op.Kind) + " of the sandbox (" + op.ID + ")"
	}
	return string(op.Kind) + " of " + op.Service + " (" + op.ID + ")"
}
