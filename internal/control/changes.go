package control

import (
	"context"
	"fmt"
	"strings"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
	"sdp/internal/sdp/planning"
)

// Wish is what an apply is asked to do.
type Wish struct {
	Spec   sdp.SandboxSpec
	Atomic bool   // all or nothing
	Plan   string // hash of the plan that was looked at; "" = any
	From   string // what the specification comes from, for people
}

// Plan says what an apply of a specification would do.
func (c *Control) Plan(ctx context.Context, call *Call, spec sdp.SandboxSpec) (planning.Plan, error) {
	if err := c.permit(call, sdp.LookPlan, Object{Sandbox: spec.Name}); err != nil {
		return planning.Plan{}, err
	}
	p, err := c.plan(ctx, call, changeRequest{kind: sdp.OpApply, spec: spec})
	return p.plan, err
}

// Apply makes a sandbox what a specification says.
func (c *Control) Apply(ctx context.Context, call *Call, w Wish) (Applied, error) {
	if err := c.permit(call, sdp.AuditSandboxApply, Object{Sandbox: w.Spec.Name}); err != nil {
		return Applied{}, err
	}
	call.Event.Detail = "from " + w.From
	return c.applyChange(ctx, call, changeRequest{kind: sdp.OpApply, spec: w.Spec, atomic: w.Atomic, plan: w.Plan, from: w.From})
}

// changeRequest is everything that makes or changes a sandbox as a whole: apply, clone, restore and what a template
// renders to. The caller's credentials ask the git servers.
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

// Applied is a change that was accepted. There is no operation where there was nothing to do.
type Applied struct {
	Plan        planning.Plan
	Operation   *sdp.Operation
	Deployments []sdp.Deployment
}

// applyChange plans and starts the change.
func (c *Control) applyChange(ctx context.Context, call *Call, r changeRequest) (Applied, error) {
	call.Event.Sandbox, call.Event.Environment = r.spec.Name, r.spec.Environment
	p, err := c.plan(ctx, call, r)
	if err != nil {
		return Applied{}, err
	}
	if err := c.applicable(r, p.plan); err != nil {
		return Applied{}, err
	}
	if !p.plan.Changes() {
		return Applied{Plan: p.plan}, nil
	}
	change, err := c.newChange(ctx, call, r, p)
	if err != nil {
		return Applied{}, err
	}
	op := change.Operation
	asked := mapped(change.Deployments, func(d postgres.NewDeployment) sdp.Deployment { return d.Deployment })
	refs := append([]sdp.OperationRef{op.Ref()}, mapped(asked, deploymentRef)...)
	call.plan(p.plan.Sandbox, r.spec.Environment, p.asked(asked))
	call.started(refs)
	_, deployments, err := c.db.AcceptChange(ctx, change)
	if err != nil {
		return Applied{}, err
	}
	c.submit(ctx, refs[:1]) // the change starts its deployments itself
	return Applied{Plan: p.plan, Operation: &op, Deployments: deployments}, nil
}

// applicable refuses a plan that is not the one that was looked at, or that cannot be carried out.
func (c *Control) applicable(r changeRequest, now planning.Plan) error {
	if r.plan != "" && r.plan != now.Hash {
		return c.stale(r.plan, now)
	}
	switch problems := now.Problems; len(problems) {
	case 0:
		return nil
	case 1:
		p := problems[0]
		return &sdp.Error{Kind: p.Kind, Code: p.Code, Detail: p.Text(), Remedy: p.Remedy, Command: p.Command}
	default:
		details := mapped(problems, planning.Problem.Text)
		return sdp.Errorf(problems[0].Kind, "plan-has-problems", "%d things are in the way: %s", len(problems),
			strings.Join(details, "; ")).WithRemedy("`sdp plan` shows what to do about each")
	}
}

func (c *Control) stale(hash string, now planning.Plan) error {
	detail := fmt.Sprintf("plan %s is not what would be done now", sdp.Printable(hash, 40))
	if then, known := c.plans.find(hash); known && then.Sandbox == now.Sandbox {
		if changed := now.Since(then); len(changed) > 0 {
			detail += ": " + strings.Join(changed, "; ")
		}
	}
	return sdp.Errorf(sdp.Conflict, "plan-stale", "%s", detail).
		WithRemedy("look at the plan as it is now with `sdp plan`, then apply that one (%s)", now.Hash)
}

// newChange makes the rows of a plan: the operation and its deployments, each fixed to the commit of the plan and with
// the caller's credentials sealed to its node.
func (c *Control) newChange(ctx context.Context, call *Call, r changeRequest, p planner) (postgres.NewChange, error) {
	op := c.newOperation(call, r.kind, p.plan.Sandbox, "")
	change := &sdp.Change{New: p.plan.New, Atomic: r.atomic, Spec: p.spec.spec, From: r.from, Plan: p.plan.Hash}
	out := postgres.NewChange{RouteVersion: p.plan.RouteVersion, Secrets: r.secrets}
	for _, v := range p.plan.Services {
		if v.Action == "" {
			continue
		}
		action := sdp.Action{Service: v.Service, Kind: v.Action}
		switch v.Action {
		case sdp.ActionDeploy, sdp.ActionRestart:
			d, err := c.plannedDeployment(ctx, call, p, v)
			if err != nil {
				return out, err
			}
			d.Operation, action.Deployment = op.ID, d.ID
			out.Deployments = append(out.Deployments, d)
		case sdp.ActionRoute:
			action.Source, action.URL = p.target(v.Service)
		case sdp.ActionRemove: // its name says it all
		}
		change.Actions = append(change.Actions, action)
	}
	op.Change = change
	out.Operation = op
	if change.New {
		out.New = &postgres.NewSandbox{Spec: p.spec.spec, Owner: call.User, Gateway: p.spec.gateway.Name,
			GatewayNode: p.plan.Port.Node, Secrets: r.secrets, Operation: op, Deployments: out.Deployments}
	}
	return out, nil
}

func (c *Control) plannedDeployment(ctx context.Context, call *Call, p planner, v planning.Service) (postgres.NewDeployment, error) {
	repository, err := p.spec.known.repository(v.Service)
	if err != nil {
		return postgres.NewDeployment{}, err
	}
	node, err := c.deployable(ctx, repository.Node)
	if err != nil {
		return postgres.NewDeployment{}, err
	}
	asked := ask{service: v.Service, branch: v.Branch, commit: v.SHA, repository: repository}
	d, err := c.newDeployment(call, node, p.plan.Sandbox, p.spec.spec.Environment, asked, variables{})
	if v.Cached {
		d.Image = v.Image // what the plan has found is what runs
	}
	return d, err
}
