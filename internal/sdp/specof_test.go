package sdp

import (
	"reflect"
	"strings"
	"testing"
)

var (
	shaA = strings.Repeat("a", 40)
	shaB = strings.Repeat("b", 40)
)

func TestSpecOf(t *testing.T) {
	serving := &Container{Deployment: "d-1", SHA: shaA}
	of := func(id, branch, sha string, state DeploymentState) *Deployment {
		return &Deployment{ID: id, Branch: branch, SHA: sha, State: state}
	}
	for name, c := range map[string]struct {
		service         Service
		pinned, follows ServiceSpec
	}{
		"ocp": {Service{Source: SourceOCP}, ServiceSpec{UseOCP: true}, ServiceSpec{UseOCP: true}},
		"url": {Service{Source: SourceURL, URL: "http://x"}, ServiceSpec{URL: "http://x"}, ServiceSpec{URL: "http://x"}},
		"runs its branch": {Service{Source: SourceSandbox, Branch: "x", Track: true, Serving: serving, Latest: of("d-1", "x", shaA, Running)},
			ServiceSpec{Branch: "x", Commit: shaA}, ServiceSpec{Branch: "x", Track: true}},
		"a later deployment failed": {Service{Source: SourceSandbox, Branch: "y", Serving: serving, Latest: of("d-2", "y", shaB, DeployFailed)},
			ServiceSpec{Commit: shaA}, ServiceSpec{Branch: "y"}},
		"pinned by the sandbox": {Service{Source: SourceSandbox, Branch: "x", Commit: shaA, Serving: serving, Latest: of("d-2", "", shaB, DeployFailed)},
			ServiceSpec{Branch: "x", Commit: shaA}, ServiceSpec{Branch: "x", Commit: shaA}},
		"deployed by its commit": {Service{Source: SourceSandbox, Branch: "x", Serving: serving, Latest: of("d-1", "", shaA, Running)},
			ServiceSpec{Commit: shaA}, ServiceSpec{Commit: shaA}},
		"stopped": {Service{Source: SourceSandbox, Branch: "x", Latest: of("d-1", "x", shaA, DeployStopped)},
			ServiceSpec{Branch: "x", Commit: shaA}, ServiceSpec{Branch: "x"}},
		"never ran": {Service{Source: SourceSandbox, Branch: "x", Latest: of("d-1", "x", shaA, DeployFailed)},
			ServiceSpec{Branch: "x"}, ServiceSpec{Branch: "x"}},
		"on its way": {Service{Source: SourceOCP, Branch: "x", Latest: of("d-1", "x", "", Queued)},
			ServiceSpec{UseOCP: true}, ServiceSpec{Branch: "x"}},
	} {
		c.service.Name, c.service.Env, c.service.Limits = "account", map[string]string{"A": "1"}, Limits{PIDs: 5}
		for _, want := range []struct {
			pinned bool
			spec   ServiceSpec
		}{{true, c.pinned}, {false, c.follows}} {
			want.spec.Variables, want.spec.Limits = map[string]string{"A": "1"}, Limits{PIDs: 5}
			got := SpecOf(Sandbox{Name: "s", Services: []Service{c.service}}, want.pinned)
			if !reflect.DeepEqual(got.Services["account"], want.spec) {
				t.Errorf("%s, pinned %v: got %+v, want %+v", name, want.pinned, got.Services["account"], want.spec)
			}
		}
	}
}

func TestSpecOfAWholeSandbox(t *testing.T) {
	labels := map[string]string{"team": "qa"}
	b := Sandbox{Name: "s", Description: "d", Labels: labels, Environment: "dev", EnvironmentVersion: 3, Gateway: "gateway",
		Limits: SandboxLimits{Total: Limits{CPUs: 2}}, Expiry: Expiry{IdleAfter: 1}, SecretKeys: []string{"TOKEN"},
		Services: []Service{{Name: "gateway", Source: SourceSandbox, Branch: "main"}, {Name: "ghost", Source: SourceSandbox}}}
	want := SandboxSpec{Name: "s", Description: "d", Labels: labels, Environment: "dev", EnvironmentVersion: 3,
		Limits: b.Limits, Expiry: b.Expiry, Gateway: &ServiceSpec{Repository: "gateway", Branch: "main"},
		Services: map[string]ServiceSpec{}}
	got := SpecOf(b, true)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got.Labels["team"] = "changed"; labels["team"] != "qa" {
		t.Error("the specification shares its maps with the sandbox")
	}
}
