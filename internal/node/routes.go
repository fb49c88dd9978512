package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"sdp/internal/containers"
	"sdp/internal/router/socket"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// Routes are what the node's router is told, and what it tells of traces.
type Routes struct{ router *socket.Client }

// Apply gives the router a table. That it has a newer one already is fine: tables are replaced as a whole.
func (r *Routes) Apply(ctx context.Context, table wire.RoutingTable) error {
	err := r.router.Apply(ctx, table)
	var e *sdp.Error
	if errors.As(err, &e) && e.Code == "stale-table" {
		return nil
	}
	return err
}

// Stop makes the router refuse requests for a sandbox.
func (r *Routes) Stop(ctx context.Context, sandbox string) error {
	return r.router.Remove(ctx, sandbox)
}

// Listen has the router listen on a sandbox's network.
func (r *Routes) Listen(ctx context.Context, n containers.Network) error {
	return r.router.SetNetwork(ctx, n.Sandbox, wire.Network{Gateway: n.Gateway, Subnet: n.Subnet})
}

// drain lets a deployment's container finish the requests it has, for a time.
func (r *Routes) drain(ctx context.Context, deployment string, timeout time.Duration) error {
	_, err := r.router.Drain(ctx, deployment, timeout)
	return err
}

// Hops returns what the router saw of a trace.
func (r *Routes) Hops(ctx context.Context, trace string) ([]wire.Hop, error) {
	return r.router.Hops(ctx, trace)
}

// traceTimeout bounds a traced request; traceBody is how much of the answer is kept, in bytes.
const (
	traceTimeout = 15 * time.Second
	traceBody    = 2 << 10
)

// Trace sends one tagged request to the sandbox's public port on this node.
func (r *Routes) Trace(ctx context.Context, in wire.TraceInput) (wire.Trace, error) {
	path, _, _ := strings.Cut(in.Path, "?") // a query string may hold secrets, and traces are passed around
	out := wire.Trace{ID: in.ID, Sandbox: in.Sandbox, Path: path}
	ctx, cancel := context.WithTimeout(ctx, traceTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, in.Method, fmt.Sprintf("http://127.0.0.1:%d%s", in.Port, in.Path), nil)
	if err != nil {
		return out, sdp.Errorf(sdp.Invalid, "bad-path", "no request can be made of this method and path").
			WithRemedy("give a path such as /account/overview")
	}
	req.Header.Set(wire.TraceHeader, in.ID)
	resp, err := http.DefaultTransport.RoundTrip(req) // redirects are shown, not followed
	if err != nil {
		return out, sdp.Errorf(sdp.Unavailable, "sandbox-unreachable", "the sandbox's port %d does not answer: %w", in.Port, err).
			WithRemedy("`sdp nodes` shows whether the gateway node's router runs")
	}
	defer resp.Body.Close()
	if by := resp.Header.Get(wire.SandboxHeader); by != in.Sandbox {
		return out, sdp.Errorf(sdp.Conflict, "port-held", "public port %d of sandbox %s is not answered by this node's router: "+
			"another program holds it", in.Port, in.Sandbox).WithRemedy("`ss -ltnp sport = :%d` shows which; stop it", in.Port)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, traceBody))
	out.Status, out.Body = resp.StatusCode, string(body)
	return out, err
}
