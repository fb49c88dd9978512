package router

import (
	"maps"
	"net/netip"
	"slices"
	"time"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// keepUnnamed is how long a target is remembered that no table names. A new container's comes before its table.
const keepUnnamed = time.Minute

// lostAddress is why a target is down of which nobody said where it is now.
const lostAddress = "is not where it was: another container has its address"

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
	defer r.sweepLocked()
	changed := r.learn(told)
	if len(changed) == 0 {
		return nil
	}
	for name, sb := range *r.sandboxes.Load() {
		if t := sb.table.Load(); t.concerns(changed, r.cfg.Node) {
			r.install(sb, r.compile(sb, t.RoutingTable))
			r.log.Info("Followed containers", "sandbox", name, "targets", changed)
		}
	}
	for _, t := range changed {
		r.pools.Leave(t.Deployment, t.Address)
	}
	return r.save(func(*wire.RouterState) {})
}

// learn remembers targets and returns what that changed. Of those it is told nothing about, it is sure that none is at the
// address of one of the told.
func (r *Router) learn(told []wire.TargetState) (changed []wire.TargetState) {
	silent := maps.Clone(r.targets)
	put := func(t wire.TargetState) {
		old := r.targets[t.Deployment]
		if t.Since.IsZero() && t.Down != "" {
			if t.Since = time.Now(); old.Down == t.Down {
				t.Since = old.Since
			}
		}
		if t.Since = t.Since.UTC().Round(0); t != old {
			r.targets[t.Deployment] = t
			changed = append(changed, t)
		}
	}
	for _, t := range told {
		delete(silent, t.Deployment)
		put(t)
	}
	for _, t := range told {
		for _, other := range silent {
			if t.Address != "" && other.Address == t.Address {
				put(wire.TargetState{Deployment: other.Deployment, Down: lostAddress})
			}
		}
	}
	return changed
}

// located returns where the target of a table is. The table's word counts while nobody has said anything of that target,
// or of another one at its address.
func (r *Router) located(t wire.Target) wire.TargetState {
	if known, ok := r.targets[t.Deployment]; ok {
		return known
	}
	for _, other := range r.targets {
		if other.Address == t.Address {
			return wire.TargetState{Deployment: t.Deployment, Down: lostAddress}
		}
	}
	return wire.TargetState{Deployment: t.Deployment, Address: t.Address}
}

// concerns reports whether a table leads to one of the targets, or to the address of one.
func (t *table) concerns(targets []wire.TargetState, node string) bool {
	for _, rt := range t.routes {
		for _, tg := range rt.targets {
			if tg.Node == node && slices.ContainsFunc(targets, func(o wire.TargetState) bool {
				return o.Deployment == tg.Deployment || o.Address != "" && o.Address == tg.Address
			}) {
				return true
			}
		}
	}
	return false
}

// forgetTargets drops the targets that no table has named for a while.
func (r *Router) forgetTargets(now time.Time) {
	named := map[string]bool{}
	for _, sb := range *r.sandboxes.Load() {
		for _, rt := range sb.table.Load().routes {
			for _, tg := range rt.targets {
				named[tg.Deployment] = true
			}
		}
	}
	for deployment := range r.targets {
		since, noted := r.unnamed[deployment]
		switch {
		case named[deployment]:
			delete(r.unnamed, deployment)
		case !noted:
			r.unnamed[deployment] = now
		case now.Sub(since) > keepUnnamed:
			delete(r.unnamed, deployment)
			delete(r.targets, deployment)
		}
	}
}
