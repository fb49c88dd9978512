package activities

import (
	"context"
	"fmt"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// CurrentTable returns a sandbox's table as it should be now and the nodes that need it.
func (c *Control) CurrentTable(ctx context.Context, sandbox string) (wire.Switch, error) {
	table, nodes, err := c.DB.Table(ctx, sandbox)
	return c.switched(ctx, wire.Switch{Table: table, Nodes: nodes}, err)
}

// ReassignPort gives a sandbox another public port because something foreign holds the one it has, and reports it.
func (c *Control) ReassignPort(ctx context.Context, table wire.RoutingTable) (wire.Switch, error) {
	why := fmt.Sprintf("something that is not SDP's holds port %d on %s", table.PublicPort, table.GatewayNode)
	if _, err := c.DB.ReassignPort(ctx, table.Sandbox, table.PublicPort, why); err != nil {
		return wire.Switch{}, fail(err)
	}
	return c.CurrentTable(ctx, table.Sandbox)
}

// SetRoute commits where a service's requests go.
func (c *Control) SetRoute(ctx context.Context, ref sdp.OperationRef) (wire.Switch, error) {
	op, err := c.open(ctx, ref)
	if err != nil {
		return wire.Switch{}, fail(err)
	}
	if op.Source == sdp.SourceSandbox {
		if err := c.requireServing(ctx, op); err != nil {
			return wire.Switch{}, fail(err)
		}
	}
	if _, err := c.DB.SetRoute(ctx, op.Sandbox, op.Service, op.Source, op.URL); err != nil {
		return wire.Switch{}, fail(err)
	}
	return c.CurrentTable(ctx, op.Sandbox)
}

// open returns an operation that has not ended. One that has was settled while its workflow was away: that must not do
// anything to the sandbox any more.
func (c *Control) open(ctx context.Context, ref sdp.OperationRef) (sdp.Operation, error) {
	op, err := c.DB.Operation(ctx, ref.ID)
	if err == nil && op.State.Settled() {
		err = sdp.Errorf(sdp.Conflict, "operation-state", "operation %s is %s already", op.ID, op.State)
	}
	return op, err
}

func (c *Control) requireServing(ctx context.Context, op sdp.Operation) error {
	serving, err := c.DB.Containers(ctx, postgres.ContainerFilter{
		Sandbox: op.Sandbox, Service: op.Service, States: []sdp.ContainerState{sdp.Serving}})
	if err == nil && len(serving) == 0 {
		err = sdp.Errorf(sdp.Conflict, "not-running", "%s has no running container in sandbox %s", op.Service, op.Sandbox).
			WithRemedy("deploy it first: `sdp deploy %s %s@BRANCH`", op.Sandbox, op.Service)
	}
	return err
}

// StopService commits that a service's container serves no more.
func (c *Control) StopService(ctx context.Context, op sdp.OperationRef) (wire.Switch, error) {
	if _, err := c.open(ctx, op); err != nil {
		return wire.Switch{}, fail(err)
	}
	s, err := c.DB.StopService(ctx, op.Sandbox, op.Service)
	return c.switched(ctx, s, err)
}

// NewRestart records the deployment that restarts a service: the commit it ran last, with no need for git, and the
// sandbox's environment as it is now. The ID derives from the operation's, so that a retry finds the one it made.
func (c *Control) NewRestart(ctx context.Context, op sdp.OperationRef) (sdp.OperationRef, error) {
	ref := sdp.OperationRef{ID: sdp.RestartDeployment(op.ID), Kind: sdp.OpDeploy, Sandbox: op.Sandbox, Service: op.Service, User: op.User}
	if d, err := c.DB.Deployment(ctx, ref.ID); err == nil {
		ref.Node = d.Node
		return ref, nil
	}
	if _, err := c.open(ctx, op); err != nil {
		return ref, fail(err)
	}
	last, err := c.DB.LastDeployment(ctx, op.Sandbox, op.Service)
	if err != nil {
		return ref, fail(err)
	}
	d := postgres.NewDeployment{Deployment: sdp.Deployment{
		ID: ref.ID, Sandbox: op.Sandbox, Service: op.Service, Repository: last.Repository, Node: last.Node,
		Branch: last.Branch, SHA: last.SHA, Image: last.Image, RequestedBy: op.User}}
	ref.Node = last.Node
	if _, err := c.DB.CreateDeployments(ctx, []postgres.NewDeployment{d}); err != nil {
		return ref, fail(err)
	}
	return ref, fail(c.DB.MarkSubmitted(ctx, ref.ID))
}

// Touch marks the operation's sandbox as used.
func (c *Control) Touch(ctx context.Context, op sdp.OperationRef) (wire.Done, error) {
	return wire.Done{}, fail(c.DB.Touch(ctx, op.ID))
}

// BeginTeardown says on which nodes the sandbox of a delete has anything, if it is still there.
func (c *Control) BeginTeardown(ctx context.Context, op sdp.OperationRef) (wire.TeardownInput, error) {
	there, nodes, err := c.DB.DeleteTarget(ctx, op.ID, op.Sandbox)
	return c.teardown(ctx, wire.TeardownInput{Sandbox: op.Sandbox, Nodes: nodes, Gone: !there}, err)
}

// FinishDelete releases the ports and marks the sandbox as deleted.
func (c *Control) FinishDelete(ctx context.Context, op sdp.OperationRef) (wire.Done, error) {
	return wire.Done{}, fail(c.DB.FinishDelete(ctx, op.ID, op.Sandbox))
}

// NeededImages says which of a node's images must stay.
func (c *Control) NeededImages(ctx context.Context, node string) (sdp.NeededImages, error) {
	needed, err := c.DB.NeededImages(ctx, node)
	return needed, fail(err)
}
