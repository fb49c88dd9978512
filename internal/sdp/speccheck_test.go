package sdp

import (
	"math"
	"strings"
	"testing"
	"time"
)

const someSHA = "0123456789abcdef0123456789abcdef01234567"

func TestSpecificationsThatCanBe(t *testing.T) {
	full := SandboxSpec{Name: "shop", Description: "for Ana", Labels: map[string]string{"team/area": "checkout"},
		Environment: "dev", EnvironmentVersion: 3, Variables: map[string]string{"LOG_LEVEL": "debug"},
		Limits: SandboxLimits{Container: Limits{CPUs: 0.5, Memory: 64 << 20, PIDs: 100}, Total: Limits{CPUs: 4}},
		Expiry: Expiry{IdleAfter: time.Hour}, Gateway: &ServiceSpec{Branch: "main"},
		Services: map[string]ServiceSpec{
			"account": {Branch: "feature/x", Track: true}, "payment": {Commit: someSHA, Branch: "main"},
			"user": {UseOCP: true, Variables: map[string]string{"A": "kept for when it runs"}}, "rates": {URL: "http://r.test"},
		}}
	for name, spec := range map[string]SandboxSpec{"all there is": full, "nothing but a name": {Name: "shop"}} {
		if err := spec.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSpecificationsThatCannotBe(t *testing.T) {
	with := func(change func(*SandboxSpec)) SandboxSpec {
		s := SandboxSpec{Name: "shop", Services: map[string]ServiceSpec{}}
		change(&s)
		return s
	}
	service := func(v ServiceSpec) SandboxSpec {
		return with(func(s *SandboxSpec) { s.Services["account"] = v })
	}
	large := map[string]string{}
	for i := range 10 {
		large["KEY_"+strings.Repeat("X", i+1)] = strings.Repeat("v", MaxValue)
	}
	for name, c := range map[string]struct {
		spec SandboxSpec
		code string
	}{
		"no name":             {SandboxSpec{}, "bad-name"},
		"long description":    {with(func(s *SandboxSpec) { s.Description = strings.Repeat("x", 501) }), "bad-description"},
		"two lines":           {with(func(s *SandboxSpec) { s.Description = "a\nb" }), "bad-description"},
		"label":               {with(func(s *SandboxSpec) { s.Labels = map[string]string{"a b": "c"} }), "bad-label"},
		"label's value":       {with(func(s *SandboxSpec) { s.Labels = map[string]string{"a": "\x00"} }), "bad-label"},
		"version of nothing":  {with(func(s *SandboxSpec) { s.EnvironmentVersion = 2 }), "bad-version"},
		"negative version":    {with(func(s *SandboxSpec) { s.Environment, s.EnvironmentVersion = "dev", -1 }), "bad-version"},
		"short expiry":        {with(func(s *SandboxSpec) { s.Expiry.IdleAfter = time.Second }), "bad-duration"},
		"variable":            {with(func(s *SandboxSpec) { s.Variables = map[string]string{"1A": ""} }), "bad-variable"},
		"large value":         {with(func(s *SandboxSpec) { s.Variables = map[string]string{"A": strings.Repeat("x", MaxValue+1)} }), "bad-value"},
		"zero byte":           {with(func(s *SandboxSpec) { s.Variables = map[string]string{"A": "\x00"} }), "bad-value"},
		"large in all":        {with(func(s *SandboxSpec) { s.Variables = large }), "too-large"},
		"little memory":       {with(func(s *SandboxSpec) { s.Limits.Container.Memory = 1 }), "bad-limit"},
		"no number":           {with(func(s *SandboxSpec) { s.Limits.Total.CPUs = math.NaN() }), "bad-limit"},
		"negative pids":       {service(ServiceSpec{Branch: "main", Limits: Limits{PIDs: -1}}), "bad-limit"},
		"gateway of nothing":  {with(func(s *SandboxSpec) { s.Gateway = &ServiceSpec{} }), "bad-gateway"},
		"gateway on OCP":      {with(func(s *SandboxSpec) { s.Gateway = &ServiceSpec{UseOCP: true} }), "bad-gateway"},
		"gateway's branch":    {with(func(s *SandboxSpec) { s.Gateway = &ServiceSpec{Branch: "a..b"} }), "bad-branch"},
		"service of nothing":  {service(ServiceSpec{}), "bad-service"},
		"two ways":            {service(ServiceSpec{Commit: someSHA, UseOCP: true}), "bad-service"},
		"short commit":        {service(ServiceSpec{Commit: "abc"}), "bad-commit"},
		"following a commit":  {service(ServiceSpec{Branch: "main", Commit: someSHA, Track: true}), "bad-track"},
		"following nothing":   {service(ServiceSpec{UseOCP: true, Track: true}), "bad-track"},
		"service's variables": {service(ServiceSpec{Branch: "main", Variables: map[string]string{"": "x"}}), "bad-variable"},
	} {
		err := c.spec.Check()
		if e := AsError(err); err == nil || e.Kind != Invalid || e.Code != c.code || e.Remedy == "" {
			t.Errorf("%s: %v, want %s with a remedy", name, err, c.code)
		}
	}
}
