package router

import (
	"iter"
	"net/netip"
	"time"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// keepUnnamed is how long a target is remembered that no table names. A new container's comes before its table.
const keepUnnamed = time.Minute

// lostAddress is why a target is down of which nobody said where it is now.
const lostAddress = "is not where it was: another container has its address"

// targets is where the containers of this node are, as was told, and which tables name them.
type targets struct {
	told    map[string]wire.TargetState // by deployment
	at      sets                        // deployments told, by address
	names   sets                        // sandboxes whose tables name it, by deployment
	leads   sets                        // sandboxes whose tables lead there, by address
	unnamed map[string]time.Time        // told, named by no table; since when
}

func newTargets() targets {
	return targets{told: map[string]wire.TargetState{}, at: sets{}, names: sets{}, leads: sets{}, unnamed: map[string]time.Time{}}
}

// sets is sets of strings by a key; there is none that is empty.
type sets map[string]map[string]struct{}

func (s sets) add(key, member string) {
	if s[key] == nil {
		s[key] = map[string]struct{}{}
	}
	s[key][member] = struct{}{}
}

func (s sets) remove(key, member string) {
	if delete(s[key], member); len(s[key]) == 0 {
		delete(s, key)
	}
}

func (t *targets) all() iter.Seq[wire.TargetState] {
	return func(yield func(wire.TargetState) bool) {
		for _, s := range t.told {
			if !yield(s) {
				return
			}
		}
	}
}

func (t *targets) put(s wire.TargetState) {
	t.drop(s.Deployment)
	t.told[s.Deployment] = s
	if s.Address != "" {
		t.at.add(s.Address, s.Deployment)
	}
	if t.names[s.Deployment] == nil {
		t.unnamed[s.Deployment] = time.Now()
	}
}

func (t *targets) drop(deployment string) {
	t.at.remove(t.told[deployment].Address, deployment)
	delete(t.told, deployment)
	delete(t.unnamed, deployment)
}

// follow notes which targets of this node a sandbox's table names now, and no longer.
func (t *targets) follow(node string, before, now *table) {
	for tg := range before.local(node) {
		t.names.remove(tg.Deployment, before.Sandbox)
		t.leads.remove(tg.Address, before.Sandbox)
	}
	for tg := range now.local(node) {
		t.names.add(tg.Deployment, now.Sandbox)
		t.leads.add(tg.Address, now.Sandbox)
		delete(t.unnamed, tg.Deployment)
	}
	for tg := range before.local(node) {
		if _, told := t.told[tg.Deployment]; told && t.names[tg.Deployment] == nil {
			t.unnamed[tg.Deployment] = time.Now()
		}
	}
}

// local is the targets that are containers of a node.
func (t *table) local(node string) iter.Seq[*target] {
	return func(yield func(*target) bool) {
		for _, rt := range t.routes {
			for _, tg := range rt.targets {
				if tg.Node == node && !yield(tg) {
					return
				}
			}
		}
	}
}

// concerned is the sandboxes whose tables lead to one of the targets, or to the address of one.
func (t *targets) concerned(changed []wire.TargetState) map[string]struct{} {
	all := map[string]struct{}{}
	for _, s := range changed {
		for name := range t.names[s.Deployment] {
			all[name] = struct{}{}
		}
		if s.Address == "" {
			continue
		}
		for name := range t.leads[s.Address] {
			all[name] = struct{}{}
		}
	}
	return all
}

func checkState(t wire.TargetState) error {
	_, err := netip.ParseAddrPort(t.Address)
	if t.Deployment == "" || (t.Address == "") == (t.Down == "") || t.Address != "" && err != nil {
		return sdp.Errorf(sdp.Invalid, "bad-target", "target %+v does not say whose container is where, or why it is down", t)
	}
	return nil
}

// SetTargets makes requests go to where containers are. It takes effect before it is saved: to go to an address that may
// be another's by now is worse than to forget.
func (r *Router) SetTargets(told []wire.TargetState) error {
	for _, t := range told {
		if err := checkState(t); err != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.pools.Sweep()
	changed := r.targets.learn(told)
	if len(changed) == 0 {
		return nil
	}
	for name := range r.targets.concerned(changed) {
		sb := r.sandboxes.get(name)
		r.install(sb, r.compile(sb, sb.table.Load().RoutingTable))
		r.log.Info("Followed containers", "sandbox", name, "targets", changed)
	}
	for _, t := range changed {
		r.pools.Leave(t.Deployment, t.Address)
	}
	return r.save(targetChange(changed...))
}

// learn remembers targets and returns what that changed. Of those it is told nothing about, it is sure that none is at the
// address of one of the told.
func (t *targets) learn(told []wire.TargetState) (changed []wire.TargetState) {
	put := func(s wire.TargetState) {
		old := t.told[s.Deployment]
		if s.Since.IsZero() && s.Down != "" {
			if s.Since = time.Now(); old.Down == s.Down {
				s.Since = old.Since
			}
		}
		if s.Since = s.Since.UTC().Round(0); s != old {
			t.put(s)
			changed = append(changed, s)
		}
	}
	spoken := map[string]bool{}
	for _, s := range told {
		spoken[s.Deployment] = true
		put(s)
	}
	for _, s := range told {
		for other := range t.at[s.Address] {
			if !spoken[other] {
				put(wire.TargetState{Deployment: other, Down: lostAddress})
			}
		}
	}
	return changed
}

// located returns where the target of a table is. The table's word counts while nobody has said anything of that target,
// or of another one at its address.
func (t *targets) located(named wire.Target) wire.TargetState {
	if known, ok := t.told[named.Deployment]; ok {
		return known
	}
	if t.at[named.Address] != nil {
		return wire.TargetState{Deployment: named.Deployment, Down: lostAddress}
	}
	return wire.TargetState{Deployment: named.Deployment, Address: named.Address}
}

// forget drops the targets that no table has named for a while. The state file loses them when it is written anew.
func (t *targets) forget(now time.Time) {
	for deployment, since := range t.unnamed {
		if now.Sub(since) > keepUnnamed {
			t.drop(deployment)
		}
	}
}
