package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sdp/internal/control"
	"sdp/internal/postgres"
	"sdp/internal/sdp"
)

// Lost compares what Temporal was given longer than olderThan ago, and has not ended, with what Temporal has. What it never
// began it gets again. What it began and does not carry out any more, because somebody terminated its workflow, or the
// databases of Temporal were emptied or are older than ours, ends as `workflow-lost`; the nodes' reconcilers remove what is
// left of it. What is blocked is reported. If Temporal or the database does not answer, everything stays as it is.
func (r *Reconciler) Lost(ctx context.Context, olderThan time.Duration) error {
	handed, err := r.DB.HandedOver(ctx, olderThan)
	if err != nil {
		return err
	}
	look := &lookout{Reconciler: r, runs: map[string]sdp.Run{}, held: map[string][]string{}, parts: map[string]int{},
		open: map[string][]sdp.OperationRef{}}
	var errs []error
	for _, op := range handed {
		err := look.at(ctx, op)
		if sdp.KindOf(err) == sdp.Unavailable {
			return err
		} else if err != nil {
			errs = append(errs, fmt.Errorf("operation %s of sandbox %s: %w", op.ID, op.Sandbox, err))
		}
	}
	return errors.Join(append(errs, r.leftBehind(ctx, olderThan))...)
}

// lookout is one round of Lost, in which nothing is asked twice.
type lookout struct {
	*Reconciler
	runs  map[string]sdp.Run
	held  map[string][]string           // by sandbox: the operations its entity has
	parts map[string]int                // by change or restart: how many of its parts have not ended
	open  map[string][]sdp.OperationRef // by sandbox: what runs
}

func (l *lookout) run(ctx context.Context, workflow string) (sdp.Run, error) {
	if run, known := l.runs[workflow]; known {
		return run, nil
	}
	run, err := l.Engine.Describe(ctx, workflow)
	if err == nil {
		l.runs[workflow] = run
	}
	return run, err
}

func (l *lookout) runOf(ctx context.Context, op sdp.OperationRef) (sdp.Run, error) {
	return l.run(ctx, sdp.OperationWorkflowID(op.Kind, op.ID))
}

func (l *lookout) at(ctx context.Context, op postgres.HandedOver) error {
	run, err := l.runOf(ctx, op.OperationRef)
	switch {
	case err != nil:
		return err
	case op.Whole.ID != "":
		return l.part(ctx, op, run)
	case run.State == sdp.RunOpen:
		l.open[op.Sandbox] = append(l.open[op.Sandbox], op.OperationRef)
		return l.reportBlocked(ctx, op.OperationRef, "its workflow", run)
	case run.State == sdp.RunMissing && !op.Began:
		return l.waiting(ctx, op.OperationRef)
	case l.parts[op.ID] > 0: // they end first, each as it does
		return nil
	}
	return l.settle(ctx, op.OperationRef, run)
}

// part looks at a deployment that a change or a restart starts: nobody else would start it, or tell it how it ends.
func (l *lookout) part(ctx context.Context, op postgres.HandedOver, run sdp.Run) error {
	l.parts[op.Whole.ID]++
	whole, err := l.runOf(ctx, op.Whole)
	switch {
	case err != nil:
		return err
	case run.State == sdp.RunClosed:
	case whole.State == sdp.RunOpen, whole.State == sdp.RunMissing && !op.WholeBegan:
		return nil
	case run.State == sdp.RunOpen:
		return l.Engine.Cancel(ctx, op.OperationRef)
	}
	if err := l.settle(ctx, op.OperationRef, run); err != nil {
		return err
	}
	l.parts[op.Whole.ID]--
	return nil
}

// waiting looks at what has not begun. It may wait behind something for hours, which the sandbox's entity knows: only what
// that does not have is handed over again, once what it waits for has ended. An entity does not know what one before it
// began.
func (l *lookout) waiting(ctx context.Context, op sdp.OperationRef) error {
	entity, err := l.run(ctx, sdp.SandboxWorkflowID(op.Sandbox))
	if err != nil {
		return err
	}
	if entity.Blocked() {
		return l.reportBlocked(ctx, op, "its sandbox's workflow", entity)
	}
	if entity.State == sdp.RunOpen {
		held, err := l.heldBy(ctx, op.Sandbox)
		if err != nil || slices.Contains(held, op.ID) {
			return err
		}
	}
	if slices.ContainsFunc(l.open[op.Sandbox], op.WaitsFor) {
		return nil
	}
	if err := control.HandOver(ctx, l.DB, l.Engine, op); err != nil {
		return err
	}
	return l.report(ctx, op, "handed it to Temporal again, which did not have it", "")
}

// heldBy asks the entity of a sandbox. One that does not answer is in nobody else's way.
func (l *lookout) heldBy(ctx context.Context, sandbox string) ([]string, error) {
	if held, known := l.held[sandbox]; known {
		return held, nil
	}
	held, err := l.Engine.Held(ctx, sandbox)
	if err != nil {
		return nil, sdp.Errorf(sdp.Internal, "workflow-failed", "the workflow of sandbox %s did not say what it has: %w", sandbox, err)
	}
	l.held[sandbox] = held
	return held, nil
}

// settle ends what is lost.
func (l *lookout) settle(ctx context.Context, op sdp.OperationRef, run sdp.Run) error {
	f := lostFailure(op, run)
	settled, err := SettleLost(ctx, l.DB, op, f, func(good bool) []sdp.AuditEvent {
		return []sdp.AuditEvent{correction(op, settledAs(good)+": "+f.Detail)}
	})
	if settled {
		l.Log.WarnContext(ctx, "Lost operation was settled", "operation", op.ID, "kind", op.Kind, "sandbox", op.Sandbox,
			"why", f.Detail)
	}
	return err
}

// SettleLost writes the end of what nobody carries out any more, see postgres.DB.SettleLost, and what the audit says of it:
// that it has ended, and what else there is to say, by whether it came to a good end.
func SettleLost(ctx context.Context, db *postgres.DB, op sdp.OperationRef, f sdp.Failure, more func(good bool) []sdp.AuditEvent,
) (settled bool, err error) {
	var d sdp.Deployment
	if op.Kind == sdp.OpDeploy {
		if d, err = db.Deployment(ctx, op.ID); err != nil {
			return false, err
		}
	}
	return db.SettleLost(ctx, op, f, func(good bool) []sdp.AuditEvent {
		return append(more(good), lostEnd(op, d, f, good))
	})
}

func lostFailure(op sdp.OperationRef, run sdp.Run) sdp.Failure {
	detail := "Temporal has no record of its workflow any more"
	if run.State == sdp.RunClosed {
		detail = "its workflow in Temporal is closed (" + run.Ended + "), and nobody wrote how it ended"
	}
	return sdp.Errorf(sdp.Internal, "workflow-lost", "%s; what it left on nodes is removed", detail).
		WithRemedy("%s", op.TryAgain()).Failure()
}

func settledAs(good bool) string {
	if good {
		return "settled it as done, because it was committed"
	}
	return "settled it as failed"
}

// lostEnd is the end that the audit has of every operation, whoever wrote it.
func lostEnd(op sdp.OperationRef, d sdp.Deployment, f sdp.Failure, good bool) sdp.AuditEvent {
	failure := &f
	if good {
		failure = nil
	}
	switch {
	case op.Kind == sdp.OpDeploy && good:
		return d.Ended(sdp.Running, failure)
	case op.Kind == sdp.OpDeploy:
		return d.Ended(sdp.DeployFailed, failure)
	case good:
		return op.Ended(sdp.OpSucceeded, failure)
	}
	return op.Ended(sdp.OpFailed, failure)
}

// correction is how the audit says what a reconciler did.
func correction(op sdp.OperationRef, what string) sdp.AuditEvent {
	return sdp.AuditEvent{User: "system", Action: sdp.AuditReconcile, Sandbox: op.Sandbox, Service: op.Service, Operation: op.ID,
		Outcome: sdp.Succeeded, Detail: "server: " + what}
}

func (l *lookout) report(ctx context.Context, op sdp.OperationRef, what, once string) error {
	e := correction(op, what)
	e.Once = once
	return l.DB.Audit(ctx, e)
}

// reportBlocked tells once of a workflow that does not get on. Whatever waits for it waits on: it may be a matter of another
// version of the server.
func (l *lookout) reportBlocked(ctx context.Context, op sdp.OperationRef, what string, run sdp.Run) error {
	if !run.Blocked() {
		return nil
	}
	return l.report(ctx, op, fmt.Sprintf("%s fails in Temporal again and again (%d attempts so far), so that it does not get on; "+
		"the operator looks at the run in the Temporal Web UI: the cause is often a server of another version", what, run.Attempts),
		op.ID+"/workflow-blocked")
}

// leftBehind has the nodes remove containers whose removal is lost: what the database has as removed their reconcilers take
// away. A removal that is under way waits for its node as long as it takes.
func (r *Reconciler) leftBehind(ctx context.Context, olderThan time.Duration) error {
	left, err := r.DB.LeftBehind(ctx, olderThan)
	if err != nil {
		return err
	}
	for _, c := range left {
		run, err := r.Engine.Describe(ctx, sdp.RetireWorkflowID(c.Deployment))
		if err != nil {
			return err
		}
		if run.State == sdp.RunOpen {
			continue
		}
		err = r.DB.Observe(ctx, c.Node, []sdp.Correction{{Sandbox: c.Sandbox, Service: c.Service, Deployment: c.Deployment,
			What: "has a container that was to be removed, which Temporal lost; it goes now", State: sdp.Removed}})
		if err != nil {
			return err
		}
	}
	return nil
}
