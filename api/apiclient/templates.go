package apiclient

import (
	"context"
	"net/http"

	"sdp/api/rest"
	"sdp/internal/sdp"
)

// Templates lists all templates.
func (c *Client) Templates(ctx context.Context) ([]rest.Template, error) {
	return all[rest.Template](ctx, c, "/templates", nil, 0)
}

// Template returns one template.
func (c *Client) Template(ctx context.Context, name string) (out rest.Template, err error) {
	return out, c.call(ctx, get(template(name), nil, &out))
}

// CreateTemplate stores a template, from a specification or from a sandbox.
func (c *Client) CreateTemplate(ctx context.Context, in rest.CreateTemplate) (out rest.Template, err error) {
	return out, c.call(ctx, change(http.MethodPost, "/templates", in, &out))
}

// UpdateTemplate replaces what a template says.
func (c *Client) UpdateTemplate(ctx context.Context, name string, in rest.UpdateTemplate) (out rest.Template, err error) {
	return out, c.call(ctx, change(http.MethodPut, template(name), in, &out))
}

// DeleteTemplate deletes a template; sandboxes made from it stay.
func (c *Client) DeleteTemplate(ctx context.Context, name string) error {
	return c.call(ctx, change(http.MethodDelete, template(name), nil, nil))
}

// UseTemplate accepts a sandbox made from a template, as CreateSandbox does.
func (c *Client) UseTemplate(ctx context.Context, name string, in rest.UseTemplate) (out rest.CreatedSandbox, err error) {
	return out, c.call(ctx, change(http.MethodPost, template(name)+"/sandboxes", in, &out))
}

// RenderTemplate returns the specification a sandbox would be made from.
func (c *Client) RenderTemplate(ctx context.Context, name string, in rest.UseTemplate) (out sdp.SandboxSpec, err error) {
	return out, c.call(ctx, request{method: http.MethodPost, path: template(name) + "/render", in: in, out: &out})
}

func template(name string) string { return "/templates/" + esc(name) }
