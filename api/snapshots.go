package api

import (
	"context"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
)

type createSnapshotInput struct {
	Name string `path:"name"`
	Body CreateSnapshot
}

func (s *Server) createSnapshot(ctx context.Context, in *createSnapshotInput) (*body[Snapshot], error) {
	infoOf(ctx).event.Detail = "snapshot " + in.Body.Name
	if err := sdp.CheckSnapshotName(in.Body.Name); err != nil {
		return nil, err
	}
	if _, err := s.changeable(ctx, in.Name); err != nil {
		return nil, err
	}
	n, err := s.db.CreateSnapshot(ctx, sdp.Snapshot{ID: sdp.NewID("s-"), Sandbox: in.Name, Name: in.Body.Name,
		Description: in.Body.Description, Author: infoOf(ctx).user})
	if err != nil {
		return nil, err
	}
	return &body[Snapshot]{viewSnapshot(n)}, nil
}

type listSnapshotsInput struct {
	PageQuery
	Sandbox string `query:"sandbox" maxLength:"100"`
}

func (s *Server) listSnapshots(ctx context.Context, in *listSnapshotsInput) (*body[Page[Snapshot]], error) {
	list, next, err := s.db.Snapshots(ctx, clean(in.Sandbox, 100), in.page())
	if err != nil {
		return nil, err
	}
	return pageOf(list, next, viewSnapshot), nil
}

// snapshot returns a snapshot whose ID comes from a caller.
func (s *Server) snapshot(ctx context.Context, id string) (sdp.Snapshot, error) {
	if !idPattern.MatchString(id) {
		return sdp.Snapshot{}, sdp.Errorf(sdp.NotFound, "snapshot-not-found", "there is no snapshot %q", clean(id, 60)).
			WithRemedy("`sdp snapshot list` lists them")
	}
	return s.db.Snapshot(ctx, id)
}

func (s *Server) showSnapshot(ctx context.Context, in *idInput) (*body[Snapshot], error) {
	n, err := s.snapshot(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &body[Snapshot]{viewSnapshot(n)}, nil
}

func (s *Server) deleteSnapshot(ctx context.Context, in *idInput) (*none, error) {
	n, err := s.snapshot(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	event := &infoOf(ctx).event
	event.Sandbox, event.Detail = n.Sandbox, "snapshot "+n.Name
	return nil, s.db.DeleteSnapshot(ctx, in.ID)
}

// diffSnapshot compares the snapshot with its sandbox as it is: what would be different if it were restored now, read
// the other way round.
func (s *Server) diffSnapshot(ctx context.Context, in *idInput) (*body[SnapshotDiff], error) {
	n, err := s.liveSnapshot(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	then, err := s.db.SnapshotSecrets(ctx, n.ID)
	if err != nil {
		return nil, err
	}
	sandbox, now, err := s.db.SandboxSecrets(ctx, n.Sandbox)
	if err != nil {
		return nil, err
	}
	spec := sdp.SpecOf(sandbox, true)
	if spec.EnvironmentVersion, err = s.db.RunningVersion(ctx, sandbox); err != nil {
		return nil, err
	}
	secrets, err := s.differentSecrets(then, now, n.Sandbox)
	if err != nil {
		return nil, err
	}
	list := append(sdp.DiffSpecs(n.Spec, spec), secrets...)
	return &body[SnapshotDiff]{SnapshotDiff{Snapshot: n.ID, Sandbox: n.Sandbox, Differences: views(list, viewDifference)}}, nil
}

// liveSnapshot returns a snapshot whose sandbox is still there.
func (s *Server) liveSnapshot(ctx context.Context, id string) (sdp.Snapshot, error) {
	n, err := s.snapshot(ctx, id)
	if err == nil && n.Gone {
		err = sdp.Errorf(sdp.Conflict, "sandbox-deleted", "sandbox %s, of which snapshot %s was taken, is deleted", n.Sandbox, n.Name).
			WithRemedy("restore it into a new one: `sdp snapshot restore %s --to NAME`", n.ID)
	}
	return n, err
}

type restoreInput struct {
	ID   string `path:"id"`
	Body RestoreSnapshot
}

// restoreSnapshot goes back to a snapshot, in its own sandbox or in a new one. Secrets come back as they were.
func (s *Server) restoreSnapshot(ctx context.Context, in *restoreInput) (*accepted[Applied], error) {
	r, err := s.restoration(ctx, in)
	if err != nil {
		return nil, err
	}
	return s.applyChange(ctx, r)
}

// planRestore says what restoreSnapshot would do.
func (s *Server) planRestore(ctx context.Context, in *restoreInput) (*body[Plan], error) {
	r, err := s.restoration(ctx, in)
	if err != nil {
		return nil, err
	}
	plan, err := s.planChange(ctx, r)
	if err != nil {
		return nil, err
	}
	return &body[Plan]{viewPlan(plan)}, nil
}

func (s *Server) restoration(ctx context.Context, in *restoreInput) (changeRequest, error) {
	n, err := s.snapshot(ctx, in.ID)
	if err != nil {
		return changeRequest{}, err
	}
	event := &infoOf(ctx).event
	event.Sandbox, event.Detail = n.Sandbox, "snapshot "+n.Name
	r := changeRequest{kind: sdp.OpRestore, spec: n.Spec, atomic: in.Body.Atomic, plan: in.Body.Plan,
		from: "snapshot " + n.Name, images: imagesOf(n.Images)}
	secrets, err := s.db.SnapshotSecrets(ctx, n.ID)
	if err != nil {
		return r, err
	}
	if to := in.Body.Sandbox; to != "" && (to != n.Sandbox || n.Gone) {
		event.Sandbox = to
		return s.restoreInto(ctx, to, n, r, secrets)
	}
	return s.restoreBack(ctx, in.ID, r, secrets)
}

// restoreInto makes a new sandbox from a snapshot.
func (s *Server) restoreInto(ctx context.Context, to string, n sdp.Snapshot, r changeRequest, secrets postgres.Secrets) (changeRequest, error) {
	if err := s.nameFree(ctx, to); err != nil {
		return r, err
	}
	var err error
	r.spec.Name, r.isNew, r.atomic = to, true, true
	r.from += " of " + n.Sandbox
	r.secrets, err = s.resealed(secrets, n.Sandbox, to)
	return r, err
}

// restoreBack changes the snapshot's own sandbox back.
func (s *Server) restoreBack(ctx context.Context, id string, r changeRequest, secrets postgres.Secrets) (changeRequest, error) {
	n, err := s.liveSnapshot(ctx, id)
	if err != nil {
		return r, err
	}
	if _, err := s.changeable(ctx, n.Sandbox); err != nil {
		return r, err
	}
	_, now, err := s.db.SandboxSecrets(ctx, n.Sandbox)
	if err == nil {
		r.secrets, err = s.kept(secrets, now, n.Sandbox)
	}
	return r, err
}

func viewSnapshot(n sdp.Snapshot) Snapshot {
	return Snapshot{ID: n.ID, Sandbox: n.Sandbox, SandboxGone: n.Gone, Name: n.Name, Description: n.Description, Author: n.Author,
		CreatedAt: utc(n.CreatedAt), Spec: viewSpec(n.Spec), SecretKeys: n.SecretKeys,
		Images: views(n.Images, func(i sdp.SnapshotImage) SnapshotImage { return SnapshotImage(i) })}
}
