package api

import (
	"context"
	"time"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
)

// submitTimeout bounds the hand-over to Temporal. What is not handed over in time is picked up by the Reconciler.
const submitTimeout = 5 * time.Second

func (s *Server) newOperation(ctx context.Context, kind sdp.OperationKind, sandbox, service string) sdp.Operation {
	return sdp.Operation{
		ID: sdp.NewID("o-"), Kind: kind, Sandbox: sandbox, Service: service, State: sdp.OpQueued,
		RequestedBy: sessionOf(ctx).User, CreatedAt: s.cfg.Now(),
	}
}

func operationRef(op sdp.Operation) sdp.OperationRef {
	return sdp.OperationRef{ID: op.ID, Kind: op.Kind, Sandbox: op.Sandbox, Service: op.Service, User: op.RequestedBy}
}

func deploymentRef(d sdp.Deployment) sdp.OperationRef {
	return sdp.OperationRef{ID: d.ID, Kind: sdp.OpDeploy, Sandbox: d.Sandbox, Service: d.Service, User: d.RequestedBy}
}

// submit hands accepted operations to the engine, in order. A failure is no failure of the request: the rows are
// there, and the Reconciler submits them as soon as Temporal answers.
func (s *Server) submit(ctx context.Context, refs []sdp.OperationRef) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), submitTimeout)
	defer cancel()
	for _, ref := range refs {
		if err := submitOne(ctx, s.db, s.cfg.Engine, ref); err != nil {
			s.log.WarnContext(ctx, "Operation was not submitted yet", "operation", ref.ID, "kind", ref.Kind,
				"sandbox", ref.Sandbox, "error", err)
			return // the order within a sandbox matters
		}
	}
}

// acceptedOperation submits a row that was just written.
func (s *Server) acceptedOperation(ctx context.Context, op sdp.Operation) *accepted[Operation] {
	infoOf(ctx).event.Operation = op.ID
	s.submit(ctx, []sdp.OperationRef{operationRef(op)})
	return &accepted[Operation]{Location: "/api/v1/operations/" + op.ID, Body: s.viewOperation(op)}
}

type serviceInput struct {
	Name    string `path:"name"`
	Service string `path:"service"`
}

// service returns a service of a sandbox that can be changed.
func (s *Server) service(ctx context.Context, in serviceInput) (sdp.Sandbox, sdp.Service, error) {
	if err := sdp.CheckServiceName(in.Service); err != nil {
		return sdp.Sandbox{}, sdp.Service{}, err
	}
	sandbox, err := s.changeable(ctx, in.Name)
	if err != nil {
		return sandbox, sdp.Service{}, err
	}
	service, err := serviceOf(sandbox, in.Service)
	return sandbox, service, err
}

func serviceOf(sandbox sdp.Sandbox, name string) (sdp.Service, error) {
	var names []string
	for _, v := range sandbox.Services {
		if v.Name == name {
			return v, nil
		}
		names = append(names, v.Name)
	}
	return sdp.Service{}, unknown("unknown-service", "service of sandbox "+sandbox.Name, name, names,
		"`sdp sandbox show "+sandbox.Name+"` lists its services; `sdp deploy` adds one")
}

func (s *Server) restart(ctx context.Context, in *serviceInput) (*accepted[Operation], error) {
	if _, _, err := s.service(ctx, *in); err != nil {
		return nil, err
	}
	last, err := s.db.LastDeployment(ctx, in.Name, in.Service)
	if err != nil {
		return nil, err
	}
	infoOf(ctx).event.Branch, infoOf(ctx).event.SHA = last.Branch, last.SHA
	if _, err := s.deployable(ctx, last.Node); err != nil {
		return nil, err
	}
	return s.operate(ctx, s.newOperation(ctx, sdp.OpRestart, in.Name, in.Service))
}

func (s *Server) stop(ctx context.Context, in *serviceInput) (*accepted[Operation], error) {
	_, service, err := s.service(ctx, *in)
	if err != nil {
		return nil, err
	}
	if service.Serving == nil {
		return nil, sdp.Errorf(sdp.Conflict, "not-running", "service %s does not run in sandbox %s", in.Service, in.Name).
			WithRemedy("`sdp history %s` shows what became of it", in.Name)
	}
	if _, err := s.readyNode(ctx, service.Serving.Node); err != nil {
		return nil, err
	}
	return s.operate(ctx, s.newOperation(ctx, sdp.OpStop, in.Name, in.Service))
}

func (s *Server) operate(ctx context.Context, op sdp.Operation) (*accepted[Operation], error) {
	if err := s.db.CreateOperation(ctx, op); err != nil {
		return nil, err
	}
	return s.acceptedOperation(ctx, op), nil
}

type listOperationsInput struct {
	PageQuery
	Name   string `path:"name"`
	Active bool   `query:"active" doc:"only what has not ended"`
}

func (s *Server) listOperations(ctx context.Context, in *listOperationsInput) (*body[Page[Operation]], error) {
	if _, err := s.sandbox(ctx, in.Name); err != nil {
		return nil, err
	}
	return s.operations(ctx, postgres.OperationFilter{Sandbox: in.Name, Active: in.Active}, in.page())
}

type allOperationsInput struct {
	PageQuery
	Sandbox string    `query:"sandbox" maxLength:"100" doc:"of that name, deleted ones too"`
	Service string    `query:"service" maxLength:"100"`
	User    string    `query:"user" maxLength:"200" doc:"who asked for it"`
	Kind    string    `query:"kind" enum:"create,restart,stop,route,delete,apply,clone,restore"`
	State   string    `query:"state" enum:"QUEUED,RUNNING,SUCCEEDED,FAILED,CANCELLED"`
	Active  bool      `query:"active" doc:"only what has not ended"`
	Since   time.Time `query:"since" doc:"asked for then or later"`
	Until   time.Time `query:"until" doc:"asked for before"`
}

func (s *Server) listAllOperations(ctx context.Context, in *allOperationsInput) (*body[Page[Operation]], error) {
	return s.operations(ctx, postgres.OperationFilter{
		Sandbox: clean(in.Sandbox, 100), Service: clean(in.Service, 100), User: clean(in.User, 200),
		Kind: sdp.OperationKind(in.Kind), State: sdp.OperationState(in.State), Active: in.Active, Since: in.Since, Until: in.Until,
	}, in.page())
}

func (s *Server) operations(ctx context.Context, f postgres.OperationFilter, p postgres.Page) (*body[Page[Operation]], error) {
	operations, next, err := s.db.Operations(ctx, f, p)
	if err != nil {
		return nil, err
	}
	return pageOf(operations, next, s.viewOperation), nil
}

func (s *Server) operationByID(ctx context.Context, id string) (sdp.Operation, error) {
	if !idPattern.MatchString(id) {
		return sdp.Operation{}, sdp.Errorf(sdp.NotFound, "operation-not-found", "there is no operation %q", clean(id, 60)).
			WithRemedy("`sdp audit` lists them")
	}
	return s.db.Operation(ctx, id)
}

func (s *Server) showOperation(ctx context.Context, in *idInput) (*body[Operation], error) {
	op, err := s.operationByID(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &body[Operation]{s.viewOperation(op)}, nil
}

// cancelOperation is accepted once the request for it is durable; the operation is CANCELLED when every node concerned
// has confirmed it. What would leave something half done can be cancelled only while it waits.
func (s *Server) cancelOperation(ctx context.Context, in *idInput) (*accepted[Operation], error) {
	event := &infoOf(ctx).event
	event.Operation = in.ID
	op, err := s.operationByID(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	event.Sandbox, event.Service = op.Sandbox, op.Service
	switch {
	case op.State.Settled():
		return nil, sdp.Errorf(sdp.Conflict, "already-settled", "operation %s is %s: there is nothing to cancel", op.ID, op.State).
			WithRemedy("`sdp sandbox show %s` shows what there is now", op.Sandbox)
	case op.Kind == sdp.OpDelete, op.State != sdp.OpQueued && !op.Kind.Cancellable():
		return nil, sdp.Errorf(sdp.Conflict, "not-cancellable", "a %s cannot be cancelled once it has begun", op.Kind).
			WithRemedy("wait until it is done")
	}
	if err := s.cfg.Engine.Cancel(ctx, op.Sandbox, op.ID); err != nil {
		return nil, err
	}
	op.CancelRequestedAt = s.markCancelled(ctx, op.ID)
	return &accepted[Operation]{Location: "/api/v1/operations/" + op.ID, Body: s.viewOperation(op)}, nil
}

// markCancelled notes that a cancel was accepted, so that everybody sees it at once. Without the note it happens all the
// same: Temporal has it.
func (s *Server) markCancelled(ctx context.Context, id string) time.Time {
	at, err := s.db.MarkCancelled(ctx, id)
	if err != nil {
		s.log.WarnContext(ctx, "Cancel was not noted", "operation", id, "error", err)
	}
	return at
}
