package e2e

import (
	"strings"
	"testing"
)

// Who may change a sandbox must not reach by its routes what listens for this machine only: the control plane, the git
// server, whatever else there is. The shared environment is there too, and allowed by configuration.
func TestRoutesDoNotLeadToTheControlPlane(t *testing.T) {
	t.Parallel()
	box := newSandbox(t, "services:\n  account: {branch: main}\n")
	for _, url := range []string{stack.url, stack.git, strings.Replace(stack.url, "127.0.0.1", "localhost", 1)} {
		sdpOK(t, "route", box.Name, "user", url, "--wait")
		wantAnswer(t, box.URL+"/user/healthz", 502, "user=url", `"target-forbidden"`, "a loopback address", "routes.allow")
	}
	if out := sdpOK(t, "trace", box.Name, "/user/healthz"); !strings.Contains(out, "leads to a loopback address") {
		t.Errorf("the trace does not say why:\n%s", out)
	}
	wantAnswer(t, box.URL+"/payment/version", 200, "payment=ocp", `"ocp"`)
	sdpOK(t, "route", box.Name, "user", serveElsewhere(t), "--wait")
	wantAnswer(t, box.URL+"/user/healthz", 200, "user=url", "elsewhere")
	sdpOK(t, "route", box.Name, "user", "ocp", "--wait")
	wantAnswer(t, box.URL+"/user/version", 200, "user=ocp", `"ocp"`)
}
