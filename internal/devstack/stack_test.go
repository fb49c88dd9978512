package devstack

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"sdp/internal/sdp"
)

func TestStackFromNothingAndAgain(t *testing.T) {
	cfg := fakeConfig(dataDir(t), temporald(t))
	stopped := 0
	cfg.StopContainers = func(context.Context, Stack) error { stopped++; return nil }
	var stack Stack
	cfg.Ready = func(_ context.Context, s Stack, _ Progress) error { stack = s; return nil }

	began := time.Now()
	first := up(t, cfg)
	first.await("everything runs")
	t.Logf("first start: %s", time.Since(began))

	t.Run("second one is refused", func(t *testing.T) {
		err := Run(t.Context(), cfg, newRecorder(t))
		if sdp.KindOf(err) != sdp.Conflict || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
			t.Fatalf("got %v", err)
		}
	})
	t.Run("secrets are readable by the owner only", func(t *testing.T) { checkModes(t, stack) })
	t.Run("PostgreSQL refuses a wrong password", func(t *testing.T) { checkPasswords(t, stack) })
	appendTo(t, stack.Config[MicroNode], "# a remark\n")
	began = time.Now()
	if err := first.down(); err != nil {
		t.Fatal(err)
	}
	t.Logf("stop: %s", time.Since(began))
	if stopped != 1 {
		t.Errorf("containers were stopped %d times", stopped)
	}

	before := readState(t, cfg.Data)
	began = time.Now()
	second := up(t, cfg)
	second.await("everything runs")
	t.Logf("second start: %s", time.Since(began))
	if after := readState(t, cfg.Data); after != before {
		t.Errorf("the state changed from %s to %s", before, after)
	}
	if raw, _ := os.ReadFile(stack.Config[MicroNode]); !strings.Contains(string(raw), "# a remark") {
		t.Error("what was written into the configuration file is gone")
	}
	t.Run("Down stops and removes everything", func(t *testing.T) { checkDown(t, cfg, second) })
}

func checkModes(t *testing.T, s Stack) {
	for _, path := range []string{s.passwordFile(roleSDP), s.passwordFile(roleTemporal), s.TokenFile(MicroNode)} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o", path, info.Mode().Perm())
		}
	}
}

func checkPasswords(t *testing.T, s Stack) {
	raw, err := os.ReadFile(s.passwordFile(roleSDP))
	if err != nil {
		t.Fatal(err)
	}
	st, err := loadState(s.path("state.json"))
	if err != nil {
		t.Fatal(err)
	}
	for password, accepted := range map[string]bool{strings.TrimSpace(string(raw)): true, "wrong": false} {
		port := strconv.Itoa(st.Ports[portPostgres])
		cmd := exec.Command("psql", "-h", "127.0.0.1", "-p", port, "-U", roleSDP, "-Atc", "SELECT 1", roleSDP)
		cmd.Env = append(os.Environ(), "PGPASSWORD="+password)
		if out, err := cmd.CombinedOutput(); (err == nil) != accepted {
			t.Errorf("accepted %t: %v %s", accepted, err, out)
		}
	}
}

// checkDown plays `sdp down` beside a running `sdp up`, which here is the same process: the signal is sent to it.
func checkDown(t *testing.T, cfg Config, running *run) {
	signals := make(chan os.Signal, 1)
	notify(t, signals)
	go func() {
		<-signals
		running.stop()
	}()
	removed := ""
	cfg.RemoveContainers = func(_ context.Context, s Stack) error { removed = s.Instance; return nil }
	if err := Down(t.Context(), cfg, running); err != nil {
		t.Fatal(err)
	}
	if removed != instanceName(cfg.Data) {
		t.Errorf("containers of instance %q were removed", removed)
	}
	if _, err := os.Stat(cfg.Data); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the data directory is still there: %v", err)
	}
	if err := Down(t.Context(), cfg, running); err != nil {
		t.Errorf("a second time: %v", err)
	}
}

// TestNothingOutlivesKill runs a stack in a process of its own and kills that.
func TestNothingOutlivesKill(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	data := dataDir(t)
	for round := range 2 {
		parent := exec.Command(self, "up", data, "--temporald", temporald(t))
		out, err := parent.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		parent.Stderr = os.Stderr
		if err := parent.Start(); err != nil {
			t.Fatal(err)
		}
		readUntil(t, out, "demo shared environment  ")
		children := childrenOf(t, parent.Process.Pid)
		if len(children) != 9 {
			t.Errorf("round %d: %d children, want 9", round, len(children))
		}
		began := time.Now()
		_ = parent.Process.Kill()
		_ = parent.Wait()
		await(t, func(context.Context) error {
			for _, pid := range children {
				if alive(pid) {
					return errors.New("process " + strconv.Itoa(pid) + " still runs")
				}
			}
			return nil
		})
		t.Logf("all children were gone %s after the kill", time.Since(began))
	}
	if err := Down(t.Context(), fakeConfig(data, ""), newRecorder(t)); err != nil {
		t.Fatal(err)
	}
}

func TestTwoStacksSideBySide(t *testing.T) {
	a, b := fakeConfig(dataDir(t), temporald(t)), fakeConfig(dataDir(t), temporald(t))
	ra, rb := up(t, a), up(t, b)
	ra.await("everything runs")
	rb.await("everything runs")
	sa, _ := loadState(filepath.Join(a.Data, "state.json"))
	sb, _ := loadState(filepath.Join(b.Data, "state.json"))
	if sa.Instance == sb.Instance {
		t.Error("both have the same instance name")
	}
	for name, port := range sa.Ports {
		if sb.Ports[name] == port {
			t.Errorf("both have port %d for %s", port, name)
		}
	}
}

func TestTakenPortIsExchangedOnlyIfWeChoseIt(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	st := state{Ports: map[string]int{portTemporal: port}}
	told := ""
	if err := st.choose(t.Context(), Config{}, "data-test", func(s string) { told = s }); err != nil {
		t.Fatal(err)
	}
	if st.Ports[portTemporal] == port || !strings.Contains(told, strconv.Itoa(port)) {
		t.Errorf("port %d, told %q", st.Ports[portTemporal], told)
	}
	err = st.choose(t.Context(), Config{Listen: l.Addr().String()}, "data-test", func(string) {})
	if sdp.KindOf(err) != sdp.Conflict {
		t.Errorf("a taken --listen address: %v", err)
	}
}

func TestDataOutOfReachOfPostgres(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("as this user PostgreSQL runs as the same one; nothing to check")
		return
	}
	closed := filepath.Join(filepath.Dir(dataDir(t)), "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	err := Run(t.Context(), fakeConfig(filepath.Join(closed, "data"), temporald(t)), newRecorder(t))
	if err == nil || !strings.Contains(err.Error(), "cannot enter "+closed) || !strings.Contains(err.Error(), "chmod o+x") {
		t.Fatalf("got %v", err)
	}
}

func TestNetworkPoolsAndPortsOfNodesAndInstancesDiffer(t *testing.T) {
	first, second := networkPool("default", 0), networkPool("default", 1)
	if first.String() != "10.213.0.0/21" || second.String() != "10.213.8.0/21" {
		t.Error(first, second)
	}
	if p := publicPorts("default"); p != "8080-8119" {
		t.Error(p)
	}
	for _, instance := range []string{"data-1", "data-2", "user-1000"} {
		if p := networkPool(instance, 0); p.Overlaps(first) || p.Overlaps(second) {
			t.Errorf("%s has a pool of the default instance", instance)
		}
		if err := sdp.CheckNodeName(instance); err != nil {
			t.Error(err)
		}
	}
	if err := sdp.CheckNodeName(instanceName("/tmp/x")); err != nil {
		t.Error(err)
	}
}
