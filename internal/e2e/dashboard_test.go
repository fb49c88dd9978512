package e2e

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sdp/internal/logs"
)

// TestDashboard runs the browser tests of web/e2e, each of which shows as a subtest. They are TypeScript, run by Node in
// one process, with Debian's Chromium; what they cannot do in a browser they ask of a control server. SDP_BROWSER_ONLY is
// a pattern for the names of those to run.
func TestDashboard(t *testing.T) {
	web := dashboardSources(t)
	pictures, err := os.MkdirTemp("", "sdp-browser-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keepPictures(t, pictures) })
	c := newControl(t)
	t.Cleanup(c.deleteSandboxes)

	results, report, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer results.Close()
	args := []string{"--import", "tsx", "--test-reporter=./e2e/harness/reporter.mjs", "--test-reporter-destination=/dev/fd/3"}
	if only := os.Getenv("SDP_BROWSER_ONLY"); only != "" {
		args = append(args, "--test-name-pattern="+only)
	}
	screen := &logs.Buffer{}
	node := c.node(t, web, append(args, "e2e/all.ts")...)
	node.Stdout, node.Stderr, node.ExtraFiles = screen, screen, []*os.File{report}
	node.Env = append(node.Env, "SDP_PICTURES="+pictures)
	if err := errors.Join(node.Start(), report.Close()); err != nil {
		t.Fatal(err)
	}
	ran := 0
	lines := bufio.NewScanner(results)
	lines.Buffer(nil, 4<<20)
	for ; lines.Scan(); ran++ {
		showResult(t, lines.Bytes())
	}
	if err := node.Wait(); (err != nil && !t.Failed()) || ran == 0 {
		t.Errorf("node ended with %v after %d tests", err, ran)
	}
	if t.Failed() {
		t.Logf("what the browser tests printed:\n%s", screen)
	}
}

// TestPictures takes the README's pictures into the directory SDP_PICTURES_TO names: `make screenshots`. It is no test of
// anything, and runs only when asked for.
func TestPictures(t *testing.T) {
	to := os.Getenv("SDP_PICTURES_TO")
	if to == "" {
		t.Skip("SDP_PICTURES_TO names no directory for the pictures")
	}
	web := dashboardSources(t)
	out, err := newControl(t).node(t, web, "--import", "tsx", "e2e/screenshots.ts").CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
}

// node is Node.js in the dashboard's directory, told where the installation and its control are.
func (c *control) node(t *testing.T, web string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), "node", args...)
	cmd.Dir = web
	cmd.Env = append(os.Environ(), "SDP_URL="+stack.url, "SDP_USER=alice", "SDP_PASSWORD=alice-demo", "SDP_CONTROL="+c.url,
		"SDP_GATE="+c.gate.url, "SDP_PREFIX="+c.prefix)
	return cmd
}

// showResult turns one test of the browser's into a subtest.
func showResult(t *testing.T, line []byte) {
	t.Helper()
	var r struct {
		Name    string
		Millis  float64
		Error   string
		Skipped bool
	}
	if err := json.Unmarshal(line, &r); err != nil {
		t.Fatalf("the browser tests report %q: %v", line, err)
	}
	t.Run(r.Name, func(t *testing.T) {
		t.Logf("%s in the browser", (time.Duration(r.Millis) * time.Millisecond).Round(10*time.Millisecond))
		if r.Skipped {
			t.Skip("does not match SDP_BROWSER_ONLY, or is marked so")
		}
		if r.Error != "" {
			t.Error(r.Error)
		}
	})
}

// dashboardSources is the directory of the dashboard, which must be built into the installation that runs.
func dashboardSources(t *testing.T) string {
	t.Helper()
	web, err := filepath.Abs("../../web")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(web, "node_modules", "tsx")); err != nil {
		t.Fatal("the dashboard's packages are not there: run `make web`")
	}
	if a, err := get(stack.url + "/"); err != nil || strings.Contains(a.body, "built without the dashboard") {
		t.Fatalf("the installation has no dashboard: run `make build` (%v)", err)
	}
	return web
}

// keepPictures leaves what failures looked like, and says where.
func keepPictures(t *testing.T, dir string) {
	if t.Failed() {
		t.Logf("pictures of the failures, with the pages' HTML: %s", dir)
		return
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Error(err)
	}
}

// deleteSandboxes deletes those the browser made, all at once.
func (c *control) deleteSandboxes() {
	var group sync.WaitGroup
	for _, box := range sdpJSON[[]struct{ Name string }](c.t, "sandbox", "list") {
		if strings.HasPrefix(box.Name, c.prefix) {
			group.Go(func() {
				if out, err := stack.cli("", "sandbox", "delete", box.Name, "--wait"); err != nil {
					c.t.Errorf("deleting sandbox %s: %v\n%s", box.Name, err, out)
				}
			})
		}
	}
	group.Wait()
}
