package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sdp/internal/sdp"
)

// Two installations on one Docker daemon do not touch each other's containers, and a name the other one holds is
// refused in words that say whose it is.
func TestTwoInstallationsOnOneDaemon(t *testing.T) {
	s := lab(t)
	ours := newSandbox(t, "services:\n  account: {branch: main}\n")
	ids := func() string {
		return command(t, "", "docker", "ps", "-q", "--no-trunc", "--filter", "label="+sdp.LabelInstance+"="+stack.instance(t))
	}
	before := ids()
	file := filepath.Join(t.TempDir(), "sandbox.yaml")
	if err := os.WriteFile(file, []byte("sandbox: "+ours.Name+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.ok(t, "sandbox", "create", ours.Name, "-f", file, "--wait")
	s.failsWith(t, ours.Name, "plain@main", fault{
		step: "start", code: "name-taken", detail: "sandbox-" + ours.Name, remedy: "choose another sandbox name",
	})
	if d := s.history(t, ours.Name)[0]; !strings.Contains(d.Failure.Detail, stack.instance(t)) {
		t.Errorf("the failure does not say whose the name is: %s", d.Failure.Detail)
	}
	wantAnswer(t, ours.URL+"/account/version", 200, "account=sandbox@")

	other := s.newSandbox(t, "services:\n  plain: {branch: main}\n")
	s.ok(t, "restart", other.Name, "plain", "--wait")
	s.ok(t, "sandbox", "delete", ours.Name, "--wait")
	if after := ids(); after != before {
		t.Errorf("containers of the first installation before:\n%s\nafter what the second one did:\n%s", before, after)
	}
	wantAnswer(t, ours.URL+"/account/version", 200, "account=sandbox@")
	wantAnswer(t, other.URL+"/plain/", 200, "plain=sandbox@")
}
