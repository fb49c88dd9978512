package definition

import (
	"math"
	"strings"
	"testing"

	"sdp/internal/sdp"
	"sdp/internal/sdp/settings"
)

const someSHA = "0123456789abcdef0123456789abcdef01234567"

func TestSpecificationsThatCanBe(t *testing.T) {
	full := sdp.SandboxSpec{Name: "shop", Description: "for Ana", Labels: map[string]string{"team/area": "checkout"},
		Environment: "dev", EnvironmentVersion: 3, Variables: map[string]string{"LOG_LEVEL": "debug"},
		Limits: sdp.SandboxLimits{Container: sdp.Limits{CPUs: 0.5, Memory: 64 << 20, PIDs: 100}, Total: sdp.Limits{CPUs: 4}},
		Expiry: sdp.Expiry{IdleAfter: "1h0m0s"}, Gateway: &sdp.GatewaySpec{Branch: "main"},
		Services: map[string]sdp.ServiceSpec{
			"account": {Branch: "feature/x", Track: true}, "payment": {Commit: someSHA, Branch: "main"},
			"user": {UseOCP: true, Variables: map[string]string{"A": "kept for when it runs"}}, "rates": {URL: "http://r.test"},
		}}
	for name, spec := range map[string]sdp.SandboxSpec{"all there is": full, "nothing but a name": {Name: "shop"}} {
		if err := Check(spec); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSpecificationsThatCannotBe(t *testing.T) {
	with := func(change func(*sdp.SandboxSpec)) sdp.SandboxSpec {
		s := sdp.SandboxSpec{Name: "shop", Services: map[string]sdp.ServiceSpec{}}
		change(&s)
		return s
	}
	service := func(v sdp.ServiceSpec) sdp.SandboxSpec {
		return with(func(s *sdp.SandboxSpec) { s.Services["account"] = v })
	}
	large := map[string]string{}
	for i := range 10 {
		large["KEY_"+strings.Repeat("X", i+1)] = strings.Repeat("v", settings.MaxValue)
	}
	for name, c := range map[string]struct {
		spec sdp.SandboxSpec
		code string
	}{
		"no name":            {sdp.SandboxSpec{}, "bad-name"},
		"long description":   {with(func(s *sdp.SandboxSpec) { s.Description = strings.Repeat("x", 501) }), "bad-description"},
		"two lines":          {with(func(s *sdp.SandboxSpec) { s.Description = "a\nb" }), "bad-description"},
		"label":              {with(func(s *sdp.SandboxSpec) { s.Labels = map[string]string{"a b": "c"} }), "bad-label"},
		"label's value":      {with(func(s *sdp.SandboxSpec) { s.Labels = map[string]string{"a": "\x00"} }), "bad-label"},
		"version of nothing": {with(func(s *sdp.SandboxSpec) { s.EnvironmentVersion = 2 }), "bad-version"},
		"negative version":   {with(func(s *sdp.SandboxSpec) { s.Environment, s.EnvironmentVersion = "dev", -1 }), "bad-version"},
		"short expiry":       {with(func(s *sdp.SandboxSpec) { s.Expiry.IdleAfter = "1s" }), "bad-duration"},
		"variable":           {with(func(s *sdp.SandboxSpec) { s.Variables = map[string]string{"1A": ""} }), "bad-variable"},
		"large value": {with(func(s *sdp.SandboxSpec) {
			s.Variables = map[string]string{"A": strings.Repeat("x", settings.MaxValue+1)}
		}), "bad-value"},
		"zero byte":           {with(func(s *sdp.SandboxSpec) { s.Variables = map[string]string{"A": "\x00"} }), "bad-value"},
		"large in all":        {with(func(s *sdp.SandboxSpec) { s.Variables = large }), "too-large"},
		"little memory":       {with(func(s *sdp.SandboxSpec) { s.Limits.Container.Memory = 1 }), "bad-limit"},
		"no number":           {with(func(s *sdp.SandboxSpec) { s.Limits.Total.CPUs = math.NaN() }), "bad-limit"},
		"negative pids":       {service(sdp.ServiceSpec{Branch: "main", Limits: sdp.Limits{PIDs: -1}}), "bad-limit"},
		"gateway of nothing":  {with(func(s *sdp.SandboxSpec) { s.Gateway = &sdp.GatewaySpec{} }), "bad-gateway"},
		"gateway's branch":    {with(func(s *sdp.SandboxSpec) { s.Gateway = &sdp.GatewaySpec{Branch: "a..b"} }), "bad-branch"},
		"service of nothing":  {service(sdp.ServiceSpec{}), "bad-service"},
		"two ways":            {service(sdp.ServiceSpec{Commit: someSHA, UseOCP: true}), "bad-service"},
		"short commit":        {service(sdp.ServiceSpec{Commit: "abc"}), "bad-commit"},
		"following a commit":  {service(sdp.ServiceSpec{Branch: "main", Commit: someSHA, Track: true}), "bad-track"},
		"following nothing":   {service(sdp.ServiceSpec{UseOCP: true, Track: true}), "bad-track"},
		"service's variables": {service(sdp.ServiceSpec{Branch: "main", Variables: map[string]string{"": "x"}}), "bad-variable"},
	} {
		err := Check(c.spec)
		if e := sdp.AsError(err); err == nil || e.Kind != sdp.Invalid || e.Code != c.code || e.Remedy == "" {
			t.Errorf("%s: %v, want %s with a remedy", name, err, c.code)
		}
	}
}
