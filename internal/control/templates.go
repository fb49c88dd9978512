package control

import (
	"context"
	"slices"

	"sdp/internal/sdp"
	"sdp/internal/sdp/definition"
	"sdp/internal/sdp/template"
)

// Template returns a template whose name comes from a caller.
func (c *Control) Template(ctx context.Context, name string) (template.Template, error) {
	if err := sdp.CheckTemplateName(name); err != nil {
		return template.Template{}, err
	}
	return c.db.Template(ctx, name)
}

// NewTemplate asks for a template, either from a definition that holds its placeholders or from a sandbox as it is.
type NewTemplate struct {
	Name        string
	Description string
	Parameters  []template.Parameter
	Definition  *sdp.SandboxSpec // either this
	Sandbox     string           // or this, with parameters in the Places
	Places      []template.Place
}

// CreateTemplate stores a template from which sandboxes can be made.
func (c *Control) CreateTemplate(ctx context.Context, call *Call, in NewTemplate) (template.Template, error) {
	if err := c.permit(call, sdp.AuditTemplateCreate, Object{Sandbox: in.Sandbox}); err != nil {
		return template.Template{}, err
	}
	call.Event.Detail = "template " + in.Name
	t := template.Template{Name: in.Name, Description: in.Description, Owner: call.User, Parameters: in.Parameters}
	if err := sdp.CheckTemplateName(t.Name); err != nil {
		return t, err
	}
	var err error
	switch {
	case in.Definition != nil && in.Sandbox == "" && len(in.Places) == 0:
		t.Spec, err = template.Document(*in.Definition)
	case in.Definition == nil && in.Sandbox != "":
		err = c.templateFromSandbox(ctx, &t, in)
	default:
		err = sdp.Errorf(sdp.Invalid, "bad-template", "a template is made either from a specification or from a sandbox").
			WithRemedy("give spec, or fromSandbox with places")
	}
	if err != nil {
		return t, err
	}
	if err := c.checkTemplate(ctx, t); err != nil {
		return t, err
	}
	return c.db.CreateTemplate(ctx, t)
}

// templateFromSandbox gives t the definition of a sandbox, with parameters in the places that were asked for.
func (c *Control) templateFromSandbox(ctx context.Context, t *template.Template, in NewTemplate) error {
	sandbox, err := c.Sandbox(ctx, in.Sandbox)
	if err != nil {
		return err
	}
	document, err := template.Document(definition.Of(sandbox, false))
	if err != nil {
		return err
	}
	var was map[string]string
	if t.Spec, was, err = template.Parameterize(document, in.Places); err != nil {
		return err
	}
	t.Parameters = declared(t.Parameters, in.Places, was)
	return nil
}

// declared declares the parameters that only their places mention, and gives each without a default the value that
// it replaced.
func declared(parameters []template.Parameter, places []template.Place, was map[string]string) []template.Parameter {
	for _, p := range places {
		if !slices.ContainsFunc(parameters, func(d template.Parameter) bool { return d.Name == p.Parameter }) {
			parameters = append(parameters, template.Parameter{Name: p.Parameter})
		}
	}
	for i, p := range parameters {
		if value, one := was[p.Name]; one && p.Default == nil {
			parameters[i].Default = &value
		}
	}
	return parameters
}

// checkTemplate refuses a template from which no sandbox could be made, as far as that is known before it is used.
func (c *Control) checkTemplate(ctx context.Context, t template.Template) error {
	if err := t.Check(); err != nil {
		return err
	}
	sample, err := t.Sample()
	if err != nil {
		return err
	}
	return c.CheckSpec(ctx, sample)
}

// TemplateContent is what an update says of a template.
type TemplateContent struct {
	Description string
	Parameters  []template.Parameter
	Definition  sdp.SandboxSpec // with placeholders
}

// UpdateTemplate replaces what a template says. Sandboxes made from it stay as they are.
func (c *Control) UpdateTemplate(ctx context.Context, call *Call, name string, in TemplateContent) (template.Template, error) {
	if err := c.permit(call, sdp.AuditTemplateUpdate, Object{}); err != nil {
		return template.Template{}, err
	}
	call.Event.Detail = "template " + name
	t, err := c.Template(ctx, name)
	if err != nil {
		return t, err
	}
	t.Description, t.Parameters = in.Description, in.Parameters
	if t.Spec, err = template.Document(in.Definition); err != nil {
		return t, err
	}
	if err := c.checkTemplate(ctx, t); err != nil {
		return t, err
	}
	return c.db.UpdateTemplate(ctx, t)
}

// DeleteTemplate deletes a template. Sandboxes made from it stay.
func (c *Control) DeleteTemplate(ctx context.Context, call *Call, name string) error {
	if err := c.permit(call, sdp.AuditTemplateDelete, Object{}); err != nil {
		return err
	}
	call.Event.Detail = "template " + name
	if err := sdp.CheckTemplateName(name); err != nil {
		return err
	}
	return c.db.DeleteTemplate(ctx, name)
}

// UseTemplate is how a sandbox is made from a template.
type UseTemplate struct {
	Template string
	Sandbox  string // its name
	Values   map[string]string
}

// SandboxFromTemplate is CreateSandbox with what a template renders to: same checks, same errors.
func (c *Control) SandboxFromTemplate(ctx context.Context, call *Call, in UseTemplate) (Created, error) {
	if err := c.permit(call, sdp.AuditSandboxCreate, Object{Sandbox: in.Sandbox}); err != nil {
		return Created{}, err
	}
	call.Event.Detail = "from template " + in.Template
	spec, err := c.Rendered(ctx, in)
	if err != nil {
		return Created{}, err
	}
	return c.CreateSandbox(ctx, call, spec)
}

// Rendered is the specification SandboxFromTemplate makes a sandbox from.
func (c *Control) Rendered(ctx context.Context, in UseTemplate) (sdp.SandboxSpec, error) {
	t, err := c.Template(ctx, in.Template)
	if err != nil {
		return sdp.SandboxSpec{}, err
	}
	if err := sdp.CheckSandboxName(in.Sandbox); err != nil {
		return sdp.SandboxSpec{}, err
	}
	return t.Render(in.Sandbox, in.Values)
}
