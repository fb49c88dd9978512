package api

import (
	"cmp"
	"context"
	"net/http"

	"sdp/api/rest"
	"sdp/internal/control"
	"sdp/internal/sdp"
)

type planInput struct{ Body sdp.SandboxSpec }

// showPlan says what an apply of the specification would do.
func (s *Server) showPlan(ctx context.Context, in *planInput) (*body[rest.Plan], error) {
	plan, err := s.control.Plan(ctx, callOf(ctx), in.Body)
	if err != nil {
		return nil, err
	}
	return &body[rest.Plan]{rest.FromPlan(plan)}, nil
}

type applyInput struct {
	Name string `path:"name"`
	Body rest.ApplySandbox
}

// apply makes a sandbox what the specification says.
func (s *Server) apply(ctx context.Context, in *applyInput) (*accepted[rest.Applied], error) {
	spec := in.Body.Spec
	if spec.Name = cmp.Or(spec.Name, in.Name); spec.Name != in.Name {
		return nil, sdp.Errorf(sdp.Invalid, "other-sandbox", "the definition is of sandbox %q, the request is about %q",
			sdp.Printable(spec.Name, 60), sdp.Printable(in.Name, 60)).WithRemedy("use the same name in both")
	}
	return s.acceptedChange(s.control.Apply(ctx, callOf(ctx), control.Wish{Spec: spec, Atomic: in.Body.Atomic, Plan: in.Body.Plan,
		From: sdp.Printable(cmp.Or(in.Body.From, "the API"), 200)}))
}

type contractInput struct {
	Name   string `path:"name"`
	To     string `query:"to" required:"true" doc:"name of the clone"`
	Follow bool   `query:"follow"`
}

func (s *Server) showContract(ctx context.Context, in *contractInput) (*body[rest.CloneContract], error) {
	items, err := s.control.CloneContract(ctx, callOf(ctx), in.Name, in.To, in.Follow)
	if err != nil {
		return nil, err
	}
	return &body[rest.CloneContract]{rest.CloneContract{Sandbox: in.Name, Name: in.To, Follow: in.Follow,
		Items: rest.List(items, rest.FromContractItem)}}, nil
}

type cloneInput struct {
	Name string `path:"name"`
	Body rest.CloneSandbox
}

func (s *Server) cloneSandbox(ctx context.Context, in *cloneInput) (*accepted[rest.Applied], error) {
	return s.acceptedChange(s.control.Clone(ctx, callOf(ctx), in.Name, in.Body.Name, in.Body.Follow))
}

// acceptedChange answers with a change that was accepted, or with the plan where there was nothing to do.
func (s *Server) acceptedChange(a control.Applied, err error) (*accepted[rest.Applied], error) {
	if err != nil {
		return nil, err
	}
	out := &accepted[rest.Applied]{Body: rest.Applied{Plan: rest.FromPlan(a.Plan),
		Deployments: rest.List(a.Deployments, s.viewDeployment)}}
	if a.Operation == nil {
		out.Status, out.Location = http.StatusOK, "/api/v1/sandboxes/"+a.Plan.Sandbox
		return out, nil
	}
	view := s.viewOperation(*a.Operation)
	out.Location, out.Body.Operation = operationLocation(*a.Operation), &view
	return out, nil
}
