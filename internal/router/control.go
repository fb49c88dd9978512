package router

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"sdp/internal/wire"
)

// Drain waits until nothing is under way to the container of a deployment; see socket.Client.
func (r *Router) Drain(ctx context.Context, deployment string, timeout time.Duration) (sum int, err error) {
	r.sweep() // so that a pool knows whether a table still uses it
	end := time.Now().Add(timeout)
	for _, p := range r.pools.Of(deployment) {
		cut, err := p.Drain(ctx, time.Until(end))
		if err != nil {
			return sum, err
		}
		sum += cut
	}
	if sum > 0 {
		r.log.Warn("Closed connections to a drained container", "deployment", deployment, "cut", sum)
	}
	return sum, nil
}

// Stats returns what was counted for each sandbox.
func (r *Router) Stats() []wire.RouterStats {
	all := []wire.RouterStats{}
	for _, sb := range r.sandboxes.all() {
		all = append(all, sb.stats())
	}
	slices.SortFunc(all, func(a, b wire.RouterStats) int { return cmp.Compare(a.Sandbox, b.Sandbox) })
	return all
}

// Tables returns the tables in force.
func (r *Router) Tables() []wire.RoutingTable {
	all := []wire.RoutingTable{}
	for _, sb := range r.sandboxes.all() {
		all = append(all, sb.table.Load().RoutingTable)
	}
	slices.SortFunc(all, func(a, b wire.RoutingTable) int { return cmp.Compare(a.Sandbox, b.Sandbox) })
	return all
}

// Versions returns which tables those are.
func (r *Router) Versions() wire.TableVersions {
	all := wire.TableVersions{}
	for name, sb := range r.sandboxes.all() {
		all = append(all, wire.TableVersion{Sandbox: name, Version: sb.table.Load().Version})
	}
	return all
}

// Networks returns the networks by sandbox.
func (r *Router) Networks() map[string]wire.Network {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.networks)
}
