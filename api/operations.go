package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"sdp/api/rest"
	"sdp/internal/postgres"
	"sdp/internal/sdp"
)

func (s *Server) viewOperation(op sdp.Operation) rest.Operation {
	return rest.FromOperation(op, s.runs)
}

func operationLocation(op sdp.Operation) string { return "/api/v1/operations/" + op.ID }

// acceptedOperation answers with an operation that was accepted.
func (s *Server) acceptedOperation(op sdp.Operation, err error) (*accepted[rest.Operation], error) {
	if err != nil {
		return nil, err
	}
	return &accepted[rest.Operation]{Location: operationLocation(op), Body: s.viewOperation(op)}, nil
}

type serviceInput struct {
	Name    string `path:"name"`
	Service string `path:"service"`
}

// plainOperations registers a route for each kind of operation that naming it says all of.
func (s *Server) plainOperations() {
	for _, kind := range sdp.OperationKinds() {
		rules := kind.Rules()
		if !rules.Plain {
			continue
		}
		if rules.Scope == sdp.ScopeService {
			mutate(s, byUser, rules.Asked, "POST /api/v1/sandboxes/{name}/services/{service}/"+string(kind), http.StatusAccepted,
				firstUpper(rules.Title)+" a service", func(ctx context.Context, in *serviceInput) (*accepted[rest.Operation], error) {
					return s.acceptedOperation(s.control.Operate(ctx, callOf(ctx), kind, in.Name, in.Service))
				})
			continue
		}
		mutate(s, byUser, rules.Asked, "POST /api/v1/sandboxes/{name}/"+string(kind), http.StatusAccepted,
			firstUpper(rules.Title)+" a sandbox", func(ctx context.Context, in *sandboxInput) (*accepted[rest.Operation], error) {
				return s.acceptedOperation(s.control.Operate(ctx, callOf(ctx), kind, in.Name, ""))
			})
	}
}

func firstUpper(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

type listOperationsInput struct {
	PageQuery
	Name   string `path:"name"`
	Active bool   `query:"active" doc:"only what has not ended"`
}

func (s *Server) listOperations(ctx context.Context, in *listOperationsInput) (*body[rest.Page[rest.Operation]], error) {
	if _, err := s.control.Sandbox(ctx, in.Name); err != nil {
		return nil, err
	}
	return s.operations(ctx, postgres.OperationFilter{Sandbox: in.Name, Active: in.Active}, in.page())
}

type allOperationsInput struct {
	PageQuery
	Sandbox string             `query:"sandbox" maxLength:"100" doc:"of that name, deleted ones too"`
	Service string             `query:"service" maxLength:"100"`
	User    string             `query:"user" maxLength:"200" doc:"who asked for it"`
	Kind    sdp.OperationKind  `query:"kind"`
	State   sdp.OperationState `query:"state"`
	Active  bool               `query:"active" doc:"only what has not ended"`
	Since   time.Time          `query:"since" doc:"asked for then or later"`
	Until   time.Time          `query:"until" doc:"asked for before"`
}

func (s *Server) listAllOperations(ctx context.Context, in *allOperationsInput) (*body[rest.Page[rest.Operation]], error) {
	return s.operations(ctx, postgres.OperationFilter{
		Sandbox: sdp.Printable(in.Sandbox, 100), Service: sdp.Printable(in.Service, 100), User: sdp.Printable(in.User, 200),
		Kind: in.Kind, State: in.State, Active: in.Active, Since: in.Since, Until: in.Until,
	}, in.page())
}

func (s *Server) operations(ctx context.Context, f postgres.OperationFilter, p postgres.Page,
) (*body[rest.Page[rest.Operation]], error) {
	operations, next, err := s.db.Operations(ctx, f, p)
	if err != nil {
		return nil, err
	}
	return pageOf(operations, next, s.viewOperation), nil
}

func (s *Server) showOperation(ctx context.Context, in *idInput) (*body[rest.Operation], error) {
	op, err := s.control.Operation(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	out := s.viewOperation(op)
	out.WaitingFor, err = s.control.OperationWaits(ctx, op)
	return &body[rest.Operation]{out}, err
}

func (s *Server) cancelOperation(ctx context.Context, in *idInput) (*accepted[rest.Operation], error) {
	return s.acceptedOperation(s.control.CancelOperation(ctx, callOf(ctx), in.ID))
}
