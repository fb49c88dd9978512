// Package forward carries requests to where routes lead: to containers, to routers of other nodes and to URLs outside. It
// knows addresses and connections, and nothing of routes.
//
// A Pool is an http.RoundTripper that takes the way a request needs: Plain for most, http1 for what has a body, an upgrade
// or TLS, net/http's own transport for HTTP/2.
package forward

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"sdp/internal/router/egress"
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

// Pool holds the connections of one sandbox to one of its containers, or to all routers, or to everything outside, and
// counts the requests and upgraded connections under way on them. Sandboxes share none: what the target of one does to
// a connection must not become the answer to another.
type Pool struct {
	address    string // "ip:port" of the container; "" for the other two
	deployment string // of the container
	mesh       bool   // leads to other routers
	uses       int    // targets of tables in force that lead here; Pools.mu guards it

	rules  *egress.Rules // where it may lead; nil: wherever the table says
	peers  *peers        // of a pool that leads to other routers
	owner  atomic.Pointer[Owner]
	plain  Plain
	http1  http1
	once   sync.Once       // makes the transports below and http1's: most pools never need them
	speaks atomic.Bool     // they are made
	h2c    *http.Transport // HTTP/2 without TLS
	h2     *http.Transport // HTTP/2 with TLS
	dials  dials
	probes sync.Map // scheme and "host:port" -> probed

	inFlight atomic.Int64
	waiting  atomic.Int64 // callers of wait
	retired  atomic.Bool  // no table refers to it
	cut      atomic.Bool  // drained by force: no new connections

	mu    sync.Mutex
	conns map[*poolConn]struct{}
	idle  chan struct{} // closed when inFlight drops to 0; nil while nobody waits
}

// Owner says whose container a pool leads to.
type Owner struct{ Sandbox, Service, Deployment string }

func newPool(address string, idleTimeout time.Duration, mesh bool) *Pool {
	p := &Pool{address: address, mesh: mesh}
	p.plain = Plain{dial: p.connect, bodiless: mesh, idle: idleConns[*plainConn]{timeout: idleTimeout}}
	p.http1 = http1{dial: p.connect, bodiless: mesh, idle: idleConns[*http1Conn]{timeout: idleTimeout}}
	return p
}

// ip is the container's; not valid where the pool is not a container's.
func (p *Pool) ip() netip.Addr {
	a, err := netip.ParseAddrPort(p.address)
	if err != nil {
		return netip.Addr{}
	}
	return a.Addr()
}

// makeTransports makes what speaks for requests that are not plain.
func (p *Pool) makeTransports() {
	transport := func(dial dialFunc, set func(*http.Protocols)) *http.Transport {
		t := &http.Transport{
			DialContext:         dial,
			DisableCompression:  true,
			MaxIdleConnsPerHost: idlePerHost,
			IdleConnTimeout:     p.plain.idle.timeout,
			TLSHandshakeTimeout: dialTimeout,
			Protocols:           new(http.Protocols),
			HTTP2:               &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 10 * time.Second},
		}
		set(t.Protocols)
		return t
	}
	p.http1.on = transport(handedOver, func(s *http.Protocols) { s.SetHTTP1(true) })
	p.h2c = transport(p.dial, func(s *http.Protocols) { s.SetUnencryptedHTTP2(true) })
	p.h2 = transport(p.dial, func(s *http.Protocols) { s.SetHTTP2(true) })
	p.speaks.Store(true)
}

// RoundTrip sends a request, the shortest way it can go. Its URL says where to, its ProtoMajor how it came: what came as
// HTTP/2 goes on as HTTP/2 if the target speaks it. Once the response's body is closed a plain request is no longer used;
// others may be, see Body.
func (p *Pool) RoundTrip(req *http.Request) (*http.Response, error) {
	if p.peers != nil { // an idle connection to a router that cannot be reached would be used
		if err := p.peers.check(req.URL.Host); err != nil {
			return nil, err
		}
	}
	if IsPlain(req) {
		return p.plain.RoundTrip(req)
	}
	p.once.Do(p.makeTransports)
	http2, err := p.speaksHTTP2(req)
	switch {
	case err != nil:
		return nil, err
	case !http2:
		return p.http1.RoundTrip(req)
	case req.URL.Scheme == "https":
		return p.h2.RoundTrip(req)
	}
	return p.h2c.RoundTrip(req)
}

// Address is the container's; "" where the pool is not a container's.
func (p *Pool) Address() string { return p.address }

// Owner says whose container the pool leads to now.
func (p *Pool) Owner() Owner { return *p.owner.Load() }

// InFlight is how many requests and upgraded connections are counted in.
func (p *Pool) InFlight() int64 { return p.inFlight.Load() }

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// Acquire counts a request in. The caller must look again whether its table is still current before it uses the pool:
// Drain relies on it.
func (p *Pool) Acquire() { p.inFlight.Add(1) }

// Release counts it out.
func (p *Pool) Release() {
	if p.inFlight.Add(-1) == 0 && p.waiting.Load() > 0 {
		p.mu.Lock()
		if p.idle != nil {
			close(p.idle)
			p.idle = nil
		}
		p.mu.Unlock()
	}
}

// wait returns nil once nothing is in flight, or ctx's error.
func (p *Pool) wait(ctx context.Context) error {
	p.waiting.Add(1)
	defer p.waiting.Add(-1)
	for {
		p.mu.Lock()
		if p.idle == nil {
			p.idle = make(chan struct{})
		}
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

// Drain waits until nothing is in flight and then closes the idle connections. After timeout it closes the connections
// in use too, and returns how many requests and upgraded connections that cut.
func (p *Pool) Drain(ctx context.Context, timeout time.Duration) (cut int, err error) {
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

func (p *Pool) closeIdle() {
	if p.speaks.Load() {
		p.h2c.CloseIdleConnections()
		p.h2.CloseIdleConnections()
	}
	p.plain.idle.closeIdle(time.Time{})
	p.http1.idle.closeIdle(time.Time{})
}

func (p *Pool) closeOld() {
	p.plain.idle.closeOld()
	p.http1.idle.closeOld()
}

func (p *Pool) closeAll() {
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
func (p *Pool) revive(o Owner) {
	if p.retired.Swap(false) {
		p.probes.Clear()
		p.closeIdle()
	}
	p.cut.Store(false)
	p.dials.allow()
	p.owner.Store(&o)
}

func (p *Pool) dial(ctx context.Context, _, address string) (net.Conn, error) {
	conn, err := p.connect(ctx, address)
	if err != nil {
		return nil, err // a nil *poolConn is not a nil net.Conn
	}
	return conn, nil
}

func (p *Pool) connect(ctx context.Context, address string) (*poolConn, error) {
	if p.cut.Load() {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errCut}
	}
	ctx, done := p.dials.begin(ctx)
	defer done()
	conn, err := p.open(ctx, address)
	if err != nil {
		return nil, err
	}
	c := newPoolConn(conn.(*net.TCPConn), p, address)
	p.mu.Lock()
	if p.conns == nil {
		p.conns = map[*poolConn]struct{}{}
	}
	p.conns[c] = struct{}{}
	p.mu.Unlock()
	if p.cut.Load() { // the drain may have looked just before
		c.Close()
	}
	return c, nil
}

func (p *Pool) open(ctx context.Context, address string) (net.Conn, error) {
	if p.peers != nil {
		return p.peers.dial(ctx, address)
	}
	d := net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second}
	if p.rules != nil {
		d.ControlContext = p.rules.Guard(address)
	}
	return d.DialContext(ctx, "tcp", address)
}
