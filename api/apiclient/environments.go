package apiclient

import (
	"context"
	"net/http"
	"strconv"

	"sdp/api/rest"
)

func environment(name string) string { return "/environments/" + esc(name) }

// Environments lists all environments.
func (c *Client) Environments(ctx context.Context) ([]rest.EnvironmentSummary, error) {
	return all[rest.EnvironmentSummary](ctx, c, "/environments", nil, 0)
}

// Environment returns one version of an environment; 0 = the newest.
func (c *Client) Environment(ctx context.Context, name string, version int) (out rest.Environment, err error) {
	return out, c.call(ctx, get(environment(name), values("version", number(version)), &out))
}

// CreateEnvironment makes an environment with its first version.
func (c *Client) CreateEnvironment(ctx context.Context, in rest.CreateEnvironment) (out rest.Environment, err error) {
	return out, c.call(ctx, change(http.MethodPost, "/environments", in, &out))
}

// UpdateEnvironment makes a new version of an environment, unless nothing changes.
func (c *Client) UpdateEnvironment(ctx context.Context, name string, in rest.UpdateEnvironment,
) (out rest.Environment, err error) {
	return out, c.call(ctx, change(http.MethodPut, environment(name), in, &out))
}

// DeleteEnvironment deletes an environment that nothing uses.
func (c *Client) DeleteEnvironment(ctx context.Context, name string) error {
	return c.call(ctx, change(http.MethodDelete, environment(name), nil, nil))
}

// EnvironmentVersions lists the versions of an environment, newest first.
func (c *Client) EnvironmentVersions(ctx context.Context, name string) ([]rest.EnvironmentVersion, error) {
	return all[rest.EnvironmentVersion](ctx, c, environment(name)+"/versions", nil, 0)
}

// EnvironmentDiff compares two versions. From 0 is the one before to, to 0 the newest.
func (c *Client) EnvironmentDiff(ctx context.Context, name string, from, to int) (out rest.EnvironmentDiff, err error) {
	return out, c.call(ctx, get(environment(name)+"/diff", values("from", number(from), "to", number(to)), &out))
}

// EnvironmentUsage says who uses an environment.
func (c *Client) EnvironmentUsage(ctx context.Context, name string) (out rest.EnvironmentUsage, err error) {
	return out, c.call(ctx, get(environment(name)+"/usage", nil, &out))
}

// RedeployEnvironment restarts what does not run with the newest version.
func (c *Client) RedeployEnvironment(ctx context.Context, name string, in rest.RedeployEnvironment) (out rest.EnvironmentRedeployed, err error) {
	return out, c.call(ctx, change(http.MethodPost, environment(name)+"/redeploy", in, &out))
}

// ExplainEnvironment says what a service would find in its environment, and where each value comes from.
func (c *Client) ExplainEnvironment(ctx context.Context, sandbox, service string) (out rest.EffectiveEnvironment, err error) {
	return out, c.call(ctx, get(serviceOf(sandbox, service)+"/environment", nil, &out))
}

// number is "" for 0.
func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
