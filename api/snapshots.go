package api

import (
	"context"

	"sdp/api/rest"
	"sdp/internal/control"
	"sdp/internal/sdp"
)

type createSnapshotInput struct {
	Name string `path:"name"`
	Body rest.CreateSnapshot
}

func (s *Server) createSnapshot(ctx context.Context, in *createSnapshotInput) (*body[rest.Snapshot], error) {
	n, err := s.control.TakeSnapshot(ctx, callOf(ctx), in.Name, in.Body.Name, in.Body.Description)
	if err != nil {
		return nil, err
	}
	return &body[rest.Snapshot]{rest.FromSnapshot(n)}, nil
}

type listSnapshotsInput struct {
	PageQuery
	Sandbox string `query:"sandbox" maxLength:"100"`
}

func (s *Server) listSnapshots(ctx context.Context, in *listSnapshotsInput) (*body[rest.Page[rest.Snapshot]], error) {
	list, next, err := s.db.Snapshots(ctx, sdp.Printable(in.Sandbox, 100), in.page())
	if err != nil {
		return nil, err
	}
	return pageOf(list, next, rest.FromSnapshot), nil
}

func (s *Server) showSnapshot(ctx context.Context, in *idInput) (*body[rest.Snapshot], error) {
	n, err := s.control.Snapshot(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &body[rest.Snapshot]{rest.FromSnapshot(n)}, nil
}

func (s *Server) deleteSnapshot(ctx context.Context, in *idInput) (*none, error) {
	return nil, s.control.DeleteSnapshot(ctx, callOf(ctx), in.ID)
}

func (s *Server) diffSnapshot(ctx context.Context, in *idInput) (*body[rest.SnapshotDiff], error) {
	n, differences, err := s.control.CompareSnapshot(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &body[rest.SnapshotDiff]{rest.SnapshotDiff{Snapshot: n.ID, Sandbox: n.Sandbox,
		Differences: rest.List(differences, rest.FromDifference)}}, nil
}

type restoreInput struct {
	ID   string `path:"id"`
	Body rest.RestoreSnapshot
}

func (in *restoreInput) wish() control.RestoreWish {
	return control.RestoreWish{Snapshot: in.ID, Sandbox: in.Body.Sandbox, Atomic: in.Body.Atomic, Plan: in.Body.Plan}
}

func (s *Server) restoreSnapshot(ctx context.Context, in *restoreInput) (*accepted[rest.Applied], error) {
	return s.acceptedChange(s.control.Restore(ctx, callOf(ctx), in.wish()))
}

// planRestore says what restoreSnapshot would do.
func (s *Server) planRestore(ctx context.Context, in *restoreInput) (*body[rest.Plan], error) {
	plan, err := s.control.PlanRestore(ctx, callOf(ctx), in.wish())
	if err != nil {
		return nil, err
	}
	return &body[rest.Plan]{rest.FromPlan(plan)}, nil
}
