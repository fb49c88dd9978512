package client

import (
	"io"
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"

	"sdp/api"
	"sdp/cmd/sdp/usage"
	"sdp/internal/config"
	"sdp/internal/sdp"
)

// templateFile is template.yaml: parameters, and below sandbox what a sandbox.yaml says, with ${parameter} in its texts.
type templateFile struct {
	Template    string                   `yaml:"template,omitempty"`
	Description string                   `yaml:"description,omitempty"`
	Parameters  map[string]*parameterAsk `yaml:"parameters,omitempty"`
	Sandbox     *templateSandbox         `yaml:"sandbox"`
}

type parameterAsk struct {
	Description string   `yaml:"description,omitempty"`
	Default     *string  `yaml:"default,omitempty"`
	Pattern     string   `yaml:"pattern,omitempty"`
	Choices     []string `yaml:"choices,omitempty"`
}

// templateSandbox is a sandboxFile that is not checked before its parameters have values.
type templateSandbox sandboxFile

// Validate implements config.Validator.
func (t *templateFile) Validate(f *config.File) error {
	if t.Sandbox == nil {
		return f.Errorf([]any{"sandbox"}, "write below `sandbox:` what a sandbox.yaml says", "the template has no sandbox")
	}
	if t.Sandbox.Sandbox != "" {
		return f.Errorf([]any{"sandbox", "sandbox"}, "leave it out: each sandbox gets its name when it is made", "a template's sandbox has no name")
	}
	for _, name := range slices.Sorted(maps.Keys(t.Sandbox.Services)) {
		if n := t.Sandbox.Services[name].choices(); n != 1 {
			return f.Errorf([]any{"sandbox", "services", name}, "write exactly one of branch: NAME (or commit: SHA), use_ocp: true and url: URL",
				"services.%s says %d of branch, use_ocp and url", name, n)
		}
	}
	return nil
}

// loadTemplate reads template.yaml.
func loadTemplate(path string) (api.CreateTemplate, error) {
	var file templateFile
	if err := config.Load(path, &file); err != nil {
		return api.CreateTemplate{}, usage.Wrap(err)
	}
	spec := api.TemplateSpec((*sandboxFile)(file.Sandbox).spec())
	out := api.CreateTemplate{Name: file.Template, Description: file.Description, Spec: &spec}
	for _, name := range slices.Sorted(maps.Keys(file.Parameters)) {
		p := api.TemplateParameter{Name: name}
		if ask := file.Parameters[name]; ask != nil {
			p.Description, p.Default, p.Pattern, p.Choices = ask.Description, ask.Default, ask.Pattern, ask.Choices
		}
		out.Parameters = append(out.Parameters, p)
	}
	return out, nil
}

// namedTemplate is named for templates.
func namedTemplate(in api.CreateTemplate, name, path string) (api.CreateTemplate, error) {
	if in.Name != "" && in.Name != name {
		return in, usage.Errorf("use the same name in both, or leave `template:` out of the file",
			"the template is called %q on the command line and %q in %s", name, in.Name, path)
	}
	in.Name = name
	return in, usage.Wrap(sdp.CheckTemplateName(name))
}

// templateFileOf is the template.yaml of a template.
func templateFileOf(t api.Template) (templateFile, error) {
	sandbox := templateSandbox(fileOf(api.SandboxSpec(t.Spec)))
	out := templateFile{Template: t.Name, Description: t.Description, Parameters: map[string]*parameterAsk{}, Sandbox: &sandbox}
	if t.Spec.Expiry != nil && sandbox.Expiry == nil {
		return out, sdp.Errorf(sdp.Invalid, "no-template-file", "the expiry of template %s is a parameter, which a template.yaml cannot say", t.Name).
			WithRemedy("look at it with `sdp template show %s -o yaml`", t.Name)
	}
	for _, p := range t.Parameters {
		out.Parameters[p.Name] = &parameterAsk{Description: p.Description, Default: p.Default, Pattern: p.Pattern, Choices: p.Choices}
	}
	return out, nil
}

func (t templateFile) write(w io.Writer) error {
	enc := yaml.NewEncoder(w)
	enc.SetIndent(2)
	if err := enc.Encode(t); err != nil {
		return err
	}
	return enc.Close()
}
