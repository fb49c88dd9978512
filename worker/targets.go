package worker

import (
	"context"
	"fmt"
	"slices"

	"sdp/internal/containers"
	"sdp/internal/wire"
)

// watchTargets tells the node's router when a container stops, and where it is when it runs again, until ctx ends. It does
// so as soon as Docker says it, because Docker gives the address of a container that stopped to the next one. Only what is
// looked up now is told, not what an event says: that may have changed.
func (a *agent) watchTargets(ctx context.Context) error {
	for e := range a.runtime.Events(ctx) {
		var err error
		switch e.Action {
		case containers.Resync, "destroy":
			err = a.tellTargets(ctx)
		case "start", "die", "pause", "unpause":
			err = a.tellTarget(ctx, e.ID)
		}
		if err != nil && ctx.Err() == nil {
			a.log.Warn("Telling the router where containers are failed; the next round does", "error", err)
		}
	}
	return nil
}

// tellTarget tells the router how one container is; that it is gone, its destroy event will. One at a time does so, or else
// what was looked up first could be told last.
func (a *agent) tellTarget(ctx context.Context, id string) error {
	a.telling.Lock()
	defer a.telling.Unlock()
	w, found, err := a.runtime.Whereabouts(ctx, id)
	if err != nil || !found {
		return err
	}
	if t, known := a.target(w); known {
		return a.router.SetTargets(ctx, []wire.TargetState{t})
	}
	return nil
}

// tellTargets tells the router how all containers of the node are, and which of those that it has routes to are gone. It
// asks for the routes first: what they lead to was made before.
func (a *agent) tellTargets(ctx context.Context) error {
	a.telling.Lock()
	defer a.telling.Unlock()
	tables, err := a.router.Tables(ctx)
	if err != nil {
		return err
	}
	have, err := a.runtime.List(ctx)
	if err != nil {
		return err
	}
	targets, err := a.targets(ctx, have)
	if err != nil {
		return err
	}
	for _, deployment := range a.routed(tables) {
		if !slices.ContainsFunc(have, func(c containers.Container) bool { return c.Deployment == deployment }) {
			targets = append(targets, wire.TargetState{Deployment: deployment, Down: "has no container: somebody removed it",
				Next: "deploy it again"})
		}
	}
	return a.router.SetTargets(ctx, targets)
}

// targets says to the router how containers are. A list tells enough of those that run.
func (a *agent) targets(ctx context.Context, have []containers.Container) (targets []wire.TargetState, err error) {
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
		w, found, err := a.runtime.Whereabouts(ctx, c.ID)
		if err != nil {
			return nil, err
		}
		if t, known := a.target(w); found && known {
			targets = append(targets, t)
		}
	}
	return targets, nil
}

// routed lists the deployments whose containers on this node the tables lead to.
func (a *agent) routed(tables []wire.RoutingTable) []string {
	var all []string
	for _, t := range tables {
		for _, s := range t.Services {
			for _, target := range s.Targets() {
				if target.Node == a.config.Node && target.Deployment != "" {
					all = append(all, target.Deployment)
				}
			}
		}
	}
	return all
}

// target says to the router how a container is. known is false for one that was not started yet.
func (a *agent) target(w containers.Whereabouts) (t wire.TargetState, known bool) {
	t = wire.TargetState{Deployment: w.Deployment, Address: w.Address, Since: w.Ended}
	switch {
	case w.Address != "":
		return wire.TargetState{Deployment: w.Deployment, Address: w.Address}, true
	case w.State == "created":
		return t, false
	case w.State == "running":
		return wire.TargetState{Deployment: w.Deployment, Down: "runs, but is on no network", Next: "deploy it again"}, true
	case w.State == "paused":
		return wire.TargetState{Deployment: w.Deployment, Down: "is paused",
			Next: fmt.Sprintf("whoever did that with Docker on node %s ends it with `docker unpause %s`", a.config.Node, w.Name)}, true
	case w.OutOfMemory:
		t.Down = fmt.Sprintf("was killed because it needs more memory than its limit (restarts so far: %d)", w.Restarts)
	default:
		t.Down = fmt.Sprintf("exited with code %d (restarts so far: %d)", w.ExitCode, w.Restarts)
	}
	t.Next = "the worker of node " + a.config.Node + " starts it again"
	if w.State == "restarting" {
		t.Next = "Docker starts it again"
	}
	return t, true
}
