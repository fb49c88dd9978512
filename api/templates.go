package api

import (
	"context"

	"sdp/api/rest"
	"sdp/internal/control"
	"sdp/internal/sdp"
	"sdp/internal/sdp/template"
)

type templateInput struct {
	Template string `path:"template"`
}

func (s *Server) listTemplates(ctx context.Context, in *PageQuery) (*body[rest.Page[rest.Template]], error) {
	list, next, err := s.db.Templates(ctx, in.page())
	if err != nil {
		return nil, err
	}
	return pageOf(list, next, rest.FromTemplate), nil
}

func (s *Server) showTemplate(ctx context.Context, in *templateInput) (*body[rest.Template], error) {
	return shownTemplate(s.control.Template(ctx, in.Template))
}

type createTemplateInput struct{ Body rest.CreateTemplate }

func (s *Server) createTemplate(ctx context.Context, in *createTemplateInput) (*body[rest.Template], error) {
	return shownTemplate(s.control.CreateTemplate(ctx, callOf(ctx), control.NewTemplate{
		Name: in.Body.Name, Description: in.Body.Description, Parameters: rest.List(in.Body.Parameters, parameterOf),
		Definition: (*sdp.SandboxSpec)(in.Body.Spec), Sandbox: in.Body.FromSandbox, Places: rest.List(in.Body.Places, placeOf),
	}))
}

type updateTemplateInput struct {
	Template string `path:"template"`
	Body     rest.UpdateTemplate
}

func (s *Server) updateTemplate(ctx context.Context, in *updateTemplateInput) (*body[rest.Template], error) {
	return shownTemplate(s.control.UpdateTemplate(ctx, callOf(ctx), in.Template, control.TemplateContent{
		Description: in.Body.Description, Parameters: rest.List(in.Body.Parameters, parameterOf),
		Definition: sdp.SandboxSpec(in.Body.Spec),
	}))
}

func (s *Server) deleteTemplate(ctx context.Context, in *templateInput) (*none, error) {
	return nil, s.control.DeleteTemplate(ctx, callOf(ctx), in.Template)
}

type useTemplateInput struct {
	Template string `path:"template"`
	Body     rest.UseTemplate
}

func (in *useTemplateInput) use() control.UseTemplate {
	return control.UseTemplate{Template: in.Template, Sandbox: in.Body.Name, Values: in.Body.Parameters}
}

// useTemplate makes a sandbox the way POST /sandboxes does.
func (s *Server) useTemplate(ctx context.Context, in *useTemplateInput) (*accepted[rest.CreatedSandbox], error) {
	created, err := s.control.SandboxFromTemplate(ctx, callOf(ctx), in.use())
	if err != nil {
		return nil, err
	}
	return s.createdSandbox(created), nil
}

// renderTemplate answers with the specification a sandbox would be made from, for a plan of it.
func (s *Server) renderTemplate(ctx context.Context, in *useTemplateInput) (*body[sdp.SandboxSpec], error) {
	spec, err := s.control.Rendered(ctx, in.use())
	if err != nil {
		return nil, err
	}
	return &body[sdp.SandboxSpec]{spec}, nil
}

func shownTemplate(t template.Template, err error) (*body[rest.Template], error) {
	if err != nil {
		return nil, err
	}
	return &body[rest.Template]{rest.FromTemplate(t)}, nil
}

func parameterOf(p rest.TemplateParameter) template.Parameter { return template.Parameter(p) }

func placeOf(p rest.TemplatePlace) template.Place {
	return template.Place{Parameter: p.Parameter, Path: p.At}
}
