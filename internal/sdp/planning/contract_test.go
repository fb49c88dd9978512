package planning

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sdp/internal/sdp"
	"sdp/internal/sdp/settings"
)

var (
	shaA = strings.Repeat("a", 40)
	shaB = strings.Repeat("b", 40)
)

func cloneSource() CloneSource {
	return CloneSource{
		To: "mine", Owner: "erin",
		Sandbox: sdp.Sandbox{Name: "shop", Owner: "dana", Gateway: "gateway", GatewayNode: "gateway-1", Port: 8080, Environment: "dev",
			Description: "points", Labels: map[string]string{"team": "qa"}, Variables: map[string]string{"LOG": "debug"},
			SecretKeys: []string{"TOKEN"}, Limits: sdp.SandboxLimits{Total: sdp.Limits{Memory: 1 << 30}}, Expiry: sdp.Expiry{IdleAfter: "1h0m0s"},
			Services: []sdp.Service{
				{Name: "account", Source: sdp.SourceSandbox, Branch: "feature/x", Track: true, Env: map[string]string{"POINTS": "1"},
					SecretKeys: []string{"KEY"}, Limits: sdp.Limits{CPUs: 0.5},
					Serving: &sdp.Container{Deployment: "d-1", Node: "micro-1", SHA: shaA, Image: "sdp/account:a"},
					Latest:  &sdp.Deployment{ID: "d-1", Branch: "feature/x", SHA: shaA, State: sdp.Running}},
				{Name: "gateway", Source: sdp.SourceSandbox, Branch: "main",
					Serving: &sdp.Container{Deployment: "d-2", Node: "gateway-1", SHA: shaB, Image: "sdp/gateway:b"}},
				{Name: "rates", Source: sdp.SourceURL, URL: "http://rates.test"},
			}},
		Environment: settings.EnvironmentVersion{Version: 3, Variables: map[string]string{"URL": "x"}, SecretKeys: []string{"PASS"},
			Files: []settings.EnvironmentFile{{Path: "/etc/app.yaml", Size: 5}}},
		Upstreams: []sdp.Upstream{{Service: "account", Port: 8080}, {Service: "gateway", Port: 80},
			{Service: "notification", Source: sdp.SourceOCP, URL: "http://ocp/notification"}, {Service: "rates", Source: sdp.SourceURL, URL: "http://rates.test"},
			{Service: "ledger", Source: sdp.SourceSandbox, Reason: "nothing runs"}},
		Repositories: map[string]sdp.Repository{"account": {Node: "micro-1", Port: 8080, Variables: map[string]string{"MODE": "1"}},
			"gateway": {Node: "gateway-1", Port: 80, UpstreamEnv: "{{SERVICE}}_URL"}},
	}
}

// lines are the items without their details.
func lines(items []ContractItem) []string {
	var out []string
	for _, i := range items {
		out = append(out, strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %s", i.Service, i.What, i.Key, i.Disposition)), " "))
	}
	return out
}

func TestContractOfAPinnedClone(t *testing.T) {
	got := lines(cloneSource().Contract())
	want := []string{"owner erin regenerated", "port regenerated", "network sandbox-mine.gateway-1 regenerated",
		"network sandbox-mine.micro-1 regenerated", "description copied", "label team copied", "variable LOG copied",
		"secret TOKEN copied", "limit total.memory copied", "expiry copied",
		"environment dev shared", "variable URL shared", "secret PASS shared", "file /etc/app.yaml shared",
		"account container sandbox-mine-account regenerated", "account commit aaaaaaaaaaaa copied", "account image sdp/account:a shared",
		"account route account regenerated", "account port 8080 copied", "account variable MODE shared",
		"account variable PORT copied", "account variable SDP_BRANCH copied", "account variable SDP_SERVICE copied",
		"account variable SDP_SHA copied", "account variable SDP_DEPLOYMENT regenerated", "account variable SDP_SANDBOX regenerated",
		"account variable POINTS copied", "account secret KEY copied", "account limit container.cpus copied",
		"gateway container sandbox-mine-gateway regenerated", "gateway commit bbbbbbbbbbbb copied", "gateway image sdp/gateway:b shared",
		"gateway route gateway regenerated", "gateway port 80 copied",
		"gateway variable ACCOUNT_URL copied", "gateway variable LEDGER_URL copied", "gateway variable NOTIFICATION_URL copied",
		"gateway variable PORT copied", "gateway variable RATES_URL copied", "gateway variable SDP_BRANCH copied",
		"gateway variable SDP_SERVICE copied", "gateway variable SDP_SHA copied",
		"gateway variable SDP_DEPLOYMENT regenerated", "gateway variable SDP_SANDBOX regenerated",
		"notification route notification shared", "rates route rates shared", "ledger route ledger copied",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, i := range cloneSource().Contract() {
		if i.What == "commit" && i.Service == "account" && !strings.Contains(i.Detail, "not tracked") {
			t.Errorf("a pinned clone of a tracked service: %s", i.Detail)
		}
	}
}

func TestContractOfACloneThatFollowsBranches(t *testing.T) {
	c := cloneSource()
	c.Follow = true
	got := lines(c.Contract())
	for _, want := range []string{"account branch feature/x shared", "account variable SDP_SHA regenerated", "gateway branch main shared"} {
		if !slices.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, strings.Join(got, "\n"))
		}
	}
	if spec := c.Spec(); spec.Name != "mine" || !spec.Services["account"].Track || spec.Services["account"].Commit != "" {
		t.Errorf("spec %+v", spec)
	}
}
