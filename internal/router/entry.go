package router

import (
	"crypto/subtle"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// side says where a request came from, and with that what is believed of its headers.
type side int

const (
	public side = iota // a client, at the sandbox's public port
	inside             // a container, on its sandbox's network
	mesh               // another router, which has done what the edge must do
)

// meshLimit is how many routers may pass a request on. Two are normal; more happen for a moment while nodes get a new
// table one after the other.
const meshLimit = 4

// publicHandler serves a sandbox's public port.
func (r *Router) publicHandler(sb *sandbox) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		x := r.newExchange(sb, w, req, public)
		t := sb.table.Load()
		if t.Gateway != "" {
			x.serve(t.Gateway)
			return
		}
		service, _, _ := strings.Cut(strings.TrimPrefix(req.URL.Path, "/"), "/")
		if _, ok := t.routes[service]; !ok || !strings.HasPrefix(req.URL.EscapedPath(), "/"+service) {
			x.problem(http.StatusNotFound, "unknown-service", t.pathHelp(), "")
			return
		}
		x.strip = "/" + service
		x.serve(service)
	})
}

func (t *table) pathHelp() string {
	var paths []string
	for name := range t.routes {
		paths = append(paths, "/"+name+"/")
	}
	slices.Sort(paths)
	return "sandbox " + t.Sandbox + " has no gateway, so a path starts with its service: " + strings.Join(paths, " ")
}

// insideHandler serves the containers of a sandbox: Host or :authority says which service they want.
func (r *Router) insideHandler(sb *sandbox) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		x := r.newExchange(sb, w, req, inside)
		subnet := sb.subnet.Load()
		if subnet == nil || !subnet.Contains(remoteIP(req)) {
			x.problem(http.StatusForbidden, "foreign-source",
				"only containers of sandbox "+sb.name+" may use this address", "use the sandbox's public port")
			return
		}
		service, direct := sb.table.Load().named(req.Host)
		x.direct = direct
		x.serve(service)
	})
}

// meshHandler serves other nodes' routers.
func (r *Router) meshHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		x := r.newExchange(nil, w, req, mesh)
		if !r.tokens.Load().accepts(req.Header.Get(meshToken)) {
			w.Header().Set(meshRefused, "token")
			x.problem(http.StatusForbidden, "mesh-token", "the mesh token is missing or wrong",
				"this listener is for SDP routers; use the sandbox's public port")
			return
		}
		name, service := req.Header.Get(meshSandbox), req.Header.Get(meshService)
		x.sb = (*r.sandboxes.Load())[name]
		if x.sb == nil {
			w.Header()[routeHeader] = []string{service + "=none"}
			x.problem(http.StatusServiceUnavailable, "unknown-sandbox",
				"node "+r.cfg.Node+" has no routing table of sandbox "+name, "")
			return
		}
		x.direct = req.Header.Get(meshDirect) != ""
		x.passed, _ = strconv.Atoi(req.Header.Get(meshHops))
		x.serve(service)
	})
}

// tokens is the mesh token sent and the one sent before, which is still accepted because nodes learn of a new one at
// different times.
type tokens struct{ Current, Previous string }

func (t *tokens) accepts(token string) bool {
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
