package demo

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"sdp/internal/sdp"
)

// startOCP runs the shared environment until the test ends and waits until it is healthy. stop ends it earlier.
func startOCP(t *testing.T, host string) (cfg OCPConfig, stop func()) {
	t.Helper()
	cfg = OCPConfig{ListenHost: host, BasePort: freePorts(t, 6), Clones: world.dir, Data: t.TempDir()}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- RunOCP(ctx, cfg) }()
	stopped := false
	stop = func() {
		if cancel(); !stopped {
			stopped = true
			if err := <-ended; err != nil {
				t.Errorf("RunOCP = %v", err)
			}
		}
	}
	t.Cleanup(stop)
	eventually(t, func() error {
		select {
		case err := <-ended:
			stopped = true
			t.Fatalf("RunOCP = %v", err)
		default:
		}
		return probe(t.Context(), cfg.URL(""))
	})
	return cfg, stop
}

// childrenIn lists the processes started from a data directory: the services of a shared environment.
func childrenIn(t *testing.T, data string) []int {
	t.Helper()
	var found []int
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range lines {
		line, _ := os.ReadFile(file) // it may be gone by now
		if strings.Contains(string(line), data) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			found = append(found, pid)
		}
	}
	return found
}

func TestOCPServesMain(t *testing.T) {
	cfg, stop := startOCP(t, "127.0.0.1")
	for _, service := range OCPServices() {
		sha := "unknown"
		if service != "notification" {
			var err error
			if sha, err = runGit(t.Context(), clonePath(t, service), "rev-parse", "origin/main"); err != nil {
				t.Fatal(err)
			}
		}
		status, headers, answer := get(t, cfg.URL(service)+"/")
		if status != 200 || headers.Get("X-Served-By") != "ocp" || answer["environment"] != "ocp" ||
			answer["service"] != service || answer["commit"] != sha || answer["feature"] != "main" {
			t.Errorf("%s: %d %v %v", service, status, headers, answer)
		}
	}
	status, _, answer := get(t, cfg.URL("account")+"/summary")
	if status != 200 || !strings.Contains(fmt.Sprint(answer["user"]), "Ada Lovelace") {
		t.Errorf("summary = %d %v", status, answer)
	}

	stop()
	if left := childrenIn(t, cfg.Data); len(left) > 0 {
		t.Errorf("processes left: %v", left)
	}
}

func TestOCPStartsAgainWhatExits(t *testing.T) {
	cfg, _ := startOCP(t, "127.0.0.1")
	before := childrenIn(t, filepath.Join(cfg.Data, "bin", "payment"))
	if len(before) != 1 {
		t.Fatalf("payment runs as %v", before)
	}
	if err := syscall.Kill(before[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		now := childrenIn(t, filepath.Join(cfg.Data, "bin", "payment"))
		if len(now) != 1 || now[0] == before[0] {
			return fmt.Errorf("payment runs as %v", now)
		}
		return probe(t.Context(), cfg.URL(""))
	})
}

func TestOCPLeavesNothingWhenKilled(t *testing.T) {
	cfg := OCPConfig{ListenHost: "127.0.0.1", BasePort: freePorts(t, 6), Clones: world.dir, Data: t.TempDir()}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d|%s|%s", ocpOfTest, cfg.BasePort, cfg.Clones, cfg.Data))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	eventually(t, func() error { return probe(t.Context(), cfg.URL("")) })
	if n := len(childrenIn(t, cfg.Data)); n < 4 {
		t.Fatalf("there are %d children", n)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	eventually(t, func() error {
		if left := childrenIn(t, cfg.Data); len(left) > 0 {
			return fmt.Errorf("processes left: %v", left)
		}
		return nil
	})
}

func TestOCPSaysWhichPortIsHeld(t *testing.T) {
	for _, service := range []string{"", "account", "notification", "gateway"} {
		cfg := OCPConfig{ListenHost: "127.0.0.1", BasePort: freePorts(t, 6), Clones: world.dir, Data: t.TempDir()}
		l, err := net.Listen("tcp", cfg.address(service))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		err = RunOCP(ctx, cfg)
		cancel()
		l.Close()
		if err == nil || sdp.AsError(err).Code != "port-held" || !strings.Contains(err.Error(), cfg.address(service)) {
			t.Errorf("%q: error = %v", service, err)
		}
		if left := childrenIn(t, cfg.Data); len(left) > 0 {
			t.Errorf("processes left: %v", left)
		}
	}
}

func TestOCPNeedsClones(t *testing.T) {
	cfg := OCPConfig{ListenHost: "127.0.0.1", BasePort: freePorts(t, 6), Clones: t.TempDir(), Data: t.TempDir()}
	err := RunOCP(t.Context(), cfg)
	if err == nil || sdp.AsError(err).Code != "no-clone" {
		t.Errorf("error = %v", err)
	}
}

func TestOCPReportsWhatIsDown(t *testing.T) {
	cfg := OCPConfig{ListenHost: "127.0.0.1", BasePort: freePorts(t, 6)}
	server := &http.Server{Addr: cfg.address(""), Handler: cfg.control()}
	go server.ListenAndServe()
	defer server.Close()
	eventually(t, func() error {
		err := probe(t.Context(), cfg.URL(""))
		if err == nil || !strings.Contains(err.Error(), "503") {
			return fmt.Errorf("healthz: %w", err)
		}
		return nil
	})
}
