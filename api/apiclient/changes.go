package apiclient

import (
	"context"
	"net/http"
	"net/url"

	"sdp/api/rest"
	"sdp/internal/sdp"
)

// Plan says what an apply of a definition would do. It changes nothing.
func (c *Client) Plan(ctx context.Context, in sdp.SandboxSpec) (out rest.Plan, err error) {
	return out, c.call(ctx, request{method: http.MethodPost, path: "/plans", in: in, out: &out})
}

// Apply makes a sandbox what its definition says. The answer has no operation where there is nothing to do.
func (c *Client) Apply(ctx context.Context, in rest.ApplySandbox) (out rest.Applied, err error) {
	return out, c.call(ctx, change(http.MethodPut, sandbox(in.Spec.Name), in, &out))
}

// UpdateSandbox changes settings of a sandbox without restarting anything.
func (c *Client) UpdateSandbox(ctx context.Context, name string, in rest.UpdateSandbox) (out rest.UpdatedSandbox, err error) {
	return out, c.call(ctx, change(http.MethodPatch, sandbox(name), in, &out))
}

// Definition is the specification a sandbox comes down to; pinned, with every service at the commit it runs.
func (c *Client) Definition(ctx context.Context, name string, pinned bool) (out sdp.SandboxSpec, err error) {
	query := url.Values{}
	if pinned {
		query.Set("pinned", "true")
	}
	return out, c.call(ctx, get(sandbox(name)+"/definition", query, &out))
}
