package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

var theHosts *hosts

var startHosts = sync.OnceValues(func() (h *hosts, err error) {
	theHosts, err = installHosts()
	return theHosts, err
})

// stopHosts removes what does not end with this process's namespaces.
func stopHosts() error {
	if theHosts == nil {
		return nil
	}
	return errors.Join(theHosts.git.close(), os.RemoveAll(filepath.Dir(theHosts.data)))
}

// onHosts is the installation on three machines that the tests of this file share.
func onHosts(t *testing.T) *hosts {
	t.Helper()
	h, err := startHosts()
	if err != nil {
		logs := ""
		if h != nil {
			logs = h.logs()
		}
		t.Fatalf("the installation on three machines did not come up: %v\n%s", err, logs)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(h.logs())
		}
	})
	return h
}

// TestHostsDeployAcross is the first deployment of the manual: the gateway on one machine, a service on another.
func TestHostsDeployAcross(t *testing.T) {
	h := onHosts(t)
	h.awaitNode(t, "gateway-1", "")
	h.awaitNode(t, "micro-1", "")
	lines, err := h.manual.commands("First deployment", "sdp sandbox create")
	if err != nil {
		t.Fatal(err)
	}
	login, rest, _ := strings.Cut(lines, "\n")
	if login != "sdp login --server "+h.url+" -u YOU" { // which has been done
		t.Errorf("the first line is %q", login)
	}
	for line := range strings.Lines(rest) {
		h.ok(t, strings.Fields(line)[1:]...)
	}
	box := h.sound(t, "checkout")
	h.atEndDelete(t, box.Name)
	h.ok(t, "deploy", box.Name, "relay@main", "--wait")
	box = h.sandbox(t, box.Name)
	account, relay := serviceOf(t, box, "account").Serving, serviceOf(t, box, "relay").Serving
	wantAnswer(t, box.URL+"/account/version", 200, "gateway=sandbox@", account.SHA) // which the gateway asks, over the mesh
	h.asks(t, h.micro, relay.Name, "gateway")                                       // the other way
	at := strings.Fields(command(t, "", "docker", "-H", h.micro.dockerHost(), "ps", "--format", "{{.Names}}"))
	if len(at) != 2 || !slices.Contains(at, account.Name) || !slices.Contains(at, relay.Name) {
		t.Errorf("micro-1 runs %q", at)
	}
}
