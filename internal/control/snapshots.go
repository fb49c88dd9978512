package control

import (
	"context"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
	"sdp/internal/sdp/definition"
	"sdp/internal/sdp/planning"
)

// TakeSnapshot keeps what a sandbox is now under a name.
func (c *Control) TakeSnapshot(ctx context.Context, call *Call, sandbox, name, description string) (sdp.Snapshot, error) {
	if err := c.permit(call, sdp.AuditSnapshotCreate, Object{Sandbox: sandbox}); err != nil {
		return sdp.Snapshot{}, err
	}
	call.Event.Detail = "snapshot " + name
	if err := sdp.CheckSnapshotName(name); err != nil {
		return sdp.Snapshot{}, err
	}
	if _, err := c.changeable(ctx, sandbox); err != nil {
		return sdp.Snapshot{}, err
	}
	return c.db.CreateSnapshot(ctx, sdp.Snapshot{ID: sdp.NewID("s-"), Sandbox: sandbox, Name: name,
		Description: description, Author: call.User})
}

// Snapshot returns a snapshot whose ID comes from a caller.
func (c *Control) Snapshot(ctx context.Context, id string) (sdp.Snapshot, error) {
	if !idPattern.MatchString(id) {
		return sdp.Snapshot{}, sdp.Errorf(sdp.NotFound, "snapshot-not-found", "there is no snapshot %q", sdp.Printable(id, 60)).
			WithRemedy("`sdp snapshot list` lists them")
	}
	return c.db.Snapshot(ctx, id)
}

// DeleteSnapshot forgets a snapshot.
func (c *Control) DeleteSnapshot(ctx context.Context, call *Call, id string) error {
	if err := c.permit(call, sdp.AuditSnapshotDelete, Object{}); err != nil {
		return err
	}
	n, err := c.Snapshot(ctx, id)
	if err != nil {
		return err
	}
	call.Event.Sandbox, call.Event.Detail = n.Sandbox, "snapshot "+n.Name
	return c.db.DeleteSnapshot(ctx, id)
}

// CompareSnapshot compares a snapshot with its sandbox as it is: what would be different if it were restored now, read the
// other way round.
func (c *Control) CompareSnapshot(ctx context.Context, id string) (sdp.Snapshot, []sdp.Difference, error) {
	n, err := c.liveSnapshot(ctx, id)
	if err != nil {
		return n, nil, err
	}
	then, err := c.db.SnapshotSecrets(ctx, n.ID)
	if err != nil {
		return n, nil, err
	}
	sandbox, now, err := c.db.SandboxSecrets(ctx, n.Sandbox)
	if err != nil {
		return n, nil, err
	}
	spec := definition.Of(sandbox, true)
	if spec.EnvironmentVersion, err = c.db.RunningVersion(ctx, sandbox); err != nil {
		return n, nil, err
	}
	secrets, err := c.differentSecrets(then, now, n.Sandbox)
	return n, append(definition.Diff(n.Spec, spec), secrets...), err
}

// liveSnapshot returns a snapshot whose sandbox is still there.
func (c *Control) liveSnapshot(ctx context.Context, id string) (sdp.Snapshot, error) {
	n, err := c.Snapshot(ctx, id)
	if err == nil && n.Gone {
		err = sdp.Errorf(sdp.Conflict, "sandbox-deleted", "sandbox %s, of which snapshot %s was taken, is deleted", n.Sandbox, n.Name).
			WithRemedy("restore it into a new one: `sdp snapshot restore %s --to NAME`", n.ID)
	}
	return n, err
}

// RestoreWish is what to restore, and where.
type RestoreWish struct {
	Snapshot string // ID
	Sandbox  string // "" = the snapshot's own; another one is made
	Atomic   bool
	Plan     string // hash of the plan that was looked at; "" = any
}

// Restore goes back to a snapshot, in its own sandbox or in a new one. Secrets come back as they were.
func (c *Control) Restore(ctx context.Context, call *Call, w RestoreWish) (Applied, error) {
	if err := c.permit(call, sdp.AuditSnapshotRestore, Object{Sandbox: w.Sandbox}); err != nil {
		return Applied{}, err
	}
	r, err := c.restoration(ctx, call, w)
	if err != nil {
		return Applied{}, err
	}
	return c.applyChange(ctx, call, r)
}

// PlanRestore says what Restore would do.
func (c *Control) PlanRestore(ctx context.Context, call *Call, w RestoreWish) (planning.Plan, error) {
	if err := c.permit(call, sdp.AuditSnapshotRestore, Object{Sandbox: w.Sandbox}); err != nil {
		return planning.Plan{}, err
	}
	r, err := c.restoration(ctx, call, w)
	if err != nil {
		return planning.Plan{}, err
	}
	p, err := c.plan(ctx, call, r)
	return p.plan, err
}

func (c *Control) restoration(ctx context.Context, call *Call, w RestoreWish) (changeRequest, error) {
	n, err := c.Snapshot(ctx, w.Snapshot)
	if err != nil {
		return changeRequest{}, err
	}
	call.Event.Sandbox, call.Event.Detail = n.Sandbox, "snapshot "+n.Name
	r := changeRequest{kind: sdp.OpRestore, spec: n.Spec, atomic: w.Atomic, plan: w.Plan,
		from: "snapshot " + n.Name, images: imagesOf(n.Images)}
	secrets, err := c.db.SnapshotSecrets(ctx, n.ID)
	if err != nil {
		return r, err
	}
	if to := w.Sandbox; to != "" && (to != n.Sandbox || n.Gone) {
		call.Event.Sandbox = to
		return c.restoreInto(ctx, to, n, r, secrets)
	}
	return c.restoreBack(ctx, n.ID, r, secrets)
}

// restoreInto makes a new sandbox from a snapshot.
func (c *Control) restoreInto(ctx context.Context, to string, n sdp.Snapshot, r changeRequest, secrets postgres.Secrets) (changeRequest, error) {
	if err := c.nameFree(ctx, to); err != nil {
		return r, err
	}
	var err error
	r.spec.Name, r.isNew, r.atomic = to, true, true
	r.from += " of " + n.Sandbox
	r.secrets, err = c.resealed(secrets, n.Sandbox, to)
	return r, err
}

// restoreBack changes the snapshot's own sandbox back.
func (c *Control) restoreBack(ctx context.Context, id string, r changeRequest, secrets postgres.Secrets) (changeRequest, error) {
	n, err := c.liveSnapshot(ctx, id)
	if err != nil {
		return r, err
	}
	if _, err := c.changeable(ctx, n.Sandbox); err != nil {
		return r, err
	}
	_, now, err := c.db.SandboxSecrets(ctx, n.Sandbox)
	if err == nil {
		r.secrets, err = c.kept(secrets, now, n.Sandbox)
	}
	return r, err
}
