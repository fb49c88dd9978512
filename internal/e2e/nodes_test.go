package e2e

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"sdp/internal/logs"
	"sdp/internal/sdp"
)

// A node that is switched off for good holds nobody else up; it is taken out of service and forgotten, and stays out when it
// comes back, until it is given a new token.
func TestNodeThatIsGone(t *testing.T) {
	t.Parallel()
	main := files{"go.mod": "module here\n\ngo 1.21\n", "main.go": plainSource("", ":8080")}
	s, err := newSite("", repository{name: "here", config: plainRepository.config, main: main,
		branches: map[string]files{"feature/next": {"note.go": "package main\n\nvar _ = 1\n"}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.remove(); err != nil {
			t.Error(err)
		}
	})
	if err := errors.Join(s.up(), s.seed(repository{name: "there", main: main})); err != nil {
		t.Fatal(err)
	}
	two := s.secondNode(t, "micro-2", "here", "there")
	two.start(t)
	t.Cleanup(func() {
		two.kill(t)
		if err := os.RemoveAll(filepath.Join(s.data, two.name)); err != nil { // `sdp down` removes what `sdp up` made
			t.Error(err)
		}
	})
	two.awaitRepository(t, true)
	box := s.newSandbox(t, "")
	s.ok(t, "deploy", box.Name, "here@main", "there@main", "--wait")
	wantAnswer(t, box.URL+"/there/", 200, "there=sandbox@")
	building := s.deployInBackground(t, box.Name, "there@"+s.slowBranch(t, "there"))
	s.waitState(t, box.Name, building.ID, time.Minute, sdp.Building)
	s.ok(t, "node", "cordon", "micro-2")
	s.fails(t, 1, []string{"micro-2", "alice", "sdp node uncordon micro-2"}, "deploy", box.Name, "there@main")

	two.kill(t)
	s.ok(t, "cancel", building.ID, "--wait=false")
	s.awaitNode(t, "micro-2", "no worker since")
	s.ok(t, "deploy", box.Name, "here@feature/next", "--wait")
	s.cancelledInVain(t, box.Name, building.ID, "micro-2")
	s.fails(t, 1, []string{"micro-2", "no worker since"}, "deploy", box.Name, "there@main")
	s.fails(t, 1, []string{"--force"}, "node", "remove", "micro-2")
	s.ok(t, "node", "remove", "micro-2", "--force")
	two.awaitRepository(t, false)
	s.ok(t, "deploy", box.Name, "here@main", "--wait")
	wantAnswer(t, box.URL+"/here/", 200, "here=sandbox@")

	two.start(t)
	two.says(t, "micro-2 was removed")
	two.awaitRepository(t, false)
	if n := s.containersOf(t, box.Name, "there"); n != 1 {
		t.Errorf("a node that is out has changed something: %d containers of its service", n)
	}
	two.kill(t)
	two.giveToken(t)
	two.start(t)
	two.awaitRepository(t, true)
	eventually(t, time.Minute, func() error {
		if n := s.containersOf(t, box.Name, "there"); n != 0 {
			return errorf("the node that is back keeps %d containers that nothing wants", n)
		}
		return nil
	})
	s.ok(t, "deploy", box.Name, "there@main", "--wait")
	wantAnswer(t, box.URL+"/there/", 200, "there=sandbox@")
}

// cancelledInVain waits until a deployment ends of which nobody confirms that nothing runs any more. Until then it says who
// should.
func (s *site) cancelledInVain(t *testing.T, box, id, node string) {
	t.Helper()
	eventually(t, time.Minute, func() error {
		d := s.deployment(t, box, id)
		if !strings.Contains(d.WaitingFor, node) || !strings.Contains(d.WaitingFor, "no worker since") {
			return errorf("the deployment is %s, waiting for %q, and has failed with %+v", d.State, d.WaitingFor, d.Failure)
		}
		return nil
	})
	d := s.waitState(t, box, id, 3*time.Minute, sdp.DeployFailed)
	if d.Failure == nil || d.Failure.Code != sdp.CodeCancelUnconfirmed || !strings.Contains(d.Failure.Detail, node) {
		t.Errorf("it failed with %+v", d.Failure)
	}
}

// secondNode is a node beside those that `sdp up` keeps.
type secondNode struct {
	site   *site
	name   string
	config string
	output *logs.Buffer
	ends   []func() error
}

// secondNode prepares a node that is configured as micro-1 is, but for its only repository, whose clone is there.
func (s *site) secondNode(t *testing.T, name, like, repository string) *secondNode {
	t.Helper()
	n := &secondNode{site: s, name: name, config: filepath.Join(s.data, "config", name+".yaml")}
	raw, err := os.ReadFile(filepath.Join(s.data, "config", "micro-1.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	text := strings.NewReplacer("micro-1", name, "name: "+like, "name: "+repository,
		filepath.Join(s.clones, like), filepath.Join(s.clones, repository)).Replace(string(raw))
	for key, value := range map[string]string{"meshPort": fmt.Sprint(ln.Addr().(*net.TCPAddr).Port), "networks": "10.215.0.0/21"} {
		text = regexp.MustCompile(`(?m)^`+key+`: .*$`).ReplaceAllString(text, key+": "+value)
	}
	if err := put(n.config, text); err != nil {
		t.Fatal(err)
	}
	n.giveToken(t)
	return n
}

// giveToken gives the node a token of now.
func (n *secondNode) giveToken(t *testing.T) {
	t.Helper()
	token, err := n.site.command("node", "token", n.name, "--config", filepath.Join(n.site.data, "config", "server.yaml")).Output()
	if err := errors.Join(err, os.WriteFile(filepath.Join(n.site.data, "keys", n.name+".token"), token, 0o600)); err != nil {
		t.Fatal(err)
	}
}

func (n *secondNode) start(t *testing.T) {
	t.Helper()
	n.output, n.ends = &logs.Buffer{}, nil
	for _, role := range []string{"router", "worker"} {
		cmd := exec.Command(n.site.binary, role, "--config", n.config)
		cmd.Stdout, cmd.Stderr = n.output, n.output
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		n.ends = append(n.ends, func() error { return errors.Join(cmd.Process.Kill(), unlessKilled(cmd.Wait())) })
	}
}

func unlessKilled(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
		return nil
	}
	return err
}

// kill ends the node's processes as a power cut does, but for its containers.
func (n *secondNode) kill(t *testing.T) {
	t.Helper()
	for _, end := range n.ends {
		if err := end(); err != nil {
			t.Errorf("%s: %v\n%s", n.name, err, n.output)
		}
	}
	n.ends = nil
}

func (n *secondNode) says(t *testing.T, text string) {
	t.Helper()
	eventually(t, time.Minute, func() error {
		if !strings.Contains(n.output.String(), text) {
			return errorf("%s does not say %q:\n%s", n.name, text, n.output)
		}
		return nil
	})
}

// awaitRepository waits until the node's repository is known, or is not.
func (n *secondNode) awaitRepository(t *testing.T, known bool) {
	t.Helper()
	eventually(t, time.Minute, func() error {
		if out := n.site.ok(t, "repos"); strings.Contains(out, n.name) != known {
			return errorf("`sdp repos` has a repository of %s: %t, want %t:\n%s\nthe node says:\n%s", n.name, !known, known, out, n.output)
		}
		return nil
	})
}

func (s *site) containersOf(t *testing.T, box, service string) int {
	t.Helper()
	out := command(t, "", "docker", "ps", "-aq", "--filter", "label="+sdp.LabelSandbox+"="+box, "--filter", "label="+sdp.LabelService+"="+service)
	return len(strings.Fields(out))
}
