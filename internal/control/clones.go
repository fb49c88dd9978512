package control

import (
	"context"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
	"sdp/internal/sdp/planning"
)

// CloneContract says of each part of a sandbox what becomes of it in a clone.
func (c *Control) CloneContract(ctx context.Context, call *Call, name, to string, follow bool) ([]planning.ContractItem, error) {
	if err := c.permit(call, sdp.AuditSandboxClone, Object{Sandbox: name}); err != nil {
		return nil, err
	}
	sandbox, _, err := c.cloneable(ctx, name, to)
	if err != nil {
		return nil, err
	}
	source := planning.CloneSource{Sandbox: sandbox, To: to, Owner: call.User, Follow: follow}
	table, _, err := c.db.Table(ctx, name)
	if err != nil {
		return nil, err
	}
	source.Upstreams = table.Upstreams()
	if sandbox.Environment != "" {
		source.Environment, err = c.db.EnvironmentVersion(ctx, sandbox.Environment, sandbox.EnvironmentVersion)
		if err != nil {
			return nil, err
		}
	}
	known, err := c.catalog(ctx)
	if err != nil {
		return nil, err
	}
	source.Repositories = known.repositories
	return source.Contract(), nil
}

// cloneable returns a sandbox that can be cloned now into one of another name, and its secrets.
func (c *Control) cloneable(ctx context.Context, name, to string) (sdp.Sandbox, postgres.Secrets, error) {
	if _, err := c.changeable(ctx, name); err != nil {
		return sdp.Sandbox{}, nil, err
	}
	if err := c.nameFree(ctx, to); err != nil {
		return sdp.Sandbox{}, nil, err
	}
	return c.db.CopySource(ctx, name)
}

func (c *Control) nameFree(ctx context.Context, name string) error {
	_, err := c.Sandbox(ctx, name)
	switch {
	case err == nil:
		return sandboxExists(name)
	case sdp.KindOf(err) == sdp.NotFound:
		return nil
	}
	return err
}

func sandboxExists(name string) error {
	return sdp.Errorf(sdp.Conflict, "sandbox-exists", "there is a sandbox %s already", name).
		WithRemedy("choose another name, or delete it first: `sdp sandbox delete %s`", name)
}

// Clone makes a sandbox like another one: all of it, or nothing. Who clones owns the clone. With follow it deploys the
// branches as they are now, else what the source runs.
func (c *Control) Clone(ctx context.Context, call *Call, name, to string, follow bool) (Applied, error) {
	if err := c.permit(call, sdp.AuditSandboxClone, Object{Sandbox: name}); err != nil {
		return Applied{}, err
	}
	call.Event.Detail = "clone of " + name
	source, sealed, err := c.cloneable(ctx, name, to)
	if err != nil {
		return Applied{}, err
	}
	secrets, err := c.resealed(sealed, name, to)
	if err != nil {
		return Applied{}, err
	}
	clone := planning.CloneSource{Sandbox: source, To: to, Follow: follow}
	r := changeRequest{kind: sdp.OpClone, spec: clone.Spec(), isNew: true, atomic: true, from: "clone of " + name, secrets: secrets}
	if !follow {
		r.images = imagesOf(sdp.SnapshotImages(source))
	}
	return c.applyChange(ctx, call, r)
}

// imagesOf are the images by service.
func imagesOf(list []sdp.SnapshotImage) map[string]string {
	images := map[string]string{}
	for _, i := range list {
		images[i.Service] = i.Image
	}
	return images
}
