package control

import (
	"context"
	"slices"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
)

// Sandbox returns a sandbox whose name comes from a caller.
func (c *Control) Sandbox(ctx context.Context, name string) (sdp.Sandbox, error) {
	if err := sdp.CheckSandboxName(name); err != nil {
		return sdp.Sandbox{}, err
	}
	return c.db.Sandbox(ctx, name)
}

// changeable is Sandbox for one that is about to be changed.
func (c *Control) changeable(ctx context.Context, name string) (sdp.Sandbox, error) {
	sandbox, err := c.Sandbox(ctx, name)
	if err != nil {
		return sandbox, err
	}
	if sandbox.State == sdp.Deleted {
		return sandbox, sdp.Errorf(sdp.NotFound, "sandbox-deleted", "sandbox %s is deleted", name).
			WithRemedy("`sdp sandbox create %s` makes a new one", name)
	}
	if sandbox.Deleting {
		return sandbox, sdp.Errorf(sdp.Conflict, "sandbox-deleting", "sandbox %s is being deleted", name).
			WithRemedy("wait until it is gone; `sdp sandbox create %s` then makes a new one", name)
	}
	return sandbox, nil
}

// Created is a sandbox that was made, with what was started for it.
type Created struct {
	Sandbox     sdp.Sandbox
	Gateway     sdp.Node // the node that has its port
	Operation   sdp.Operation
	Deployments []sdp.Deployment
}

// CreateSandbox makes a sandbox and deploys what its specification has branches and commits of.
func (c *Control) CreateSandbox(ctx context.Context, call *Call, spec sdp.SandboxSpec) (Created, error) {
	if err := c.permit(call, sdp.AuditSandboxCreate, Object{Sandbox: spec.Name, Environment: spec.Environment}); err != nil {
		return Created{}, err
	}
	checked, err := c.resolveSpec(ctx, spec)
	call.plan(spec.Name, spec.Environment, checked.asks)
	if err != nil {
		return Created{}, err
	}
	gateway, err := c.gatewayNode(ctx, checked.gateway)
	if err != nil {
		return Created{}, err
	}
	deployments, err := c.newDeployments(ctx, call, spec.Name, spec.Environment, checked.asks, variables{})
	if err != nil {
		return Created{}, err
	}
	operation := c.newOperation(call, sdp.OpCreate, spec.Name, "")
	out := Created{Gateway: gateway, Operation: operation}
	refs := func() []sdp.OperationRef {
		return append([]sdp.OperationRef{operation.Ref()}, mapped(deployments, newDeploymentRef)...)
	}
	call.started(refs())
	out.Sandbox, err = c.db.CreateSandbox(ctx, postgres.NewSandbox{
		Spec: checked.spec, Owner: call.User, Gateway: checked.gateway.Name, GatewayNode: gateway.Name,
		Operation: operation, Deployments: deployments,
	})
	if err != nil {
		return Created{}, err
	}
	out.Deployments = mapped(deployments, func(d postgres.NewDeployment) sdp.Deployment { return d.Deployment })
	c.submit(ctx, refs())
	return out, nil
}

// DeleteSandbox takes a sandbox down with all it has. What goes on in it is cancelled first.
func (c *Control) DeleteSandbox(ctx context.Context, call *Call, name string) (sdp.Operation, error) {
	if err := c.permit(call, sdp.AuditSandboxDelete, Object{Sandbox: name}); err != nil {
		return sdp.Operation{}, err
	}
	if _, err := c.changeable(ctx, name); err != nil {
		return sdp.Operation{}, err
	}
	op := c.newOperation(call, sdp.OpDelete, name, "")
	call.Event.Operation = op.ID
	if err := c.db.BeginDelete(ctx, name, op); err != nil {
		return sdp.Operation{}, err
	}
	c.submit(ctx, []sdp.OperationRef{op.Ref()})
	return op, nil
}

// checkEnvironment returns an error unless a sandbox may use a version of an environment; version 0 is the newest.
func (c *Control) checkEnvironment(ctx context.Context, name string, version int) error {
	if name == "" {
		if version != 0 {
			return sdp.Errorf(sdp.Invalid, "bad-environment", "there is a version of an environment but no environment").
				WithRemedy("name the environment too")
		}
		return nil
	}
	if err := sdp.CheckEnvironmentName(name); err != nil {
		return err
	}
	_, err := c.db.EnvironmentVersion(ctx, name, version)
	return err
}

// gatewayNode is the node that owns the sandbox's port: the gateway repository's, or any GATEWAY node, one that is up
// if there is one.
func (c *Control) gatewayNode(ctx context.Context, gateway sdp.Repository) (sdp.Node, error) {
	if gateway.Node != "" {
		n, err := c.readyNode(ctx, gateway.Node)
		return n, errOf(err, placeable(n))
	}
	nodes, err := c.db.Nodes(ctx)
	if err != nil {
		return sdp.Node{}, err
	}
	nodes = slices.DeleteFunc(nodes, func(n sdp.Node) bool { return n.Type != sdp.Gateway || n.PortFirst == 0 })
	if len(nodes) == 0 {
		return sdp.Node{}, sdp.Errorf(sdp.Unavailable, "no-gateway-node", "no GATEWAY node has registered").
			WithRemedy("start a worker whose node.yaml has `type: GATEWAY` and `ports:`")
	}
	for _, n := range nodes {
		if errOf(c.Alive(n), placeable(n)) == nil {
			return n, nil
		}
	}
	return nodes[0], errOf(c.Alive(nodes[0]), placeable(nodes[0]))
}
