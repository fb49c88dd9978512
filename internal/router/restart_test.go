package router

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sdp/internal/router/listen"
	"sdp/internal/router/socket"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// routerProcess in the environment makes the test binary a router with that data directory.
const routerProcess = "SDP_TEST_ROUTER_DATA"

func TestMain(m *testing.M) {
	if dir := os.Getenv(routerProcess); dir != "" {
		os.Exit(runRouter(dir))
	}
	os.Exit(withTrusted(m.Run))
}

func runRouter(dir string) int {
	r, err := New(Config{Node: "n1", Instance: "test", DataDir: dir, PublicAddr: "127.0.0.1", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Println(err)
		return 2
	}
	go func() {
		<-r.Ready()
		fmt.Println("ready")
	}()
	if err := r.Run(context.Background()); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// startProcess starts a router in a process of its own and waits until it is ready.
func startProcess(t testing.TB, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), routerProcess+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	if line, _ := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("the router said %q", line)
	}
	return cmd
}

// TestKilledRouterComesBack kills a router with requests under way. The next one must serve the same, with nobody to
// tell it anything.
func TestKilledRouterComesBack(t *testing.T) {
	dir, port, net1, inner := shortTempDir(t), freePort(t), newSubnet(), freePort(t)
	gen := newGeneration(1)
	gateway := container("gateway", backend(t, gen), sha1)
	gateway.Port = inner
	process, control := startProcess(t, dir), socket.NewClient(filepath.Join(dir, socket.Name))
	defer control.Close()
	if err := control.Apply(t.Context(), tableOf(7, port, gateway)); err != nil {
		t.Fatal(err)
	}
	if err := control.SetNetwork(t.Context(), "x", net1.network()); err != nil {
		t.Fatal(err)
	}
	defer close(gen.release)
	for range 3 {
		slow := startSlow(t, gen, at(port, "/slow"))
		process.Process.Kill()
		process.Wait()
		<-slow
		started := time.Now()
		process = startProcess(t, dir)
		get(t, newClient(t, ""), at(port, "/")).want(t, 200, "1").wantHeader(t, "X-SDP-Route", "gateway=sandbox@111111111111")
		t.Logf("serving %v after the start of the process", time.Since(started))
		get(t, newClient(t, net1.ip(3)), "http://"+net1.ip(1)+":"+strconv.Itoa(inner)+"/", "Host", "gateway").want(t, 200, "1")
	}
	wantCode(t, control.Apply(t.Context(), tableOf(6, port, gateway)), "stale-table")
}

// TestKilledWhileSaving: whatever moment a router is killed at, the next one has the last table that was confirmed, or the one
// that was on its way.
func TestKilledWhileSaving(t *testing.T) {
	dir := shortTempDir(t)
	process, control := startProcess(t, dir), socket.NewClient(filepath.Join(dir, socket.Name))
	defer control.Close()
	table := tableOf(1, 0, container("gateway", "127.0.0.1:1", sha1))
	for range 5 {
		confirmed := make(chan int64, 10_000)
		go func() {
			defer close(confirmed)
			for control.Apply(t.Context(), table) == nil {
				confirmed <- table.Version
				table.Version++
			}
		}()
		var last int64
		for range 50 { // it is in the middle of it
			last = <-confirmed
		}
		process.Process.Kill()
		process.Wait()
		for version := range confirmed {
			last = version
		}
		process = startProcess(t, dir)
		tables, err := control.Tables(t.Context())
		if err != nil || len(tables) != 1 || tables[0].Version != last && tables[0].Version != last+1 {
			t.Fatalf("version %d was confirmed; the next router has %+v, %v", last, tables, err)
		}
		if bad, _ := filepath.Glob(filepath.Join(dir, "*.bad-*")); len(bad) > 0 {
			t.Errorf("it put its state aside: %v", bad)
		}
		table.Version = last + 2
	}
}

// TestStateOfYesterday: a router takes over what one without a journal left, and from then on has one.
func TestStateOfYesterday(t *testing.T) {
	dir, port := shortTempDir(t), freePort(t)
	raw, err := json.Marshal(wire.RouterState{Format: 1, Tokens: wire.MeshTokens{Current: "secret"}, Tables: map[string]wire.RoutingTable{
		"x": tableOf(3, port, container("gateway", backend(t, says("fine")), sha1))}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, stateName), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	n := startNode(t, Config{DataDir: dir})
	for range 2 {
		get(t, newClient(t, ""), at(port, "/")).want(t, 200, "fine")
		wantCode(t, n.Apply(t.Context(), tableOf(2, port, container("gateway", "127.0.0.1:1", sha1))), "stale-table")
		n.stop()
		n = startNode(t, Config{DataDir: dir})
	}
	if now, err := os.ReadFile(filepath.Join(dir, stateName)); err != nil || now[0] == '{' {
		t.Errorf("the state file begins with %.20s, %v", now, err)
	}
}

func TestStateFile(t *testing.T) {
	dir, port, c := shortTempDir(t), freePort(t), newClient(t, "")
	n := startNode(t, Config{DataDir: dir})
	n.apply(tableOf(1, port, container("gateway", backend(t, says("fine")), sha1)))
	for _, name := range []string{stateName, socket.Name} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	n.stop()
	if _, err := os.Stat(filepath.Join(dir, socket.Name)); err == nil {
		t.Error("a stopped router leaves its socket behind")
	}
	_, err := socket.NewClient(filepath.Join(dir, socket.Name)).Health(t.Context())
	wantCode(t, err, "router-down")
	n = startNode(t, Config{DataDir: dir})
	get(t, c, at(port, "/")).want(t, 200, "fine")
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	n.stop()
	os.Chmod(dir, 0o700)
	if err := os.WriteFile(filepath.Join(dir, stateName), []byte(`{"Format":1,"Tab`), 0o600); err != nil {
		t.Fatal(err)
	}
	n = startNode(t, Config{DataDir: dir})
	if tables, err := n.Tables(t.Context()); err != nil || len(tables) != 0 {
		t.Errorf("tables = %v, %v", tables, err)
	}
	if kept, _ := filepath.Glob(filepath.Join(dir, stateName+".bad-*")); len(kept) != 1 {
		t.Errorf("the unreadable state was not kept: %v", kept)
	}
}

// TestUnsavedChangeDoesNotHappen: what would be forgotten at the next start is refused.
func TestUnsavedChangeDoesNotHappen(t *testing.T) {
	n, port, c := startNode(t, Config{}), freePort(t), newClient(t, "")
	n.apply(tableOf(1, port, container("gateway", backend(t, says("old")), sha1)))
	state := filepath.Join(n.cfg.DataDir, stateName)
	n.router.mu.Lock()
	n.router.journal.Close() // it has to be written anew
	n.router.mu.Unlock()
	if err := errors.Join(os.Remove(state), os.MkdirAll(filepath.Join(state, "in-the-way"), 0o700)); err != nil { // it cannot be replaced
		t.Fatal(err)
	}
	other := freePort(t)
	wantCode(t, n.Apply(t.Context(), tableOf(2, other, container("gateway", backend(t, says("new")), sha2))), "state-not-saved")
	get(t, c, at(port, "/")).want(t, 200, "old")
	if _, err := tryAsk(c, "GET", at(other, "/"), nil); err == nil {
		t.Error("the new port was opened")
	}
}

func TestOneRouterPerDataDirectory(t *testing.T) {
	n := startNode(t, Config{})
	r, err := New(n.cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*tick)
	defer cancel()
	wantCode(t, r.Run(ctx), "router-running")
	if _, err := n.Health(t.Context()); err != nil {
		t.Errorf("the first router: %v", err)
	}
}

// occupy listens on a port like another program would.
func occupy(t *testing.T, address string, reuse bool) net.Listener {
	t.Helper()
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) {
			if reuse {
				unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
			}
		})
	}}
	config.SetMultipathTCP(false)
	ln, err := config.Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln
}

func TestPortHeld(t *testing.T) {
	n, c := startNode(t, Config{}), newClient(t, "")
	port := freePort(t)
	n.apply(tableOf(1, port, container("gateway", backend(t, says("old")), sha1)))
	for _, reuse := range []bool{false, true} {
		foreign := occupy(t, "127.0.0.1:0", reuse)
		_, held, _ := net.SplitHostPort(foreign.Addr().String())
		heldPort, _ := strconv.Atoi(held)
		moved := tableOf(2, heldPort, container("gateway", backend(t, says("new")), sha2))
		err := n.Apply(t.Context(), moved)
		wantCode(t, err, "port-held")
		if sdp.KindOf(err) != sdp.Conflict || !strings.Contains(err.Error(), held) {
			t.Errorf("error is %v", err)
		}
		get(t, c, at(port, "/")).want(t, 200, "old")
		other := moved
		other.Sandbox = "y"
		wantCode(t, n.Apply(t.Context(), other), "port-held")
		if tables, err := n.Tables(t.Context()); err != nil || len(tables) != 1 || tables[0].Version != 1 {
			t.Errorf("tables = %+v, %v: something has changed", tables, err)
		}
	}
	taken := tableOf(1, port, container("gateway", backend(t, says("other")), sha2))
	taken.Sandbox = "y"
	err := n.Apply(t.Context(), taken)
	wantCode(t, err, "port-held")
	if !strings.Contains(err.Error(), "sandbox x") {
		t.Errorf("error is %v, want the sandbox that has the port", err)
	}
}

// TestPortHeldAtStart: the others are served, the problem is reported, and ends when the port is free.
func TestPortHeldAtStart(t *testing.T) {
	dir, c := shortTempDir(t), newClient(t, "")
	n := startNode(t, Config{DataDir: dir})
	ports := map[string]int{"x": freePort(t), "y": freePort(t)}
	for name, port := range ports {
		table := tableOf(1, port, container("gateway", backend(t, says(name)), sha1))
		table.Sandbox = name
		n.apply(table)
	}
	n.stop()
	foreign := occupy(t, "127.0.0.1:"+strconv.Itoa(ports["x"]), false)
	n = startNode(t, Config{DataDir: dir})
	get(t, c, at(ports["y"], "/")).want(t, 200, "y")
	n.problemsAged()
	h, err := n.Health(t.Context())
	if err != nil || len(h.Problems) != 1 || !strings.Contains(h.Problems[0], strconv.Itoa(ports["x"])) {
		t.Errorf("problems = %q, %v", h.Problems, err)
	}
	foreign.Close()
	n.router.retry()
	if h, err := n.Health(t.Context()); err != nil || len(h.Problems) != 0 {
		t.Errorf("problems = %q, %v", h.Problems, err)
	}
	get(t, c, at(ports["x"], "/")).want(t, 200, "x")
}

// TestApplyEndsProblem: the reconciler sends the table again while the port that was held at the start is free.
func TestApplyEndsProblem(t *testing.T) {
	dir, port := shortTempDir(t), freePort(t)
	table := tableOf(1, port, container("gateway", backend(t, says("x")), sha1))
	n := startNode(t, Config{DataDir: dir})
	n.apply(table)
	n.stop()
	foreign := occupy(t, "127.0.0.1:"+strconv.Itoa(port), false)
	n = startNode(t, Config{DataDir: dir})
	table.Version = 2 // what changes does not wait for who holds the port
	n.apply(table)
	n.problemsAged()
	if h, err := n.Health(t.Context()); err != nil || !slices.Equal(h.Held, []string{table.Sandbox}) {
		t.Errorf("held are the ports of %q, %v", h.Held, err)
	}
	foreign.Close()
	n.apply(table)
	get(t, newClient(t, ""), at(port, "/")).want(t, 200, "x")
	n.router.mu.Lock()
	defer n.router.mu.Unlock()
	if len(n.router.problems) != 0 {
		t.Errorf("problems = %v", n.router.problems)
	}
}

// problemsAged makes what cannot be opened be so for long enough to be reported.
func (n *node) problemsAged() {
	n.router.mu.Lock()
	defer n.router.mu.Unlock()
	for key, p := range n.router.problems {
		p.since = p.since.Add(-problemAfter)
		n.router.problems[key] = p
	}
}

func TestMissingBridgeIsNoProblem(t *testing.T) {
	n := startNode(t, Config{})
	n.apply(tableOf(1, 0, container("account", backend(t, says("x")), sha1)))
	// 192.0.2.0/24 is for documentation (RFC 5737): no machine has it.
	if err := n.SetNetwork(t.Context(), "x", wire.Network{Gateway: "192.0.2.1", Subnet: "192.0.2.0/26"}); err != nil {
		t.Fatal(err)
	}
	n.stop()
	n = startNode(t, n.cfg)
	if networks, err := n.Networks(t.Context()); err != nil || networks["x"].Gateway != "192.0.2.1" {
		t.Errorf("networks = %v, %v", networks, err)
	}
	if !listen.Taken("192.0.2.1:8080", 0) {
		t.Error("the router does not listen on the address of a bridge to come")
	}
}

func TestBadInput(t *testing.T) {
	n := startNode(t, Config{})
	good := tableOf(1, 0, container("account", "127.0.0.1:1", sha1))
	bad := good
	bad.Sandbox = "../x"
	wantCode(t, n.Apply(t.Context(), bad), "bad-name")
	bad = good
	bad.PublicPort = 70000
	wantCode(t, n.Apply(t.Context(), bad), "bad-port")
	wantCode(t, n.SetNetwork(t.Context(), "x", wire.Network{Gateway: "10.0.0.1", Subnet: "10.1.0.0/26"}), "bad-network")
	wantCode(t, n.SetNetwork(t.Context(), "x", wire.Network{Gateway: "bridge", Subnet: ""}), "bad-network")
	for _, cfg := range []Config{{Node: "Bad Node", DataDir: "x"}, {Node: "n"}, {Node: "n", DataDir: "x", PublicAddr: "localhost"}} {
		if _, err := New(cfg); sdp.KindOf(err) != sdp.Invalid {
			t.Errorf("New(%+v) = %v", cfg, err)
		}
	}
	long := Config{Node: "n", DataDir: filepath.Join(shortTempDir(t), strings.Repeat("d", 120))}
	r, err := New(long)
	if err != nil {
		t.Fatal(err)
	}
	wantCode(t, r.Run(t.Context()), "control-socket")
}
