package worker

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"sdp/internal/containers"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// reconciler compares what the control plane wants of this node with what Docker and the router have. What is missing
// is started or routed; what is too much is removed only after two rounds in a row, because something new may be made
// between asking the control plane and looking at Docker. Every correction is reported.
type reconciler struct {
	*agent
	suspects map[string]bool // found too much in the last round
	next     map[string]bool // found too much in this round
	pruned   time.Time       // when the clones were last pruned
}

// reconcile runs rounds: at once, on Docker events, and as often as configured.
func (a *agent) reconcile(ctx context.Context) error {
	r := &reconciler{agent: a}
	events := a.runtime.Events(ctx)
	ticker := time.NewTicker(a.config.ReconcileEvery)
	defer ticker.Stop()
	for {
		if err := r.round(ctx); err != nil && ctx.Err() == nil {
			a.log.Warn("Reconciling failed; trying again", "error", err)
		}
		if !r.wait(ctx, events, ticker.C) {
			return nil
		}
	}
}

// wait returns false when ctx ended. Only a container that ended by itself, or a daemon that is back, is worth a round
// of its own.
func (r *reconciler) wait(ctx context.Context, events <-chan containers.Event, tick <-chan time.Time) bool {
	for {
		select {
		case <-ctx.Done():
			return false
		case <-tick:
			return true
		case e, open := <-events:
			if !open {
				events = nil
			} else if e.Action == "die" || e.Action == containers.Resync {
				return settle(ctx, events)
			}
		}
	}
}

// settleFor is how long Docker's events are let settle before a round: a deployment causes several, and ten at once
// must not cause a round each.
const settleFor = 500 * time.Millisecond

// settle drops the events of the next moment; it returns false when ctx ended.
func settle(ctx context.Context, events <-chan containers.Event) bool {
	timer := time.NewTimer(settleFor)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
			return true
		case _, open := <-events:
			if !open {
				events = nil
			}
		}
	}
}

func (r *reconciler) round(ctx context.Context) error {
	if err := r.node.Targets.TellAll(ctx); err != nil && ctx.Err() == nil { // without the control plane, too
		r.log.Warn("Telling the router where containers are failed; the next round does", "error", err)
	}
	routed, err := r.router.Versions(ctx)
	if err != nil {
		routed = nil // containers are looked after without a router, too
	}
	want, err := r.server.desired(ctx, routed)
	if err != nil {
		return err
	}
	r.monitor.setTargets(want)
	r.next = map[string]bool{}
	have, err := r.runtime.List(ctx)
	if err != nil {
		return err
	}
	r.outputs(have)
	corrections := r.containers(ctx, want, have)
	if err := r.routes(ctx, want, routed, corrections); err != nil {
		return err
	}
	corrections = append(corrections, r.orphans(ctx, want, have)...)
	corrections = append(corrections, r.checkouts(want)...)
	r.suspects = r.next
	r.pruneClones(want)
	if len(corrections) == 0 {
		return nil
	}
	for _, c := range corrections {
		r.log.Info("Corrected", "what", c.What, "sandbox", c.Sandbox, "service", c.Service, "deployment", c.Deployment)
	}
	return r.server.observed(ctx, corrections)
}

// twice reports whether something was found too much in this round and the last.
func (r *reconciler) twice(key string) bool {
	r.next[key] = true
	return r.suspects[key]
}

func busy(want wire.Desired, sandbox, service string) bool {
	return slices.Contains(want.Busy, sdp.ServiceRef{Sandbox: sandbox, Service: service}) ||
		slices.Contains(want.Busy, sdp.ServiceRef{Sandbox: sandbox})
}

// outputs completes the log streams of containers that are gone.
func (r *reconciler) outputs(have []containers.Container) {
	for _, stream := range r.spool.Unfinished() {
		deployment, ofContainer := strings.CutPrefix(stream, sdp.ContainerStream(""))
		there := slices.ContainsFunc(have, func(c containers.Container) bool { return c.Deployment == deployment })
		if !ofContainer || there || !r.twice("output "+stream) {
			continue
		}
		if err := r.node.Output.Finish(stream); err != nil {
			r.log.Warn("Completing a container's output failed", "stream", stream, "error", err)
		}
	}
}

// containers starts serving containers that are stopped and notices addresses that changed and containers that are gone.
func (r *reconciler) containers(ctx context.Context, want wire.Desired, have []containers.Container) []sdp.Correction {
	var out []sdp.Correction
	for _, w := range want.Containers {
		if w.State != sdp.Serving || busy(want, w.Sandbox, w.Service) {
			continue
		}
		i := slices.IndexFunc(have, func(c containers.Container) bool { return stored(w, c) })
		if c := r.container(ctx, w, have, i); c != nil {
			c.Sandbox, c.Service, c.Deployment = w.Sandbox, w.Service, w.Deployment
			out = append(out, *c)
		}
	}
	return out
}

// stored reports whether c is the container that the control plane has stored as w. One that is just being made is not
// stored yet: its service is busy.
func stored(w sdp.Container, c containers.Container) bool {
	return w.Deployment == c.Deployment && w.DockerID == c.ID
}

func (r *reconciler) container(ctx context.Context, w sdp.Container, have []containers.Container, i int) *sdp.Correction {
	if i < 0 {
		if !r.twice("gone " + w.Deployment) {
			return nil
		}
		return &sdp.Correction{What: "noticed that its container is gone", State: sdp.Removed}
	}
	c := have[i]
	r.node.Output.Follow(c)
	if c.State != "running" && c.State != "restarting" {
		started, err := r.runtime.StartExisting(ctx, c.ID)
		if err != nil {
			r.log.Warn("Starting a stopped container failed", "container", c.Name, "error", err)
			return nil
		}
		r.node.Output.Follow(started)
		return &sdp.Correction{What: "started its stopped container " + c.Name, Address: started.Address}
	}
	if c.Address != "" && c.Address != w.Address {
		return &sdp.Correction{What: "noticed that its container moved to " + c.Address, Address: c.Address}
	}
	return nil
}

// routes gives the router the tables and networks it should have and has not, and takes away what it should not.
func (r *reconciler) routes(ctx context.Context, want wire.Desired, have wire.TableVersions, corrections []sdp.Correction) error {
	if err := r.router.SetMeshToken(ctx, want.MeshToken); err != nil {
		return err
	}
	networks, err := r.runtime.Networks(ctx)
	if err != nil {
		return err
	}
	wanted := versions(want.Tables)
	for _, n := range networks {
		if _, routed := wanted[n.Sandbox]; routed {
			if err := r.node.Routes.Listen(ctx, n); err != nil {
				return err
			}
		}
	}
	if len(corrections) > 0 {
		return nil // addresses changed: the tables are out of date, the next round brings new ones
	}
	routed := versions(have)
	var missing []string
	for _, t := range want.Tables {
		if version, has := routed[t.Sandbox]; !has || version < t.Version {
			missing = append(missing, t.Sandbox)
		}
	}
	err = r.server.tables(ctx, missing, func(t wire.RoutingTable) {
		if err := r.node.Routes.Apply(ctx, t); err != nil {
			r.log.Warn("Applying a table failed", "sandbox", t.Sandbox, "error", err)
		}
	})
	return errors.Join(err, r.dropTables(ctx, want, have))
}

// versions is the versions of tables by sandbox.
func versions(of wire.TableVersions) map[string]int64 {
	all := make(map[string]int64, len(of))
	for _, t := range of {
		all[t.Sandbox] = t.Version
	}
	return all
}

func (r *reconciler) dropTables(ctx context.Context, want wire.Desired, have wire.TableVersions) error {
	wanted := versions(want.Tables)
	for _, t := range have {
		if _, has := wanted[t.Sandbox]; !has && !busy(want, t.Sandbox, "") && r.twice("table "+t.Sandbox) {
			if err := r.router.Remove(ctx, t.Sandbox); err != nil {
				return err
			}
		}
	}
	return nil
}

// orphans removes containers and networks of ours that nothing wants any more.
func (r *reconciler) orphans(ctx context.Context, want wire.Desired, have []containers.Container) []sdp.Correction {
	var out []sdp.Correction
	for _, c := range have {
		known := slices.ContainsFunc(want.Containers, func(w sdp.Container) bool { return stored(w, c) })
		if known || busy(want, c.Sandbox, c.Service) || !r.twice("container "+c.ID) {
			continue
		}
		if err := r.runtime.Remove(ctx, c.ID); err != nil {
			r.log.Warn("Removing a container nothing wants failed", "container", c.Name, "error", err)
			continue
		}
		out = append(out, sdp.Correction{Sandbox: c.Sandbox, Service: c.Service, Deployment: c.Deployment,
			What: "removed container " + c.Name + ", which nothing wanted"})
	}
	networks, err := r.runtime.Networks(ctx)
	if err != nil {
		r.log.Warn("Listing networks failed", "error", err)
		return out
	}
	wanted := versions(want.Tables)
	for _, n := range networks {
		if _, routed := wanted[n.Sandbox]; routed || busy(want, n.Sandbox, "") || !r.twice("network "+n.Name) {
			continue
		}
		err := r.runtime.RemoveNetwork(ctx, n.Sandbox)
		if err != nil && containers.UnlessMiscounted(err) == nil {
			continue // until Docker is started again
		}
		if err != nil {
			r.log.Warn("Removing a network nothing wants failed", "network", n.Name, "error", err)
			continue
		}
		out = append(out, sdp.Correction{Sandbox: n.Sandbox, What: "removed network " + n.Name + ", which nothing wanted"})
	}
	return out
}

// checkouts removes those of deployments that have ended without this node being told: it was cut off by then.
func (r *reconciler) checkouts(want wire.Desired) []sdp.Correction {
	var out []sdp.Correction
	for deployment, of := range r.node.Sources.Checkouts() {
		if busy(want, of.Sandbox, of.Service) || !r.twice("checkout "+deployment) {
			continue
		}
		if err := r.node.Sources.DropCheckout(deployment); err != nil {
			r.log.Warn("Removing a checkout nothing wants failed", "deployment", deployment, "error", err)
			continue
		}
		out = append(out, sdp.Correction{Sandbox: of.Sandbox, Service: of.Service, Deployment: deployment,
			What: "removed the checkout of a deployment that has ended"})
	}
	return out
}
