package api

import (
	"context"

	"sdp/api/rest"
	"sdp/internal/control"
	"sdp/internal/postgres"
	"sdp/internal/sdp"
	"sdp/internal/sdp/settings"
)

type environmentInput struct {
	Environment string `path:"environment"`
}

func (s *Server) listEnvironments(ctx context.Context, in *PageQuery) (*body[rest.Page[rest.EnvironmentSummary]], error) {
	list, next, err := s.db.Environments(ctx, in.page())
	if err != nil {
		return nil, err
	}
	return pageOf(list, next, func(u postgres.EnvironmentInUse) rest.EnvironmentSummary {
		return rest.SummarizeEnvironment(u.Environment, u.Sandboxes)
	}), nil
}

type showEnvironmentInput struct {
	Environment string `path:"environment"`
	Version     int    `query:"version" minimum:"0" doc:"absent = the newest"`
}

func (s *Server) showEnvironment(ctx context.Context, in *showEnvironmentInput) (*body[rest.Environment], error) {
	e, err := s.control.Environment(ctx, in.Environment)
	if err != nil {
		return nil, err
	}
	if in.Version != 0 {
		if e.Current, err = s.db.EnvironmentVersion(ctx, e.Name, in.Version); err != nil {
			return nil, err
		}
	}
	return &body[rest.Environment]{rest.FromEnvironment(e)}, nil
}

type createEnvironmentInput struct{ Body rest.CreateEnvironment }

func (s *Server) createEnvironment(ctx context.Context, in *createEnvironmentInput) (*body[rest.Environment], error) {
	e, err := s.control.CreateEnvironment(ctx, callOf(ctx), in.Body.Name, in.Body.Description, entriesOf(in.Body.EnvironmentEntries))
	if err != nil {
		return nil, err
	}
	return &body[rest.Environment]{rest.FromEnvironment(e)}, nil
}

func entriesOf(in rest.EnvironmentEntries) control.EnvironmentEntries {
	return control.EnvironmentEntries{Variables: in.Variables, Secrets: in.Secrets, Note: in.Note,
		Files: rest.List(in.Files, func(f rest.NewFile) control.NewFile { return control.NewFile(f) })}
}

type updateEnvironmentInput struct {
	Environment string `path:"environment"`
	Body        rest.UpdateEnvironment
}

func (s *Server) updateEnvironment(ctx context.Context, in *updateEnvironmentInput) (*body[rest.Environment], error) {
	e, err := s.control.UpdateEnvironment(ctx, callOf(ctx), in.Environment, control.EnvironmentUpdate{
		Description: in.Body.Description, EnvironmentEntries: entriesOf(in.Body.EnvironmentEntries),
		Unset: in.Body.Unset, RemoveFiles: in.Body.RemoveFiles, Version: in.Body.Version})
	if err != nil {
		return nil, err
	}
	return &body[rest.Environment]{rest.FromEnvironment(e)}, nil
}

func (s *Server) deleteEnvironment(ctx context.Context, in *environmentInput) (*none, error) {
	return nil, s.control.DeleteEnvironment(ctx, callOf(ctx), in.Environment)
}

type listVersionsInput struct {
	PageQuery
	Environment string `path:"environment"`
}

func (s *Server) listEnvironmentVersions(ctx context.Context, in *listVersionsInput,
) (*body[rest.Page[rest.EnvironmentVersion]], error) {
	if err := sdp.CheckEnvironmentName(in.Environment); err != nil {
		return nil, err
	}
	list, next, err := s.db.EnvironmentVersions(ctx, in.Environment, in.page())
	if err != nil {
		return nil, err
	}
	return pageOf(list, next, rest.FromEnvironmentVersion), nil
}

type diffEnvironmentInput struct {
	Environment string `path:"environment"`
	From        int    `query:"from" minimum:"0" doc:"absent = the version before to"`
	To          int    `query:"to" minimum:"0" doc:"absent = the newest"`
}

func (s *Server) diffEnvironment(ctx context.Context, in *diffEnvironmentInput) (*body[rest.EnvironmentDiff], error) {
	if err := sdp.CheckEnvironmentName(in.Environment); err != nil {
		return nil, err
	}
	after, filesAfter, to, err := s.db.EnvironmentLayer(ctx, in.Environment, in.To)
	if err != nil {
		return nil, err
	}
	if in.From == 0 {
		in.From = max(1, to-1)
	}
	before, filesBefore, from, err := s.db.EnvironmentLayer(ctx, in.Environment, in.From)
	if err != nil {
		return nil, err
	}
	return &body[rest.EnvironmentDiff]{rest.EnvironmentDiff{Name: in.Environment, From: from, To: to,
		Differences: rest.List(settings.EnvironmentDifferences(before, after, filesBefore, filesAfter), rest.FromDifference)}}, nil
}
