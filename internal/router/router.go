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
//   - The control socket DataDir/router.sock, for the worker; see Client.
//
// All but the last speak HTTP/1.1 with upgrades (WebSocket) and HTTP/2 without TLS (gRPC). What comes as HTTP/2 goes on
// as HTTP/2 if the target speaks it.
//
// # How a change stays invisible
//
// Each sandbox has one atomic pointer to its table. A request counts itself into the pool of connections to its target
// and then looks whether the table is still the current one; a change stores the new table and then waits for the count
// of the old target. So whatever starts after Apply has returned goes to the new target, what runs goes on undisturbed,
// and Drain returns once nothing is left. Tables and networks are written to DataDir/router.state (temporary file,
// fsync, rename) before they take effect and restored at start. What cannot be opened then is tried again and again,
// and reported by Health; one sandbox's trouble is never another's.
//
// # Who answered
//
// Every response carries X-SDP-Sandbox and X-SDP-Route: <service>=<sandbox|ocp|url|none>[@sha], set by the router that
// picked the final target. Where nobody serves the answer is a 503 problem document with the reason; where the target
// does not answer it is a 502. Requests with the trace header leave a hop in each router they pass.
package router

import (
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sdp/internal/sdp"
)

// Names of files in Config.DataDir.
const (
	SocketName = "router.sock"
	stateName  = "router.state"
	lockName   = "router.lock"
)

const (
	tick          = 100 * time.Millisecond // how often what could not be opened is tried again
	upkeepEvery   = time.Second
	shutdownGrace = 5 * time.Second // for requests under way when the router is stopped
	// gcPercent makes the collector run less often than its default would. A router keeps a few MB and allocates some
	// 100 MB/s under full load, so it costs at most tens of MB and saves about a tenth of the CPU time (measured).
	gcPercent = 400
)

// Config says where a router listens and keeps its state.
type Config struct {
	Node       string       // name of this node; targets with this name are reached directly, others over the mesh
	Instance   string       // which SDP installation
	DataDir    string       // holds the control socket, the lock and the state; made if missing
	PublicAddr string       // IP the public ports are opened on; "" = "0.0.0.0"
	MeshAddr   string       // "host:port" where other nodes' routers reach this one; "" = none do
	Log        *slog.Logger // nil = slog.Default()
}

// Network is where the containers of one sandbox on this node are.
type Network struct {
	Gateway string // IP of the host's side of the bridge; the router listens on it
	Subnet  string // "10.213.0.0/26"; requests from elsewhere are refused
}

// Health is how a router is.
type Health struct {
	Node      string
	Instance  string
	StartedAt time.Time
	MeshAddr  string // actual address of the mesh listener; "" while it is not open
	Sandboxes int
	Problems  []string // what it could not open and goes on trying; empty when all is well
}

// Router is the data plane of one node.
type Router struct {
	cfg     Config
	log     *slog.Logger
	started time.Time
	ready   chan struct{}

	// Read by requests, without a lock.
	sandboxes atomic.Pointer[map[string]*sandbox]
	tokens    atomic.Pointer[tokens]
	pools     *pools
	traces    *traces

	mu        sync.Mutex // one change at a time
	networks  map[string]Network
	listeners map[listenerKey]*listener
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
		pools: newPools(), traces: newTraces(), networks: map[string]Network{},
		listeners: map[listenerKey]*listener{}, problems: map[listenerKey]problemSince{}}
	r.life, r.endLife = context.WithCancel(context.Background())
	r.sandboxes.Store(&map[string]*sandbox{})
	r.tokens.Store(&tokens{})
	return r, nil
}

// Ready is closed once Run has restored what there was and the control socket answers.
func (r *Router) Ready() <-chan struct{} { return r.ready }

// Run restores the saved tables, serves until ctx ends, gives requests under way a few seconds and returns. It may be
// called once. It returns an error if it could not start: another router has the data directory, or that cannot be used.
func (r *Router) Run(ctx context.Context) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent) // of the process, which is a router's own
	}
	if err := os.MkdirAll(r.cfg.DataDir, 0o700); err != nil {
		return sdp.Errorf(sdp.Internal, "data-directory", "the router cannot use its data directory: %w", err)
	}
	unlock, err := r.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	r.restore()
	control, err := r.openControl(filepath.Join(r.cfg.DataDir, SocketName))
	if err != nil {
		r.shutdown()
		return err
	}
	close(r.ready)
	r.log.Info("Started router", "sandboxes", len(*r.sandboxes.Load()))
	err = r.upkeep(ctx, control)
	control.close()
	r.shutdown()
	r.log.Info("Stopped router")
	return err
}

// upkeep tries again what could not be opened, and forgets what is no longer needed, until ctx ends or the control
// socket fails.
func (r *Router) upkeep(ctx context.Context, control *control) error {
	retry, upkeep, window := time.NewTicker(tick), time.NewTicker(upkeepEvery), time.NewTicker(statsWindow)
	defer retry.Stop()
	defer upkeep.Stop()
	defer window.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-control.failed:
			return sdp.Errorf(sdp.Internal, "control-socket", "the router's control socket failed: %w", err)
		case <-retry.C:
			r.retry()
		case <-upkeep.C:
			r.sweep()
		case <-window.C:
			r.rotateStats()
		}
	}
}

// shutdown closes the listeners, lets requests under way end and cuts what is left after shutdownGrace.
func (r *Router) shutdown() {
	r.mu.Lock()
	r.stopped = true
	for key := range r.listeners {
		r.close(key)
	}
	r.mu.Unlock()
	grace := time.AfterFunc(shutdownGrace, r.endLife)
	defer grace.Stop()
	r.serving.Wait()
	r.pools.closeAll()
}

func (r *Router) sweep() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sweepLocked()
}

// sweepLocked retires the pools no table uses.
func (r *Router) sweepLocked() {
	used := map[*pool]bool{}
	for _, sb := range *r.sandboxes.Load() {
		sb.table.Load().pools(used)
	}
	r.pools.sweep(used)
}

func (r *Router) rotateStats() {
	for _, sb := range *r.sandboxes.Load() {
		sb.stats.total.rotate()
		sb.stats.public.rotate()
		for _, c := range *sb.services.Load() {
			c.rotate()
		}
	}
}

// health describes the router. What cannot be opened is only reported after problemAfter: after a crash the kernel may
// need a moment to free a port.
func (r *Router) health() Health {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := Health{Node: r.cfg.Node, Instance: r.cfg.Instance, StartedAt: r.started, Sandboxes: len(*r.sandboxes.Load())}
	if l := r.listeners[r.meshKey()]; l != nil {
		h.MeshAddr = l.net.Addr().String()
	}
	for _, p := range r.problems {
		if time.Since(p.since) >= problemAfter {
			h.Problems = append(h.Problems, p.err.Error())
		}
	}
	slices.Sort(h.Problems)
	return h
}
