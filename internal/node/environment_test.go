package node

import (
	"slices"
	"strings"
	"testing"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

func startInput() wire.Job {
	return wire.Job{Deployment: "d1", Sandbox: "box", Service: "account", Branch: "feature/x", SHA: commitSHA,
		Table: wire.RoutingTable{Services: []wire.ServiceRoute{
			{Service: "account", Port: 8080}, {Service: "payment", Port: 8081}, {Service: "rate-limits", Port: 9000}}}}
}

func repositoryWith(upstreams string) Repository {
	return Repository{Repository: sdp.Repository{Name: "account", Port: 8080, UpstreamEnv: upstreams}}
}

func TestEnvironmentSaysWhoTheServiceIs(t *testing.T) {
	want := []string{"PORT=8080", "SDP_BRANCH=feature/x", "SDP_DEPLOYMENT=d1", "SDP_SANDBOX=box", "SDP_SERVICE=account", "SDP_SHA=" + commitSHA}
	if got := Environment(startInput(), repositoryWith(""), nil); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestEnvironmentNamesTheOtherServices(t *testing.T) {
	got := Environment(startInput(), repositoryWith("{{SERVICE}}_URL"), nil)
	for _, want := range []string{"PAYMENT_URL=http://payment:8081", "RATE_LIMITS_URL=http://rate-limits:9000"} {
		if !slices.Contains(got, want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
	if slices.ContainsFunc(got, func(v string) bool { return strings.HasPrefix(v, "ACCOUNT_URL=") }) {
		t.Error("the service is told its own address")
	}
}

// Each layer may be overridden by the next, and every variable is there once.
func TestEnvironmentLayers(t *testing.T) {
	in := startInput()
	in.Env = map[string]string{"PAYMENT_URL": "settings", "PORT": "9", "B": "settings", "C": "settings"}
	got := Environment(in, repositoryWith("{{SERVICE}}_URL"), map[string]string{"C": "secret"})
	for _, want := range []string{"PAYMENT_URL=settings", "PORT=9", "B=settings", "C=secret", "RATE_LIMITS_URL=http://rate-limits:9000"} {
		if !slices.Contains(got, want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
	var keys []string
	for _, v := range got {
		key, _, _ := strings.Cut(v, "=")
		keys = append(keys, key)
	}
	if !slices.IsSorted(keys) || len(slices.Compact(slices.Clone(keys))) != len(keys) {
		t.Errorf("the variables are %q, want each once, in order", keys)
	}
}
