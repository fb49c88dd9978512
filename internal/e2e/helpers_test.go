package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sdp/api"
	"sdp/internal/sdp"
)

// permanent is an error that waiting does not mend.
type permanent struct{ error }

// until calls check until it returns nil, a permanent error, or time is up; then it returns what check said last. It
// polls, because what it waits for is another process; nothing is assumed about how long that takes.
func until(limit time.Duration, check func() error) error {
	deadline := time.Now().Add(limit)
	for {
		err := check()
		var final permanent
		if err == nil || errors.As(err, &final) {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("after %s: %w", limit, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func eventually(t *testing.T, limit time.Duration, check func() error) {
	t.Helper()
	if err := until(limit, check); err != nil {
		t.Fatal(err)
	}
}

// The functions below that name no installation use the shared one.

// ok runs the CLI and fails the test unless it succeeds.
func (i *installation) ok(t *testing.T, args ...string) string {
	t.Helper()
	out, err := i.cli("", args...)
	if err != nil {
		t.Fatalf("sdp %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func sdpOK(t *testing.T, args ...string) string {
	t.Helper()
	return stack.ok(t, args...)
}

// fails runs the CLI, wants it to exit with code and its output to contain each of texts.
func (i *installation) fails(t *testing.T, code int, texts []string, args ...string) string {
	t.Helper()
	out, err := i.cli("", args...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != code {
		t.Fatalf("sdp %s: ended with %v, want exit code %d\n%s", strings.Join(args, " "), err, code, out)
	}
	for _, text := range texts {
		if !strings.Contains(out, text) {
			t.Errorf("sdp %s: the output lacks %q:\n%s", strings.Join(args, " "), text, out)
		}
	}
	return out
}

func sdpFails(t *testing.T, code int, texts []string, args ...string) string {
	t.Helper()
	return stack.fails(t, code, texts, args...)
}

func sdpJSON[T any](t *testing.T, args ...string) T {
	t.Helper()
	return askJSON[T](t, stack, args...)
}

// askJSON runs the CLI with -o json and decodes what it prints.
func askJSON[T any](t *testing.T, i *installation, args ...string) T {
	t.Helper()
	var v T
	out := i.ok(t, append(args, "-o", "json")...)
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		t.Fatalf("sdp %s -o json: %v\n%s", strings.Join(args, " "), err, out)
	}
	return v
}

var serial struct {
	sync.Mutex
	n int
}

// newSandbox makes a sandbox with a name of its own, deleted at the end of the test. spec is the rest of sandbox.yaml.
func newSandbox(t *testing.T, spec string) api.Sandbox {
	t.Helper()
	return stack.newSandbox(t, spec)
}

func (i *installation) newSandbox(t *testing.T, spec string) api.Sandbox {
	t.Helper()
	serial.Lock()
	serial.n++
	name := fmt.Sprintf("e2e-%d", serial.n)
	serial.Unlock()
	file := filepath.Join(t.TempDir(), "sandbox.yaml")
	if err := os.WriteFile(file, []byte("sandbox: "+name+"\n"+spec), 0o600); err != nil {
		t.Fatal(err)
	}
	i.ok(t, "sandbox", "create", name, "-f", file, "--wait")
	t.Cleanup(func() {
		if out, err := i.cli("", "sandbox", "delete", name, "--wait"); err != nil {
			t.Errorf("deleting sandbox %s: %v\n%s", name, err, out)
		}
		if left := i.containers(t, name); len(left) > 0 {
			t.Errorf("deleted sandbox %s left containers %q", name, left)
		}
	})
	return i.sandbox(t, name)
}

func (i *installation) sandbox(t *testing.T, name string) api.Sandbox {
	t.Helper()
	return askJSON[api.Sandbox](t, i, "sandbox", "show", name)
}

func sandbox(t *testing.T, name string) api.Sandbox {
	t.Helper()
	return stack.sandbox(t, name)
}

// history returns a sandbox's deployments, newest first.
func history(t *testing.T, name string) []api.Deployment {
	t.Helper()
	return stack.history(t, name)
}

func (i *installation) history(t *testing.T, name string) []api.Deployment {
	t.Helper()
	return askJSON[[]api.Deployment](t, i, "history", name)
}

// deployInBackground starts a deployment and returns it.
func deployInBackground(t *testing.T, name, what string, flags ...string) api.Deployment {
	t.Helper()
	return stack.deployInBackground(t, name, what, flags...)
}

func (i *installation) deployInBackground(t *testing.T, name, what string, flags ...string) api.Deployment {
	t.Helper()
	list := askJSON[[]api.Deployment](t, i, append([]string{"deploy", name, what}, flags...)...)
	if len(list) != 1 {
		t.Fatalf("deploy %s answered %d deployments", what, len(list))
	}
	return list[0]
}

func deployment(t *testing.T, box, id string) api.Deployment {
	t.Helper()
	return stack.deployment(t, box, id)
}

func (i *installation) deployment(t *testing.T, box, id string) api.Deployment {
	t.Helper()
	for _, d := range i.history(t, box) {
		if d.ID == id {
			return d
		}
	}
	t.Fatalf("sandbox %s has no deployment %s", box, id)
	return api.Deployment{}
}

// waitState waits until a deployment is in one of states and fails the test if it settles in another.
func waitState(t *testing.T, box, id string, limit time.Duration, states ...sdp.DeploymentState) api.Deployment {
	t.Helper()
	return stack.waitState(t, box, id, limit, states...)
}

func (i *installation) waitState(t *testing.T, box, id string, limit time.Duration, states ...sdp.DeploymentState) api.Deployment {
	t.Helper()
	var d api.Deployment
	eventually(t, limit, func() error {
		d = i.deployment(t, box, id)
		for _, s := range states {
			if d.State == string(s) {
				return nil
			}
		}
		err := fmt.Errorf("deployment %s is %s, want %v; failure %+v", id, d.State, states, d.Failure)
		if d.Settled {
			return permanent{err}
		}
		return err
	})
	return d
}

func containers(t *testing.T, name string) []string {
	t.Helper()
	return stack.containers(t, name)
}

// containers returns the names of Docker's containers of a sandbox, in whatever state.
func (i *installation) containers(t *testing.T, name string) []string {
	t.Helper()
	return strings.Fields(i.docker(t, "ps", "-a", "--filter", "label="+sdp.LabelSandbox+"="+name,
		"--filter", "label="+sdp.LabelInstance+"="+i.instance(t), "--format", "{{.Names}}"))
}

// docker runs the Docker client against the installation's daemon.
func (i *installation) docker(t *testing.T, args ...string) string {
	t.Helper()
	if i.dockerHost != "" {
		args = append([]string{"-H", i.dockerHost}, args...)
	}
	return command(t, "", "docker", args...)
}

func command(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// want fails the test unless err is one whose text contains each of texts.
func want(t *testing.T, err error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("it succeeded, want an error that says %q", texts)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("the error lacks %q: %v", text, err)
		}
	}
}

func unwanted(t *testing.T, text string, secrets ...string) {
	t.Helper()
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			t.Errorf("%q is shown:\n%s", secret, text)
		}
	}
}

// answer is a response, read whole.
type answer struct {
	status int
	header http.Header
	body   string
}

func get(url string) (answer, error) {
	resp, err := http.Get(url)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(body)}, err
}

// wantAnswer asks url and wants a status, texts in the body, and the route header to begin with route.
func wantAnswer(t *testing.T, url string, status int, route string, texts ...string) answer {
	t.Helper()
	a, err := get(url)
	if err != nil {
		t.Fatal(err)
	}
	if a.status != status || !strings.HasPrefix(a.header.Get("X-SDP-Route"), route) {
		t.Errorf("%s: status %d, route %q; want %d, %q\n%s", url, a.status, a.header.Get("X-SDP-Route"), status, route, a.body)
	}
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			t.Errorf("%s: the answer lacks %q:\n%s", url, text, a.body)
		}
	}
	return a
}

// syncBuffer collects what a process prints while a test reads it.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
