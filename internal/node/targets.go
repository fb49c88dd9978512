package node

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"sdp/internal/containers"
	"sdp/internal/router/socket"
	"sdp/internal/wire"
)

// Targets tells the node's router where containers are. Only what is looked up now is told, not what an event says: that
// may have changed.
type Targets struct {
	node    string
	runtime Runtime
	router  *socket.Client
	telling sync.Mutex // held from looking up to telling, or else what was looked up first could be told last
}

// Tell tells the router how one container is; that it is gone, TellGone does.
func (t *Targets) Tell(ctx context.Context, id string) error {
	t.telling.Lock()
	defer t.telling.Unlock()
	w, found, err := t.runtime.Whereabouts(ctx, id)
	if err != nil || !found {
		return err
	}
	if target, known := t.target(w); known {
		return t.router.SetTargets(ctx, []wire.TargetState{target})
	}
	return nil
}

// TellGone tells the router that a deployment has no container any more, if that is so: its address is free for others.
func (t *Targets) TellGone(ctx context.Context, deployment string) error {
	t.telling.Lock()
	defer t.telling.Unlock()
	have, err := t.runtime.List(ctx)
	if err != nil || hasContainer(have, deployment) {
		return err
	}
	return t.router.SetTargets(ctx, []wire.TargetState{gone(deployment)})
}

// TellAll tells the router how all containers of the node are, and which of those that it has routes to are gone. It asks
// for the routes first: what they lead to was made before.
func (t *Targets) TellAll(ctx context.Context) error {
	t.telling.Lock()
	defer t.telling.Unlock()
	tables, err := t.router.LocalTables(ctx)
	if err != nil {
		return err
	}
	have, err := t.runtime.List(ctx)
	if err != nil {
		return err
	}
	targets, err := t.all(ctx, have)
	if err != nil {
		return err
	}
	for _, deployment := range t.routed(tables) {
		if !hasContainer(have, deployment) {
			targets = append(targets, gone(deployment))
		}
	}
	return t.router.SetTargets(ctx, targets)
}

func hasContainer(have []containers.Container, deployment string) bool {
	return slices.ContainsFunc(have, func(c containers.Container) bool { return c.Deployment == deployment })
}

func gone(deployment string) wire.TargetState {
	return wire.TargetState{Deployment: deployment, Down: "has no container: somebody removed it", Next: "deploy it again"}
}

// all says to the router how containers are. A list tells enough of those that run.
func (t *Targets) all(ctx context.Context, have []containers.Container) (targets []wire.TargetState, err error) {
	running := map[string]bool{}
	for _, c := range have {
		if c.State == "running" && c.Address != "" {
			running[c.Deployment] = true
			targets = append(targets, wire.TargetState{Deployment: c.Deployment, Address: c.Address})
		}
	}
	for _, c := range have {
		if running[c.Deployment] {
			continue
		}
		w, found, err := t.runtime.Whereabouts(ctx, c.ID)
		if err != nil {
			return nil, err
		}
		if target, known := t.target(w); found && known {
			targets = append(targets, target)
		}
	}
	return targets, nil
}

// routed lists the deployments whose containers on this node the tables lead to.
func (t *Targets) routed(tables []wire.RoutingTable) []string {
	var all []string
	for _, table := range tables {
		for _, s := range table.Services {
			for _, target := range s.Targets() {
				if target.Node == t.node && target.Deployment != "" {
					all = append(all, target.Deployment)
				}
			}
		}
	}
	return all
}

// target says to the router how a container is. known is false for one that was not started yet.
func (t *Targets) target(w containers.Whereabouts) (s wire.TargetState, known bool) {
	s = wire.TargetState{Deployment: w.Deployment, Address: w.Address, Since: w.Ended}
	switch {
	case w.Address != "":
		return wire.TargetState{Deployment: w.Deployment, Address: w.Address}, true
	case w.State == "created":
		return s, false
	case w.State == "running":
		return wire.TargetState{Deployment: w.Deployment, Down: "runs, but is on no network", Next: "deploy it again"}, true
	case w.State == "paused":
		return wire.TargetState{Deployment: w.Deployment, Down: "is paused",
			Next: fmt.Sprintf("whoever did that with Docker on node %s ends it with `docker unpause %s`", t.node, w.Name)}, true
	case w.OutOfMemory:
		s.Down = fmt.Sprintf("was killed because it needs more memory than its limit (restarts so far: %d)", w.Restarts)
	default:
		s.Down = fmt.Sprintf("exited with code %d (restarts so far: %d)", w.ExitCode, w.Restarts)
	}
	s.Next = "the worker of node " + t.node + " starts it again"
	if w.State == "restarting" {
		s.Next = "Docker starts it again"
	}
	return s, true
}
