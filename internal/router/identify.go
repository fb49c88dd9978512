package router

import (
	"crypto/subtle"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"sdp/internal/wire"
)

// side says where a request came from, and with that what is believed of its headers.
type side int

const (
	public side = iota // a client, at the sandbox's public port
	inside             // a container, on its sandbox's network
	mesh               // another router, which has done what the edge must do
)

// identify is the stage that finds out which service of which sandbox the request is for.
func identify(x *exchange) (answered bool) {
	switch x.side {
	case public:
		return x.identifyPath()
	case inside:
		return x.identifyHost()
	default:
		return x.identifyPassed()
	}
}

// identifyPath is for a sandbox's public port.
func (x *exchange) identifyPath() (answered bool) {
	t := x.sb.table.Load()
	if t.Gateway != "" {
		x.service = t.Gateway
		return false
	}
	service, _, _ := strings.Cut(strings.TrimPrefix(x.in.URL.Path, "/"), "/")
	if _, ok := t.routes[service]; !ok || !strings.HasPrefix(x.in.URL.EscapedPath(), "/"+service) {
		x.problem(http.StatusNotFound, "unknown-service", t.pathHelp(), "")
		return true
	}
	x.service, x.strip = service, "/"+service
	return false
}

func (t *table) pathHelp() string {
	var paths []string
	for name := range t.routes {
		paths = append(paths, "/"+name+"/")
	}
	slices.Sort(paths)
	return "sandbox " + t.Sandbox + " has no gateway, so a path starts with its service: " + strings.Join(paths, " ")
}

// identifyHost is for the containers of a sandbox: Host or :authority says which service they want.
func (x *exchange) identifyHost() (answered bool) {
	subnet := x.sb.subnet.Load()
	if subnet == nil || !subnet.Contains(remoteIP(x.in)) {
		x.problem(http.StatusForbidden, "foreign-source",
			"only containers of sandbox "+x.sb.name+" may use this address", "use the sandbox's public port")
		return true
	}
	x.service, x.direct = x.sb.table.Load().named(x.in.Host)
	return false
}

// identifyPassed is for other nodes' routers.
func (x *exchange) identifyPassed() (answered bool) {
	header := x.in.Header
	if !accepts(x.r.tokens.Load(), header.Get(meshToken)) {
		x.w.Header().Set(meshRefused, "token")
		x.problem(http.StatusForbidden, "mesh-token", "the mesh token is missing or wrong",
			"this listener is for SDP routers; use the sandbox's public port")
		return true
	}
	name := header.Get(meshSandbox)
	x.sb, x.service = x.r.sandboxes.get(name), header.Get(meshService)
	if x.sb == nil {
		x.w.Header()[wire.RouteHeader] = []string{x.service + "=none"}
		x.problem(http.StatusServiceUnavailable, "unknown-sandbox",
			"node "+x.r.cfg.Node+" has no routing table of sandbox "+name, "")
		return true
	}
	x.direct, x.wanted = header.Get(meshDirect) != "", header.Get(meshTarget)
	x.passed, _ = strconv.Atoi(header.Get(meshHops))
	return false
}

// accepts reports whether a router that shows a token is one of ours.
func accepts(t *wire.MeshTokens, token string) bool {
	same := func(want string) bool {
		return want != "" && subtle.ConstantTimeCompare([]byte(token), []byte(want)) == 1
	}
	return same(t.Current) || same(t.Previous)
}

// clientIP returns the address part of "ip:port".
func clientIP(remote string) string {
	if i := strings.LastIndexByte(remote, ':'); i >= 0 {
		return strings.Trim(remote[:i], "[]")
	}
	return remote
}

func remoteIP(req *http.Request) netip.Addr {
	a, _ := netip.ParseAddrPort(req.RemoteAddr)
	return a.Addr().Unmap()
}
