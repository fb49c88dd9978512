package router

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"sdp/internal/router/listen"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

const (
	readHeaderTimeout = 15 * time.Second
	idleTimeout       = 5 * time.Minute
	maxHeaderBytes    = 256 << 10
	// bindPatience is how long Apply waits for a public port to become free; somebody may just be letting go of it.
	bindPatience = 500 * time.Millisecond
	problemAfter = 3 * time.Second
)

const portHeld = "port-held"

// listenerKey identifies what a listener is for. It changes when the listener must be another one.
type listenerKey struct {
	side    side
	sandbox string // "" for the mesh
	address string // "ip:port"
}

type listener struct {
	net    net.Listener
	server *http.Server
}

// problemSince is why a listener could not be opened.
type problemSince struct {
	err    error
	since  time.Time
	logged bool
}

func (r *Router) meshKey() listenerKey { return listenerKey{side: mesh, address: r.cfg.MeshAddr} }

// publicKey returns the key of a table's public listener; ok is false where this node has none to offer.
func (r *Router) publicKey(t wire.RoutingTable) (key listenerKey, ok bool) {
	if t.GatewayNode != r.cfg.Node || t.PublicPort == 0 {
		return listenerKey{}, false
	}
	return listenerKey{public, t.Sandbox, net.JoinHostPort(r.cfg.PublicAddr, strconv.Itoa(t.PublicPort))}, true
}

// wanted returns all listeners the router should have, with their handlers.
func (r *Router) wanted() map[listenerKey]http.Handler {
	w := map[listenerKey]http.Handler{}
	if r.cfg.MeshAddr != "" {
		w[r.meshKey()] = r.handler(mesh, nil)
	}
	for name, sb := range *r.sandboxes.Load() {
		t := sb.table.Load()
		if key, ok := r.publicKey(t.RoutingTable); ok {
			w[key] = r.handler(public, sb)
		}
		if n, ok := r.networks[name]; ok {
			for _, port := range t.ports() {
				w[listenerKey{inside, name, net.JoinHostPort(n.Gateway, strconv.Itoa(port))}] = r.handler(inside, sb)
			}
		}
	}
	return w
}

// align opens the listeners that are missing and closes those no longer wanted. What it cannot open becomes a problem,
// which retry comes back to.
func (r *Router) align() {
	wanted := r.wanted()
	for key := range r.listeners {
		if wanted[key] == nil {
			r.close(key)
		}
	}
	for key := range r.problems {
		if wanted[key] == nil {
			delete(r.problems, key)
		}
	}
	for key, handler := range wanted {
		if r.listeners[key] == nil {
			r.open(key, handler)
		}
	}
}

func (r *Router) open(key listenerKey, handler http.Handler) {
	ln, err := r.bind(key)
	if err != nil {
		p, known := r.problems[key]
		if !known {
			p.since = time.Now()
		}
		p.err = err
		if !p.logged && time.Since(p.since) >= problemAfter {
			p.logged = true
			r.log.Error("Failed to listen", "address", key.address, "sandbox", key.sandbox, "error", err)
		}
		r.problems[key] = p
		return
	}
	r.serve(key, ln, handler)
}

// bind opens a listener's socket. Its error is for people.
func (r *Router) bind(key listenerKey) (net.Listener, error) {
	if r.stopped {
		return nil, sdp.Errorf(sdp.Unavailable, "router-stopping", "the router of node %s is stopping", r.cfg.Node)
	}
	for other := range r.listeners {
		if other.side == key.side && other.address == key.address {
			return nil, heldBy(key, "sandbox "+other.sandbox)
		}
	}
	ln, err := listen.TCP(key.address, key.side == inside)
	switch {
	case err == nil:
		return ln, nil
	case listen.InUse(err):
		return nil, heldBy(key, "another process")
	}
	return nil, sdp.Errorf(sdp.Unavailable, "cannot-listen", "the router cannot listen on %s: %w", key.address, err)
}

func heldBy(key listenerKey, holder string) error {
	_, port, _ := net.SplitHostPort(key.address)
	code, what := portHeld, "public port "+port+" of sandbox "+key.sandbox
	switch key.side {
	case public:
	case inside:
		code, what = "service-port-held", "address "+key.address+" of sandbox "+key.sandbox
	case mesh:
		code, what = "mesh-port-held", "mesh address "+key.address
	}
	return sdp.Errorf(sdp.Conflict, code, "%s is held by %s", what, holder).
		WithRemedy("`ss -ltnp sport = :%s` shows who listens there; stop it, or take another port", port)
}

// serve starts serving ln.
func (r *Router) serve(key listenerKey, ln net.Listener, handler http.Handler) {
	l := &listener{net: ln, server: &http.Server{
		Handler: handler, ReadHeaderTimeout: readHeaderTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		Protocols: new(http.Protocols), HTTP2: &http.HTTP2Config{MaxConcurrentStreams: 1000},
		DisableGeneralOptionsHandler: true, // "OPTIONS *" is the target's to answer
		ErrorLog:                     slog.NewLogLogger(r.log.Handler(), slog.LevelWarn),
	}}
	l.server.Protocols.SetHTTP1(true)
	l.server.Protocols.SetUnencryptedHTTP2(true)
	r.listeners[key] = l
	delete(r.problems, key)
	r.serving.Add(1)
	go func() {
		defer r.serving.Done()
		if err := l.server.Serve(ln); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			r.log.Error("Serving ended", "address", ln.Addr().String(), "error", err)
		}
	}()
}

// close lets go of the port at once and lets requests under way end.
func (r *Router) close(key listenerKey) {
	l := r.listeners[key]
	delete(r.listeners, key)
	l.net.Close()
	r.serving.Add(1)
	go func() {
		defer r.serving.Done()
		if l.server.Shutdown(r.life) != nil {
			l.server.Close()
		}
	}()
}

// retry tries again what could not be opened.
func (r *Router) retry() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.problems) > 0 {
		r.align()
	}
}

func checkNetwork(n wire.Network) (netip.Prefix, error) {
	gateway, err := netip.ParseAddr(n.Gateway)
	if err == nil {
		var subnet netip.Prefix
		if subnet, err = netip.ParsePrefix(n.Subnet); err == nil && subnet.Contains(gateway) {
			return subnet.Masked(), nil
		}
	}
	return netip.Prefix{}, sdp.Errorf(sdp.Invalid, "bad-network", "gateway %q and subnet %q do not describe a network",
		n.Gateway, n.Subnet)
}

// servesPublic reports whether this router serves a sandbox at a port.
func (r *Router) servesPublic(port uint16) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, l := range r.listeners {
		if a, ok := l.net.Addr().(*net.TCPAddr); ok && key.side == public && a.Port == int(port) {
			return true
		}
	}
	return false
}
