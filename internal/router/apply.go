package router

import (
	"net"
	"reflect"
	"time"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// Apply makes t what its sandbox is served from. A public port that is held gets a moment to become free: somebody may
// just be letting go of it.
func (r *Router) Apply(t wire.RoutingTable) error {
	if err := checkTable(t); err != nil {
		return err
	}
	for give := time.Now().Add(bindPatience); ; time.Sleep(bindPatience / 10) {
		err := r.tryApply(t)
		if err == nil || sdp.AsError(err).Code != portHeld || time.Now().After(give) {
			return err
		}
	}
}

// tryApply is one attempt. The order matters: what can fail comes before the swap, so that a failure leaves everything
// as it was; the old public port is let go of last.
func (r *Router) tryApply(t wire.RoutingTable) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.pools.Sweep()
	sb, err := r.candidate(t)
	if err != nil || r.serves(sb, t) {
		return err
	}
	compiled := r.compile(sb, t)
	publicPort, err := r.openPublic(sb, t)
	if err != nil {
		return err
	}
	if err := r.save(tableChange(t.Sandbox, &t)); err != nil {
		if publicPort != nil {
			publicPort.Close()
		}
		return err
	}
	r.install(sb, compiled)
	if key, _ := r.publicKey(t); publicPort != nil {
		r.serve(key, publicPort, r.handler(public, sb))
	}
	r.align(t.Sandbox)
	r.log.Info("Applied table", "sandbox", t.Sandbox, "version", t.Version, "port", t.PublicPort)
	return nil
}

// candidate returns the sandbox a table is for, a new one if the router does not know it yet, unless the table is older
// than the sandbox's.
func (r *Router) candidate(t wire.RoutingTable) (*sandbox, error) {
	sb := r.sandboxes.get(t.Sandbox)
	if sb == nil {
		return newSandbox(t.Sandbox), nil
	}
	if have := sb.table.Load().Version; t.Version < have {
		return nil, sdp.Errorf(sdp.Conflict, "stale-table",
			"the router of node %s has version %d of the routes of sandbox %s, this is version %d",
			r.cfg.Node, have, t.Sandbox, t.Version).WithRemedy("send the current table")
	}
	return sb, nil
}

// serves reports whether t is in force already, which is common: the reconciler sends tables again to be sure.
func (r *Router) serves(sb *sandbox, t wire.RoutingTable) bool {
	key, hasPort := r.publicKey(t)
	return reflect.DeepEqual(sb.table.Load().RoutingTable, t) && (!hasPort || r.listeners.get(key) != nil)
}

// openPublic opens a table's public port if this node is to have it and does not; nil if there is nothing to open. A port that
// the sandbox has had is opened once it can be: what changes of its services does not wait for who holds it.
func (r *Router) openPublic(sb *sandbox, t wire.RoutingTable) (net.Listener, error) {
	key, ok := r.publicKey(t)
	if !ok || r.listeners.get(key) != nil {
		return nil, nil
	}
	if has, ok := r.publicKey(sb.table.Load().RoutingTable); ok && has == key {
		return nil, nil
	}
	return r.bind(key)
}

// install makes a compiled table the current one.
func (r *Router) install(sb *sandbox, t *table) {
	if n, ok := r.networks[sb.name]; ok {
		if subnet, err := checkNetwork(n); err == nil {
			sb.subnet.Store(&subnet)
		}
	}
	before := sb.table.Swap(t)
	sb.keepFormer(before, t)
	sb.replaced.Store(time.Now().UnixNano())
	r.sandboxes.put(sb)
	r.leaves(before, t)
}

// leaves notes that a sandbox's table took the place of another.
func (r *Router) leaves(before, now *table) {
	r.targets.follow(r.cfg.Node, before, now)
	r.pools.Use(now.pools, 1)
	r.pools.Use(before.pools, -1)
}

// Remove forgets a sandbox.
func (r *Router) Remove(name string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.pools.Sweep()
	_, hasNetwork := r.networks[name]
	gone := r.sandboxes.get(name)
	if gone == nil && !hasNetwork {
		return nil
	}
	if err := r.save(wire.RouterChange{Tables: map[string]*wire.RoutingTable{name: nil}, Networks: map[string]*wire.Network{name: nil}}); err != nil {
		return err
	}
	delete(r.networks, name)
	if gone != nil {
		r.sandboxes.delete(name)
		last := &table{RoutingTable: gone.table.Load().RoutingTable, inactive: "sandbox " + name + " was deleted"}
		r.leaves(gone.table.Swap(last), last)
	}
	r.align(name)
	r.log.Info("Removed sandbox", "sandbox", name)
	return nil
}

// SetNetwork says where the containers of a sandbox are.
func (r *Router) SetNetwork(sandbox string, n wire.Network) error {
	if err := sdp.CheckSandboxName(sandbox); err != nil {
		return err
	}
	subnet, err := checkNetwork(n)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.networks[sandbox] == n {
		return nil
	}
	if err := r.save(networkChange(sandbox, &n)); err != nil {
		return err
	}
	r.networks[sandbox] = n
	if sb := r.sandboxes.get(sandbox); sb != nil {
		sb.subnet.Store(&subnet)
	}
	r.align(sandbox)
	return nil
}

// RemoveNetwork forgets where they are.
func (r *Router) RemoveNetwork(sandbox string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.networks[sandbox]; !ok {
		return nil
	}
	if err := r.save(networkChange(sandbox, nil)); err != nil {
		return err
	}
	delete(r.networks, sandbox)
	if sb := r.sandboxes.get(sandbox); sb != nil {
		sb.subnet.Store(nil)
	}
	r.align(sandbox)
	return nil
}

// SetMeshToken makes token the one that is sent.
func (r *Router) SetMeshToken(token string) error {
	if token == "" {
		return sdp.Errorf(sdp.Invalid, "no-token", "the mesh token is empty")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.tokens.Load()
	if old.Current == token {
		return nil
	}
	next := &wire.MeshTokens{Current: token, Previous: old.Current}
	if err := r.save(wire.RouterChange{Tokens: next}); err != nil {
		return err
	}
	r.tokens.Store(next)
	return nil
}
