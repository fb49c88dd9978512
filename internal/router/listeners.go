package router

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"sdp/internal/router/forward"
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
	key    listenerKey
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

// listeners is those that are open.
type listeners struct {
	of map[string][]*listener // by sandbox
	at map[place]*listener
}

// place is where a listener is; only one can be.
type place struct {
	side    side
	address string
}

func newListeners() listeners { return listeners{map[string][]*listener{}, map[place]*listener{}} }

func (l *listeners) get(key listenerKey) *listener {
	if found := l.at[place{key.side, key.address}]; found != nil && found.key == key {
		return found
	}
	return nil
}

func (l *listeners) add(opened *listener) {
	key := opened.key
	l.of[key.sandbox] = append(l.of[key.sandbox], opened)
	l.at[place{key.side, key.address}] = opened
}

func (l *listeners) remove(closed *listener) {
	key := closed.key
	delete(l.at, place{key.side, key.address})
	l.of[key.sandbox] = slices.DeleteFunc(l.of[key.sandbox], func(o *listener) bool { return o == closed })
	if len(l.of[key.sandbox]) == 0 {
		delete(l.of, key.sandbox)
	}
}

// wanted returns the listeners a sandbox should have, with their handlers; "" is the router itself.
func (r *Router) wanted(name string) map[listenerKey]http.Handler {
	w := map[listenerKey]http.Handler{}
	if name == "" && r.cfg.MeshAddr != "" {
		w[r.meshKey()] = r.handler(mesh, nil)
	}
	sb := r.sandboxes.get(name)
	if sb == nil {
		return w
	}
	t := sb.table.Load()
	if key, ok := r.publicKey(t.RoutingTable); ok {
		w[key] = r.handler(public, sb)
	}
	if n, ok := r.networks[name]; ok {
		for _, port := range t.ports() {
			w[listenerKey{inside, name, net.JoinHostPort(n.Gateway, strconv.Itoa(port))}] = r.handler(inside, sb)
		}
	}
	return w
}

// align opens the listeners of a sandbox that are missing and closes those no longer wanted. What it cannot open becomes a
// problem, which retry comes back to.
func (r *Router) align(sandbox string) {
	wanted := r.wanted(sandbox)
	for _, l := range slices.Clone(r.listeners.of[sandbox]) {
		if wanted[l.key] == nil {
			r.close(l)
		}
	}
	for key := range r.problems {
		if key.sandbox == sandbox && wanted[key] == nil {
			delete(r.problems, key)
		}
	}
	for key, handler := range wanted {
		if r.listeners.get(key) == nil {
			r.open(key, handler)
		}
	}
}

// alignAll is for the start.
func (r *Router) alignAll() {
	r.align("")
	for name := range r.sandboxes.all() {
		r.align(name)
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
	if other := r.listeners.at[place{key.side, key.address}]; other != nil {
		return nil, heldBy(key, "sandbox "+other.key.sandbox)
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

var http2Config = http.HTTP2Config{MaxConcurrentStreams: 1000}

var protocols = sync.OnceValue(func() *http.Protocols {
	var p http.Protocols
	p.SetHTTP1(true)
	p.SetUnencryptedHTTP2(true)
	return &p
})

// serve starts serving ln.
func (r *Router) serve(key listenerKey, ln net.Listener, handler http.Handler) {
	l := &listener{key: key, net: ln, server: &http.Server{
		Handler: handler, ReadHeaderTimeout: readHeaderTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		Protocols: protocols(), HTTP2: &http2Config,
		DisableGeneralOptionsHandler: true, // "OPTIONS *" is the target's to answer
		ErrorLog:                     r.serverLog,
	}}
	if key.side == mesh {
		l.server.ConnContext = keepPeerAlive
	}
	r.listeners.add(l)
	delete(r.problems, key)
	r.serving.Add(1)
	go func() {
		defer r.serving.Done()
		if err := l.server.Serve(ln); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			r.log.Error("Serving ended", "address", ln.Addr().String(), "error", err)
		}
	}()
}

// keepPeerAlive has a connection from another router end when that is gone.
func keepPeerAlive(ctx context.Context, c net.Conn) context.Context {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetKeepAliveConfig(forward.PeerKeepAlive) // fails for a closed one
	}
	return ctx
}

// close lets go of the port at once and lets requests under way end.
func (r *Router) close(l *listener) {
	r.listeners.remove(l)
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
	again := map[string]bool{}
	for key := range r.problems {
		again[key.sandbox] = true
	}
	for sandbox := range again {
		r.align(sandbox)
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
	return r.listeners.at[place{public, net.JoinHostPort(r.cfg.PublicAddr, strconv.Itoa(int(port)))}] != nil
}
