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
	peers      *peers
	mu         sync.Mutex
	containers map[string][]*Pool // by deployment; of each there is one for each address it had, since two containers may have the same one after the other
	byIP       map[netip.Addr][]*Pool
	shared     map[sharedBy]*Pool
	doubtful   map[*Pool]struct{} // those that may be unneeded, for Sweep
}

// sharedBy says which sandbox's routes share a pool: those to containers of other nodes, or those to everything outside.
type sharedBy struct {
	sandbox string
	mesh    bool
}

// NewPools returns none yet; what leads outside goes by the rules.
func NewPools(e *egress.Rules) *Pools {
	return &Pools{rules: e, peers: newPeers(), containers: map[string][]*Pool{}, byIP: map[netip.Addr][]*Pool{}, shared: map[sharedBy]*Pool{},
		doubtful: map[*Pool]struct{}{}}
}

// Container returns the pool of the owner's container at address, making it if needed.
func (ps *Pools) Container(address string, o Owner) *Pool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	of := ps.containers[o.Deployment]
	i := slices.IndexFunc(of, func(p *Pool) bool { return p.address == address })
	var p *Pool
	if i >= 0 {
		p = of[i]
	} else {
		p = newPool(address, containerIdle, false)
		p.deployment = o.Deployment
		ps.containers[o.Deployment] = append(of, p)
		if ip := p.ip(); ip.IsValid() {
			ps.byIP[ip] = append(ps.byIP[ip], p)
		}
	}
	ps.revive(p, o)
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
		if mesh {
			p.peers = ps.peers
		} else {
			p.rules = ps.rules
		}
		ps.shared[by] = p
	}
	ps.revive(p, Owner{Sandbox: sandbox})
	return p
}

func (ps *Pools) revive(p *Pool, o Owner) {
	p.revive(o)
	if p.uses == 0 {
		ps.doubtful[p] = struct{}{}
	}
}

// Use counts the targets of tables that lead to pools: those of a table that is in force from now on by 1, those of one that
// no longer is by -1.
func (ps *Pools) Use(pools []*Pool, by int) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, p := range pools {
		if p.uses += by; p.uses == 0 {
			ps.doubtful[p] = struct{}{}
		}
	}
}

// ByIP returns the pool of the container with an IP address, nil if there is none. Retired ones count: a container
// that is being drained still sends requests.
func (ps *Pools) ByIP(ip netip.Addr) *Pool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	var found *Pool
	for _, p := range ps.byIP[ip] {
		if found == nil || found.retired.Load() {
			found = p
		}
	}
	return found
}

// Sweep retires the pools that no table uses and forgets those of them that have nothing in flight.
func (ps *Pools) Sweep() {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for p := range ps.doubtful {
		if p.uses > 0 {
			delete(ps.doubtful, p)
			continue
		}
		p.retired.Store(true)
		if p.inFlight.Load() == 0 {
			p.closeIdle()
			ps.forget(p)
		}
	}
}

func (ps *Pools) forget(p *Pool) {
	delete(ps.doubtful, p)
	if p.address == "" {
		delete(ps.shared, sharedBy{p.Owner().Sandbox, p.mesh})
		return
	}
	remove(ps.containers, p.deployment, p)
	remove(ps.byIP, p.ip(), p)
}

func remove[K comparable](from map[K][]*Pool, key K, p *Pool) {
	from[key] = slices.DeleteFunc(from[key], func(o *Pool) bool { return o == p })
	if len(from[key]) == 0 {
		delete(from, key)
	}
}

// CloseOld closes connections that have been idle for too long, and those whose other side no longer answers.
func (ps *Pools) CloseOld() {
	for _, p := range ps.all() {
		p.closeOld()
		p.closeDead()
	}
}

// CloseAll closes all connections and lets none be opened.
func (ps *Pools) CloseAll() {
	ps.peers.close()
	for _, p := range ps.all() {
		p.cut.Store(true)
		p.closeAll()
	}
}

func (ps *Pools) all() []*Pool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	all := slices.Collect(maps.Values(ps.shared))
	for _, of := range ps.containers {
		all = append(all, of...)
	}
	return all
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
	return slices.Clone(ps.containers[deployment])
}
