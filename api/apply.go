package api

import (
	"cmp"
	"context"

	"sdp/internal/sdp"
)

type planInput struct{ Body SandboxSpec }

// showPlan says what an apply of the specification would do.
func (s *Server) showPlan(ctx context.Context, in *planInput) (*body[Plan], error) {
	spec, err := specOf(in.Body)
	if err != nil {
		return nil, err
	}
	plan, err := s.planChange(ctx, changeRequest{kind: sdp.OpApply, spec: spec})
	if err != nil {
		return nil, err
	}
	return &body[Plan]{viewPlan(plan)}, nil
}

type applyInput struct {
	Name string `path:"name"`
	Body ApplySandbox
}

// apply makes a sandbox what the specification says.
func (s *Server) apply(ctx context.Context, in *applyInput) (*accepted[Applied], error) {
	spec, err := specOf(in.Body.Spec)
	if err != nil {
		return nil, err
	}
	if spec.Name = cmp.Or(spec.Name, in.Name); spec.Name != in.Name {
		return nil, sdp.Errorf(sdp.Invalid, "other-sandbox", "the definition is of sandbox %q, the request is about %q",
			clean(spec.Name, 60), clean(in.Name, 60)).WithRemedy("use the same name in both")
	}
	from := clean(cmp.Or(in.Body.From, "the API"), 200)
	infoOf(ctx).event.Detail = "from " + from
	return s.applyChange(ctx, changeRequest{kind: sdp.OpApply, spec: spec, atomic: in.Body.Atomic, plan: in.Body.Plan, from: from})
}
