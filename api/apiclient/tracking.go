package apiclient

import (
	"context"
	"net/http"

	"sdp/api/rest"
)

// StoreCredential has the server keep the session's git credentials, so that branches can be watched without it.
func (c *Client) StoreCredential(ctx context.Context) (out rest.TrackingCredential, err error) {
	return out, c.call(ctx, change(http.MethodPut, "/tracking/credential", nil, &out))
}

// Credential says what is known of the stored git credentials.
func (c *Client) Credential(ctx context.Context) (out rest.TrackingCredential, err error) {
	return out, c.call(ctx, get("/tracking/credential", nil, &out))
}

// ForgetCredential has the server delete the stored git credentials.
func (c *Client) ForgetCredential(ctx context.Context) error {
	return c.call(ctx, change(http.MethodDelete, "/tracking/credential", nil, nil))
}

// Track says whether a service is deployed again whenever its branch moves.
func (c *Client) Track(ctx context.Context, sandbox, service string, on bool) (out rest.Sandbox, err error) {
	return out, c.call(ctx, change(http.MethodPut, serviceOf(sandbox, service)+"/track", rest.Track{Track: on}, &out))
}

// Tracked lists the services whose branches are watched; sandbox "" lists those of all sandboxes.
func (c *Client) Tracked(ctx context.Context, sandbox string) ([]rest.TrackedService, error) {
	var page rest.Page[rest.TrackedService]
	err := c.call(ctx, get("/tracking", values("sandbox", sandbox), &page))
	return page.Items, err
}
