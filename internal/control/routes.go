package control

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"sdp/internal/sdp"
	"sdp/internal/sdp/settings"
	"sdp/internal/wire"
)

// SetRoute says where a service's requests go. URL goes with sdp.SourceURL.
func (c *Control) SetRoute(ctx context.Context, call *Call, sandbox, service string, source sdp.Source, url string) (sdp.Operation, error) {
	if err := c.permit(call, sdp.AuditRouteSet, Object{Sandbox: sandbox, Service: service}); err != nil {
		return sdp.Operation{}, err
	}
	if err := sdp.CheckServiceName(service); err != nil {
		return sdp.Operation{}, err
	}
	call.Event.Detail = "to " + cmp.Or(url, string(source))
	found, err := c.changeable(ctx, sandbox)
	if err != nil {
		return sdp.Operation{}, err
	}
	if err := c.checkRoute(ctx, found, service, source, url); err != nil {
		return sdp.Operation{}, err
	}
	if _, err := c.readyNode(ctx, found.GatewayNode); err != nil {
		return sdp.Operation{}, err
	}
	op := c.newOperation(call, sdp.OpRoute, sandbox, service)
	op.Source, op.URL = source, url
	return c.operate(ctx, call, op)
}

func (c *Control) checkRoute(ctx context.Context, sandbox sdp.Sandbox, name string, source sdp.Source, url string) error {
	if source != sdp.SourceURL && url != "" {
		return sdp.Errorf(sdp.Invalid, "bad-route", "a URL goes with source url only").
			WithRemedy("leave the URL out, or use source url")
	}
	switch source {
	case sdp.SourceURL:
		return checkTargetURL(url)
	case sdp.SourceOCP:
		known, err := c.catalog(ctx)
		if err != nil {
			return err
		}
		return known.servedByOCP(name)
	case sdp.SourceSandbox:
	}
	service, err := ServiceOf(sandbox, name)
	if err != nil {
		return err
	}
	if service.Serving == nil {
		return sdp.Errorf(sdp.Conflict, "no-container", "service %s has no container in sandbox %s", name, sandbox.Name).
			WithRemedy("`sdp deploy %s %s@BRANCH` starts one and switches the route to it", sandbox.Name, name)
	}
	return nil
}

// Trace sends a request that changes nothing through a sandbox's port and waits for the hops. Method "" is GET.
func (c *Control) Trace(ctx context.Context, call *Call, name, method, path string) (wire.Trace, error) {
	if err := c.permit(call, sdp.AuditSandboxTrace, Object{Sandbox: name}); err != nil {
		return wire.Trace{}, err
	}
	if !strings.HasPrefix(path, "/") || len(path) > 2000 || sdp.Printable(path, 2000) != path || strings.ContainsAny(path, " #") {
		return wire.Trace{}, sdp.Errorf(sdp.Invalid, "bad-path", "the path to trace is not valid").
			WithRemedy("start it with a slash and escape spaces, as in /account/health?full=1")
	}
	sandbox, err := c.changeable(ctx, name)
	if err != nil {
		return wire.Trace{}, err
	}
	if _, err := c.readyNode(ctx, sandbox.GatewayNode); err != nil {
		return wire.Trace{}, err
	}
	_, nodes, err := c.db.Table(ctx, name)
	if err != nil {
		return wire.Trace{}, err
	}
	if !slices.Contains(nodes, sandbox.GatewayNode) {
		nodes = append(nodes, sandbox.GatewayNode)
	}
	return c.engine.Trace(ctx, wire.TraceInput{
		ID: sdp.NewID("t-"), Sandbox: sandbox.Name, Node: sandbox.GatewayNode, Port: sandbox.Port, Nodes: nodes,
		Method: cmp.Or(method, "GET"), Path: path,
	})
}

// checkTargetURL accepts absolute http and https URLs without credentials, which everybody could read, and without a
// query or fragment, which a prefix cannot have. The scheme must be in lower case, as the database wants it.
func checkTargetURL(raw string) error {
	u, err := url.Parse(raw)
	if err == nil && settings.JSONSize(raw) <= settings.MaxTargetURL && hasHTTPScheme(raw) && u.Hostname() != "" && isPort(u.Port()) &&
		u.User == nil && u.RawQuery == "" && u.Fragment == "" && u.Opaque == "" && sdp.Printable(raw, settings.MaxTargetURL) == raw {
		return nil
	}
	return sdp.Errorf(sdp.Invalid, "bad-url", "the URL of the route is not valid").
		WithRemedy("use an absolute one such as http://host:8080/path, with http or https in lower case and a port up to 65535, " +
			"without user, password, query or fragment")
}

func hasHTTPScheme(raw string) bool {
	return strings.HasPrefix(raw, "http://") || strings.HasPrefix(raw, "https://")
}

// isPort reports whether a URL can have the port; "" is the scheme's own.
func isPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && n > 0
}
