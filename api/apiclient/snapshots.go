package apiclient

import (
	"context"
	"net/http"
	"net/url"

	"sdp/api/rest"
)

// CloneContract says what a clone of a sandbox would do with each of its parts.
func (c *Client) CloneContract(ctx context.Context, name string, in rest.CloneSandbox) (out rest.CloneContract, err error) {
	query := url.Values{"to": {in.Name}}
	if in.Follow {
		query.Set("follow", "true")
	}
	return out, c.call(ctx, get(sandbox(name)+"/clone", query, &out))
}

// CloneSandbox accepts a clone.
func (c *Client) CloneSandbox(ctx context.Context, name string, in rest.CloneSandbox) (out rest.Applied, err error) {
	return out, c.call(ctx, change(http.MethodPost, sandbox(name)+"/clone", in, &out))
}

// CreateSnapshot freezes a sandbox.
func (c *Client) CreateSnapshot(ctx context.Context, name string, in rest.CreateSnapshot) (out rest.Snapshot, err error) {
	return out, c.call(ctx, change(http.MethodPost, sandbox(name)+"/snapshots", in, &out))
}

// Snapshots lists the snapshots of a sandbox, newest first; "" = of all.
func (c *Client) Snapshots(ctx context.Context, sandbox string) ([]rest.Snapshot, error) {
	return all[rest.Snapshot](ctx, c, "/snapshots", values("sandbox", sandbox), 0)
}

// Snapshot returns one snapshot.
func (c *Client) Snapshot(ctx context.Context, id string) (out rest.Snapshot, err error) {
	return out, c.call(ctx, get(snapshot(id), nil, &out))
}

// DeleteSnapshot deletes a snapshot; its images may then be cleaned away.
func (c *Client) DeleteSnapshot(ctx context.Context, id string) error {
	return c.call(ctx, change(http.MethodDelete, snapshot(id), nil, nil))
}

// DiffSnapshot says in what the sandbox differs from its snapshot now.
func (c *Client) DiffSnapshot(ctx context.Context, id string) (out rest.SnapshotDiff, err error) {
	return out, c.call(ctx, get(snapshot(id)+"/diff", nil, &out))
}

// RestoreSnapshot accepts going back to a snapshot.
func (c *Client) RestoreSnapshot(ctx context.Context, id string, in rest.RestoreSnapshot) (out rest.Applied, err error) {
	return out, c.call(ctx, change(http.MethodPost, snapshot(id)+"/restore", in, &out))
}

func snapshot(id string) string { return "/snapshots/" + esc(id) }
