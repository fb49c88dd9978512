// Package specfile reads and writes sandbox.yaml and template.yaml.
package specfile

import (
	"maps"
	"slices"

	"sdp/internal/config"
	"sdp/internal/sdp"
	"sdp/internal/sdp/definition"
)

// sandboxFile is sandbox.yaml: a sandbox's whole definition but for its secrets. docs/sandbox-file.md describes it.
type sandboxFile sdp.SandboxSpec

// Validate implements config.Validator: what the domain has to say, with the line it is about.
func (s *sandboxFile) Validate(f *config.File) error {
	if err := checkChoices(f, s.Services); err != nil {
		return err
	}
	type part struct {
		at   []any
		spec sdp.SandboxSpec
	}
	parts := []part{
		{[]any{"description"}, sdp.SandboxSpec{Description: s.Description}},
		{[]any{"labels"}, sdp.SandboxSpec{Labels: s.Labels}},
		{[]any{"environment_version"}, sdp.SandboxSpec{Environment: s.Environment, EnvironmentVersion: s.EnvironmentVersion}},
		{[]any{"variables"}, sdp.SandboxSpec{Variables: s.Variables}},
		{[]any{"limits"}, sdp.SandboxSpec{Limits: s.Limits}},
		{[]any{"expiry", "idle_after"}, sdp.SandboxSpec{Expiry: sdp.Expiry{IdleAfter: s.Expiry.IdleAfter}}},
		{[]any{"expiry", "delete_after"}, sdp.SandboxSpec{Expiry: sdp.Expiry{DeleteAfter: s.Expiry.DeleteAfter}}},
		{[]any{"gateway"}, sdp.SandboxSpec{Gateway: s.Gateway}},
	}
	for _, name := range slices.Sorted(maps.Keys(s.Services)) {
		one := map[string]sdp.ServiceSpec{name: s.Services[name]}
		parts = append(parts, part{[]any{"services", name}, sdp.SandboxSpec{Services: one}})
	}
	for _, part := range parts {
		part.spec.Name = "x" // the name may come from the command line
		if err := definition.Check(part.spec); err != nil {
			e := sdp.AsError(err)
			return f.Errorf(part.at, e.Remedy, "%s", e.Detail)
		}
	}
	return nil
}

// checkChoices refuses services that do not say in exactly one way who serves them; above are the keys the services are below.
func checkChoices(f *config.File, services map[string]sdp.ServiceSpec, above ...any) error {
	for _, name := range slices.Sorted(maps.Keys(services)) {
		n, v := 0, services[name]
		for _, asked := range []bool{v.Deployed(), v.UseOCP, v.URL != ""} {
			if asked {
				n++
			}
		}
		if n != 1 {
			return f.Errorf(append(above, "services", name),
				"write exactly one of branch: NAME (or commit: SHA), use_ocp: true and url: URL",
				"services.%s says %d of branch, use_ocp and url", name, n)
		}
	}
	return nil
}
