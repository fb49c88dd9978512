package e2e

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sdp/api/rest"
	"sdp/internal/sdp"
)

// TestDockerDown kills the Docker daemon of an installation of its own, again and again.
func TestDockerDown(t *testing.T) {
	d, err := startDaemon()
	t.Cleanup(func() {
		if err := d.remove(); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSite("healthTimeout: 20s\n", plainRepository)
	if err != nil {
		t.Fatal(err)
	}
	s.flags, s.dockerHost = append(s.flags, "--docker", d.host()), d.host()
	t.Cleanup(func() {
		if err := s.remove(); err != nil {
			t.Error(err)
		}
	})
	if err := s.up(); err != nil {
		t.Fatal(err)
	}
	c := crash{site: s, daemon: d}
	t.Run("under a serving sandbox", c.whileServing)
	t.Run("before a deployment", c.before)
	t.Run("its disk full", c.diskFull)
	t.Run("during the build", c.duringBuild)
	t.Run("during the start, back at once", c.duringStart)
	t.Run("during the start, away for long", c.duringStartForLong)
	t.Run("while a sandbox is deleted", c.duringDelete)
	t.Run("during a clone, back at once", c.duringClone)
	t.Run("during a clone, away for long", c.duringCloneForLong)
	t.Run("under a delete, back at once", c.underDelete)
}

type crash struct {
	*site
	daemon *daemon
}

// A restarted daemon restarts its containers, elsewhere maybe; the sandbox serves again without anybody doing anything.
func (c crash) whileServing(t *testing.T) {
	box := c.newSandbox(t, "services:\n  plain: {branch: main}\n")
	serving := serviceOf(t, box, "plain").Serving
	c.daemon.kill(t)
	wantAnswer(t, box.URL+"/plain/", 200, "plain=sandbox@") // the container runs without its daemon
	c.awaitNode(t, "micro-1", "Docker does not answer")
	c.daemon.restart(t)
	c.awaitNode(t, "micro-1", "")
	c.servesAgain(t, box.URL+"/plain/")
	if now := serviceOf(t, c.sandbox(t, box.Name), "plain").Serving; now == nil || now.Deployment != serving.Deployment {
		t.Errorf("deployment %s served before the crash, %+v does now", serving.Deployment, now)
	}
	if n := len(c.containers(t, box.Name)); n != 1 {
		t.Errorf("%d containers", n)
	}
}

func (c crash) servesAgain(t *testing.T, url string) {
	t.Helper()
	eventually(t, time.Minute, func() error {
		a, err := get(url)
		if err == nil && (a.status != 200 || !strings.HasPrefix(a.header.Get("X-SDP-Route"), "plain=sandbox@")) {
			err = errorf("%s answers %d by %q: %s", url, a.status, a.header.Get("X-SDP-Route"), a.body)
		}
		return err
	})
}

// What the platform does not know yet fails in the step, what it knows is refused before; both say what to do.
func (c crash) before(t *testing.T) {
	box := c.newSandbox(t, "")
	c.daemon.kill(t)
	out, err := c.cli("", "deploy", box.Name, "plain@main", "--wait")
	t.Logf("what the user sees:\n%s", out)
	want(t, errors.Join(err, errors.New(out)), "Docker", "`systemctl start docker`", "micro-1")
	c.awaitNode(t, "micro-1", "Docker does not answer")
	out = c.fails(t, 1, []string{"node micro-1: Docker does not answer", "\n  -> start Docker on micro-1: `systemctl start docker`"},
		"deploy", box.Name, "plain@main", "--wait")
	t.Logf("what the user sees then:\n%s", out)
	c.daemon.restart(t)
	c.awaitNode(t, "micro-1", "")
	c.ok(t, "deploy", box.Name, "plain@main", "--wait")
	c.servesAgain(t, box.URL+"/plain/")
}

// An image that does not fit on Docker's disk fails the deployment and leaves nothing of itself there.
func (c crash) diskFull(t *testing.T) {
	box := c.newSandbox(t, "services:\n  plain: {branch: main}\n")
	defer fill(t, filepath.Join(c.daemon.dir, "data"), 1<<20)()
	c.failsWith(t, box.Name, "plain@feature/other", fault{
		step: "image", code: "disk-full", detail: "no space left for Docker on node micro-1",
		remedy: "free space there: `docker system df` shows what takes it",
	})
	c.servesAgain(t, box.URL+"/plain/")
}

// A build needs no daemon until it is done.
func (c crash) duringBuild(t *testing.T) {
	box := c.newSandbox(t, "services:\n  plain: {branch: main}\n")
	d := c.deployInBackground(t, box.Name, "plain@"+c.slowBranch(t, "plain"))
	c.waitState(t, box.Name, d.ID, time.Minute, sdp.Building)
	c.daemon.kill(t)
	c.daemon.restart(t)
	d = c.waitState(t, box.Name, d.ID, 4*time.Minute, sdp.Running)
	eventually(t, time.Minute, c.one(t, box.Name))
	c.servesAgain(t, box.URL+"/plain/")
	wantAnswer(t, box.URL+"/plain/", 200, "plain=sandbox@"+sdp.ShortSHA(d.SHA), d.SHA)
}

func (c crash) one(t *testing.T, box string) func() error {
	return func() error {
		if left := c.containers(t, box); len(left) != 1 {
			return errorf("sandbox %s has containers %q, want one", box, left)
		}
		return nil
	}
}

// A daemon that is back within the retries of a step costs the deployment time only.
func (c crash) duringStart(t *testing.T) {
	box := c.newSandbox(t, "services:\n  plain: {branch: main}\n")
	d := c.deployInBackground(t, box.Name, "plain@feature/slow-start")
	c.awaitContainers(t, box.Name, 2)
	c.daemon.kill(t)
	c.daemon.restart(t)
	d = c.waitState(t, box.Name, d.ID, 2*time.Minute, sdp.Running)
	eventually(t, time.Minute, c.one(t, box.Name))
	c.servesAgain(t, box.URL+"/plain/")
	wantAnswer(t, box.URL+"/plain/", 200, "plain=sandbox@"+sdp.ShortSHA(d.SHA), d.SHA)
}

func (c crash) awaitContainers(t *testing.T, box string, n int) {
	t.Helper()
	eventually(t, time.Minute, func() error {
		if have := c.containers(t, box); len(have) != n {
			return errorf("sandbox %s has containers %q, want %d", box, have, n)
		}
		return nil
	})
}

// One that stays away fails the deployment, what served before serves again when it is back, and the half-started
// container goes then.
func (c crash) duringStartForLong(t *testing.T) {
	box := c.newSandbox(t, "services:\n  plain: {branch: main}\n")
	before := serviceOf(t, box, "plain").Serving
	d := c.deployInBackground(t, box.Name, "plain@feature/wrong-port")
	c.awaitContainers(t, box.Name, 2)
	c.daemon.kill(t)
	d = c.waitState(t, box.Name, d.ID, 2*time.Minute, sdp.DeployFailed)
	if f := d.Failure; f == nil || f.Code != "docker-down" || f.Step != sdp.StepStart ||
		!strings.Contains(f.Detail, "no Docker daemon answers at "+c.daemon.host()) ||
		!strings.Contains(f.Remedy, "start it on node micro-1: `systemctl start docker`") {
		t.Errorf("the failure is %+v", f)
	}
	c.daemon.restart(t)
	eventually(t, time.Minute, c.one(t, box.Name))
	c.servesAgain(t, box.URL+"/plain/")
	wantAnswer(t, box.URL+"/plain/", 200, "plain=sandbox@"+sdp.ShortSHA(before.SHA), before.SHA)
	c.leftNothing(t, box.Name, d.ID, 1)
}

// A delete that meets a dead daemon says so, and repeated it finishes.
func (c crash) duringDelete(t *testing.T) {
	box := c.newSandbox(t, "services:\n  plain: {branch: main}\n")
	c.daemon.kill(t)
	out := c.fails(t, 1, []string{"no Docker daemon answers", "`systemctl start docker`"}, "sandbox", "delete", box.Name, "--wait")
	t.Logf("what the user sees:\n%s", out)
	c.daemon.restart(t)
	var ends []string
	for _, e := range askJSON[[]rest.AuditEvent](t, c.installation, "audit", "--sandbox", box.Name) {
		if e.Action == "sandbox.delete.finish" {
			ends = append(ends, e.Outcome+" "+e.Detail)
		}
	}
	if len(ends) != 1 || !strings.HasPrefix(ends[0], "failed docker-down: ") {
		t.Errorf("the audit has these ends of the delete: %q", ends)
	}
	// The sandbox's clean-up deletes it again and wants nothing to be left.
}
