package api

import (
	"context"
	"fmt"
	"strings"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
)

type environmentInput struct {
	Environment string `path:"environment"`
}

func (s *Server) listEnvironments(ctx context.Context, in *PageQuery) (*body[Page[EnvironmentSummary]], error) {
	list, next, err := s.db.Environments(ctx, in.page())
	if err != nil {
		return nil, err
	}
	return pageOf(list, next, viewEnvironmentSummary), nil
}

type showEnvironmentInput struct {
	Environment string `path:"environment"`
	Version     int    `query:"version" minimum:"0" doc:"absent = the newest"`
}

func (s *Server) showEnvironment(ctx context.Context, in *showEnvironmentInput) (*body[Environment], error) {
	e, err := s.environment(ctx, in.Environment)
	if err != nil {
		return nil, err
	}
	if in.Version != 0 {
		if e.Current, err = s.db.EnvironmentVersion(ctx, e.Name, in.Version); err != nil {
			return nil, err
		}
	}
	return &body[Environment]{viewEnvironment(e)}, nil
}

// environment returns an environment whose name comes from a caller.
func (s *Server) environment(ctx context.Context, name string) (sdp.Environment, error) {
	if err := sdp.CheckEnvironmentName(name); err != nil {
		return sdp.Environment{}, err
	}
	return s.db.Environment(ctx, name)
}

type createEnvironmentInput struct{ Body CreateEnvironment }

func (s *Server) createEnvironment(ctx context.Context, in *createEnvironmentInput) (*body[Environment], error) {
	infoOf(ctx).event.Environment = in.Body.Name
	if err := sdp.CheckEnvironmentName(in.Body.Name); err != nil {
		return nil, err
	}
	change := environmentChange{server: s, entries: in.Body.EnvironmentEntries}
	if err := change.check(); err != nil {
		return nil, err
	}
	e, err := s.db.CreateEnvironment(ctx, postgres.EnvironmentChange{Name: in.Body.Name, Description: &in.Body.Description,
		User: infoOf(ctx).user, Note: in.Body.Note, Change: change.first})
	if err != nil {
		return nil, err
	}
	infoOf(ctx).event.Detail = change.said(e)
	return &body[Environment]{viewEnvironment(e)}, nil
}

type updateEnvironmentInput struct {
	Environment string `path:"environment"`
	Body        UpdateEnvironment
}

func (s *Server) updateEnvironment(ctx context.Context, in *updateEnvironmentInput) (*body[Environment], error) {
	infoOf(ctx).event.Environment = in.Environment
	if err := sdp.CheckEnvironmentName(in.Environment); err != nil {
		return nil, err
	}
	change := environmentChange{server: s, entries: in.Body.EnvironmentEntries, unset: in.Body.Unset, removeFiles: in.Body.RemoveFiles}
	if err := change.check(); err != nil {
		return nil, err
	}
	e, err := s.db.UpdateEnvironment(ctx, postgres.EnvironmentChange{Name: in.Environment, Description: in.Body.Description,
		User: infoOf(ctx).user, Note: in.Body.Note, Version: in.Body.Version, Change: change.next})
	if err != nil {
		return nil, err
	}
	infoOf(ctx).event.Detail = change.said(e)
	return &body[Environment]{viewEnvironment(e)}, nil
}

func (s *Server) deleteEnvironment(ctx context.Context, in *environmentInput) (*none, error) {
	infoOf(ctx).event.Environment = in.Environment
	if err := sdp.CheckEnvironmentName(in.Environment); err != nil {
		return nil, err
	}
	return nil, s.db.DeleteEnvironment(ctx, in.Environment)
}

type listVersionsInput struct {
	PageQuery
	Environment string `path:"environment"`
}

func (s *Server) listEnvironmentVersions(ctx context.Context, in *listVersionsInput) (*body[Page[EnvironmentVersion]], error) {
	if err := sdp.CheckEnvironmentName(in.Environment); err != nil {
		return nil, err
	}
	list, next, err := s.db.EnvironmentVersions(ctx, in.Environment, in.page())
	if err != nil {
		return nil, err
	}
	return pageOf(list, next, viewEnvironmentVersion), nil
}

type diffEnvironmentInput struct {
	Environment string `path:"environment"`
	From        int    `query:"from" minimum:"0" doc:"absent = the version before to"`
	To          int    `query:"to" minimum:"0" doc:"absent = the newest"`
}

func (s *Server) diffEnvironment(ctx context.Context, in *diffEnvironmentInput) (*body[EnvironmentDiff], error) {
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
	return &body[EnvironmentDiff]{EnvironmentDiff{Name: in.Environment, From: from, To: to,
		Differences: views(sdp.EnvironmentDifferences(before, after, filesBefore, filesAfter), viewDifference)}}, nil
}

func viewEnvironmentSummary(u postgres.EnvironmentInUse) EnvironmentSummary {
	c := u.Current
	return EnvironmentSummary{Name: u.Name, Description: u.Description, Owner: u.Owner, Version: u.Version,
		Variables: len(c.Variables), Secrets: len(c.SecretKeys), Files: len(c.Files), Sandboxes: u.Sandboxes,
		UpdatedAt: utc(u.UpdatedAt)}
}

func viewEnvironment(e sdp.Environment) Environment {
	c := e.Current
	return Environment{Name: e.Name, Description: e.Description, Owner: e.Owner, Version: c.Version, Newest: e.Version,
		Variables: c.Variables, SecretKeys: append([]string{}, c.SecretKeys...), Files: views(c.Files, viewFile),
		Author: c.Author, Note: c.Note, CreatedAt: utc(e.CreatedAt), UpdatedAt: utc(c.CreatedAt)}
}

func viewFile(f sdp.EnvironmentFile) EnvironmentFile { return EnvironmentFile(f) }

func viewEnvironmentVersion(v sdp.EnvironmentVersion) EnvironmentVersion {
	return EnvironmentVersion{Version: v.Version, Author: v.Author, Note: v.Note, CreatedAt: utc(v.CreatedAt),
		Variables: len(v.Variables), Secrets: len(v.SecretKeys), Files: len(v.Files)}
}

// said is what the audit says of a change: names only.
func (c *environmentChange) said(e sdp.Environment) string {
	if !c.changed {
		return "nothing changed"
	}
	text := fmt.Sprintf("version %d", e.Version)
	for _, part := range []struct {
		what  string
		names []string
	}{{"variables", c.names.variables}, {"secrets", c.names.secrets}, {"files", c.names.files}, {"removed", c.names.removed}} {
		if len(part.names) > 0 {
			text += "; " + part.what + " " + strings.Join(part.names, " ")
		}
	}
	return text
}
