package control

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
)

// CordonNode has nothing new placed on a node. What runs there goes on.
func (c *Control) CordonNode(ctx context.Context, call *Call, name string) (sdp.Node, error) {
	if err := c.permit(call, sdp.AuditNodeCordon, Object{Node: name}); err != nil {
		return sdp.Node{}, err
	}
	return c.db.Cordon(ctx, name, call.User)
}

// UncordonNode lets a node take work again.
func (c *Control) UncordonNode(ctx context.Context, call *Call, name string) (sdp.Node, error) {
	if err := c.permit(call, sdp.AuditNodeUncordon, Object{Node: name}); err != nil {
		return sdp.Node{}, err
	}
	return c.db.Uncordon(ctx, name)
}

// placeable returns an error if nothing new may be placed on a node.
func placeable(n sdp.Node) error {
	if n.Cordoned.By == "" {
		return nil
	}
	return sdp.Errorf(sdp.Conflict, "node-cordoned", "node %s is %s: nothing new is placed on it", n.Name, describeCordon(n)).
		WithRemedy("`sdp node uncordon %s` when it may take work again", n.Name)
}

func describeCordon(n sdp.Node) string {
	return "cordoned by " + n.Cordoned.By + " since " + n.Cordoned.At.Local().Format("2006-01-02 15:04")
}

// Drained is how far a drain is.
type Drained struct {
	Node    sdp.Node
	Stopped []sdp.Operation    // what was begun: each a stop like any other
	Ended   []sdp.OperationRef // deployments under way that were cancelled
	Refused []string           // why something of the node cannot be stopped now, for people
	Left    sdp.NodeWork       // what there is now
}

// DrainNode cordons a node and begins to stop what runs there, each service by an operation of its own. It can be repeated.
func (c *Control) DrainNode(ctx context.Context, call *Call, name string) (d Drained, err error) {
	if err := c.permit(call, sdp.AuditNodeDrain, Object{Node: name}); err != nil {
		return d, err
	}
	if d.Node, err = c.db.Cordon(ctx, name, call.User); err != nil {
		return d, err
	}
	if d.Left, err = c.db.NodeWork(ctx, name); err != nil {
		return d, err
	}
	if err := c.Alive(d.Node); err != nil {
		d.Refused = []string{sdp.AsError(err).Detail + ": nothing can be stopped there. `sdp node remove " + name +
			" --force` forgets what it ran, if it does not come back"}
		return d, nil
	}
	for _, ref := range d.Left.Deployments {
		if err := c.cancelFor(ctx, call, ref); err != nil {
			d.Refused = append(d.Refused, ref.Title()+" in sandbox "+ref.Sandbox+": "+sdp.AsError(err).Detail)
			continue
		}
		d.Ended = append(d.Ended, ref)
	}
	for _, container := range d.Left.Containers {
		if container.State != sdp.Serving {
			continue // it is being started or removed already
		}
		op, err := c.stopFor(ctx, call, container)
		if err != nil {
			d.Refused = append(d.Refused, container.Service+" of sandbox "+container.Sandbox+": "+sdp.AsError(err).Detail)
			continue
		}
		d.Stopped = append(d.Stopped, op)
	}
	c.submit(ctx, mapped(d.Stopped, sdp.Operation.Ref))
	return d, nil
}

// cancelFor cancels a deployment that is under way on a node that is drained. It is a change of its own for the audit.
func (c *Control) cancelFor(ctx context.Context, call *Call, ref sdp.OperationRef) error {
	its := &Call{Actor: call.Actor, Event: sdp.AuditEvent{User: call.User, Detail: call.Event.Detail + " is drained"}}
	if err := c.permit(its, sdp.AuditDeploymentCancel, Object{Operation: ref.ID}); err != nil {
		return err
	}
	ctx, _ = postgres.WithAudit(ctx, func() []sdp.AuditEvent { return []sdp.AuditEvent{its.Event} })
	_, err := c.cancelDeployment(ctx, its, ref.ID, call.User+", who drains "+call.Event.Detail)
	return err
}

// stopFor stores the stop of a service on a node that is drained. It is a change of its own for the audit.
func (c *Control) stopFor(ctx context.Context, call *Call, container sdp.Container) (sdp.Operation, error) {
	op := c.newOperation(call, sdp.OpStop, container.Sandbox, container.Service)
	ctx, _ = postgres.WithAudit(ctx, func() []sdp.AuditEvent {
		return []sdp.AuditEvent{{User: call.User, Action: sdp.OpStop.Rules().Asked, Sandbox: op.Sandbox, Service: op.Service,
			Operation: op.ID, Detail: call.Event.Detail + " is drained"}}
	})
	return op, c.db.CreateOperation(ctx, op)
}

// RemoveNode gives a node up. One that is heard of must be drained; what the database says of one that is not is forgotten
// only by force.
func (c *Control) RemoveNode(ctx context.Context, call *Call, name string, force bool) error {
	if err := c.permit(call, sdp.AuditNodeRemove, Object{Node: name}); err != nil {
		return err
	}
	n, err := c.db.Node(ctx, name)
	if err != nil {
		return err
	}
	proves, err := c.provesLogins(ctx, name)
	if err != nil {
		return err
	}
	alive := c.Alive(n) == nil
	left, err := c.db.RemoveNode(ctx, name, call.User, c.now(), func(left sdp.NodeWork) error {
		if err := removable(n, alive, force, left); err != nil || force || !proves {
			return err
		}
		return sdp.Errorf(sdp.Conflict, "node-proves-logins", "nobody could sign in without node %s: it has repository %s, whose git "+
			"server proves who they are", name, c.cfg.LoginRepository).WithRemedy("set login.repository of server.yaml to a repository "+
			"of another node and restart the server; or `sdp node remove %s --force`", name)
	})
	if err != nil {
		return err
	}
	for _, container := range left.Containers {
		if err := c.engine.EndRetirement(ctx, container.Deployment); err != nil {
			c.log.WarnContext(ctx, "A retirement on a removed node was not ended", "deployment", container.Deployment, "error", err)
		}
	}
	return nil
}

// provesLogins says whether a node has the repository that proves logins.
func (c *Control) provesLogins(ctx context.Context, name string) (bool, error) {
	r, err := c.db.Repository(ctx, c.cfg.LoginRepository)
	if sdp.KindOf(err) == sdp.NotFound {
		return false, nil
	}
	return r.Node == name, err
}

func removable(n sdp.Node, alive, force bool, left sdp.NodeWork) error {
	switch {
	case left.None():
		return nil
	case alive:
		return sdp.Errorf(sdp.Conflict, "node-not-drained", "node %s is alive and has still to do: %s", n.Name, DescribeWork(left)).
			WithRemedy("`sdp node drain %s` stops its services; delete sandboxes whose public port it has. If the machine is given up "+
				"as it is, stop its worker first", n.Name)
	case !force:
		return sdp.Errorf(sdp.Conflict, "node-has-work", "node %s is down, and it ran: %s", n.Name, DescribeWork(left)).
			WithRemedy("start its worker, then `sdp node drain %s`; or, if it does not come back, `sdp node remove %s --force` "+
				"forgets all that", n.Name, n.Name)
	}
	return nil
}

// DescribeWork says in a line what a node has to do with.
func DescribeWork(w sdp.NodeWork) string {
	const named = 8
	var all []string
	for _, container := range w.Containers {
		all = append(all, container.Service+" of sandbox "+container.Sandbox)
	}
	for _, ref := range w.Deployments {
		all = append(all, "the "+ref.Title()+" in sandbox "+ref.Sandbox)
	}
	for _, p := range w.Ports {
		all = append(all, fmt.Sprintf("public port %d of sandbox %s", p.Port, p.Sandbox))
	}
	slices.Sort(all)
	if more := len(all) - named; more > 0 {
		all = append(all[:named], fmt.Sprintf("%d more", more))
	}
	return strings.Join(slices.Compact(all), ", ")
}
