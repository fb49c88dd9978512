package api

import (
	"context"
	"strings"

	"sdp/internal/sdp"
)

// checkTemplate refuses a template from which no sandbox could be made. Parameters stand for their defaults or first
// choices; what only a value that is not known yet can decide is left to the moment the template is used.
func (s *Server) checkTemplate(ctx context.Context, t sdp.Template) error {
	if err := t.Check(); err != nil {
		return err
	}
	raw, err := t.Sample("sample", unknownValue)
	if err != nil {
		return err
	}
	sample, err := namedSpec(t.Name, "sample", raw)
	if err != nil {
		return err
	}
	spec, err := specOf(fillUnknown(sample))
	if err != nil {
		return err
	}
	return s.checkSpec(ctx, spec)
}

// unknownValue stands for the value of a parameter that has neither a default nor choices: a code point that is no
// character and that nobody writes.
const unknownValue = "\uFDD0"

// fillUnknown puts something valid where a value is not known.
func fillUnknown(spec SandboxSpec) SandboxSpec {
	spec.Description = known(spec.Description, "x")
	if known(spec.Environment, "") != spec.Environment {
		spec.Environment, spec.EnvironmentVersion = "", 0
	}
	knownValues(spec.Labels)
	knownValues(spec.Variables)
	if e := spec.Expiry; e != nil {
		e.IdleAfter, e.DeleteAfter = known(e.IdleAfter, ""), known(e.DeleteAfter, "")
	}
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

func known(value, otherwise string) string {
	if strings.Contains(value, unknownValue) {
		return otherwise
	}
	return value
}

func knownValues(values map[string]string) {
	for key, value := range values {
		values[key] = known(value, "x")
	}
}
