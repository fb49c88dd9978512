package devstack

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sdp/internal/devstack/supervise"
)

// temporald returns the program the tests run; SDP_TEMPORALD overrides where it is.
func temporald(t *testing.T) string {
	t.Helper()
	path := os.Getenv("SDP_TEMPORALD")
	if path == "" {
		path, _ = filepath.Abs("../../bin/temporald")
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v; build it with `make build`", err)
	}
	return path
}

// dataDir is a directory user postgres can enter, unlike t.TempDir().
func dataDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sdp-test-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "data")
}

// run is one run of a stack in a test.
type run struct {
	*recorder
	stop func()
	done chan error
}

func up(t *testing.T, cfg Config) *run {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &run{recorder: newRecorder(t), stop: cancel, done: make(chan error, 1)}
	ready := cfg.Ready
	cfg.Ready = func(ctx context.Context, s Stack, p Progress) error {
		if ready != nil {
			if err := ready(ctx, s, p); err != nil {
				return err
			}
		}
		p.Event("everything runs")
		return nil
	}
	go func() {
		err := Run(ctx, cfg, r)
		r.done <- err
		if err != nil {
			r.Event("Run returned: " + err.Error())
		}
	}()
	t.Cleanup(func() { r.down() })
	return r
}

func (r *run) down() error {
	r.stop()
	err := <-r.done
	r.done <- err
	return err
}

// testSupervisor runs what is tested beside a stack; it stops that at the end of the test.
func testSupervisor(t *testing.T) *supervise.Supervisor {
	t.Helper()
	sup := supervise.New(t.TempDir(), func(text string) { t.Log(text) })
	t.Cleanup(func() { sup.Stop(nil) })
	return sup
}

func readState(t *testing.T, data string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(data, "state.json"))
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(raw) {
		t.Fatalf("state.json is no JSON: %s", raw)
	}
	return string(raw)
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(raw, text...), 0o644); err != nil {
		t.Fatal(err)
	}
}

// await polls check until it returns nil; it fails the test after a minute.
func await(t *testing.T, check func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatal(err)
		case <-tick.C:
		}
	}
}

// childrenOf returns the children of a process and of those, PostgreSQL's backends left out.
func childrenOf(t *testing.T, pid int) []int {
	t.Helper()
	out, err := exec.Command("ps", "-o", "pid=", "--ppid", strconv.Itoa(pid)).Output()
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, field := range strings.Fields(string(out)) {
		n, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, n)
	}
	return pids
}

func childOf(t *testing.T, parent int, program string) int {
	t.Helper()
	pids := childrenOf(t, parent)
	i := slices.IndexFunc(pids, func(pid int) bool {
		exe, _ := os.Readlink("/proc/" + strconv.Itoa(pid) + "/exe")
		return filepath.Base(exe) == program
	})
	if i < 0 {
		t.Fatalf("%s is no child of %d", program, parent)
	}
	return pids[i]
}

// alive reports whether a process exists and is no zombie: without an init that reaps, dead orphans stay as such.
func alive(pid int) bool {
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(raw), ") ")
	return !strings.HasPrefix(rest, "Z")
}
