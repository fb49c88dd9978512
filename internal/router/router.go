// Package router is SDP's data plane: the process on every node that carries requests to the containers of sandboxes,
// to other nodes and to the shared environment. It depends on nothing but its own state file, so it goes on serving
// while worker, server, Temporal and PostgreSQL are down.
//
// # What it listens on
//
//   - The public port of each sandbox whose gateway node this is. Requests go to the sandbox's gateway service, or, in
//     a sandbox without one, /<service>/rest goes to /rest of the service (X-Forwarded-Prefix says what was cut).
//   - The gateway address of each sandbox network on this node, at the port of each service. Containers resolve plain
//     service names to that address, and Host or :authority says which service they want; "sandbox-<sandbox>-<service>"
//     means the container itself. Requests from outside the network's subnet are refused.
//   - The mesh address, for routers of other nodes, which show a shared token.
//   - The control socket DataDir/router.sock, for the worker; see package socket.
//
// All but the last speak HTTP/1.1 with upgrades (WebSocket) and HTTP/2 without TLS (gRPC). What comes as HTTP/2 goes on
// as HTTP/2 if the target speaks it.
//
// # The way of a request
//
// Each request passes the stages of the list in stages.go, one file each; that is where something new that is to happen to
// requests goes. Below them are packages that know nothing of routes: forward has connections, egress the rules for where
// these may lead, stats counts, tracing remembers hops, listen opens ports, socket is how the worker talks to the router.
// Nine of this package's files are the stages and what they write (headers, the outgoing request, answers); the others keep
// the tables they go by.
//
// # How a change stays invisible
//
// Each sandbox has one atomic pointer to its table. A request counts itself into the pool of connections to its target
// and then looks whether the table is still the current one; a change stores the new table and then waits for the count
// of the old target. So whatever starts after Apply has returned goes to the new target, what runs goes on undisturbed,
// and Drain returns once nothing is left. Tables and networks are added to DataDir/router.state (see package journal)
// before they take effect and restored at start. What cannot be opened then is tried again and again,
// and reported by Health; one sandbox's trouble is never another's.
//
// # Where containers are
//
// A table has the address a container had when the server last heard of it. The worker hears from Docker when a container
// stops or starts and tells the router (SetTargets), which goes by that, by deployment, until it is told something
// else, whatever a table says: a stopped container's address is given to the next one. Targets are saved with the tables.
//
// # Who answered
//
// Every response carries X-SDP-Sandbox and X-SDP-Route: <service>=<sandbox|ocp|url|none>[@sha], set by the router that
// picked the final target. Where nobody serves, or the container is down, the answer is a 503 problem document with the
// reason; where the target does not answer it is a 502. Requests with the trace header leave a hop in each router they pass.
//
// # Several targets
//
// A route may be split among containers by weight, see turns. The router where a request enters chooses and counts, and
// says to the next router which it chose. What is counted per target is counted beside the service's and the sandbox's sums.
package router

import (
	"context"
	"log"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sdp/internal/router/egress"
	"sdp/internal/router/forward"
	"sdp/internal/router/journal"
	"sdp/internal/router/socket"
	"sdp/internal/router/stats"
	"sdp/internal/router/tracing"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// Names of files in Config.DataDir, beside socket.Name.
const (
	stateName = "router.state"
	lockName  = "router.lock"
)

const (
	tick          = 100 * time.Millisecond // how often what could not be opened is tried again
	upkeepEvery   = time.Second
	shutdownGrace = 5 * time.Second // for requests under way when the router is stopped
)

// Config says where a router listens and keeps its state.
type Config struct {
	Node       string       // name of this node; targets with this name are reached directly, others over the mesh
	Instance   string       // which SDP installation
	DataDir    string       // holds the control socket, the lock and the state; made if missing
	PublicAddr string       // IP the public ports are opened on; "" = "0.0.0.0"
	MeshAddr   string       // "host:port" where other nodes' routers reach this one; "" = none do
	Log        *slog.Logger // nil = slog.Default()

	Routes egress.Config // where routes to URLs and to the shared environment may lead
}

// Router is the data plane of one node.
type Router struct {
	cfg     Config
	log     *slog.Logger
	started time.Time
	ready   chan struct{}

	serverLog *log.Logger // for net/http

	// Read by requests, without a lock.
	sandboxes sandboxes
	tokens    atomic.Pointer[wire.MeshTokens]
	pools     *forward.Pools
	traces    *tracing.Traces

	mu        sync.Mutex // one change at a time
	journal   *journal.Journal
	shared    shared
	networks  map[string]wire.Network
	targets   targets
	listeners listeners
	problems  map[listenerKey]problemSince
	stopped   bool            // nothing is opened any more
	serving   sync.WaitGroup  // goroutines of listeners
	life      context.Context // ends when what is still under way at shutdown is to be cut
	endLife   context.CancelFunc
}

// New checks cfg and returns a router that does nothing until Run.
func New(cfg Config) (*Router, error) {
	if err := sdp.CheckNodeName(cfg.Node); err != nil {
		return nil, err
	}
	if cfg.PublicAddr == "" {
		cfg.PublicAddr = "0.0.0.0"
	}
	if net.ParseIP(cfg.PublicAddr) == nil {
		return nil, sdp.Errorf(sdp.Invalid, "bad-address", "%q is not an IP address to open ports on", cfg.PublicAddr)
	}
	if cfg.DataDir == "" {
		return nil, sdp.Errorf(sdp.Invalid, "no-data-directory", "the router has no data directory").
			WithRemedy("set `data:` in the node's configuration")
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	r := &Router{cfg: cfg, log: cfg.Log.With("node", cfg.Node), started: time.Now(), ready: make(chan struct{}),
		traces: tracing.New(), networks: map[string]wire.Network{}, targets: newTargets(), listeners: newListeners(),
		problems: map[listenerKey]problemSince{}}
	r.serverLog = slog.NewLogLogger(r.log.Handler(), slog.LevelWarn)
	r.journal = journal.New(filepath.Join(cfg.DataDir, stateName), r.state)
	rules, err := egress.New(cfg.Node, cfg.Routes, r.servesPublic)
	if err != nil {
		return nil, err
	}
	r.pools = forward.NewPools(rules)
	r.life, r.endLife = context.WithCancel(context.Background())
	r.tokens.Store(&wire.MeshTokens{})
	return r, nil
}

// Ready is closed once Run has restored what there was and the control socket answers.
func (r *Router) Ready() <-chan struct{} { return r.ready }

// Run restores the saved tables, serves until ctx ends, gives requests under way a few seconds and returns. It may be
// called once. It returns an error if it could not start: another router has the data directory, or that cannot be used.
func (r *Router) Run(ctx context.Context) error {
	if err := os.MkdirAll(r.cfg.DataDir, 0o700); err != nil {
		return sdp.Errorf(sdp.Internal, "data-directory", "the router cannot use its data directory: %w", err)
	}
	unlock, err := r.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	r.restore()
	debug.FreeOSMemory() // what reading the state took
	tuneGC()
	control, err := socket.Listen(filepath.Join(r.cfg.DataDir, socket.Name), r)
	if err != nil {
		r.shutdown()
		return err
	}
	close(r.ready)
	r.log.Info("Started router", "sandboxes", r.sandboxes.len())
	err = r.upkeep(ctx, control)
	control.Close()
	r.shutdown()
	r.log.Info("Stopped router")
	return err
}

// upkeep tries again what could not be opened, and forgets what is no longer needed, until ctx ends or the control
// socket fails.
func (r *Router) upkeep(ctx context.Context, control *socket.Server) error {
	retry, upkeep, window := time.NewTicker(tick), time.NewTicker(upkeepEvery), time.NewTicker(stats.Window)
	defer retry.Stop()
	defer upkeep.Stop()
	defer window.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-control.Failed():
			return sdp.Errorf(sdp.Internal, "control-socket", "the router's control socket failed: %w", err)
		case <-retry.C:
			r.retry()
		case <-upkeep.C:
			r.sweep()
			r.compact()
		case <-window.C:
			r.rotateStats()
			tuneGC()
		}
	}
}

// shutdown closes the listeners, lets requests under way end and cuts what is left after shutdownGrace.
func (r *Router) shutdown() {
	r.mu.Lock()
	r.stopped = true
	for _, l := range r.listeners.at {
		r.close(l)
	}
	r.journal.Close()
	r.mu.Unlock()
	grace := time.AfterFunc(shutdownGrace, r.endLife)
	defer grace.Stop()
	r.serving.Wait()
	r.pools.CloseAll()
}

func (r *Router) sweep() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.targets.forget(time.Now())
	r.pools.Sweep()
	r.pools.CloseOld()
}

func (r *Router) rotateStats() {
	for _, sb := range r.sandboxes.all() {
		sb.rotate()
	}
}

// Health describes the router. What cannot be opened is only reported after problemAfter: after a crash the kernel may
// need a moment to free a port.
func (r *Router) Health() wire.RouterHealth {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := wire.RouterHealth{Node: r.cfg.Node, Instance: r.cfg.Instance, StartedAt: r.started, Sandboxes: r.sandboxes.len()}
	if l := r.listeners.get(r.meshKey()); l != nil {
		h.MeshAddr = l.net.Addr().String()
	}
	for key, p := range r.problems {
		if time.Since(p.since) < problemAfter {
			continue
		}
		h.Problems = append(h.Problems, p.err.Error())
		if key.side == public {
			h.Held = append(h.Held, key.sandbox)
		}
	}
	slices.Sort(h.Held)
	slices.Sort(h.Problems)
	return h
}
