package definition

import (
	"reflect"
	"strings"
	"testing"

	"sdp/internal/sdp"
)

var (
	shaA = strings.Repeat("a", 40)
	shaB = strings.Repeat("b", 40)
)

func TestOf(t *testing.T) {
	serving := &sdp.Container{Deployment: "d-1", SHA: shaA}
	of := func(id, branch, sha string, state sdp.DeploymentState) *sdp.Deployment {
		return &sdp.Deployment{ID: id, Branch: branch, SHA: sha, State: state}
	}
	for name, c := range map[string]struct {
		service         sdp.Service
		pinned, follows sdp.ServiceSpec
	}{
		"ocp": {sdp.Service{Source: sdp.SourceOCP}, sdp.ServiceSpec{UseOCP: true}, sdp.ServiceSpec{UseOCP: true}},
		"url": {sdp.Service{Source: sdp.SourceURL, URL: "http://x"}, sdp.ServiceSpec{URL: "http://x"}, sdp.ServiceSpec{URL: "http://x"}},
		"runs its branch": {sdp.Service{Source: sdp.SourceSandbox, Branch: "x", Track: true, Serving: serving, Latest: of("d-1", "x", shaA, sdp.Running)},
			sdp.ServiceSpec{Branch: "x", Commit: shaA}, sdp.ServiceSpec{Branch: "x", Track: true}},
		"a later deployment failed": {sdp.Service{Source: sdp.SourceSandbox, Branch: "y", Serving: serving, Latest: of("d-2", "y", shaB, sdp.DeployFailed)},
			sdp.ServiceSpec{Commit: shaA}, sdp.ServiceSpec{Branch: "y"}},
		"pinned by the sandbox": {sdp.Service{Source: sdp.SourceSandbox, Branch: "x", Commit: shaA, Serving: serving, Latest: of("d-2", "", shaB, sdp.DeployFailed)},
			sdp.ServiceSpec{Branch: "x", Commit: shaA}, sdp.ServiceSpec{Branch: "x", Commit: shaA}},
		"deployed by its commit": {sdp.Service{Source: sdp.SourceSandbox, Branch: "x", Serving: serving, Latest: of("d-1", "", shaA, sdp.Running)},
			sdp.ServiceSpec{Commit: shaA}, sdp.ServiceSpec{Commit: shaA}},
		"stopped": {sdp.Service{Source: sdp.SourceSandbox, Branch: "x", Latest: of("d-1", "x", shaA, sdp.DeployStopped)},
			sdp.ServiceSpec{Branch: "x", Commit: shaA}, sdp.ServiceSpec{Branch: "x"}},
		"never ran": {sdp.Service{Source: sdp.SourceSandbox, Branch: "x", Latest: of("d-1", "x", shaA, sdp.DeployFailed)},
			sdp.ServiceSpec{Branch: "x"}, sdp.ServiceSpec{Branch: "x"}},
		"on its way": {sdp.Service{Source: sdp.SourceOCP, Branch: "x", Latest: of("d-1", "x", "", sdp.Queued)},
			sdp.ServiceSpec{UseOCP: true}, sdp.ServiceSpec{Branch: "x"}},
	} {
		c.service.Name, c.service.Env, c.service.Limits = "account", map[string]string{"A": "1"}, sdp.Limits{PIDs: 5}
		for _, want := range []struct {
			pinned bool
			spec   sdp.ServiceSpec
		}{{true, c.pinned}, {false, c.follows}} {
			want.spec.Variables, want.spec.Limits = map[string]string{"A": "1"}, sdp.Limits{PIDs: 5}
			got := Of(sdp.Sandbox{Name: "s", Services: []sdp.Service{c.service}}, want.pinned)
			if !reflect.DeepEqual(got.Services["account"], want.spec) {
				t.Errorf("%s, pinned %v: got %+v, want %+v", name, want.pinned, got.Services["account"], want.spec)
			}
		}
	}
}

func TestOfAWholeSandbox(t *testing.T) {
	labels := map[string]string{"team": "qa"}
	b := sdp.Sandbox{Name: "s", Description: "d", Labels: labels, Environment: "dev", EnvironmentVersion: 3, Gateway: "gateway",
		Limits: sdp.SandboxLimits{Total: sdp.Limits{CPUs: 2}}, Expiry: sdp.Expiry{IdleAfter: "1h0m0s"}, SecretKeys: []string{"TOKEN"},
		Services: []sdp.Service{{Name: "gateway", Source: sdp.SourceSandbox, Branch: "main"}, {Name: "ghost", Source: sdp.SourceSandbox}}}
	want := sdp.SandboxSpec{Name: "s", Description: "d", Labels: labels, Environment: "dev", EnvironmentVersion: 3,
		Limits: b.Limits, Expiry: b.Expiry, Gateway: &sdp.GatewaySpec{Repository: "gateway", Branch: "main"},
		Services: map[string]sdp.ServiceSpec{}}
	got := Of(b, true)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got.Labels["team"] = "changed"; labels["team"] != "qa" {
		t.Error("the specification shares its maps with the sandbox")
	}
}
