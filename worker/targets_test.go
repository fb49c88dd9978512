package worker

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	neturl "net/url"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"sdp/internal/containers"
	"sdp/internal/logs"
	"sdp/internal/node"
	"sdp/internal/node/gobuild"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// watch runs the watch of containers as a worker's process does, until the returned function ends that process.
func (m *machine) watch() (end func()) {
	m.t.Helper()
	ctx, stop := testContext(m.t)
	ended := make(chan error, 1)
	go func() { ended <- m.watchTargets(ctx) }()
	return func() {
		m.t.Helper()
		stop()
		if err := <-ended; err != nil {
			m.t.Error(err)
		}
	}
}

// serve gives the router a table that leads to a container, and returns the sandbox's URL.
func (m *machine) serve(c containers.Container) string {
	m.t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		m.t.Fatal(err)
	}
	port := ln.Addr().(*net.TCPAddr).Port
	if err := errors.Join(ln.Close(), m.router.Apply(m.t.Context(), m.table(c, port))); err != nil {
		m.t.Fatal(err)
	}
	url := "http://127.0.0.1:" + strconv.Itoa(port)
	eventually(m.t, "the container to answer", func() bool { return ask(url) == "200 here account" })
	return url
}

// table leads from a sandbox's public port to a container.
func (m *machine) table(c containers.Container, port int) wire.RoutingTable {
	t := m.desired(c).tables[0]
	t.PublicPort, t.Gateway = port, "account"
	return t
}

// ask returns an answer's status and body, over a connection of its own.
func ask(url string) string {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	res, err := client.Get(url)
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(res.StatusCode, " ", string(body))
}

// neighbour starts a container of another service on the sandbox's network and returns its address.
func (m *machine) neighbour() string {
	m.t.Helper()
	c, err := m.runtime.Start(m.t.Context(), containers.Spec{Name: sdp.ContainerName(m.sandbox, "payment"), Sandbox: m.sandbox,
		Service: "payment", Deployment: "d2", SHA: commit, Image: m.image, Repository: "payment", Env: []string{"NAME=payment"},
		Network: sdp.NetworkName(m.sandbox, "micro-1"), Port: 8080, Memory: 64 << 20, CPUs: 1, PIDs: 64})
	if err != nil {
		m.t.Fatal(err)
	}
	if err := m.runtime.WaitHealthy(m.t.Context(), c, containers.Probe{Timeout: 20 * time.Second}); err != nil {
		m.t.Fatal(err)
	}
	return c.Address
}

// A container that is down is not answered for by the one that has got its address, until it is up again elsewhere.
func TestFreedAddressIsNotAnsweredFrom(t *testing.T) {
	m := newMachine(t)
	defer m.watch()()
	c := m.start("d1", "NAME=account")
	url := m.serve(c)
	if err := m.runtime.Stop(t.Context(), c.ID, time.Second); err != nil {
		t.Fatal(err)
	}
	if address := m.neighbour(); address != c.Address {
		t.Fatalf("Docker gave the new container %s, not %s: this test finds nothing out", address, c.Address)
	}
	for range 100 {
		got := ask(url)
		if !strings.HasPrefix(got, "503 ") || !strings.Contains(got, "account exited with code 143 (restarts so far: 0)") ||
			!strings.Contains(got, "container-down") {
			t.Fatalf("answer is %s", got)
		}
	}
	report := m.counted(t.Context())
	if len(report) != 1 || report[0].Services["account"].Trouble != "it exited with code 143 (restarts so far: 0)" ||
		report[0].Services["account"].Deployment != "d1" {
		t.Errorf("the server is told %+v", report)
	}
	if _, err := m.runtime.StartExisting(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the container to answer again", func() bool { return ask(url) == "200 here account" })
}

// A deployment's new container is where it is as soon as its table is there, though the watch of containers is behind: who
// had its address before is gone, and nobody has told the router so.
func TestNewContainerHasTheAddressOfOneThatIsGone(t *testing.T) {
	m := newMachine(t)
	old := m.start("d1", "NAME=account")
	url := m.serve(old)
	if err := errors.Join(m.node.Targets.TellAll(t.Context()), m.runtime.Remove(t.Context(), old.ID)); err != nil {
		t.Fatal(err)
	}
	u, _ := neturl.Parse(url)
	port, _ := strconv.Atoi(u.Port())
	m.equip(map[string]node.Repository{"account": {Repository: sdp.Repository{Name: "account", Port: 8080}}}, gobuild.Toolchain{})
	var started sdp.Container
	err := m.node.Logs.During("d2", nil, func(log *logs.Stream) (err error) {
		started, err = m.node.Containers.Start(t.Context(), wire.Job{Deployment: "d2", Sandbox: m.sandbox, Service: "account",
			Repository: "account", Node: "micro-1", SHA: commit, Image: m.image, Env: map[string]string{"NAME": "new"},
			Limits: sdp.Limits{CPUs: 1, Memory: 64 << 20, PIDs: 64}, Table: m.table(old, port)}, node.Confidential{}, log)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if started.Address != old.Address {
		t.Fatalf("Docker gave the new container %s, not %s: this test finds nothing out", started.Address, old.Address)
	}
	table := m.table(containers.Container{ID: started.DockerID, Deployment: "d2", Address: started.Address}, port)
	table.Version++
	if err := m.router.Apply(t.Context(), table); err != nil {
		t.Fatal(err)
	}
	if got := ask(url); got != "200 here new" {
		t.Errorf("answer is %s", got)
	}
}

// The answer says how a container that crashes again and again ended and how often, and that Docker starts it again.
func TestCrashLoopIsSaid(t *testing.T) {
	m := newMachine(t)
	defer m.watch()()
	c := m.start("d1", "NAME=account")
	if err := m.runtime.Keep(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	url := m.serve(c)
	ask(url + "/break?times=5")
	for _, restarts := range []int{3, 4} { // after pauses of 100, 200 and 400 ms, in one of 800 ms and one of 1.6 s
		says := fmt.Sprintf("account exited with code 7 (restarts so far: %d), ", restarts)
		eventually(t, says, func() bool {
			got := ask(url)
			return strings.HasPrefix(got, "503 ") && strings.Contains(got, says) && strings.Contains(got, "Docker starts it again")
		})
	}
	eventually(t, "the container to answer again", func() bool { return ask(url) == "200 here account" })
}

// What happens to containers while no worker runs is told by the next one, and in each round, with the control plane or
// without.
func TestTargetsWithoutWorker(t *testing.T) {
	m := newMachine(t)
	c := m.start("d1", "NAME=account")
	url := m.serve(c)
	if err := m.runtime.Stop(t.Context(), c.ID, time.Second); err != nil {
		t.Fatal(err)
	}
	m.neighbour()
	m.control.set(func(c *controlPlane) { c.down = true })
	if err := m.reconciler().round(t.Context()); sdp.KindOf(err) != sdp.Unavailable {
		t.Errorf("round: %v", err)
	}
	down := func(why string) {
		t.Helper()
		if got := ask(url); !strings.HasPrefix(got, "503 ") || !strings.Contains(got, "account "+why) {
			t.Errorf("answer is %s, want 503 with %q", got, why)
		}
	}
	down("exited with code 143")
	if _, err := m.runtime.StartExisting(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	end := m.watch()
	eventually(t, "the container to answer again", func() bool { return ask(url) == "200 here account" })
	if out, err := exec.Command("docker", "pause", c.ID).CombinedOutput(); err != nil {
		t.Fatalf("docker pause: %s", out)
	}
	eventually(t, "the container to be paused", func() bool { return strings.HasPrefix(ask(url), "503 ") })
	down("is paused")
	if out, err := exec.Command("docker", "unpause", c.ID).CombinedOutput(); err != nil {
		t.Fatalf("docker unpause: %s", out)
	}
	eventually(t, "the container to answer again", func() bool { return ask(url) == "200 here account" })
	end()
	if err := m.runtime.Remove(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	end = m.watch()
	eventually(t, "the container to be missed", func() bool { return strings.HasPrefix(ask(url), "503 ") })
	end()
	down("has no container")
}
