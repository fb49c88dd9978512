package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sdp/api/rest"
	"sdp/internal/sdp"
)

var serial struct {
	sync.Mutex
	n int
}

// newName is a name for a sandbox. Containers are called after it, so two runs on one Docker daemon must not share it.
func newName() string {
	serial.Lock()
	defer serial.Unlock()
	serial.n++
	return fmt.Sprintf("e2e-%x-%d", os.Getpid(), serial.n)
}

// newSandbox makes a sandbox with a name of its own, deleted at the end of the test. spec is the rest of sandbox.yaml.
func newSandbox(t *testing.T, spec string) rest.Sandbox {
	t.Helper()
	return stack.newSandbox(t, spec)
}

func (i *installation) newSandbox(t *testing.T, spec string) rest.Sandbox {
	t.Helper()
	name := newName()
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

func (i *installation) sandbox(t *testing.T, name string) rest.Sandbox {
	t.Helper()
	return askJSON[rest.Sandbox](t, i, "sandbox", "show", name)
}

func sandbox(t *testing.T, name string) rest.Sandbox {
	t.Helper()
	return stack.sandbox(t, name)
}

// history returns a sandbox's deployments, newest first.
func history(t *testing.T, name string) []rest.Deployment {
	t.Helper()
	return stack.history(t, name)
}

func (i *installation) history(t *testing.T, name string) []rest.Deployment {
	t.Helper()
	return askJSON[[]rest.Deployment](t, i, "history", name)
}

// deployInBackground starts a deployment and returns it.
func deployInBackground(t *testing.T, name, what string, flags ...string) rest.Deployment {
	t.Helper()
	return stack.deployInBackground(t, name, what, flags...)
}

func (i *installation) deployInBackground(t *testing.T, name, what string, flags ...string) rest.Deployment {
	t.Helper()
	list := askJSON[[]rest.Deployment](t, i, append([]string{"deploy", name, what}, flags...)...)
	if len(list) != 1 {
		t.Fatalf("deploy %s answered %d deployments", what, len(list))
	}
	return list[0]
}

func deployment(t *testing.T, box, id string) rest.Deployment {
	t.Helper()
	return stack.deployment(t, box, id)
}

func (i *installation) deployment(t *testing.T, box, id string) rest.Deployment {
	t.Helper()
	for _, d := range i.history(t, box) {
		if d.ID == id {
			return d
		}
	}
	t.Fatalf("sandbox %s has no deployment %s", box, id)
	return rest.Deployment{}
}

// waitState waits until a deployment is in one of states and fails the test if it settles in another.
func waitState(t *testing.T, box, id string, limit time.Duration, states ...sdp.DeploymentState) rest.Deployment {
	t.Helper()
	return stack.waitState(t, box, id, limit, states...)
}

func (i *installation) waitState(t *testing.T, box, id string, limit time.Duration, states ...sdp.DeploymentState) rest.Deployment {
	t.Helper()
	var d rest.Deployment
	eventually(t, limit, func() error {
		d = i.deployment(t, box, id)
		for _, s := range states {
			if d.State == s {
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

// docker runs the Docker client against the installation's daemon, or against each of them.
func (i *installation) docker(t *testing.T, args ...string) (out string) {
	t.Helper()
	if i.machines != nil {
		for _, node := range []string{"gateway-1", "micro-1"} {
			out += command(t, "", "docker", append([]string{"-H", i.machines[node].dockerHost()}, args...)...)
		}
		return out
	}
	if i.dockerHost != "" {
		args = append([]string{"-H", i.dockerHost}, args...)
	}
	return command(t, "", "docker", args...)
}
