package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
)

// changeRequest is everything that makes or changes a sandbox as a whole: apply, clone, restore and what a template
// renders to. The caller's session, taken from the context, asks the git servers.
type changeRequest struct {
	kind   sdp.OperationKind // apply, clone or restore
	spec   sdp.SandboxSpec
	isNew  bool   // the sandbox must not exist; else it is made if there is none
	atomic bool   // all or nothing
	from   string // what the spec comes from, for people: "sandbox.yaml", "clone of checkout"
	plan   string // hash of the plan that was looked at; "" = any
	// secrets replace all secrets of the sandbox ("") and of its services by key, sealed for the sandbox's contexts;
	// nil = they stay as they are.
	secrets map[string]map[string][]byte
	// images are those a snapshot says its services ran, by service: a commit that vanished still runs from its image.
	images map[string]string
}

// planChange says what applyChange would do.
func (s *Server) planChange(ctx context.Context, r changeRequest) (sdp.Plan, error) {
	p, err := s.plan(ctx, r)
	return p.plan, err
}

// applyChange plans and starts the change. The answer has no operation where there is nothing to do.
func (s *Server) applyChange(ctx context.Context, r changeRequest) (*accepted[Applied], error) {
	info := infoOf(ctx)
	info.event.Sandbox, info.event.Environment = r.spec.Name, r.spec.Environment
	p, err := s.plan(ctx, r)
	if err != nil {
		return nil, err
	}
	if err := s.applicable(r, p.plan); err != nil {
		return nil, err
	}
	if !p.plan.Changes() {
		return &accepted[Applied]{Status: http.StatusOK, Location: "/api/v1/sandboxes/" + p.plan.Sandbox,
			Body: Applied{Plan: viewPlan(p.plan), Deployments: []Deployment{}}}, nil
	}
	change, err := s.newChange(ctx, r, p)
	if err != nil {
		return nil, err
	}
	_, deployments, err := s.db.AcceptChange(ctx, change)
	if err != nil {
		return nil, err
	}
	op := change.Operation
	refs := append([]sdp.OperationRef{operationRef(op)}, views(deployments, deploymentRef)...)
	info.plan(p.plan.Sandbox, r.spec.Environment, p.asked(deployments))
	info.started(refs)
	s.submit(ctx, refs[:1]) // the change starts its deployments itself
	view := s.viewOperation(op)
	return &accepted[Applied]{Location: "/api/v1/operations/" + op.ID, Body: Applied{
		Plan: viewPlan(p.plan), Operation: &view, Deployments: views(deployments, s.viewDeployment)}}, nil
}

// applicable refuses a plan that is not the one that was looked at, or that cannot be carried out.
func (s *Server) applicable(r changeRequest, now sdp.Plan) error {
	if r.plan != "" && r.plan != now.Hash {
		return s.stale(r.plan, now)
	}
	switch problems := now.Problems; len(problems) {
	case 0:
		return nil
	case 1:
		p := problems[0]
		return &sdp.Error{Kind: p.Kind, Code: p.Code, Detail: p.Text(), Remedy: p.Remedy}
	default:
		details := views(problems, sdp.PlanProblem.Text)
		return sdp.Errorf(problems[0].Kind, "plan-has-problems", "%d things are in the way: %s", len(problems),
			strings.Join(details, "; ")).WithRemedy("`sdp plan` shows what to do about each")
	}
}

func (s *Server) stale(hash string, now sdp.Plan) error {
	detail := fmt.Sprintf("plan %s is not what would be done now", clean(hash, 40))
	if then, known := s.plans.find(hash); known && then.Sandbox == now.Sandbox {
		if changed := now.Since(then); len(changed) > 0 {
			detail += ": " + strings.Join(changed, "; ")
		}
	}
	return sdp.Errorf(sdp.Conflict, "plan-stale", "%s", detail).
		WithRemedy("look at the plan as it is now with `sdp plan`, then apply that one (%s)", now.Hash)
}

// newChange makes the rows of a plan: the operation and its deployments, each fixed to the commit of the plan and with
// the caller's credentials sealed to its node.
func (s *Server) newChange(ctx context.Context, r changeRequest, p planning) (postgres.NewChange, error) {
	op := s.newOperation(ctx, r.kind, p.plan.Sandbox, "")
	change := &sdp.Change{New: p.plan.New, Atomic: r.atomic, Spec: p.spec.spec, From: r.from, Plan: p.plan.Hash}
	out := postgres.NewChange{RouteVersion: p.plan.RouteVersion, Secrets: r.secrets}
	for _, v := range p.plan.Services {
		if v.Action == "" {
			continue
		}
		action := sdp.Action{Service: v.Service, Kind: v.Action}
		switch v.Action {
		case sdp.ActionDeploy, sdp.ActionRestart:
			d, err := s.plannedDeployment(ctx, p, v)
			if err != nil {
				return out, err
			}
			d.Operation, action.Deployment = op.ID, d.ID
			out.Deployments = append(out.Deployments, d)
		case sdp.ActionRoute:
			action.Source, action.URL = p.target(v.Service)
		}
		change.Actions = append(change.Actions, action)
	}
	op.Change = change
	out.Operation = op
	if change.New {
		out.New = &postgres.NewSandbox{Spec: p.spec.spec, Owner: infoOf(ctx).user, Gateway: p.spec.gateway.Name,
			GatewayNode: p.plan.Port.Node, Secrets: r.secrets, Operation: op, Deployments: out.Deployments}
	}
	return out, nil
}

func (s *Server) plannedDeployment(ctx context.Context, p planning, v sdp.PlannedService) (postgres.NewDeployment, error) {
	repository, err := p.spec.known.repository(v.Service)
	if err != nil {
		return postgres.NewDeployment{}, err
	}
	node, err := s.deployable(ctx, repository.Node)
	if err != nil {
		return postgres.NewDeployment{}, err
	}
	asked := ask{service: v.Service, branch: v.Branch, commit: v.SHA, repository: repository}
	d, err := s.newDeployment(ctx, node, p.plan.Sandbox, p.spec.spec.Environment, asked, variables{})
	if v.Cached {
		d.Image = v.Image // what the plan has found is what runs
	}
	return d, err
}
