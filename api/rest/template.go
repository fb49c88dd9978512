package rest

import (
	"time"

	"github.com/danielgtaylor/huma/v2"

	"sdp/internal/sdp"
	"sdp/internal/sdp/template"
)

// Template is a reusable sandbox definition with parameters.
type Template struct {
	Name        string              `json:"name"`
	Description string              `json:"description,omitempty"`
	Owner       string              `json:"owner"`
	Parameters  []TemplateParameter `json:"parameters"`
	Spec        TemplateSpec        `json:"spec"`
	CreatedAt   time.Time           `json:"createdAt"`
	UpdatedAt   time.Time           `json:"updatedAt"`
}

// TemplateParameter is a value given when a sandbox is made from a template.
type TemplateParameter struct {
	Name        string   `json:"name" doc:"[a-z0-9_-], up to 40 characters; the specification uses it as ${name}"`
	Description string   `json:"description,omitempty" maxLength:"500"`
	Default     *string  `json:"default,omitempty" doc:"absent = a value must be given"`
	Pattern     string   `json:"pattern,omitempty" doc:"regular expression (RE2) the whole value must match"`
	Choices     []string `json:"choices,omitempty" maxItems:"100"`
}

// TemplateSpec is a SandboxSpec whose texts may hold ${parameter}; ${sandbox} is the name of the sandbox that is made, and
// $${ stands for ${. Names of services, variables and labels hold none. It has no name: a sandbox gets one when it is made.
type TemplateSpec sdp.SandboxSpec

// MarshalJSON leaves the name out.
func (t TemplateSpec) MarshalJSON() ([]byte, error) { return template.Document(sdp.SandboxSpec(t)) }

// TransformSchema implements huma.SchemaTransformer.
func (TemplateSpec) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	delete(s.Properties, "name")
	s.Required = nil
	return s
}

// CreateTemplate asks for a template, from a specification or from a sandbox as it is.
type CreateTemplate struct {
	Name        string              `json:"name" doc:"[a-z0-9-], up to 40 characters"`
	Description string              `json:"description,omitempty" maxLength:"500"`
	Parameters  []TemplateParameter `json:"parameters,omitempty" maxItems:"50"`
	Spec        *TemplateSpec       `json:"spec,omitempty" doc:"either this or fromSandbox"`
	FromSandbox string              `json:"fromSandbox,omitempty" doc:"take this sandbox's definition; secrets are never part of a template"`
	Places      []TemplatePlace     `json:"places,omitempty" maxItems:"100" doc:"with fromSandbox: what the parameters take the place of"`
}

// TemplatePlace is a value of a sandbox that becomes a parameter. A parameter that is not declared is a text, with the
// value it replaces as its default.
type TemplatePlace struct {
	Parameter string `json:"parameter"`
	At        string `json:"at" example:"services.account.branch" doc:"path in the specification; a service's or gateway's name alone means its branch"`
}

// UpdateTemplate replaces what a template says.
type UpdateTemplate struct {
	Description string              `json:"description,omitempty" maxLength:"500"`
	Parameters  []TemplateParameter `json:"parameters,omitempty" maxItems:"50"`
	Spec        TemplateSpec        `json:"spec"`
}

// UseTemplate asks for a sandbox made from a template.
type UseTemplate struct {
	Name       string            `json:"name" doc:"of the sandbox"`
	Parameters map[string]string `json:"parameters,omitempty" maxProperties:"50"`
}

// FromTemplate is the view of a template.
func FromTemplate(t template.Template) Template {
	spec, _ := template.Definition(t.Spec) // which it was made from
	return Template{
		Name: t.Name, Description: t.Description, Owner: t.Owner, Spec: TemplateSpec(spec), CreatedAt: utc(t.CreatedAt),
		UpdatedAt:  utc(t.UpdatedAt),
		Parameters: List(t.Parameters, func(p template.Parameter) TemplateParameter { return TemplateParameter(p) }),
	}
}
