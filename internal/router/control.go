package router

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"time"

	"sdp/internal/sdp"
)

// control is the router's control socket.
type control struct {
	path   string
	server *http.Server
	failed chan error
}

// maxControlBody bounds a request on the control socket; a table of a thousand services is a tenth of it.
const maxControlBody = 4 << 20

// openControl listens on path. The socket gets its name only after its mode is set, so nobody else can connect, and by
// the same step replaces one that a killed router left behind.
func (r *Router) openControl(path string) (*control, error) {
	temporary := path + ".new"
	os.Remove(temporary)
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: temporary, Net: "unix"})
	if err == nil {
		ln.SetUnlinkOnClose(false)
		if err = errors.Join(os.Chmod(temporary, 0o600), os.Rename(temporary, path)); err != nil {
			ln.Close()
		}
	}
	if err != nil {
		return nil, sdp.Errorf(sdp.Internal, "control-socket", "the router cannot open its control socket: %w", err).
			WithRemedy("the path of a socket may have 107 characters; choose a shorter data directory if it has more")
	}
	server := &http.Server{Handler: r.controlHandler(), ReadHeaderTimeout: readHeaderTimeout}
	c := &control{path, server, make(chan error, 1)}
	go func() {
		if err := c.server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			c.failed <- err
		}
	}()
	return c, nil
}

func (c *control) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if c.server.Shutdown(ctx) != nil {
		c.server.Close()
	}
	os.Remove(c.path)
}

type meshTokenRequest struct{ Token string }

type drainRequest struct {
	Address string
	Timeout time.Duration
}

type drainReply struct{ Cut int }

func (r *Router) controlHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /health", reply(func(*http.Request) (any, error) { return r.health(), nil }))
	mux.Handle("GET /stats", reply(func(*http.Request) (any, error) { return r.stats(), nil }))
	mux.Handle("GET /hops/{id}", reply(func(req *http.Request) (any, error) {
		return r.traces.hops(req.PathValue("id")), nil
	}))
	mux.Handle("GET /tables", reply(func(*http.Request) (any, error) { return r.tables(), nil }))
	mux.Handle("GET /networks", reply(func(*http.Request) (any, error) { return r.listNetworks(), nil }))
	mux.Handle("PUT /tables/{sandbox}", accept(func(_ *http.Request, t sdp.RoutingTable) (any, error) {
		return nil, r.apply(t)
	}))
	mux.Handle("DELETE /tables/{sandbox}", reply(func(req *http.Request) (any, error) {
		return nil, r.remove(req.PathValue("sandbox"))
	}))
	mux.Handle("PUT /networks/{sandbox}", accept(func(req *http.Request, n Network) (any, error) {
		return nil, r.setNetwork(req.PathValue("sandbox"), n)
	}))
	mux.Handle("DELETE /networks/{sandbox}", reply(func(req *http.Request) (any, error) {
		return nil, r.removeNetwork(req.PathValue("sandbox"))
	}))
	mux.Handle("PUT /mesh-token", accept(func(_ *http.Request, t meshTokenRequest) (any, error) {
		return nil, r.setMeshToken(t.Token)
	}))
	mux.Handle("POST /drain", accept(func(req *http.Request, d drainRequest) (any, error) {
		cut, err := r.drain(req.Context(), d.Address, d.Timeout)
		return drainReply{cut}, err
	}))
	return mux
}

// reply makes a handler of a function: its result or its error as JSON.
func reply(f func(*http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		result, err := f(req)
		w.Header().Set("Content-Type", "application/json")
		if err != nil {
			e := sdp.AsError(err)
			w.WriteHeader(http.StatusUnprocessableEntity)
			result = failure{e.Kind, e.Code, e.Detail, e.Remedy}
		}
		if err := json.NewEncoder(w).Encode(result); err != nil {
			slog.Warn("Writing a reply failed", "error", err)
		}
	})
}

// accept is reply for functions with an argument, which the request's body holds.
func accept[T any](f func(*http.Request, T) (any, error)) http.Handler {
	return reply(func(req *http.Request) (any, error) {
		var in T
		if err := json.NewDecoder(io.LimitReader(req.Body, maxControlBody)).Decode(&in); err != nil {
			return nil, sdp.Errorf(sdp.Invalid, "bad-request", "the request's body cannot be read: %w", err)
		}
		return f(req, in)
	})
}

func (r *Router) drain(ctx context.Context, address string, timeout time.Duration) (int, error) {
	p := r.pools.find(address)
	if p == nil {
		return 0, nil
	}
	r.sweep() // so that the pool knows whether a table still uses it
	cut, err := p.drain(ctx, timeout)
	if cut > 0 {
		r.log.Warn("Closed connections to a drained container", "address", address, "cut", cut)
	}
	return cut, err
}

func (r *Router) stats() []Stats {
	all := []Stats{}
	for name, sb := range *r.sandboxes.Load() {
		s := Stats{Sandbox: name, Since: sb.stats.since, LastActivity: sb.stats.lastActivity(),
			Entered: sb.stats.public.traffic(), Traffic: sb.stats.total.traffic(), Services: map[string]ServiceTraffic{}}
		routes := sb.table.Load().routes
		for service, c := range *sb.services.Load() {
			s.Services[service] = c.service(routes[service])
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b Stats) int { return cmp.Compare(a.Sandbox, b.Sandbox) })
	return all
}

func (r *Router) tables() []sdp.RoutingTable {
	all := []sdp.RoutingTable{}
	for _, sb := range *r.sandboxes.Load() {
		all = append(all, sb.table.Load().RoutingTable)
	}
	slices.SortFunc(all, func(a, b sdp.RoutingTable) int { return cmp.Compare(a.Sandbox, b.Sandbox) })
	return all
}

func (r *Router) listNetworks() map[string]Network {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.networks)
}
