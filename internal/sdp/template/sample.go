package template

import (
	"strings"

	"sdp/internal/sdp"
)

// unknownValue stands for the value of a parameter that has neither a default nor choices: a code point that is no
// character and that nobody writes.
const unknownValue = "\uFDD0"

// Sample is a specification as the template may render to, to be checked before anybody uses it. Parameters have their
// defaults or first choices; where only a value nobody knows yet decides, there is something that is always valid.
func (t Template) Sample() (sdp.SandboxSpec, error) {
	const name = "sample"
	values := map[string]string{SandboxParameter: name}
	for _, p := range t.Parameters {
		switch {
		case p.Default != nil:
			values[p.Name] = *p.Default
		case len(p.Choices) > 0:
			values[p.Name] = p.Choices[0]
		default:
			values[p.Name] = unknownValue
		}
	}
	rendered, err := renderJSON(t.Spec, func(name string) (string, error) { return values[name], nil })
	if err != nil {
		return sdp.SandboxSpec{}, err
	}
	spec, err := t.named(name, rendered)
	return fillUnknown(spec), err
}

// fillUnknown puts something valid where a value is not known.
func fillUnknown(spec sdp.SandboxSpec) sdp.SandboxSpec {
	spec.Description = known(spec.Description, "x")
	if known(spec.Environment, "") != spec.Environment {
		spec.Environment, spec.EnvironmentVersion = "", 0
	}
	knownValues(spec.Labels)
	knownValues(spec.Variables)
	spec.Expiry = sdp.Expiry{IdleAfter: known(spec.Expiry.IdleAfter, ""), DeleteAfter: known(spec.Expiry.DeleteAfter, "")}
	if g := spec.Gateway; g != nil {
		g.Branch, g.Commit = known(g.Branch, "main"), known(g.Commit, someCommit)
		knownValues(g.Variables)
		if known(g.Repository, "") != g.Repository {
			spec.Gateway = nil // which of several is not known
		}
	}
	for name, v := range spec.Services {
		v.Branch, v.Commit, v.URL = known(v.Branch, "main"), known(v.Commit, someCommit), known(v.URL, "http://sample")
		knownValues(v.Variables)
		spec.Services[name] = v
	}
	return spec
}

var someCommit = strings.Repeat("0", 40)

func known[T ~string](value, otherwise T) T {
	if strings.Contains(string(value), unknownValue) {
		return otherwise
	}
	return value
}

func knownValues(values map[string]string) {
	for key, value := range values {
		values[key] = known(value, "x")
	}
}
