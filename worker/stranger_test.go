package worker

import (
	"context"
	"os/exec"
	"strings"
	"testing"

	"sdp/internal/sdp"
)

// imitate runs a container with all the labels of the one that serves, as the step of a build may have them. It is as
// new as can be, prints, and listens on the same port on the same network.
func (m *machine) imitate(deployment string) (id string) {
	m.t.Helper()
	args := []string{"run", "--detach", "--network", sdp.NetworkName(m.sandbox, "micro-1"), "--env", "SECRET=of-the-stranger"}
	for key, value := range map[string]string{sdp.LabelInstance: m.instance, sdp.LabelNode: "micro-1", sdp.LabelSandbox: m.sandbox,
		sdp.LabelService: "account", sdp.LabelDeployment: deployment, sdp.LabelSHA: commit, "sdp.port": "8080"} {
		args = append(args, "--label", key+"="+value)
	}
	out, err := exec.Command("docker", append(args, m.image)...).Output()
	if err != nil {
		m.t.Fatal(err)
	}
	id = strings.TrimSpace(string(out))
	m.t.Cleanup(func() {
		if out, err := exec.CommandContext(context.Background(), "docker", "rm", "--force", id).CombinedOutput(); err != nil {
			m.t.Errorf("docker rm: %s", out)
		}
	})
	return id
}

// Labels make nobody a deployment's container: neither its route nor its log follows a stranger, and when the deployment is
// gone the stranger is not removed for it.
func TestStrangerWithLabelsOfADeployment(t *testing.T) {
	m := newMachine(t)
	defer m.follow()()
	c := m.start("d1")
	id := m.imitate("d1")
	m.control.wants(m.desired(c))
	r := m.reconciler()
	for range 3 {
		want(t, m.round(r))
	}
	eventually(t, "the output of the container", func() bool { return len(m.lines("d1")) > 0 })
	if got := strings.Join(m.lines("d1"), "\n"); strings.Contains(got, "stranger") {
		t.Errorf("the deployment's log shows %q", got)
	}
	if err := m.runtime.RemoveDeployment(t.Context(), "d1"); err != nil {
		t.Fatal(err)
	}
	m.control.wants(m.desired(c))
	want(t, m.round(r))
	want(t, m.round(r), "d1: noticed that its container is gone")
	m.control.wants(desired{tables: m.desired(c).tables})
	for range 3 {
		want(t, m.round(r))
	}
	out, err := exec.Command("docker", "inspect", "--format", "{{.State.Status}}", id).CombinedOutput()
	if err != nil || string(out) != "running\n" {
		t.Errorf("the stranger is %s, %v", out, err)
	}
}

// What has a deployment's labels and name, but is not the container that the control plane has stored, is not taken for it.
func TestContainerWithAnotherIDIsNotTheStoredOne(t *testing.T) {
	m := newMachine(t)
	c := m.start("d1")
	d := m.desired(c)
	d.Containers[0].DockerID = strings.Repeat("0", 64)
	m.control.wants(d)
	r := m.reconciler()
	want(t, m.round(r))
	want(t, m.round(r), "d1: noticed that its container is gone", "d1: removed container")
}
