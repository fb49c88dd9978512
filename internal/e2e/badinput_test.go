package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sdp/api/rest"
	"sdp/internal/sdp"
)

func errorf(format string, args ...any) error { return fmt.Errorf(format, args...) }

// A deployment of a branch that cannot work fails with the reason, and what served before still serves.
func TestFailedDeploymentLeavesTheOldServing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		branch, step, code, output string
	}{
		{"feature/broken-build", "build", "compile-error", ".go:"},
		{"feature/crash-at-start", "start", "container-exited", ""},
	} {
		t.Run(c.code, func(t *testing.T) {
			t.Parallel()
			box := newSandbox(t, "services:\n  account: {branch: main}\n")
			before := serviceOf(t, box, "account").Serving.SHA
			out := sdpFails(t, 1, []string{"failed at " + c.step, c.output}, "deploy", box.Name, "account@"+c.branch, "--wait")
			t.Logf("what the user sees:\n%s", out)
			d := history(t, box.Name)[0]
			if d.State != sdp.DeployFailed || d.Failure == nil || string(d.Failure.Step) != c.step || d.Failure.Code != c.code {
				t.Fatalf("deployment %s is %s, failure %+v", d.ID, d.State, d.Failure)
			}
			if d.Failure.Remedy == "" || d.Failure.Output == "" {
				t.Errorf("the failure has no remedy or no output: %+v", d.Failure)
			}
			a := wantAnswer(t, box.URL+"/account/version", 200, "account=sandbox@"+sdp.ShortSHA(before))
			t.Logf("still served: %s", a.body)
			if left := containers(t, box.Name); len(left) != 1 {
				t.Errorf("containers after the failure: %q", left)
			}
			noCheckouts(t)
		})
	}
}

func noCheckouts(t *testing.T) {
	t.Helper()
	stack.noCheckouts(t)
}

func TestCancelIsHonest(t *testing.T) {
	t.Parallel()
	box := newSandbox(t, "")
	d := deployInBackground(t, box.Name, "account@feature/never-healthy")
	waitState(t, box.Name, d.ID, time.Minute, sdp.StartingContainer)
	sdpOK(t, "cancel", d.ID, "--wait")
	if got := deployment(t, box.Name, d.ID); got.State != sdp.DeployCancelled {
		t.Errorf("after the cancel the deployment is %s", got.State)
	}
	if left := containers(t, box.Name); len(left) > 0 {
		t.Errorf("shown as cancelled while containers are left: %q", left)
	}
}

func TestRefusedRequestsSayWhatToDo(t *testing.T) {
	t.Parallel()
	box := newSandbox(t, "")
	long := strings.Repeat("a", 31)
	for _, c := range []struct {
		name string
		code int
		want []string
		args []string
	}{
		{"unknown service", 1, []string{"no-such-service", "sdp repos"}, []string{"deploy", box.Name, "no-such-service@main", "--wait"}},
		{"unknown branch", 1, []string{"feature/no-such", "sdp branches"}, []string{"deploy", box.Name, "account@feature/no-such", "--wait"}},
		{"near branch", 1, []string{"feature/loyalty-points"}, []string{"deploy", box.Name, "account@feature/loyalty-point", "--wait"}},
		{"bad branch", 2, []string{"valid branch"}, []string{"deploy", box.Name, "account@a..b"}},
		{"unknown sandbox", 1, []string{"no-such-box"}, []string{"deploy", "no-such-box", "account@main"}},
		{"taken name", 1, []string{box.Name}, []string{"sandbox", "create", box.Name}},
		{"long name", 2, []string{"30"}, []string{"sandbox", "create", long}},
		{"path as name", 2, []string{"lower-case"}, []string{"sandbox", "create", "../etc"}},
		{"shell as name", 2, []string{"lower-case"}, []string{"sandbox", "create", "a;reboot"}},
		{"unknown deployment", 1, []string{"dnosuchthing"}, []string{"cancel", "dnosuchthing"}},
		{"bad route", 2, []string{"http"}, []string{"route", box.Name, "account", "ftp://x"}},
		{"bad verb", 2, nil, []string{"no-such-verb"}},
		{"bad flag", 2, nil, []string{"deploy", "--no-such-flag"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Logf("what the user sees:\n%s", sdpFails(t, c.code, c.want, c.args...))
		})
	}
	if left := containers(t, box.Name); len(left) > 0 {
		t.Errorf("refused requests left containers %q", left)
	}
}

func TestUnknownKeysAreNamed(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "sandbox.yaml")
	if err := os.WriteFile(file, []byte("sandbox: typo\nservices:\n  account: {brunch: main}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := stack.cli("", "sandbox", "create", "typo", "-f", file)
	if err == nil || !strings.Contains(out, "sandbox.yaml:3") || !strings.Contains(out, "brunch") || !strings.Contains(out, "branch") {
		t.Errorf("ended with %v:\n%s", err, out)
	}
}

func TestWrongPasswordIsToldApart(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(stack.binary, "login", "--server", stack.url, "-u", "bob", "--password-stdin")
	cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+t.TempDir())
	cmd.Stdin = strings.NewReader("not-bobs-password\n")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "password") || strings.Contains(string(out), "not-bobs-password") {
		t.Errorf("ended with %v:\n%s", err, out)
	}
}

func TestSecondUpOnTheSameDataIsRefused(t *testing.T) {
	t.Parallel()
	out, err := exec.Command(stack.binary, "up", "--data", stack.data).CombinedOutput()
	if err == nil || !strings.Contains(string(out), stack.data) || !strings.Contains(string(out), fmt.Sprint(stack.up.Process.Pid)) {
		t.Errorf("ended with %v:\n%s", err, out)
	}
}

func TestVanishedBranch(t *testing.T) {
	t.Parallel()
	box := newSandbox(t, "")
	dir := filepath.Join(t.TempDir(), "payment")
	remote := strings.Replace(stack.git, "http://", "http://alice:alice-demo@", 1) + "/scm/demo/payment.git"
	command(t, "", "git", "clone", "-q", remote, dir)
	command(t, dir, "git", "push", "-q", "origin", "HEAD:refs/heads/feature/short-lived")
	if out := sdpOK(t, "branches", "payment"); !strings.Contains(out, "feature/short-lived") {
		t.Fatalf("`sdp branches` does not show a new branch:\n%s", out)
	}
	command(t, dir, "git", "push", "-q", "origin", ":refs/heads/feature/short-lived")
	sdpFails(t, 1, []string{"feature/short-lived"}, "deploy", box.Name, "payment@feature/short-lived", "--wait")
	if d := history(t, box.Name)[0]; d.Failure == nil || d.Failure.Code != "branch-not-found" {
		t.Errorf("the deployment is %s, failure %+v", d.State, d.Failure)
	}
}

// Two people deploy the same service at once: one after the other, the newer wins, nothing is doubled.
func TestTwoDeploysOfOneServiceAtOnce(t *testing.T) {
	t.Parallel()
	box := newSandbox(t, "")
	branches := []string{"account@main", "account@feature/loyalty-points"}
	errs := make(chan error, len(branches))
	for _, b := range branches {
		go func() {
			_, err := stack.cli("", "deploy", box.Name, b, "--wait")
			errs <- err
		}()
	}
	failures := 0
	for range branches {
		if <-errs != nil {
			failures++
		}
	}
	if failures > 1 {
		t.Errorf("both deployments failed")
	}
	eventually(t, time.Minute, oneContainer(t, box.Name))
	var serving []rest.Deployment
	for _, d := range history(t, box.Name) {
		if d.State == sdp.Running {
			serving = append(serving, d)
		}
	}
	if len(serving) != 1 {
		t.Fatalf("%d deployments are RUNNING", len(serving))
	}
	wantAnswer(t, box.URL+"/account/version", 200, "account=sandbox@"+sdp.ShortSHA(serving[0].SHA))
}
