package router

import (
	"context"
	"iter"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"sdp/internal/router/journal"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// state is all that the router must not forget, in pieces.
func (r *Router) state() iter.Seq[wire.RouterChange] {
	return func(yield func(wire.RouterChange) bool) {
		if !yield(wire.RouterChange{Tokens: r.tokens.Load()}) {
			return
		}
		for name, n := range r.networks {
			if !yield(networkChange(name, &n)) {
				return
			}
		}
		for t := range r.targets.all() {
			if !yield(targetChange(t)) {
				return
			}
		}
		for name, sb := range r.sandboxes.all() {
			if !yield(tableChange(name, &sb.table.Load().RoutingTable)) {
				return
			}
		}
	}
}

func tableChange(sandbox string, t *wire.RoutingTable) wire.RouterChange {
	return wire.RouterChange{Tables: map[string]*wire.RoutingTable{sandbox: t}}
}

func networkChange(sandbox string, n *wire.Network) wire.RouterChange {
	return wire.RouterChange{Networks: map[string]*wire.Network{sandbox: n}}
}

func targetChange(targets ...wire.TargetState) wire.RouterChange {
	c := wire.RouterChange{Targets: map[string]*wire.TargetState{}}
	for _, t := range targets {
		c.Targets[t.Deployment] = &t
	}
	return c
}

// save makes a change durable.
func (r *Router) save(c wire.RouterChange) error {
	if err := r.journal.Append(c); err != nil {
		return sdp.Errorf(sdp.Unavailable, "state-not-saved", "the router of node %s could not save its state: %w",
			r.cfg.Node, err).WithRemedy("free space in its data directory and check that it is writable")
	}
	return nil
}

// compact shortens the state file when most of it is history.
func (r *Router) compact() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.journal.Grown() {
		r.rewrite()
	}
}

func (r *Router) rewrite() {
	if err := r.journal.Rewrite(); err != nil {
		r.log.Error("Failed to write the state anew", "error", err)
	}
}

// restore loads the saved state and opens what it can. A state file that cannot be read is put aside: the reconciler
// sends the tables again, and a router that does not start would serve nobody.
func (r *Router) restore() {
	name := filepath.Join(r.cfg.DataDir, stateName)
	s, err := journal.Read(name)
	if err != nil {
		aside := name + ".bad-" + time.Now().UTC().Format("20060102T150405")
		r.log.Error("Failed to read the saved state", "error", err, "kept", aside, "rename", os.Rename(name, aside))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tokens.Store(&s.Tokens)
	for sandbox, n := range s.Networks {
		r.networks[sandbox] = n
	}
	for _, t := range s.Targets {
		r.targets.put(t)
	}
	for _, t := range s.Tables {
		if err := checkTable(t); err != nil {
			r.log.Error("Skipped a saved table", "sandbox", t.Sandbox, "error", err)
			continue
		}
		sb := newSandbox(t.Sandbox)
		r.install(sb, r.compile(sb, t))
	}
	r.alignAll()
	r.rewrite()
}

// lockPatience is how long a router waits for its predecessor to end.
const lockPatience = 5 * time.Second

// lock makes sure that one router only uses the data directory. The kernel releases it when the process ends.
func (r *Router) lock(ctx context.Context) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(r.cfg.DataDir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, sdp.Errorf(sdp.Internal, "data-directory", "the router cannot use its data directory: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	for {
		if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			return func() { f.Close() }, nil
		}
		select {
		case <-time.After(tick):
		case <-ctx.Done():
			f.Close()
			return nil, sdp.Errorf(sdp.Conflict, "router-running", "another router already uses %s", r.cfg.DataDir).
				WithRemedy("stop it, or give this node a data directory of its own")
		}
	}
}
