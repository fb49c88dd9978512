package router

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

const (
	dialTimeout = 5 * time.Second
	// containerIdle is shorter than the 5 s after which common servers (Node.js, uvicorn) close idle connections, so
	// that a request that must not be repeated is not sent into one that is just being closed.
	containerIdle = 4 * time.Second
	outsideIdle   = 60 * time.Second
	idlePerHost   = 1024
)

var errCut = errors.New("the target was drained")

// pool holds the connections to one container, or to all routers, or to everything outside, and counts the requests
// and upgraded connections under way on them.
type pool struct {
	address string // "ip:port" of the container; "" for the two shared pools
	owner   atomic.Pointer[owner]
	h1      *http.Transport // HTTP/1.1, for what plain cannot do
	h2c     *http.Transport // HTTP/2 without TLS
	tls     *http.Transport // HTTP/2 or HTTP/1.1, whichever the server prefers; for requests that came as HTTP/2
	traced  tracedSet
	plain   plainConns
	probes  sync.Map // "host:port" -> probed

	inFlight atomic.Int64
	waiting  atomic.Int64 // callers of wait
	retired  atomic.Bool  // no table refers to it
	cut      atomic.Bool  // drained by force: no new connections

	mu    sync.Mutex
	conns map[*poolConn]struct{}
	idle  chan struct{} // closed and replaced when inFlight drops to 0 while somebody waits
}

// owner says whose container a pool leads to.
type owner struct{ sandbox, service string }

func newPool(address string, idleTimeout time.Duration) *pool {
	p := &pool{address: address, conns: map[*poolConn]struct{}{}, idle: make(chan struct{})}
	transport := func(set func(*http.Protocols)) *http.Transport {
		t := &http.Transport{
			DialContext:         p.dial,
			DisableCompression:  true,
			MaxIdleConnsPerHost: idlePerHost,
			IdleConnTimeout:     idleTimeout,
			TLSHandshakeTimeout: dialTimeout,
			Protocols:           new(http.Protocols),
			HTTP2:               &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 10 * time.Second},
		}
		set(t.Protocols)
		return t
	}
	p.plain.timeout = idleTimeout
	p.h1 = transport(func(s *http.Protocols) { s.SetHTTP1(true) })
	p.h2c = transport(func(s *http.Protocols) { s.SetUnencryptedHTTP2(true) })
	p.tls = transport(func(s *http.Protocols) { s.SetHTTP1(true); s.SetHTTP2(true) })
	return p
}

// acquire counts a request in. The caller must look again whether its table is still current before it uses the pool:
// drain relies on it.
func (p *pool) acquire() { p.inFlight.Add(1) }

func (p *pool) release() {
	if p.inFlight.Add(-1) == 0 && p.waiting.Load() > 0 {
		p.mu.Lock()
		close(p.idle)
		p.idle = make(chan struct{})
		p.mu.Unlock()
	}
}

// wait returns nil once nothing is in flight, or ctx's error.
func (p *pool) wait(ctx context.Context) error {
	p.waiting.Add(1)
	defer p.waiting.Add(-1)
	for {
		p.mu.Lock()
		idle := p.idle
		p.mu.Unlock()
		if p.inFlight.Load() == 0 {
			return nil
		}
		select {
		case <-idle:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// drain waits until nothing is in flight and then closes the idle connections. After timeout it closes the connections
// in use too, and returns how many requests and upgraded connections that cut.
func (p *pool) drain(ctx context.Context, timeout time.Duration) (cut int, err error) {
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if p.wait(limited) == nil {
		p.closeIdle()
		return 0, nil
	}
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	cut = int(p.inFlight.Load())
	p.cut.Store(p.retired.Load())
	p.closeAll()
	return cut, nil
}

func (p *pool) closeIdle() {
	p.h1.CloseIdleConnections()
	p.h2c.CloseIdleConnections()
	p.tls.CloseIdleConnections()
	p.plain.closeIdle(time.Time{})
}

func (p *pool) closeAll() {
	p.closeIdle()
	p.mu.Lock()
	conns := make([]*poolConn, 0, len(p.conns))
	for c := range p.conns {
		conns = append(conns, c)
	}
	p.mu.Unlock()
	for _, c := range conns {
		c.Close()
	}
}

// revive makes a pool fit for a new container at the same address.
func (p *pool) revive(o owner) {
	if p.retired.Swap(false) {
		p.probes.Clear()
		p.closeIdle()
	}
	p.cut.Store(false)
	p.owner.Store(&o)
}

func (p *pool) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if p.cut.Load() {
		return nil, &net.OpError{Op: "dial", Net: network, Err: errCut}
	}
	d := net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second}
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c := &poolConn{TCPConn: conn.(*net.TCPConn), pool: p}
	p.mu.Lock()
	p.conns[c] = struct{}{}
	p.mu.Unlock()
	if p.cut.Load() { // the drain may have looked just before
		c.Close()
	}
	return c, nil
}

// poolConn is a connection its pool knows of.
type poolConn struct {
	*net.TCPConn
	pool *pool
}

// Close closes the connection and takes it out of its pool.
func (c *poolConn) Close() error {
	c.pool.mu.Lock()
	delete(c.pool.conns, c)
	c.pool.mu.Unlock()
	return c.TCPConn.Close()
}

// pools is all pools of a router.
type pools struct {
	mesh, outside *pool
	mu            sync.Mutex
	containers    map[string]*pool // by address
}

func newPools() *pools {
	return &pools{mesh: newPool("", outsideIdle), outside: newPool("", outsideIdle), containers: map[string]*pool{}}
}

// get returns the pool of the container at address, making it if needed.
func (ps *pools) get(address string, o owner) *pool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	p := ps.containers[address]
	if p == nil {
		p = newPool(address, containerIdle)
		ps.containers[address] = p
	}
	p.revive(o)
	return p
}

// find returns the pool of the container at address, nil if there is none.
func (ps *pools) find(address string) *pool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	return ps.containers[address]
}

// byIP returns the pool of the container with an IP address, nil if there is none. Retired ones count: a container
// that is being drained still sends requests.
func (ps *pools) byIP(ip netip.Addr) *pool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	var found *pool
	for address, p := range ps.containers {
		a, err := netip.ParseAddrPort(address)
		if err == nil && a.Addr() == ip && (found == nil || found.retired.Load()) {
			found = p
		}
	}
	return found
}

// sweep retires the pools that no table uses and forgets those of them that have nothing in flight.
func (ps *pools) sweep(used map[*pool]bool) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.mesh.plain.closeOld()
	ps.outside.plain.closeOld()
	for address, p := range ps.containers {
		if used[p] {
			p.plain.closeOld()
			continue
		}
		p.retired.Store(true)
		if p.inFlight.Load() == 0 {
			p.closeIdle()
			delete(ps.containers, address)
		}
	}
}

func (ps *pools) closeAll() {
	ps.mu.Lock()
	all := []*pool{ps.mesh, ps.outside}
	for _, p := range ps.containers {
		all = append(all, p)
	}
	ps.mu.Unlock()
	for _, p := range all {
		p.cut.Store(true)
		p.closeAll()
	}
}
