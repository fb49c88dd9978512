package forward

import (
	"maps"
	"net/netip"
	"slices"
	"sync"

	"sdp/internal/router/egress"
)

// Pools is all pools of a router.
type Pools struct {
	rules      *egress.Rules
	mu         sync.Mutex
	containers map[string]*Pool // by deployment and address: two containers may have the same one after each other
	shared     map[sharedBy]*Pool
}

// sharedBy says which sandbox's routes share a pool: those to containers of other nodes, or those to everything outside.
type sharedBy struct {
	sandbox string
	mesh    bool
}

// NewPools returns none yet; what leads outside goes by the rules.
func NewPools(e *egress.Rules) *Pools {
	return &Pools{rules: e, containers: map[string]*Pool{}, shared: map[sharedBy]*Pool{}}
}

// Container returns the pool of the owner's container at address, making it if needed.
func (ps *Pools) Container(address string, o Owner) *Pool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	key := o.Deployment + "@" + address
	p := ps.containers[key]
	if p == nil {
		p = newPool(address, containerIdle, false)
		ps.containers[key] = p
	}
	p.revive(o)
	return p
}

// Shared returns the pool of a sandbox's routes to containers of other nodes, or of those to everything outside, making it
// if needed.
func (ps *Pools) Shared(sandbox string, mesh bool) *Pool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	by := sharedBy{sandbox, mesh}
	p := ps.shared[by]
	if p == nil {
		p = newPool("", outsideIdle, mesh)
		if !mesh {
			p.rules = ps.rules
		}
		ps.shared[by] = p
	}
	p.revive(Owner{Sandbox: sandbox})
	return p
}

// ByIP returns the pool of the container with an IP address, nil if there is none. Retired ones count: a container
// that is being drained still sends requests.
func (ps *Pools) ByIP(ip netip.Addr) *Pool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	var found *Pool
	for _, p := range ps.containers {
		a, err := netip.ParseAddrPort(p.address)
		if err == nil && a.Addr() == ip && (found == nil || found.retired.Load()) {
			found = p
		}
	}
	return found
}

// Sweep retires the pools that no table uses and forgets those of them that have nothing in flight.
func (ps *Pools) Sweep(used map[*Pool]bool) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	unneeded := func(p *Pool) bool {
		if used[p] {
			p.closeOld()
			return false
		}
		p.retired.Store(true)
		if p.inFlight.Load() > 0 {
			return false
		}
		p.closeIdle()
		return true
	}
	maps.DeleteFunc(ps.containers, func(_ string, p *Pool) bool { return unneeded(p) })
	maps.DeleteFunc(ps.shared, func(_ sharedBy, p *Pool) bool { return unneeded(p) })
}

// CloseAll closes all connections and lets none be opened.
func (ps *Pools) CloseAll() {
	ps.mu.Lock()
	all := slices.AppendSeq(slices.Collect(maps.Values(ps.containers)), maps.Values(ps.shared))
	ps.mu.Unlock()
	for _, p := range all {
		p.cut.Store(true)
		p.closeAll()
	}
}

// Leave gives up the connections, and the dials under way, to where a deployment's container is not or no longer.
func (ps *Pools) Leave(deployment, address string) {
	for _, p := range ps.Of(deployment) {
		if p.address != address {
			p.dials.end()
			p.closeIdle()
		}
	}
}

// Of returns the pools of a deployment's container: one for each address it had.
func (ps *Pools) Of(deployment string) []*Pool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	var all []*Pool
	for _, p := range ps.containers {
		if p.owner.Load().Deployment == deployment {
			all = append(all, p)
		}
	}
	return all
}
