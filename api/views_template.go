package api

import "time"

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
// $${ stands for ${. Names of services, variables and labels hold none.
type TemplateSpec struct {
	Name               string                 `json:"-"` // the sandbox gets its name when it is made
	Description        string                 `json:"description,omitempty" maxLength:"500"`
	Labels             map[string]string      `json:"labels,omitempty" maxProperties:"50"`
	Environment        string                 `json:"environment,omitempty" maxLength:"60"`
	EnvironmentVersion int                    `json:"environmentVersion,omitempty" minimum:"0" doc:"absent = the newest at each deployment"`
	Variables          map[string]string      `json:"variables,omitempty" maxProperties:"200" doc:"for all services; they win over the environment's"`
	Limits             *SandboxLimits         `json:"limits,omitempty"`
	Expiry             *Expiry                `json:"expiry,omitempty"`
	Gateway            *GatewaySpec           `json:"gateway,omitempty" doc:"absent = no gateway container, requests are routed by path"`
	Services           map[string]ServiceSpec `json:"services,omitempty" maxProperties:"100"`
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
