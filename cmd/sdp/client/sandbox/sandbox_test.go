package sandbox

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/client/clitest"
	"sdp/cmd/sdp/client/view"
)

func TestSandbox(t *testing.T) {
	a, out := testVerbs()
	a.showSandboxes([]rest.Sandbox{clitest.Box(), {Name: "old", State: "ACTIVE", Deleting: true, Owner: "bob", URL: "http://127.0.0.1:8081"}})
	a.Screen.Printf("")
	view.Sandbox(a.Screen, clitest.Box())
	a.Screen.Printf("")
	view.Sandbox(a.Screen, rest.Sandbox{Name: "empty", State: "ACTIVE", Owner: "bob", GatewayNode: "gateway-1", URL: "http://127.0.0.1:8081", CreatedAt: clitest.Now})
	clitest.Golden(t, out.Bytes())
}

func TestAttention(t *testing.T) {
	a, out := testVerbs()
	box := clitest.Box()
	box.Attention = []rest.Attention{{Service: "account", Code: "branch-gone", Detail: "the git server has no branch of account",
		Remedy: "deploy another branch"}}
	a.showSandboxes([]rest.Sandbox{box})
	view.Sandbox(a.Screen, box)
	clitest.Golden(t, out.Bytes())
}

// Expiry can be set and does nothing. So it is offered nowhere; files and scripts that have it work, and are told.
func TestExpiryIsNotOffered(t *testing.T) {
	cmd := verbs{new(cli.App)}.sandboxSet()
	if help := cmd.Long + cmd.Example + cmd.Flags().FlagUsages(); strings.Contains(help, "idle") || strings.Contains(help, "delete-after") {
		t.Errorf("`sdp sandbox set --help` offers expiry:\n%s", help)
	}
	for _, flag := range expiryFlags {
		if cmd.Flags().Lookup(flag) == nil {
			t.Errorf("scripts that have --%s do not work any more", flag)
		}
	}
}

func TestNeighboursOfAContractShareALine(t *testing.T) {
	item := func(key, is string) rest.ContractItem {
		return rest.ContractItem{What: "variable", Service: "account", Key: key, Disposition: is}
	}
	got := grouped([]rest.ContractItem{item("A", "copied"), item("B", "copied"), item("C", "shared"), item("D", "copied")})
	want := []rest.ContractItem{item("A B", "copied"), item("C", "shared"), item("D", "copied")}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}

// testVerbs returns verbs as they are behind a pipe.
func testVerbs() (verbs, *bytes.Buffer) {
	s, out := clitest.Screen()
	return verbs{&cli.App{Screen: s}}, out
}
