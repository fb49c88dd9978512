package specfile

import (
	"io"
	"maps"
	"slices"

	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/usage"
	"sdp/internal/config"
	"sdp/internal/sdp"
)

// templateFile is template.yaml: parameters, and below sandbox what a sandbox.yaml says, with ${parameter} in its texts.
type templateFile struct {
	Template    string                   `yaml:"template,omitempty"`
	Description string                   `yaml:"description,omitempty"`
	Parameters  map[string]*parameterAsk `yaml:"parameters,omitempty"`
	Sandbox     *sdp.SandboxSpec         `yaml:"sandbox"` // not checked before its parameters have values
}

type parameterAsk struct {
	Description string   `yaml:"description,omitempty"`
	Default     *string  `yaml:"default,omitempty"`
	Pattern     string   `yaml:"pattern,omitempty"`
	Choices     []string `yaml:"choices,omitempty"`
}

// Validate implements config.Validator.
func (t *templateFile) Validate(f *config.File) error {
	if t.Sandbox == nil {
		return f.Errorf([]any{"sandbox"}, "write below `sandbox:` what a sandbox.yaml says", "the template has no sandbox")
	}
	if t.Sandbox.Name != "" {
		return f.Errorf([]any{"sandbox", "sandbox"}, "leave it out: each sandbox gets its name when it is made",
			"a template's sandbox has no name")
	}
	return checkChoices(f, t.Sandbox.Services, "sandbox")
}

// LoadTemplate reads template.yaml.
func LoadTemplate(path string) (rest.CreateTemplate, error) {
	var file templateFile
	if err := config.Load(path, &file); err != nil {
		return rest.CreateTemplate{}, usage.Wrap(err)
	}
	spec := rest.TemplateSpec(*file.Sandbox)
	out := rest.CreateTemplate{Name: file.Template, Description: file.Description, Spec: &spec}
	for _, name := range slices.Sorted(maps.Keys(file.Parameters)) {
		p := rest.TemplateParameter{Name: name}
		if ask := file.Parameters[name]; ask != nil {
			p.Description, p.Default, p.Pattern, p.Choices = ask.Description, ask.Default, ask.Pattern, ask.Choices
		}
		out.Parameters = append(out.Parameters, p)
	}
	return out, nil
}

// NoteTemplateExpiry is NoteExpiry for templates.
func NoteTemplateExpiry(a *cli.App, in rest.CreateTemplate) {
	if in.Spec != nil {
		NoteExpiry(a, in.Spec.Expiry)
	}
}

// NamedTemplate is named for templates.
func NamedTemplate(in rest.CreateTemplate, name, path string) (rest.CreateTemplate, error) {
	if in.Name != "" && in.Name != name {
		return in, usage.Errorf("use the same name in both, or leave `template:` out of the file",
			"the template is called %q on the command line and %q in %s", name, in.Name, path)
	}
	in.Name = name
	return in, usage.Wrap(sdp.CheckTemplateName(name))
}

// TemplateOf is the template.yaml of a template.
func TemplateOf(t rest.Template) templateFile {
	sandbox := sdp.SandboxSpec(t.Spec)
	out := templateFile{Template: t.Name, Description: t.Description, Parameters: map[string]*parameterAsk{}, Sandbox: &sandbox}
	for _, p := range t.Parameters {
		out.Parameters[p.Name] = &parameterAsk{Description: p.Description, Default: p.Default, Pattern: p.Pattern, Choices: p.Choices}
	}
	return out
}

func (t templateFile) Write(w io.Writer) error { return write(w, t) }
