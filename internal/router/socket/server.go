package socket

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// Router is what can be asked of a router; Client says what each method does.
type Router interface {
	Health() wire.RouterHealth
	Stats() []wire.RouterStats
	RecentStats() []wire.RouterStats
	Hops(traceID string) []wire.Hop
	Tables() []wire.RoutingTable
	LocalTables() []wire.RoutingTable
	Versions() wire.TableVersions
	Networks() map[string]wire.Network
	Apply(table wire.RoutingTable) error
	Remove(sandbox string) error
	SetNetwork(sandbox string, n wire.Network) error
	RemoveNetwork(sandbox string) error
	SetTargets(targets []wire.TargetState) error
	SetMeshToken(token string) error
	Drain(ctx context.Context, deployment string, timeout time.Duration) (cut int, err error)
}

const (
	readHeaderTimeout = 15 * time.Second
	// maxBody bounds a request; a table of a thousand services is a tenth of it.
	maxBody = 4 << 20
)

// Queries for a part of something. A router that does not know them answers with all of it.
const (
	onlyVersions = "only=versions"
	onlyLocal    = "only=local"
	onlyRecent   = "only=recent"
)

// Server is an open socket.
type Server struct {
	path   string
	server *http.Server
	failed chan error
}

// Listen opens the socket at path. It gets its name only after its mode is set, so nobody else can connect, and by the same
// step replaces one that a killed router left behind.
func Listen(path string, r Router) (*Server, error) {
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
	s := &Server{path, &http.Server{Handler: handler(r), ReadHeaderTimeout: readHeaderTimeout}, make(chan error, 1)}
	go func() {
		if err := s.server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- err
		}
	}()
	return s, nil
}

// Failed gives the reason where the socket ends before Close.
func (s *Server) Failed() <-chan error { return s.failed }

// Close lets requests under way end, for a moment, and removes the socket.
func (s *Server) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if s.server.Shutdown(ctx) != nil {
		s.server.Close()
	}
	os.Remove(s.path)
}

func handler(r Router) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /health", reply(func(*http.Request) (any, error) { return r.Health(), nil }))
	mux.Handle("GET /stats", reply(func(req *http.Request) (any, error) {
		if req.URL.RawQuery == onlyRecent {
			return r.RecentStats(), nil
		}
		return r.Stats(), nil
	}))
	mux.Handle("GET /hops/{id}", reply(func(req *http.Request) (any, error) { return r.Hops(req.PathValue("id")), nil }))
	mux.Handle("GET /tables", reply(func(req *http.Request) (any, error) {
		switch req.URL.RawQuery {
		case onlyVersions:
			return r.Versions(), nil
		case onlyLocal:
			return r.LocalTables(), nil
		}
		return r.Tables(), nil
	}))
	mux.Handle("GET /networks", reply(func(*http.Request) (any, error) { return r.Networks(), nil }))
	mux.Handle("PUT /tables/{sandbox}", accept(func(_ *http.Request, t wire.RoutingTable) (any, error) {
		return nil, r.Apply(t)
	}))
	mux.Handle("DELETE /tables/{sandbox}", reply(func(req *http.Request) (any, error) {
		return nil, r.Remove(req.PathValue("sandbox"))
	}))
	mux.Handle("PUT /networks/{sandbox}", accept(func(req *http.Request, n wire.Network) (any, error) {
		return nil, r.SetNetwork(req.PathValue("sandbox"), n)
	}))
	mux.Handle("DELETE /networks/{sandbox}", reply(func(req *http.Request) (any, error) {
		return nil, r.RemoveNetwork(req.PathValue("sandbox"))
	}))
	mux.Handle("PUT /targets", accept(func(_ *http.Request, all []wire.TargetState) (any, error) {
		return nil, r.SetTargets(all)
	}))
	mux.Handle("PUT /mesh-token", accept(func(_ *http.Request, t wire.MeshToken) (any, error) {
		return nil, r.SetMeshToken(t.Token)
	}))
	mux.Handle("POST /drain", accept(func(req *http.Request, d wire.DrainRequest) (any, error) {
		cut, err := r.Drain(req.Context(), d.Deployment, d.Timeout)
		return wire.DrainReply{Cut: cut}, err
	}))
	return mux
}

// reply makes a handler of a function: its result or its error as JSON.
func reply(f func(*http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		var result any
		err := wire.CheckRouterAPI(req.Header.Get(wire.RouterAPIHeader))
		if err == nil {
			result, err = f(req)
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set(wire.RouterAPIHeader, strconv.Itoa(wire.RouterAPI))
		if err != nil {
			e := sdp.AsError(err)
			w.WriteHeader(http.StatusUnprocessableEntity)
			result = wire.RouterFailure{Kind: e.Kind, Code: e.Code, Detail: e.Detail, Remedy: e.Remedy}
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
		if err := json.NewDecoder(io.LimitReader(req.Body, maxBody)).Decode(&in); err != nil {
			return nil, sdp.Errorf(sdp.Invalid, "bad-request", "the request's body cannot be read: %w", err)
		}
		return f(req, in)
	})
}
