package api

import (
	"context"

	"sdp/api/rest"
	"sdp/internal/control"
	"sdp/internal/postgres"
	"sdp/internal/sdp"
	"sdp/internal/sdp/definition"
)

type sandboxInput struct {
	Name string `path:"name"`
}

type listSandboxesInput struct {
	PageQuery
	Owner string           `query:"owner" maxLength:"200"`
	State sdp.SandboxState `query:"state" doc:"absent = all but DELETED"`
}

func (s *Server) listSandboxes(ctx context.Context, in *listSandboxesInput) (*body[rest.Page[rest.Sandbox]], error) {
	filter := postgres.SandboxFilter{Owner: sdp.Printable(in.Owner, 200)}
	if in.State != "" {
		filter.States = []sdp.SandboxState{in.State}
	}
	sandboxes, next, err := s.db.Sandboxes(ctx, filter, in.page())
	if err != nil {
		return nil, err
	}
	nodes, err := s.nodes(ctx)
	if err != nil {
		return nil, err
	}
	return pageOf(sandboxes, next, func(b sdp.Sandbox) rest.Sandbox { return rest.FromSandbox(b, nodes) }), nil
}

func (s *Server) showSandbox(ctx context.Context, in *sandboxInput) (*body[rest.Sandbox], error) {
	sandbox, err := s.control.Sandbox(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	nodes, err := s.nodes(ctx)
	if err != nil {
		return nil, err
	}
	out := rest.FromSandbox(sandbox, nodes)
	out.PortNote, err = s.portNote(ctx, sandbox)
	return &body[rest.Sandbox]{out}, err
}

// portNote says why a sandbox does not have the port it was given first, "" if it has.
func (s *Server) portNote(ctx context.Context, b sdp.Sandbox) (string, error) {
	filter := postgres.AuditFilter{Sandbox: b.Name, Action: sdp.AuditPortReassign, Since: b.CreatedAt}
	events, _, err := s.db.AuditEvents(ctx, filter, postgres.Page{Limit: 1})
	if err != nil || len(events) == 0 {
		return "", err
	}
	return events[0].Detail, nil
}

type createSandboxInput struct{ Body sdp.SandboxSpec }

func (s *Server) createSandbox(ctx context.Context, in *createSandboxInput) (*accepted[rest.CreatedSandbox], error) {
	call := callOf(ctx)
	call.Event.Sandbox, call.Event.Environment = in.Body.Name, in.Body.Environment
	created, err := s.control.CreateSandbox(ctx, call, in.Body)
	if err != nil {
		return nil, err
	}
	return s.createdSandbox(created), nil
}

func (s *Server) createdSandbox(c control.Created) *accepted[rest.CreatedSandbox] {
	return &accepted[rest.CreatedSandbox]{Location: operationLocation(c.Operation), Body: rest.CreatedSandbox{
		Sandbox: rest.FromSandbox(c.Sandbox, s.asNow([]sdp.Node{c.Gateway})), Operation: s.viewOperation(c.Operation),
		Deployments: rest.List(c.Deployments, s.viewDeployment),
	}}
}

func (s *Server) deleteSandbox(ctx context.Context, in *sandboxInput) (*accepted[rest.Operation], error) {
	return s.acceptedOperation(s.control.DeleteSandbox(ctx, callOf(ctx), in.Name))
}

type definitionInput struct {
	Name   string `path:"name"`
	Pinned bool   `query:"pinned" doc:"every service at the commit it runs, instead of its branch"`
}

// showDefinition is the specification a sandbox comes down to: what an apply of it would not change.
func (s *Server) showDefinition(ctx context.Context, in *definitionInput) (*body[sdp.SandboxSpec], error) {
	sandbox, err := s.control.Sandbox(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	return &body[sdp.SandboxSpec]{definition.Of(sandbox, in.Pinned)}, nil
}

type updateSandboxInput struct {
	Name string `path:"name"`
	Body rest.UpdateSandbox
}

func (s *Server) updateSandbox(ctx context.Context, in *updateSandboxInput) (*body[rest.UpdatedSandbox], error) {
	sandbox, behind, err := s.control.ChangeSettings(ctx, callOf(ctx), in.Name, settingsOf(in.Body))
	if err != nil {
		return nil, err
	}
	nodes, err := s.nodes(ctx)
	if err != nil {
		return nil, err
	}
	return &body[rest.UpdatedSandbox]{rest.UpdatedSandbox{Sandbox: rest.FromSandbox(sandbox, nodes), Behind: behind}}, nil
}

func settingsOf(in rest.UpdateSandbox) control.SettingsChange {
	return control.SettingsChange{Description: in.Description, Labels: in.Labels, Environment: in.Environment,
		EnvironmentVersion: in.EnvironmentVersion, Variables: in.Variables, Secrets: in.Secrets, Unset: in.Unset,
		UnsetLabels: in.UnsetLabels, Limits: in.Limits, Expiry: in.Expiry}
}
