package router

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"sdp/internal/sdp"
)

// sandbox is what the router keeps of one sandbox. Requests read the table without a lock; a change replaces it whole.
type sandbox struct {
	name     string
	header   []string // value of X-SDP-Sandbox
	table    atomic.Pointer[table]
	subnet   atomic.Pointer[netip.Prefix] // of its containers on this node
	stats    sandboxStats
	services atomic.Pointer[map[string]*counters] // grows with each service a table names; never shrinks
}

// table is a routing table made ready for use. It does not change.
type table struct {
	sdp.RoutingTable
	routes   map[string]*route
	inactive string // why the sandbox as a whole does not serve; "" = it does
}

// route is where requests for one service go.
type route struct {
	sdp.ServiceRoute
	header   []string // value of X-SDP-Route
	counters *counters
	pool     *pool    // nil: nobody serves, see Reason
	address  string   // "host:port" to connect to, for containers and routers
	mesh     bool     // address is another node's router
	base     *url.URL // for OCP and URLs
	target   string   // as hops show it
}

// compile makes a table ready for use on this node. What is wrong with one route makes that route answer 503 with the
// reason; the others are not affected.
func (r *Router) compile(sb *sandbox, t sdp.RoutingTable) *table {
	c := &table{RoutingTable: t, routes: make(map[string]*route, len(t.Services)), inactive: inactive(t)}
	known := map[string]*counters{}
	if old := sb.services.Load(); old != nil {
		for name, n := range *old {
			known[name] = n
		}
	}
	for _, s := range t.Services {
		if known[s.Service] == nil {
			known[s.Service] = newCounters()
		}
		rt := &route{ServiceRoute: s, counters: known[s.Service]}
		r.aim(rt, t.Sandbox)
		rt.header = []string{rt.proof()}
		c.routes[s.Service] = rt
	}
	sb.services.Store(&known)
	return c
}

func inactive(t sdp.RoutingTable) string {
	switch t.State {
	case sdp.Active, "":
		return ""
	}
	return "sandbox " + t.Sandbox + " is " + strings.ToLower(string(t.State))
}

// aim resolves where rt leads.
func (r *Router) aim(rt *route, sandbox string) {
	switch {
	case rt.Source != sdp.SourceSandbox:
		r.aimOutside(rt)
	case rt.Target == nil:
		if rt.Reason == "" {
			rt.Reason = "no container of " + rt.Service + " is running in this sandbox"
		}
	default:
		r.aimContainer(rt, owner{sandbox, rt.Service})
	}
}

func (r *Router) aimOutside(rt *route) {
	base, err := url.Parse(rt.URL)
	switch {
	case rt.URL == "":
		rt.Reason = "the shared environment does not provide " + rt.Service
	case err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https":
		rt.Reason = "the route's URL is not an absolute http or https URL"
	default:
		base.User = nil
		rt.base, rt.pool, rt.target = base, r.pools.outside, base.Scheme+"://"+base.Host+base.Path
	}
}

func (r *Router) aimContainer(rt *route, o owner) {
	rt.target = rt.Target.Address
	rt.address = rt.Target.Address
	local := rt.Target.Node == r.cfg.Node
	if !local {
		rt.address, rt.mesh = rt.Target.NodeAddress, true
	}
	if _, port, err := net.SplitHostPort(rt.address); err != nil || port == "" {
		rt.Reason = "the route's target has no valid address"
		return
	}
	if local {
		rt.pool = r.pools.get(rt.address, o)
		return
	}
	rt.pool = r.pools.mesh
}

// proof is the value of X-SDP-Route: what the answer came from.
func (rt *route) proof() string {
	switch {
	case rt.pool == nil:
		return rt.Service + "=none"
	case rt.Target != nil && rt.Source == sdp.SourceSandbox && rt.Target.SHA != "":
		return rt.Service + "=sandbox@" + sdp.ShortSHA(rt.Target.SHA)
	}
	return rt.Service + "=" + string(rt.Source)
}

// transport returns what carries a request that came as HTTP/major. WebSockets and the like always are HTTP/1.1.
func (rt *route) transport(req *http.Request) (http.RoundTripper, error) {
	if req.ProtoMajor < 2 {
		return rt.pool.h1, nil
	}
	if rt.base != nil && rt.base.Scheme == "https" {
		return rt.pool.tls, nil
	}
	address := rt.address
	if rt.base != nil {
		address = hostPort(rt.base)
	}
	h2, err := rt.pool.speaksHTTP2(req.Context(), address)
	if err != nil {
		return nil, err
	}
	if h2 {
		return rt.pool.h2c, nil
	}
	return rt.pool.h1, nil
}

func hostPort(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	return net.JoinHostPort(u.Hostname(), "80")
}

// ports returns the ports at which services of the sandbox reach each other.
func (t *table) ports() []int {
	var ports []int
	for _, s := range t.Services {
		if s.Port > 0 && s.Port < 1<<16 && !slices.Contains(ports, s.Port) {
			ports = append(ports, s.Port)
		}
	}
	return ports
}

func (t *table) pools(used map[*pool]bool) {
	for _, rt := range t.routes {
		if rt.pool != nil {
			used[rt.pool] = true
		}
	}
}

// named returns the service a Host header or :authority names. A container's own name means the container itself.
func (t *table) named(host string) (service string, direct bool) {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		host = host[:i]
	}
	if _, ok := t.routes[host]; ok {
		return host, false
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if name, ok := strings.CutPrefix(host, sdp.ContainerName(t.Sandbox, "")); ok {
		return name, true
	}
	return host, false
}

func checkTable(t sdp.RoutingTable) error {
	if err := sdp.CheckSandboxName(t.Sandbox); err != nil {
		return err
	}
	if t.PublicPort < 0 || t.PublicPort > 65535 {
		return sdp.Errorf(sdp.Invalid, "bad-port", "%d is not a port", t.PublicPort)
	}
	return nil
}
