package sdp

import (
	"slices"
	"strings"
	"testing"
)

func TestJudge(t *testing.T) {
	container := &Container{Node: "micro-1"}
	own := func(name string) Service {
		return Service{Name: name, Source: SourceSandbox, Serving: container, Latest: &Deployment{ID: "d-1", State: Running}}
	}
	with := func(v Service, change func(*Service)) Service { change(&v); return v }
	without := func(state DeploymentState) Service {
		return with(own("account"), func(v *Service) { v.Serving, v.Latest = nil, &Deployment{ID: "d-2", State: state} })
	}
	trouble := SandboxTraffic{Services: map[string]ServiceTraffic{"account": {Trouble: "connection refused"}, "ledger": {Trouble: "timeout"}}}
	silent := map[string]NodeTrouble{"micro-1": {Worker: "no worker since 14:02"}}
	for name, c := range map[string]struct {
		sandbox Sandbox
		traffic SandboxTraffic
		nodes   map[string]NodeTrouble
		want    SandboxHealth
		service ServiceHealth // of account
		reason  string
	}{
		"all well":        {sandbox: Sandbox{Services: []Service{own("account")}}, want: SandboxOK, service: ServiceHealthy},
		"nothing its own": {want: SandboxIdle, reason: "nothing of its own"},
		"shared": {sandbox: Sandbox{Services: []Service{{Name: "account", Source: SourceOCP}}}, want: SandboxIdle, service: ServiceExternal,
			reason: "shared environment"},
		"suspended": {sandbox: Sandbox{State: Suspended, Services: []Service{own("account")}}, want: SandboxIdle, service: ServiceStopped,
			reason: "suspended"},
		"deleting":     {sandbox: Sandbox{Deleting: true}, want: SandboxIdle, reason: "deleted"},
		"first deploy": {sandbox: Sandbox{Services: []Service{without(Building)}}, want: SandboxIdle, service: ServiceStarting, reason: "is being deployed"},
		"first failed": {sandbox: Sandbox{Services: []Service{without(DeployFailed)}}, want: SandboxDown, service: ServiceDown, reason: "d-2"},
		"cancelled":    {sandbox: Sandbox{Services: []Service{without(DeployCancelled)}}, want: SandboxIdle, service: ServiceStopped, reason: "cancelled"},
		"stopped":      {sandbox: Sandbox{Services: []Service{without(DeployStopped), own("user")}}, want: SandboxDegraded, service: ServiceStopped, reason: "stopped"},
		"gone":         {sandbox: Sandbox{Services: []Service{without(Running), own("user")}}, want: SandboxDegraded, service: ServiceDown, reason: "gone"},
		"newest failed": {sandbox: Sandbox{Services: []Service{with(own("account"), func(v *Service) {
			v.Latest = &Deployment{ID: "d-3", State: DeployFailed}
		})}}, want: SandboxDegraded, service: ServiceDegraded, reason: "still does"},
		"does not answer": {sandbox: Sandbox{Services: []Service{own("account")}}, traffic: trouble, want: SandboxDown, service: ServiceDown,
			reason: "connection refused"},
		"gateway stopped": {sandbox: Sandbox{Gateway: "account", Services: []Service{without(DeployStopped), own("user")}}, want: SandboxDown,
			service: ServiceStopped, reason: "stopped"},
		"one of two": {sandbox: Sandbox{Services: []Service{own("account"), own("user")}}, traffic: trouble, want: SandboxDegraded,
			service: ServiceDown, reason: "refused"},
		"shared one down": {sandbox: Sandbox{Services: []Service{own("account"), {Name: "ledger", Source: SourceOCP}}},
			traffic: SandboxTraffic{Services: map[string]ServiceTraffic{"ledger": trouble.Services["ledger"]}}, want: SandboxDegraded,
			service: ServiceHealthy, reason: "shared environment's ledger does not answer"},
		"silent node": {sandbox: Sandbox{Services: []Service{own("account")}}, nodes: silent, want: SandboxDegraded, service: ServiceUnknown,
			reason: "since 14:02"},
		"silent gateway node": {sandbox: Sandbox{GatewayNode: "gateway-1", Services: []Service{own("account")}},
			nodes: map[string]NodeTrouble{"gateway-1": silent["micro-1"]}, want: SandboxDegraded, service: ServiceHealthy, reason: "holds its port"},
		"no router": {sandbox: Sandbox{GatewayNode: "gateway-1", Services: []Service{own("account")}},
			nodes: map[string]NodeTrouble{"gateway-1": {Router: "refused"}}, want: SandboxDown, service: ServiceHealthy, reason: "router of node gateway-1"},
		"no router beside it": {sandbox: Sandbox{Services: []Service{own("account")}},
			nodes: map[string]NodeTrouble{"micro-1": {Router: "refused"}}, want: SandboxDown, service: ServiceDown, reason: "router of node micro-1"},
		"docker down": {sandbox: Sandbox{Services: []Service{own("account")}},
			nodes: map[string]NodeTrouble{"micro-1": {Docker: "refused"}}, want: SandboxDegraded, service: ServiceUnknown, reason: "Docker"},
	} {
		if c.sandbox.State == "" {
			c.sandbox.State = Active
		}
		judged, services := c.sandbox.Judge(c.traffic, c.nodes)
		if judged.Health != c.want || services["account"].Health != c.service {
			t.Errorf("%s: %s, account %s", name, judged.Health, services["account"].Health)
		}
		if (c.reason == "") != (len(judged.Reasons) == 0) ||
			!slices.ContainsFunc(append(judged.Reasons, ""), func(r string) bool { return strings.Contains(r, c.reason) }) {
			t.Errorf("%s: %q", name, judged.Reasons)
		}
	}
}
