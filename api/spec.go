package api

import (
	"time"

	"sdp/internal/sdp"
)

// specOf turns a request into the domain's specification. Whether what it names exists is checked elsewhere.
func specOf(in SandboxSpec) (sdp.SandboxSpec, error) {
	out := sdp.SandboxSpec{Name: in.Name, Description: in.Description, Labels: in.Labels, Environment: in.Environment,
		EnvironmentVersion: in.EnvironmentVersion, Variables: in.Variables, Services: map[string]sdp.ServiceSpec{}}
	if l := in.Limits; l != nil {
		out.Limits = sdp.SandboxLimits{Container: limitsOf(l.Container), Total: limitsOf(l.Total)}
	}
	var err error
	if out.Expiry, err = expiryOf(in.Expiry); err != nil {
		return out, err
	}
	if g := in.Gateway; g != nil {
		out.Gateway = &sdp.ServiceSpec{Repository: g.Repository, Branch: g.Branch, Commit: g.Commit, Track: g.Track,
			Variables: g.Variables, Limits: limitsOf(g.Limits)}
	}
	for name, v := range in.Services {
		out.Services[name] = sdp.ServiceSpec{Branch: v.Branch, Commit: v.Commit, Track: v.Track, UseOCP: v.UseOCP,
			URL: v.URL, Variables: v.Variables, Limits: limitsOf(v.Limits)}
	}
	return out, nil
}

// Domain is the specification as the domain has it, for clients that look at it before they send it.
func (in SandboxSpec) Domain() (sdp.SandboxSpec, error) { return specOf(in) }

func limitsOf(l *Limits) sdp.Limits {
	if l == nil {
		return sdp.Limits{}
	}
	return sdp.Limits(*l)
}

func expiryOf(e *Expiry) (sdp.Expiry, error) {
	if e == nil {
		return sdp.Expiry{}, nil
	}
	idle, err := spanOf("expiry.idleAfter", e.IdleAfter)
	if err != nil {
		return sdp.Expiry{}, err
	}
	remove, err := spanOf("expiry.deleteAfter", e.DeleteAfter)
	return sdp.Expiry{IdleAfter: idle, DeleteAfter: remove}, err
}

// maxSpan bounds how long a sandbox may be kept by its own setting.
const maxSpan = 10 * 365 * 24 * time.Hour

func spanOf(member, text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	span, err := time.ParseDuration(text)
	if err != nil || span < time.Minute || span > maxSpan {
		return 0, sdp.Errorf(sdp.Invalid, "bad-duration", "%s is no duration between a minute and ten years", member).
			WithRemedy(`write a number with a unit, such as "72h"`)
	}
	return span, nil
}

func viewSpec(in sdp.SandboxSpec) SandboxSpec {
	out := SandboxSpec{Name: in.Name, Description: in.Description, Labels: in.Labels, Environment: in.Environment,
		EnvironmentVersion: in.EnvironmentVersion, Variables: in.Variables, Limits: viewSandboxLimits(in.Limits),
		Expiry: viewExpiry(in.Expiry), Services: map[string]ServiceSpec{}}
	if g := in.Gateway; g != nil {
		out.Gateway = &GatewaySpec{Repository: g.Repository, Branch: g.Branch, Commit: g.Commit, Track: g.Track,
			Variables: g.Variables, Limits: viewLimits(g.Limits)}
	}
	for name, v := range in.Services {
		out.Services[name] = ServiceSpec{Branch: v.Branch, Commit: v.Commit, Track: v.Track, UseOCP: v.UseOCP, URL: v.URL,
			Variables: v.Variables, Limits: viewLimits(v.Limits)}
	}
	return out
}

func viewLimits(l sdp.Limits) *Limits {
	if l == (sdp.Limits{}) {
		return nil
	}
	out := Limits(l)
	return &out
}

func viewSandboxLimits(l sdp.SandboxLimits) *SandboxLimits {
	if l == (sdp.SandboxLimits{}) {
		return nil
	}
	return &SandboxLimits{Container: viewLimits(l.Container), Total: viewLimits(l.Total)}
}

func viewExpiry(e sdp.Expiry) *Expiry {
	if e == (sdp.Expiry{}) {
		return nil
	}
	return &Expiry{IdleAfter: viewSpan(e.IdleAfter), DeleteAfter: viewSpan(e.DeleteAfter)}
}

func viewSpan(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}
