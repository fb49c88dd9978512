// Package socket is the router's control socket: how the worker of a node tells its router what to serve, and asks what it
// sees. Requests and replies are JSON over HTTP; internal/wire has their formats.
package socket

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// Name is the socket's name in a router's data directory.
const Name = "router.sock"

// Client talks to the router of this node over its control socket. It is safe for concurrent use.
type Client struct {
	socket string
	http   *http.Client
}

// NewClient returns a client of the router that listens on socketPath. It does not connect yet.
func NewClient(socketPath string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socketPath)
	}
	transport := &http.Transport{DialContext: dial, MaxIdleConnsPerHost: 16, IdleConnTimeout: 30 * time.Second}
	return &Client{socket: socketPath, http: &http.Client{Transport: transport}}
}

// Close gives up the client's idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Apply makes table what the router serves its sandbox from. When it returns nil, every request that starts afterwards
// goes by the new table. Errors: Conflict "stale-table" if the router has a newer version, Conflict "port-held" if
// somebody else listens on the public port; in both cases nothing has changed. The same version again is harmless.
func (c *Client) Apply(ctx context.Context, table wire.RoutingTable) error {
	return c.call(ctx, http.MethodPut, "/tables/"+url.PathEscape(table.Sandbox), table, nil)
}

// Remove makes the router forget a sandbox: its table, its public port and its network. One it does not know is fine.
func (c *Client) Remove(ctx context.Context, sandbox string) error {
	return c.call(ctx, http.MethodDelete, "/tables/"+url.PathEscape(sandbox), nil, nil)
}

// SetNetwork tells the router where the containers of a sandbox are, so that it listens for them at n.Gateway on the
// port of each service. It may come before the network exists and before the sandbox has a table.
func (c *Client) SetNetwork(ctx context.Context, sandbox string, n wire.Network) error {
	return c.call(ctx, http.MethodPut, "/networks/"+url.PathEscape(sandbox), n, nil)
}

// RemoveNetwork makes the router stop listening for the containers of a sandbox.
func (c *Client) RemoveNetwork(ctx context.Context, sandbox string) error {
	return c.call(ctx, http.MethodDelete, "/networks/"+url.PathEscape(sandbox), nil, nil)
}

// SetMeshToken sets the secret that routers show each other. The previous token stays accepted, but is no longer sent.
func (c *Client) SetMeshToken(ctx context.Context, token string) error {
	return c.call(ctx, http.MethodPut, "/mesh-token", wire.MeshToken{Token: token}, nil)
}

// SetTargets tells the router where containers of this node are, or that they are down. What it is not told of stays as
// it is, unless it is at an address that is told to be another's.
func (c *Client) SetTargets(ctx context.Context, targets []wire.TargetState) error {
	return c.call(ctx, http.MethodPut, "/targets", targets, nil)
}

// Drain waits until no request and no upgraded connection to the container of a deployment is left, and closes those that
// are left after timeout. It returns how many it closed.
func (c *Client) Drain(ctx context.Context, deployment string, timeout time.Duration) (cut int, err error) {
	var reply wire.DrainReply
	err = c.call(ctx, http.MethodPost, "/drain", wire.DrainRequest{Deployment: deployment, Timeout: timeout}, &reply)
	return reply.Cut, err
}

// Stats returns what the router counted per sandbox, sorted by name.
func (c *Client) Stats(ctx context.Context) ([]wire.RouterStats, error) {
	var stats []wire.RouterStats
	err := c.call(ctx, http.MethodGet, "/stats", nil, &stats)
	return stats, err
}

// RecentStats returns what has changed within wire.StatsSettle, or may have, and maybe more: others are as they were. A router that
// knows no better sends all.
func (c *Client) RecentStats(ctx context.Context) ([]wire.RouterStats, error) {
	var stats []wire.RouterStats
	err := c.call(ctx, http.MethodGet, "/stats?"+onlyRecent, nil, &stats)
	return stats, err
}

// Hops returns what this router saw of a traced request, in order of start; none if it saw nothing of it.
func (c *Client) Hops(ctx context.Context, traceID string) ([]wire.Hop, error) {
	var hops []wire.Hop
	err := c.call(ctx, http.MethodGet, "/hops/"+url.PathEscape(traceID), nil, &hops)
	return hops, err
}

// Tables returns the tables the router serves from, sorted by sandbox.
func (c *Client) Tables(ctx context.Context) ([]wire.RoutingTable, error) {
	var tables []wire.RoutingTable
	err := c.call(ctx, http.MethodGet, "/tables", nil, &tables)
	return tables, err
}

// Versions returns which tables those are. A router that knows no better sends them whole, which reads the same.
func (c *Client) Versions(ctx context.Context) (wire.TableVersions, error) {
	var versions wire.TableVersions
	err := c.call(ctx, http.MethodGet, "/tables?"+onlyVersions, nil, &versions)
	return versions, err
}

// LocalTables returns the tables with routes to containers of this node, and of their routes maybe no others.
func (c *Client) LocalTables(ctx context.Context) ([]wire.RoutingTable, error) {
	var tables []wire.RoutingTable
	err := c.call(ctx, http.MethodGet, "/tables?"+onlyLocal, nil, &tables)
	return tables, err
}

// Networks returns the networks the router listens on, by sandbox.
func (c *Client) Networks(ctx context.Context) (map[string]wire.Network, error) {
	var networks map[string]wire.Network
	err := c.call(ctx, http.MethodGet, "/networks", nil, &networks)
	return networks, err
}

// Health returns how the router is. Unavailable "router-down" means that it does not answer.
func (c *Client) Health(ctx context.Context) (wire.RouterHealth, error) {
	var h wire.RouterHealth
	err := c.call(ctx, http.MethodGet, "/health", nil, &h)
	return h, err
}

func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://router"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set(wire.RouterAPIHeader, strconv.Itoa(wire.RouterAPI))
	res, err := c.http.Do(req)
	if err != nil {
		return c.unreachable(ctx, err)
	}
	defer res.Body.Close()
	if err := wire.CheckRouterAPI(res.Header.Get(wire.RouterAPIHeader)); err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return decodeFailure(res)
	}
	if out == nil {
		_, err = io.Copy(io.Discard, res.Body)
		return err
	}
	return json.NewDecoder(res.Body).Decode(out)
}

func (c *Client) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var urlErr *url.Error
	if errors.As(err, &urlErr) {
		err = urlErr.Err
	}
	return sdp.Errorf(sdp.Unavailable, "router-down", "the router of this node does not answer on %s: %w", c.socket, err).
		WithRemedy("start it with `sdp router --config FILE`, or read its log to see why it stopped")
}

func decodeFailure(res *http.Response) error {
	var f wire.RouterFailure
	if err := json.NewDecoder(res.Body).Decode(&f); err != nil || f.Kind == "" {
		return sdp.Errorf(sdp.Internal, "router-protocol", "the router answered %s", res.Status)
	}
	return &sdp.Error{Kind: f.Kind, Code: f.Code, Detail: f.Detail, Remedy: f.Remedy}
}
