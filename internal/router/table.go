package router

import (
	"maps"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"sdp/internal/router/forward"
	"sdp/internal/router/stats"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// sandbox is what the router keeps of one sandbox. Requests read the table without a lock; a change replaces it whole.
type sandbox struct {
	name     string
	header   []string // value of X-SDP-Sandbox
	table    atomic.Pointer[table]
	subnet   atomic.Pointer[netip.Prefix]               // of its containers on this node
	since    time.Time                                  // when counting began
	activity atomic.Int64                               // Unix nanoseconds
	replaced atomic.Int64                               // when the table was, in Unix nanoseconds
	public   stats.Counters                             // what comes through the public port
	total    stats.Counters                             // what enters at this router
	former   atomic.Pointer[map[string]*stats.Counters] // of services that the table no longer names
}

func newSandbox(name string) *sandbox {
	sb := &sandbox{name: name, header: []string{name}, since: time.Now()}
	sb.table.Store(&table{RoutingTable: wire.RoutingTable{Sandbox: name, Version: -1}})
	sb.former.Store(new(map[string]*stats.Counters))
	return sb
}

// table is a routing table made ready for use. It does not change.
type table struct {
	wire.RoutingTable
	routes   map[string]*route
	pools    []*forward.Pool // of the routes, one for each target that has one
	inactive string          // why the sandbox as a whole does not serve; "" = it does
}

// route is where requests for one service go.
type route struct {
	*wire.ServiceRoute
	counters *stats.Counters
	targets  []*target
	turns    turns // of the targets that serve; none: nobody does, see target.down and reason
	reason   string
}

// target is one of those that answer for a service.
type target struct {
	*wire.Share // of SourceSandbox
	*upstream
	counters *stats.Counters
	pool     *forward.Pool     // nil: it does not serve, see down
	down     *wire.TargetState // its container does not run
}

// upstream is how a target is reached. Sandboxes share those outside, which are most.
type upstream struct {
	name    string   // as hops show it: address or URL
	header  []string // value of X-SDP-Route
	address string   // "host:port" to connect to
	mesh    bool     // address is another node's router
	base    *url.URL // for OCP and URLs
}

// outside is the share of a route that leads outside.
var outside = wire.Share{Weight: wire.MaxWeight}

// compile makes a table ready for use on this node. What is wrong with one route makes that route answer 503 with the
// reason; the others are not affected.
func (r *Router) compile(sb *sandbox, t wire.RoutingTable) *table {
	c := &table{RoutingTable: r.shared.table(t), routes: make(map[string]*route, len(t.Services)), inactive: inactive(t)}
	before, former := sb.table.Load().routes, *sb.former.Load()
	for i := range c.Services {
		s := &c.Services[i]
		rt := &route{ServiceRoute: s, reason: s.Reason}
		if old := before[s.Service]; old != nil {
			rt.counters = old.counters
		} else if rt.counters = former[s.Service]; rt.counters == nil {
			rt.counters = &stats.Counters{}
		}
		r.aim(rt, t.Sandbox)
		rt.takeTurns()
		rt.count(before[s.Service])
		c.routes[s.Service] = rt
		for _, tg := range rt.targets {
			if tg.pool != nil {
				c.pools = append(c.pools, tg.pool)
			}
		}
	}
	return c
}

// keepFormer keeps the counters of services that the table no longer names.
func (sb *sandbox) keepFormer(before, now *table) {
	former := map[string]*stats.Counters{}
	maps.Copy(former, *sb.former.Load())
	for service, rt := range before.routes {
		former[service] = rt.counters
	}
	for service := range now.routes {
		delete(former, service)
	}
	sb.former.Store(&former)
}

func inactive(t wire.RoutingTable) string {
	switch t.State {
	case sdp.Active, "":
		return ""
	default:
		return "sandbox " + t.Sandbox + " is " + strings.ToLower(string(t.State))
	}
}

// aim resolves where rt leads.
func (r *Router) aim(rt *route, sandbox string) {
	if rt.Source != sdp.SourceSandbox {
		r.aimOutside(rt, sandbox)
		return
	}
	shares := rt.Targets() // of this route alone
	if len(shares) == 0 && rt.reason == "" {
		rt.reason = "no container of " + rt.Service + " is running in this sandbox"
	}
	for i := range shares {
		tg := &target{Share: &shares[i], upstream: &upstream{name: shares[i].Address}}
		if why := r.aimContainer(tg, sandbox, rt.Service); why != "" {
			rt.reason = why
		}
		tg.header = []string{rt.proof(tg)}
		rt.targets = append(rt.targets, tg)
	}
}

func (r *Router) aimOutside(rt *route, sandbox string) {
	if rt.URL == "" {
		rt.reason = "the shared environment does not provide " + rt.Service
		return
	}
	up := r.shared.outside(rt)
	if up == nil {
		rt.reason = "the route's URL is not an absolute http or https URL"
		return
	}
	rt.targets = []*target{{Share: &outside, upstream: up, pool: r.pools.Shared(sandbox, false)}}
}

// aimContainer resolves where a container is. It returns why that is nowhere, for what is not the container's doing.
func (r *Router) aimContainer(tg *target, sandbox, service string) (why string) {
	tg.address = tg.NodeAddress
	tg.mesh = tg.Node != r.cfg.Node
	if !tg.mesh {
		at := r.targets.located(tg.Target)
		if at.Down != "" {
			tg.down = &at
			return ""
		}
		tg.name, tg.address = at.Address, at.Address
	}
	if _, port, err := net.SplitHostPort(tg.address); err != nil || port == "" {
		return "the route's target has no valid address"
	}
	if tg.mesh {
		tg.pool = r.pools.Shared(sandbox, true)
	} else {
		tg.pool = r.pools.Container(tg.address, forward.Owner{Sandbox: sandbox, Service: service, Deployment: tg.Deployment})
	}
	return ""
}

// proof is the value of X-SDP-Route: what the answer came from.
func (rt *route) proof(tg *target) string {
	switch {
	case tg.pool == nil:
		return rt.Service + "=none"
	case rt.Source == sdp.SourceSandbox && tg.SHA != "":
		return rt.Service + "=sandbox@" + sdp.ShortSHA(tg.SHA)
	}
	return rt.Service + "=" + string(rt.Source)
}

// count gives each target its counters, those it had in the table before where it was in that.
func (rt *route) count(before *route) {
	for _, tg := range rt.targets {
		tg.counters = &stats.Counters{}
		if before == nil {
			continue
		}
		i := slices.IndexFunc(before.targets, func(o *target) bool { return o.same(tg) })
		if i >= 0 {
			tg.counters = before.targets[i].counters
		}
	}
}

// same reports whether two are the same one: a container may move, a URL is what it is.
func (tg *target) same(o *target) bool {
	return tg.Deployment == o.Deployment && (tg.Deployment != "" || tg.name == o.name)
}

// down returns the first target whose container does not run; nil if there is none.
func (rt *route) down() *target {
	for _, tg := range rt.targets {
		if tg.down != nil {
			return tg
		}
	}
	return nil
}

func (tg *target) scheme() string {
	if tg.base != nil {
		return tg.base.Scheme
	}
	return "http"
}

// hostPort returns the "host:port" a URL leads to.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
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

func checkTable(t wire.RoutingTable) error {
	if err := sdp.CheckSandboxName(t.Sandbox); err != nil {
		return err
	}
	if t.PublicPort < 0 || t.PublicPort > 65535 {
		return sdp.Errorf(sdp.Invalid, "bad-port", "%d is not a port", t.PublicPort)
	}
	return t.Check()
}
