package api

import (
	"context"
	"encoding/json"
	"slices"

	"sdp/internal/sdp"
)

type templateInput struct {
	Template string `path:"template"`
}

// template returns a template whose name comes from a caller.
func (s *Server) template(ctx context.Context, name string) (sdp.Template, error) {
	if err := sdp.CheckTemplateName(name); err != nil {
		return sdp.Template{}, err
	}
	return s.db.Template(ctx, name)
}

func (s *Server) listTemplates(ctx context.Context, in *PageQuery) (*body[Page[Template]], error) {
	list, next, err := s.db.Templates(ctx, in.page())
	if err != nil {
		return nil, err
	}
	return pageOf(list, next, viewTemplate), nil
}

func (s *Server) showTemplate(ctx context.Context, in *templateInput) (*body[Template], error) {
	t, err := s.template(ctx, in.Template)
	if err != nil {
		return nil, err
	}
	return &body[Template]{viewTemplate(t)}, nil
}

type createTemplateInput struct{ Body CreateTemplate }

func (s *Server) createTemplate(ctx context.Context, in *createTemplateInput) (*body[Template], error) {
	event := &infoOf(ctx).event
	event.Sandbox, event.Detail = in.Body.FromSandbox, "template "+in.Body.Name
	t := sdp.Template{Name: in.Body.Name, Description: in.Body.Description, Owner: infoOf(ctx).user,
		Parameters: views(in.Body.Parameters, parameterOf)}
	if err := sdp.CheckTemplateName(t.Name); err != nil {
		return nil, err
	}
	var err error
	switch b := in.Body; {
	case b.Spec != nil && b.FromSandbox == "" && len(b.Places) == 0:
		t.Spec, err = json.Marshal(b.Spec)
	case b.Spec == nil && b.FromSandbox != "":
		err = s.templateFromSandbox(ctx, &t, b)
	default:
		err = sdp.Errorf(sdp.Invalid, "bad-template", "a template is made either from a specification or from a sandbox").
			WithRemedy("give spec, or fromSandbox with places")
	}
	if err != nil {
		return nil, err
	}
	if err := s.checkTemplate(ctx, t); err != nil {
		return nil, err
	}
	if t, err = s.db.CreateTemplate(ctx, t); err != nil {
		return nil, err
	}
	return &body[Template]{viewTemplate(t)}, nil
}

// templateFromSandbox gives t the definition of a sandbox, with parameters in the places that were asked for.
func (s *Server) templateFromSandbox(ctx context.Context, t *sdp.Template, in CreateTemplate) error {
	sandbox, err := s.sandbox(ctx, in.FromSandbox)
	if err != nil {
		return err
	}
	spec, err := json.Marshal(TemplateSpec(viewSpec(sdp.SpecOf(sandbox, false))))
	if err != nil {
		return err
	}
	places := views(in.Places, func(p TemplatePlace) sdp.Place { return sdp.Place{Parameter: p.Parameter, Path: p.At} })
	var was map[string]string
	if t.Spec, was, err = sdp.Parameterize(spec, places); err != nil {
		return err
	}
	t.Parameters = declared(t.Parameters, places, was)
	return nil
}

// declared declares the parameters that only their places mention, and gives each without a default the value that
// it replaced.
func declared(parameters []sdp.TemplateParameter, places []sdp.Place, was map[string]string) []sdp.TemplateParameter {
	for _, p := range places {
		if !slices.ContainsFunc(parameters, func(d sdp.TemplateParameter) bool { return d.Name == p.Parameter }) {
			parameters = append(parameters, sdp.TemplateParameter{Name: p.Parameter})
		}
	}
	for i, p := range parameters {
		if value, one := was[p.Name]; one && p.Default == nil {
			parameters[i].Default = &value
		}
	}
	return parameters
}

type updateTemplateInput struct {
	Template string `path:"template"`
	Body     UpdateTemplate
}

func (s *Server) updateTemplate(ctx context.Context, in *updateTemplateInput) (*body[Template], error) {
	infoOf(ctx).event.Detail = "template " + in.Template
	t, err := s.template(ctx, in.Template)
	if err != nil {
		return nil, err
	}
	t.Description, t.Parameters = in.Body.Description, views(in.Body.Parameters, parameterOf)
	if t.Spec, err = json.Marshal(in.Body.Spec); err != nil {
		return nil, err
	}
	if err := s.checkTemplate(ctx, t); err != nil {
		return nil, err
	}
	if t, err = s.db.UpdateTemplate(ctx, t); err != nil {
		return nil, err
	}
	return &body[Template]{viewTemplate(t)}, nil
}

func (s *Server) deleteTemplate(ctx context.Context, in *templateInput) (*none, error) {
	infoOf(ctx).event.Detail = "template " + in.Template
	if err := sdp.CheckTemplateName(in.Template); err != nil {
		return nil, err
	}
	return nil, s.db.DeleteTemplate(ctx, in.Template)
}

type useTemplateInput struct {
	Template string `path:"template"`
	Body     UseTemplate
}

// useTemplate makes a sandbox the way POST /sandboxes does: same checks, same errors.
func (s *Server) useTemplate(ctx context.Context, in *useTemplateInput) (*accepted[CreatedSandbox], error) {
	event := &infoOf(ctx).event
	event.Sandbox, event.Detail = in.Body.Name, "from template "+in.Template
	spec, err := s.rendered(ctx, in)
	if err != nil {
		return nil, err
	}
	return s.createSandbox(ctx, &createSandboxInput{Body: spec})
}

// renderTemplate answers with the specification a sandbox would be made from, for a plan of it.
func (s *Server) renderTemplate(ctx context.Context, in *useTemplateInput) (*body[SandboxSpec], error) {
	spec, err := s.rendered(ctx, in)
	if err != nil {
		return nil, err
	}
	return &body[SandboxSpec]{spec}, nil
}

func (s *Server) rendered(ctx context.Context, in *useTemplateInput) (SandboxSpec, error) {
	t, err := s.template(ctx, in.Template)
	if err != nil {
		return SandboxSpec{}, err
	}
	if err := sdp.CheckSandboxName(in.Body.Name); err != nil {
		return SandboxSpec{}, err
	}
	return render(t, in.Body.Name, in.Body.Parameters)
}

func render(t sdp.Template, sandbox string, values map[string]string) (SandboxSpec, error) {
	raw, err := t.Render(sandbox, values)
	if err != nil {
		return SandboxSpec{}, err
	}
	return namedSpec(t.Name, sandbox, raw)
}

// namedSpec reads what a template rendered to.
func namedSpec(template, sandbox string, raw []byte) (SandboxSpec, error) {
	var spec TemplateSpec
	if err := json.Unmarshal(raw, &spec); err != nil {
		return SandboxSpec{}, sdp.Errorf(sdp.Invalid, "bad-template", "template %s is not a sandbox's definition: %w", template, err).
			WithRemedy("correct it with `sdp template update %s`", template)
	}
	spec.Name = sandbox
	return SandboxSpec(spec), nil
}

func viewTemplate(t sdp.Template) Template {
	var spec TemplateSpec
	_ = json.Unmarshal(t.Spec, &spec) // it was marshalled from one
	return Template{
		Name: t.Name, Description: t.Description, Owner: t.Owner, Spec: spec, CreatedAt: utc(t.CreatedAt),
		UpdatedAt:  utc(t.UpdatedAt),
		Parameters: views(t.Parameters, func(p sdp.TemplateParameter) TemplateParameter { return TemplateParameter(p) }),
	}
}

func parameterOf(p TemplateParameter) sdp.TemplateParameter { return sdp.TemplateParameter(p) }
