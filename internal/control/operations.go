package control

import (
	"context"
	"fmt"
	"strings"
	"time"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
)

// submitTimeout bounds the hand-over to Temporal. What is not handed over in time is picked up by the reconciler.
const submitTimeout = 5 * time.Second

func (c *Control) newOperation(call *Call, kind sdp.OperationKind, sandbox, service string) sdp.Operation {
	return sdp.Operation{
		ID: sdp.NewID("o-"), Kind: kind, Sandbox: sandbox, Service: service, State: sdp.OpQueued,
		RequestedBy: call.User, CreatedAt: c.now(),
	}
}

func deploymentRef(d sdp.Deployment) sdp.OperationRef {
	return sdp.OperationRef{ID: d.ID, Kind: sdp.OpDeploy, Sandbox: d.Sandbox, Service: d.Service, User: d.RequestedBy, Seq: d.Seq,
		Node: d.Node}
}

func newDeploymentRef(d postgres.NewDeployment) sdp.OperationRef { return deploymentRef(d.Deployment) }

// submit hands accepted operations to the engine, in order. A failure is no failure of the request: the rows are
// there, and the reconciler submits them as soon as Temporal answers.
func (c *Control) submit(ctx context.Context, refs []sdp.OperationRef) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), submitTimeout)
	defer cancel()
	for _, ref := range refs {
		if err := HandOver(ctx, c.db, c.engine, ref); err != nil {
			c.log.WarnContext(ctx, "Operation was not submitted yet", "operation", ref.ID, "kind", ref.Kind,
				"sandbox", ref.Sandbox, "error", err)
			return // the order within a sandbox matters
		}
	}
}

// HandOver gives the engine an accepted operation and notes that it has it.
func HandOver(ctx context.Context, db *postgres.DB, engine Engine, ref sdp.OperationRef) error {
	if err := engine.Submit(ctx, ref); err != nil {
		return err
	}
	return db.MarkSubmitted(ctx, ref.ID)
}

// PassOnCancel tells the engine of a cancel that is noted, and notes that it was told.
func PassOnCancel(ctx context.Context, db *postgres.DB, engine Engine, ref sdp.OperationRef) error {
	if err := engine.Cancel(ctx, ref); err != nil {
		return err
	}
	return db.MarkCancelSent(ctx, ref.ID)
}

// service returns a service of a sandbox that can be changed.
func (c *Control) service(ctx context.Context, name, service string) (sdp.Sandbox, sdp.Service, error) {
	if err := sdp.CheckServiceName(service); err != nil {
		return sdp.Sandbox{}, sdp.Service{}, err
	}
	sandbox, err := c.changeable(ctx, name)
	if err != nil {
		return sandbox, sdp.Service{}, err
	}
	found, err := ServiceOf(sandbox, service)
	return sandbox, found, err
}

// ServiceOf returns a service of a sandbox by a name that comes from a caller.
func ServiceOf(sandbox sdp.Sandbox, name string) (sdp.Service, error) {
	var names []string
	for _, v := range sandbox.Services {
		if v.Name == name {
			return v, nil
		}
		names = append(names, v.Name)
	}
	remedy := fmt.Sprintf("`sdp sandbox show %s` shows what it has, `sdp deploy` adds one", sandbox.Name)
	if len(names) > 0 {
		remedy = "it has " + strings.Join(names, ", ") + "; " + remedy
	}
	if near := sdp.Nearest(name, names); len(near) > 0 {
		remedy = "did you mean " + near[0] + "? " + remedy
	}
	return sdp.Service{}, sdp.Errorf(sdp.NotFound, "unknown-service", "sandbox %s has no service %s", sandbox.Name,
		sdp.Printable(name, 60)).
		WithRemedy("%s", remedy)
}

// Operate accepts an operation that is said by naming its kind and its object: restart, stop and whatever else the table of
// kinds calls plain. The service is "" where the whole sandbox is meant.
func (c *Control) Operate(ctx context.Context, call *Call, kind sdp.OperationKind, sandbox, service string) (sdp.Operation, error) {
	if err := c.permit(call, kind.Rules().Asked, Object{Sandbox: sandbox, Service: service}); err != nil {
		return sdp.Operation{}, err
	}
	if err := c.possible(ctx, call, kind, sandbox, service); err != nil {
		return sdp.Operation{}, err
	}
	return c.operate(ctx, call, c.newOperation(call, kind, sandbox, service))
}

// possible says why an operation would come to nothing. A kind needs a line here only if it asks for more than that its
// object is there.
func (c *Control) possible(ctx context.Context, call *Call, kind sdp.OperationKind, sandbox, service string) error {
	if kind.Rules().Scope == sdp.ScopeSandbox {
		_, err := c.changeable(ctx, sandbox)
		return err
	}
	box, found, err := c.service(ctx, sandbox, service)
	switch {
	case err != nil:
		return err
	case kind == sdp.OpRestart:
		return c.restartable(ctx, call, box, service)
	case kind == sdp.OpStop:
		return c.stoppable(ctx, found)
	}
	return nil
}

func (c *Control) restartable(ctx context.Context, call *Call, sandbox sdp.Sandbox, service string) error {
	last, err := c.db.LastDeployment(ctx, sandbox.Name, service)
	if err != nil {
		return err
	}
	call.Event.Branch, call.Event.SHA = last.Branch, last.SHA
	_, err = c.deployableTo(ctx, sandbox, last.Node)
	return err
}

func (c *Control) stoppable(ctx context.Context, service sdp.Service) error {
	if service.Serving == nil {
		return sdp.Errorf(sdp.Conflict, "not-running", "service %s does not run in sandbox %s", service.Name, service.Sandbox).
			WithRemedy("`sdp history %s` shows what became of it", service.Sandbox)
	}
	_, err := c.readyNode(ctx, service.Serving.Node)
	return err
}

func (c *Control) operate(ctx context.Context, call *Call, op sdp.Operation) (sdp.Operation, error) {
	call.Event.Operation = op.ID
	if err := c.db.CreateOperation(ctx, op); err != nil {
		return op, err
	}
	c.submit(ctx, []sdp.OperationRef{op.Ref()})
	return op, nil
}

// Operation returns an operation whose ID comes from a caller.
func (c *Control) Operation(ctx context.Context, id string) (sdp.Operation, error) {
	if !idPattern.MatchString(id) {
		return sdp.Operation{}, sdp.Errorf(sdp.NotFound, "operation-not-found", "there is no operation %q", sdp.Printable(id, 60)).
			WithRemedy("`sdp audit` lists them")
	}
	return c.db.Operation(ctx, id)
}

// CancelOperation is accepted once the request for it is durable; the operation is CANCELLED when every node concerned
// has confirmed it.
func (c *Control) CancelOperation(ctx context.Context, call *Call, id string) (sdp.Operation, error) {
	if err := c.permit(call, sdp.AuditOperationCancel, Object{Operation: id}); err != nil {
		return sdp.Operation{}, err
	}
	op, err := c.Operation(ctx, id)
	if err != nil {
		return op, err
	}
	call.Event.Sandbox, call.Event.Service = op.Sandbox, op.Service
	switch {
	case op.State.Settled():
		return op, sdp.Errorf(sdp.Conflict, "already-settled", "operation %s is %s: there is nothing to cancel", op.ID, op.State).
			WithRemedy("`sdp sandbox show %s` shows what there is now", op.Sandbox)
	case !op.Cancellable():
		return op, sdp.Errorf(sdp.Conflict, "not-cancellable", "a %s cannot be cancelled once it has begun", op.Kind).
			WithRemedy("wait until it is done")
	}
	op.CancelRequestedAt, err = c.cancel(ctx, op.Ref(), call.User)
	return op, err
}

// cancel notes that something is to be cancelled and tells the engine. The note counts: what has not begun does not begin
// any more, and the reconciler tells the engine again until it is settled.
func (c *Control) cancel(ctx context.Context, ref sdp.OperationRef, by string) (time.Time, error) {
	at, err := c.db.MarkCancelled(ctx, ref.ID, by)
	if err != nil {
		return at, err
	}
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), submitTimeout)
	defer done()
	if err := PassOnCancel(ctx, c.db, c.engine, ref); err != nil {
		c.log.WarnContext(ctx, "Cancel was not passed on yet", "operation", ref.ID, "kind", ref.Kind, "sandbox", ref.Sandbox, "error", err)
	}
	return at, nil
}
