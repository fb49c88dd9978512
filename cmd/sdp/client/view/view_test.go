package view

import (
	"testing"

	"sdp/api/rest"
	"sdp/cmd/sdp/client/clitest"
)

func TestPlan(t *testing.T) {
	s, out := clitest.Screen()
	Plan(s, rest.Plan{Sandbox: "checkout", Hash: "3f2a9c1d0b7e", Changes: true,
		Port: rest.PlannedPort{Node: "gateway-1", Port: 8080},
		Settings: []rest.Difference{{What: "label", Key: "team", Kind: "added", After: "payments"},
			{What: "description", Kind: "changed", Before: "a b", After: ""}, {What: "secret", Key: "TOKEN", Kind: "changed"}},
		Services: []rest.PlannedService{
			{Service: "account", Action: "deploy", Why: []string{"main moved 1 -> 2"}, Node: "micro-1", Branch: "main",
				FromSHA: "1111111111111111", SHA: "2222222222222222"},
			{Service: "gateway", Action: "none", Branch: "main", SHA: "3333333333333333", Route: "sandbox"},
			{Service: "payment", Action: "deploy", Node: "micro-1", SHA: "4444444444444444", Cached: true, Vanished: true,
				Settings: []rest.Difference{{What: "limit", Key: "memory", Kind: "removed", Before: "1G"}}},
			{Service: "rates", Action: "route", FromRoute: "ocp", Route: "http://rates.test"},
			{Service: "search", Action: "remove", FromRoute: "sandbox", Route: ""},
			{Service: "typo", Action: "none", Branch: "man", Route: "sandbox"},
		},
		Environment: []rest.Difference{{What: "file", Key: "/etc/x.conf", Kind: "added"}},
		Nodes: []rest.PlannedNode{{Node: "micro-1", Alive: true, DiskNeeded: 134217728, DiskFree: 6e10,
			Images: []rest.RequiredImage{{Ref: "php:8"}, {Ref: "alpine", Present: true}, {Ref: "bases of x's Dockerfile", Unknown: true}}}},
		Problems: []rest.PlanProblem{{Service: "typo", Code: "branch-not-found", Detail: `no branch "man"`, Remedy: "take main"}},
	})
	clitest.Golden(t, out.Bytes())
}

func TestAccepted(t *testing.T) {
	s, out := clitest.Screen()
	Accepted(s, []rest.Deployment{clitest.Queued, {ID: "d-dddddddddd", Service: "account", SHA: clitest.Commit, State: "QUEUED"}})
	clitest.Golden(t, out.Bytes())
}
