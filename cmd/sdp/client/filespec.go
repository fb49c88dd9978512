package client

import (
	"bytes"
	"io"
	"time"

	"go.yaml.in/yaml/v3"

	"sdp/api"
)

// spec is the file as the API takes it.
func (s *sandboxFile) spec() api.SandboxSpec {
	out := api.SandboxSpec{Name: s.Sandbox, Description: s.Description, Labels: s.Labels, Environment: s.Environment,
		EnvironmentVersion: s.EnvironmentVersion, Variables: s.Variables, Services: map[string]api.ServiceSpec{}}
	if l := s.Limits; l != nil {
		out.Limits = &api.SandboxLimits{Container: l.Container.view(), Total: l.Total.view()}
	}
	if e := s.Expiry; e != nil {
		out.Expiry = &api.Expiry{IdleAfter: span(e.IdleAfter), DeleteAfter: span(e.DeleteAfter)}
	}
	if g := s.Gateway; g != nil {
		out.Gateway = &api.GatewaySpec{Repository: g.Repository, Branch: g.Branch, Commit: g.Commit, Track: g.Track,
			Variables: g.Variables, Limits: g.Limits.view()}
	}
	for name, v := range s.Services {
		out.Services[name] = api.ServiceSpec{Branch: v.Branch, Commit: v.Commit, Track: v.Track, UseOCP: v.UseOCP, URL: v.URL,
			Variables: v.Variables, Limits: v.Limits.view()}
	}
	return out
}

func (l *limitsAsk) view() *api.Limits {
	if l == nil || *l == (limitsAsk{}) {
		return nil
	}
	return &api.Limits{CPUs: l.CPUs, Memory: int64(l.Memory), PIDs: l.PIDs}
}

func span(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

// fileOf is the sandbox.yaml of a definition.
func fileOf(in api.SandboxSpec) sandboxFile {
	limits := func(l *api.Limits) *limitsAsk {
		if l == nil {
			return nil
		}
		return &limitsAsk{CPUs: l.CPUs, Memory: size(l.Memory), PIDs: l.PIDs}
	}
	out := sandboxFile{Sandbox: in.Name, Description: in.Description, Labels: in.Labels, Environment: in.Environment,
		EnvironmentVersion: in.EnvironmentVersion, Variables: in.Variables, Services: map[string]*serviceAsk{}}
	if l := in.Limits; l != nil {
		out.Limits = &sandboxLimitsAsk{Container: limits(l.Container), Total: limits(l.Total)}
	}
	if whole, err := in.Domain(); err == nil && in.Expiry != nil {
		out.Expiry = &expiryAsk{IdleAfter: whole.Expiry.IdleAfter, DeleteAfter: whole.Expiry.DeleteAfter}
	}
	if g := in.Gateway; g != nil {
		out.Gateway = &gatewayAsk{Repository: g.Repository, Branch: g.Branch, Commit: g.Commit, Track: g.Track,
			Variables: g.Variables, Limits: limits(g.Limits)}
	}
	for name, v := range in.Services {
		out.Services[name] = &serviceAsk{Branch: v.Branch, Commit: v.Commit, Track: v.Track, UseOCP: v.UseOCP, URL: v.URL,
			Variables: v.Variables, Limits: limits(v.Limits)}
	}
	return out
}

// write writes the file as people would.
func (s sandboxFile) write(w io.Writer) error {
	var text bytes.Buffer
	enc := yaml.NewEncoder(&text)
	enc.SetIndent(2)
	if err := enc.Encode(s); err != nil {
		return err
	}
	if err := enc.Close(); err != nil {
		return err
	}
	_, err := w.Write(text.Bytes())
	return err
}
