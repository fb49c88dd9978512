package e2e

import (
	"os"
	"path/filepath"
	"testing"
)

// Two installations on one Docker daemon do not touch each other's containers, and a name the other one holds is
// refused in words that say whose it is.
func TestTwoInstallationsOnOneDaemon(t *testing.T) {
	ours := newSandbox(t, "services:\n  account: {branch: main}\n")
	ids := func() string {
		list, err := stack.running()
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	before := ids()
	unchanged := func(what string) {
		if after := ids(); after != before {
			t.Errorf("containers of the first installation before:\n%s\nafter %s of the second one:\n%s", before, what, after)
		}
	}
	// Its images are its own: another installation with the same commits would have them, too.
	s, err := newSite("", repository{name: "plain", config: plainRepository.config,
		main: files{"go.mod": "module plain\n\ngo 1.21\n", "main.go": plainSource("// of the second installation", ":8080")}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.remove(); err != nil {
			t.Error(err)
		}
		unchanged("`sdp down`")
	})
	if err := s.up(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "sandbox.yaml")
	if err := os.WriteFile(file, []byte("sandbox: "+ours.Name+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.ok(t, "sandbox", "create", ours.Name, "-f", file, "--wait")
	s.failsWith(t, ours.Name, "plain@main", fault{
		step: "start", code: "name-taken", detail: "belongs to instance " + stack.instance(t) + ", which uses the same Docker daemon",
		remedy: "choose another sandbox name, or delete the sandbox there",
	})
	wantAnswer(t, ours.URL+"/account/version", 200, "account=sandbox@")

	other := s.newSandbox(t, "services:\n  plain: {branch: main}\n")
	s.ok(t, "restart", other.Name, "plain", "--wait")
	s.ok(t, "sandbox", "delete", ours.Name, "--wait")
	unchanged("a deletion")
	wantAnswer(t, ours.URL+"/account/version", 200, "account=sandbox@")
	wantAnswer(t, other.URL+"/plain/", 200, "plain=sandbox@")
}

// A container of somebody who does not know SDP has the name the sandbox's container would get: it is left alone.
func TestContainerNameHeldByAForeigner(t *testing.T) {
	s := lab(t)
	var box, name string
	t.Run("deploy and delete", func(inner *testing.T) {
		box = s.newSandbox(inner, "").Name // deleted at the end of inner
		name = "sandbox-" + box + "-plain"
		command(inner, "", "docker", "create", "--name", name, phpImage, "/usr/bin/php", "-v")
		t.Cleanup(func() { command(t, "", "docker", "rm", name) })
		s.failsWith(inner, box, "plain@main", fault{
			step: "start", code: "name-taken", detail: "the container name " + name + " is held by a container SDP did not make",
			remedy: "choose another sandbox name, or remove that container: `docker rm " + name + "`",
		})
	})
	command(t, "", "docker", "inspect", name)
	if left := s.docker(t, "network", "ls", "-q", "--filter", "name=sandbox-"+box); left != "" {
		t.Errorf("the deleted sandbox left the network %s", left)
	}
}
