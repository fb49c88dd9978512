package e2e

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sdp/internal/logs"
	"sdp/internal/sdp"
)

// These tests kill processes of the stack, so none of them is parallel; Go runs them before the parallel ones go on.

// killOne kills the only process of the stack whose command line contains words, with SIGKILL.
func killOne(t *testing.T, words ...string) {
	t.Helper()
	stack.kill(t, words...)
}

func (i *installation) kill(t *testing.T, words ...string) {
	t.Helper()
	if _, err := i.killAll(words...); err != nil {
		t.Fatal(err)
	}
}

// killAll waits for processes whose command line contains words, since one may be about to be started again, and kills them.
func (i *installation) killAll(words ...string) (pids []int, err error) {
	err = until(time.Minute, func() error {
		if pids = i.pids(words...); len(pids) == 0 {
			return errorf("no process %q", words)
		}
		return nil
	})
	for _, pid := range pids {
		err = errors.Join(err, syscall.Kill(pid, syscall.SIGKILL))
	}
	return pids, err
}

// slowBranch pushes a branch of account whose build takes a while: many generated functions.
func slowBranch(t *testing.T) string {
	t.Helper()
	branch := "feature/slow-" + strings.ToLower(sdp.NewID(""))
	dir := filepath.Join(t.TempDir(), "account")
	remote := strings.Replace(stack.git, "http://", "http://alice:alice-demo@", 1) + "/scm/demo/account.git"
	command(t, "", "git", "clone", "-q", remote, dir)
	if err := os.WriteFile(filepath.Join(dir, "cmd", "account", "slow.go"), []byte(slowSource(branch)), 0o600); err != nil {
		t.Fatal(err)
	}
	command(t, dir, "git", "add", ".")
	command(t, dir, "git", "-c", "user.name=Eve", "-c", "user.email=eve@example.com", "commit", "-q", "-m", "Take long to build")
	command(t, dir, "git", "push", "-q", "origin", "HEAD:refs/heads/"+branch)
	return branch
}

// slowSource is Go code that takes the compiler many seconds. The seed keeps the build cache out of it.
func slowSource(seed string) string {
	var b strings.Builder
	b.WriteString("package main\n\nvar slowSeed = \"" + seed + "\"\n\n")
	for i := range 3500 {
		n := strconv.Itoa(i)
		b.WriteString("func slow" + n + "(m map[string]int, s []string) int {\n\tfor i, x := range s { m[x+slowSeed] += i*" + n +
			"; if m[x] > " + n + " { delete(m, x) } else { s = append(s, x+slowSeed) } }\n\treturn len(m)\n}\n\n")
	}
	b.WriteString("var slowTable = []func(map[string]int, []string) int{")
	for i := range 3500 {
		b.WriteString("slow" + strconv.Itoa(i) + ", ")
	}
	b.WriteString("}\n\nfunc init() { if len(slowTable) == 0 { panic(slowSeed) } }\n")
	return b.String()
}

func TestKilledWorkerMidBuild(t *testing.T) {
	box := newSandbox(t, "services:\n  account: {branch: main}\n")
	d := deployInBackground(t, box.Name, "account@"+slowBranch(t))
	waitState(t, box.Name, d.ID, time.Minute, sdp.Building)
	killOne(t, "worker", "micro-1")
	d = waitState(t, box.Name, d.ID, 4*time.Minute, sdp.Running)
	eventually(t, time.Minute, oneContainer(t, box.Name))
	wantAnswer(t, box.URL+"/account/version", 200, "account=sandbox@"+sdp.ShortSHA(d.SHA))
	noCheckouts(t)
}

func TestCancelMidBuildKillsTheCompiler(t *testing.T) {
	box := newSandbox(t, "")
	d := deployInBackground(t, box.Name, "account@"+slowBranch(t))
	waitState(t, box.Name, d.ID, time.Minute, sdp.Building)
	compiling := func() error {
		out, _ := exec.Command("pgrep", "-f", d.ID).Output() // exits with 1 when there is none
		if len(strings.TrimSpace(string(out))) == 0 && len(goBuilds(t, d.ID)) == 0 {
			return errorf("no compiler runs for %s", d.ID)
		}
		return nil
	}
	eventually(t, 30*time.Second, compiling)
	sdpOK(t, "cancel", d.ID, "--wait")
	if left := goBuilds(t, d.ID); len(left) > 0 {
		t.Errorf("shown as cancelled while processes of the build live: %v", left)
	}
	if got := deployment(t, box.Name, d.ID); got.State != sdp.DeployCancelled {
		t.Errorf("the deployment is %s", got.State)
	}
	noCheckouts(t)
}

// goBuilds returns the processes whose working directory is the deployment's checkout.
func goBuilds(t *testing.T, id string) []string {
	t.Helper()
	var out []string
	links, err := filepath.Glob("/proc/[0-9]*/cwd")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if dir, err := os.Readlink(link); err == nil && strings.Contains(dir, id) {
			out = append(out, filepath.Base(filepath.Dir(link)))
		}
	}
	return out
}

func TestKilledServerMidStream(t *testing.T) {
	box := newSandbox(t, "")
	d := deployInBackground(t, box.Name, "account@"+slowBranch(t))
	follow := make(chan string, 1)
	go func() {
		out, _ := stack.cli("", "logs", d.ID, "-f")
		follow <- out
	}()
	events := followEvents(t, d.ID)
	waitState(t, box.Name, d.ID, time.Minute, sdp.Building)
	killOne(t, "sdp server")
	eventually(t, time.Minute, stack.ready)
	waitState(t, box.Name, d.ID, 4*time.Minute, sdp.Running)
	eventually(t, 20*time.Second, func() error {
		if whole := sdpOK(t, "events", "--deployment", d.ID, "-o", "json"); !strings.Contains(whole, "DEPLOY_COMPLETED") || events.String() != whole {
			return errorf("what was followed differs from the events:\n%s\n--- events:\n%s", events, whole)
		}
		return nil
	})
	followed := <-follow
	if whole := sdpOK(t, "logs", d.ID); followed != whole {
		t.Errorf("what was followed differs from the log:\n%s\n--- log:\n%s", followed, whole)
	}
	if n := strings.Count(followed, "is healthy at"); n != 1 {
		t.Errorf("the log has the line about the healthy container %d times", n)
	}
}

// followEvents follows a deployment's events, from its first on, until the test ends.
func followEvents(t *testing.T, deployment string) *logs.Buffer {
	t.Helper()
	events := &logs.Buffer{}
	cmd := stack.command("events", "-f", "--after", "0", "--deployment", deployment, "-o", "json")
	cmd.Stdout = events
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(cmd.Process.Signal(os.Interrupt), cmd.Wait()); err != nil {
			t.Errorf("following events ended with %v", err)
		}
	})
	return events
}

func TestKilledRouterComesBackWithItsTable(t *testing.T) {
	box := newSandbox(t, "services:\n  account: {branch: main}\n")
	before := wantAnswer(t, box.URL+"/account/version", 200, "account=sandbox@")
	for _, node := range []string{"micro-1", "gateway-1"} {
		killOne(t, "router", node)
	}
	eventually(t, 20*time.Second, func() error {
		a, err := get(box.URL + "/account/version")
		if err == nil && (a.status != 200 || a.header.Get("X-SDP-Route") != before.header.Get("X-SDP-Route")) {
			return errorf("answers %d by %q", a.status, a.header.Get("X-SDP-Route"))
		}
		return err
	})
}

func TestSandboxServesWhileTheControlPlaneIsDead(t *testing.T) {
	box := newSandbox(t, "services:\n  account: {branch: main}\n")
	serving := keepAsking(t, box.URL+"/account/version")
	killOne(t, "sdp server")
	killOne(t, "worker", "micro-1")
	killOne(t, "worker", "gateway-1")
	killOne(t, "temporald")
	eventually(t, 2*time.Minute, stack.ready)
	serving()
}

// keepAsking sends requests to each URL, fifty a second, until the returned function is called, which wants all to have been
// answered with 200.
func keepAsking(t *testing.T, urls ...string) (served func()) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for _, url := range urls {
		group.Go(func() {
			asked, failed := 0, 0
			tick := time.NewTicker(20 * time.Millisecond)
			defer tick.Stop()
			for ; ctx.Err() == nil; <-tick.C {
				asked++
				if a, err := get(url); err != nil || a.status != 200 {
					failed++
				}
			}
			if failed > 0 || asked == 0 {
				t.Errorf("%d of %d requests to %s failed", failed, asked, url)
			}
		})
	}
	served = func() { stop(); group.Wait() }
	t.Cleanup(served)
	return served
}

func TestTemporalAndPostgresRestartMidDeploy(t *testing.T) {
	for _, process := range []string{"temporald", "postgres"} {
		t.Run(process, func(t *testing.T) {
			box := newSandbox(t, "")
			d := deployInBackground(t, box.Name, "account@"+slowBranch(t))
			waitState(t, box.Name, d.ID, time.Minute, sdp.Building)
			if process == "postgres" {
				killOne(t, "postgres", "-D") // the postmaster: its children end with it
			} else {
				killOne(t, process)
			}
			eventually(t, 2*time.Minute, stack.ready)
			eventually(t, 4*time.Minute, func() error {
				out, err := stack.cli("", "sandbox", "list")
				if err != nil {
					return errorf("%v: %s", err, out)
				}
				return nil
			})
			d = waitState(t, box.Name, d.ID, 5*time.Minute, sdp.Running, sdp.DeployFailed)
			t.Logf("ended %s %+v", d.State, d.Failure)
			if d.State == sdp.DeployFailed {
				if left := containers(t, box.Name); len(left) > 0 {
					t.Errorf("the failed deployment left %q", left)
				}
				return
			}
			eventually(t, time.Minute, oneContainer(t, box.Name))
		})
	}
}

func TestNodeWithoutWorkerFailsClearly(t *testing.T) {
	box := newSandbox(t, "")
	config := filepath.Join(stack.data, "config", "micro-1.yaml")
	good, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	restore := func() {
		if err := os.WriteFile(config, good, 0o600); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(func() {
		eventually(t, time.Minute, func() error {
			if out := sdpOK(t, "nodes"); strings.Contains(out, "no worker") {
				return errorf("micro-1 has not come back:\n%s", out)
			}
			return nil
		})
	})
	t.Cleanup(restore)
	if err := os.WriteFile(config, append(good, []byte("\nnosuchkey: 1\n")...), 0o600); err != nil {
		t.Fatal(err)
	}
	killOne(t, "worker", "micro-1")
	eventually(t, time.Minute, func() error {
		out, err := stack.cli("", "deploy", box.Name, "account@main", "--wait")
		if err == nil || !strings.Contains(out, "micro-1: no worker since") {
			return errorf("ended with %v:\n%s", err, out)
		}
		return nil
	})
}

// Everything is killed at once, as by a power cut; the next start finds everything as it was.
func TestUpAfterAPowerCut(t *testing.T) {
	box := newSandbox(t, fromBranch)
	before := serviceOf(t, sandbox(t, box.Name), "account").Serving
	if err := stack.stop(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for _, pid := range stack.pids("sdp") {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	if err := stack.start(); err != nil {
		t.Fatal(err)
	}
	after := serviceOf(t, sandbox(t, box.Name), "account").Serving
	if after == nil || after.Deployment != before.Deployment {
		t.Errorf("before %+v, after %+v", before, after)
	}
	eventually(t, time.Minute, func() error {
		a, err := get(box.URL + "/account/version")
		if err == nil && a.status != 200 {
			err = errorf("answers %d: %s", a.status, a.body)
		}
		return err
	})
}

func TestUpAfterCtrlC(t *testing.T) {
	box := newSandbox(t, "services:\n  account: {branch: main}\n")
	if err := stack.stop(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if left := stack.pids("sdp"); len(left) > 0 {
		t.Errorf("Ctrl-C left processes %v", left)
	}
	running := command(t, "", "docker", "ps", "-q", "--filter", "label="+sdp.LabelSandbox+"="+box.Name)
	if strings.TrimSpace(running) != "" {
		t.Errorf("Ctrl-C left a container running")
	}
	if err := stack.start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, func() error {
		a, err := get(box.URL + "/account/version")
		if err == nil && a.status != 200 {
			err = errorf("answers %d: %s", a.status, a.body)
		}
		return err
	})
}
