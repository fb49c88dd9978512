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
	return r.statsOf(func(*sandbox) bool { return true })
}

// RecentStats leaves out the sandboxes for which nothing has happened for so long that nothing can have changed.
func (r *Router) RecentStats() []wire.RouterStats {
	since := time.Now().Add(-wire.StatsSettle)
	return r.statsOf(func(sb *sandbox) bool { return sb.activeSince(since) })
}

func (r *Router) statsOf(wanted func(*sandbox) bool) []wire.RouterStats {
	all := []wire.RouterStats{}
	for _, sb := range r.sandboxes.all() {
		if wanted(sb) {
			all = append(all, sb.stats())
		}
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

// LocalTables returns the tables with routes to containers of this node, with these routes.
func (r *Router) LocalTables() []wire.RoutingTable {
	all := []wire.RoutingTable{}
	for _, sb := range r.sandboxes.all() {
		t := sb.table.Load()
		local := wire.RoutingTable{Sandbox: t.Sandbox, Version: t.Version}
		for _, rt := range t.routes {
			if slices.ContainsFunc(rt.targets, func(tg *target) bool { return tg.Node == r.cfg.Node }) {
				local.Services = append(local.Services, *rt.ServiceRoute)
			}
		}
		if len(local.Services) > 0 {
			all = append(all, local)
		}
	}
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
