package router

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"sdp/internal/atomicfile"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// current returns the state as it is.
func (r *Router) current() *wire.RouterState {
	s := &wire.RouterState{Format: wire.RouterStateFormat, Node: r.cfg.Node, Tokens: *r.tokens.Load(), Tables: map[string]wire.RoutingTable{},
		Networks: map[string]wire.Network{}, Targets: r.targets}
	for name, sb := range *r.sandboxes.Load() {
		s.Tables[name] = sb.table.Load().RoutingTable
	}
	for name, n := range r.networks {
		s.Networks[name] = n
	}
	return s
}

// save writes the state as it will be after change.
func (r *Router) save(change func(*wire.RouterState)) error {
	s := r.current()
	change(s)
	raw, err := json.Marshal(s)
	if err == nil {
		err = atomicfile.Write(filepath.Join(r.cfg.DataDir, stateName), raw, 0o600)
	}
	if err != nil {
		return sdp.Errorf(sdp.Unavailable, "state-not-saved", "the router of node %s could not save its state: %w",
			r.cfg.Node, err).WithRemedy("free space in its data directory and check that it is writable")
	}
	return nil
}

// restore loads the saved state and opens what it can. A state file that cannot be read is put aside: the reconciler
// sends the tables again, and a router that does not start would serve nobody.
func (r *Router) restore() {
	name := filepath.Join(r.cfg.DataDir, stateName)
	s, err := loadState(name)
	if err != nil {
		aside := name + ".bad-" + time.Now().UTC().Format("20060102T150405")
		r.log.Error("Failed to read the saved state", "error", err, "kept", aside, "rename", os.Rename(name, aside))
		s = wire.RouterState{}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tokens.Store(&s.Tokens)
	for sandbox, n := range s.Networks {
		r.networks[sandbox] = n
	}
	if s.Targets != nil {
		r.targets = s.Targets
	}
	for _, t := range s.Tables {
		if err := checkTable(t); err != nil {
			r.log.Error("Skipped a saved table", "sandbox", t.Sandbox, "error", err)
			continue
		}
		sb := newSandbox(t.Sandbox)
		r.install(sb, r.compile(sb, t))
	}
	r.align()
}

func loadState(name string) (wire.RouterState, error) {
	raw, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return wire.RouterState{}, nil
	}
	if err != nil {
		return wire.RouterState{}, err
	}
	return wire.ReadRouterState(raw)
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
