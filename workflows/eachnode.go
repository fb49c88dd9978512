package workflows

import (
	"errors"
	"slices"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"sdp/internal/failure"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// applyTable gives a table to all nodes that need it, at once. containers are those that were just switched to, if there
// are some: their nodes and the one with the public port must confirm. Another node that is away holds nobody up.
func applyTable(ctx workflow.Context, s wire.Switch, containers ...sdp.Container) error {
	required := []string{s.Table.GatewayNode}
	for _, c := range containers {
		required = append(required, c.Node)
	}
	return tellRouters(ctx, s, required, containers...)
}

func tellRouters(ctx workflow.Context, s wire.Switch, required []string, containers ...sdp.Container) error {
	return eachNode(ctx, s.Nodes, s.Away, required, func(node string) workflow.Future {
		in := wire.RouteInput{Table: s.Table}
		for _, c := range containers {
			if c.Node == node {
				in.Containers = append(in.Containers, c)
			}
		}
		return begin(onNode(ctx, node, quickLimit), host.Route, in)
	})
}

// takeDown removes what the nodes have of a sandbox: first the traffic everywhere, so that nobody reaches half of it. What a
// node that is away has of it, its reconciler removes once the node is back.
func takeDown(ctx workflow.Context, in wire.TeardownInput) error {
	err := eachNode(ctx, in.Nodes, in.Away, nil, func(node string) workflow.Future {
		return begin(onNode(ctx, node, quickLimit), host.StopTraffic, in)
	})
	if err != nil {
		return err
	}
	return eachNode(ctx, in.Nodes, in.Away, nil, func(node string) workflow.Future {
		return begin(atWork(ctx, node, drainLimit), host.Teardown, in)
	})
}

// eachNode begins something on all nodes at once and waits for all of them. A node that is away is asked only if it is
// required, and only the required ones must answer though they have gone away meanwhile: what others have missed, their
// reconcilers do once they are back.
func eachNode(ctx workflow.Context, nodes, away, required []string, ask func(node string) workflow.Future) error {
	nodes = slices.DeleteFunc(slices.Clone(nodes), func(node string) bool {
		return slices.Contains(away, node) && !slices.Contains(required, node)
	})
	answers := make([]workflow.Future, len(nodes))
	for i, node := range nodes {
		answers[i] = ask(node)
	}
	var errs []error
	for i, node := range nodes {
		err := confirmed(ctx, answers[i])
		if err == nil || !slices.Contains(required, node) && goneAway(ctx, node, err) {
			continue
		}
		if !temporal.IsCanceledError(err) || !plainCancel.in(ctx) {
			err = failure.Workflow(failureOf(ctx, "", node, err))
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// goneAway reports whether a node did not answer because it is not heard of any more.
func goneAway(ctx workflow.Context, node string, err error) bool {
	if !failure.NotPickedUp(err) && !failure.WorkerLost(err) {
		return false
	}
	if !absentNodes.in(ctx) {
		return false
	}
	return !alive(ctx, node)
}

// alive reports whether a node is heard of. It is also true where nobody can tell.
func alive(ctx workflow.Context, node string) bool {
	ctx, done := workflow.NewDisconnectedContext(ctx)
	defer done()
	var heard bool
	if err := askAlive(ctx, node).Get(ctx, &heard); err != nil {
		workflow.GetLogger(ctx).Error("Asking whether a node is alive failed", "node", node, "error", err)
		return true
	}
	return heard
}
