package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"sdp/api/rest"
	"sdp/internal/sdp"
)

// gated makes a sandbox whose service asks the gate, beside one that does not. The daemon may have come back a moment ago:
// what needs the node is refused until its next heartbeat says so, here and in cloneTo.
func (c crash) gated(t *testing.T, g *gate) rest.Sandbox {
	t.Helper()
	c.awaitNode(t, "micro-1", "")
	return c.newSandbox(t, "variables: {GATE: '"+g.url+"'}\nservices:\n  plain: {branch: feature/gated}\n")
}

func (c crash) cloneTo(t *testing.T, box, name string) string {
	t.Helper()
	c.atEndDelete(t, name)
	c.awaitNode(t, "micro-1", "")
	return c.change(t, "POST", "/api/v1/sandboxes/"+box+"/clone", `{"name":"`+name+`"}`)
}

// A daemon that dies under a clone and is back soon costs it time, or fails it: then nothing is left.
func (c crash) duringClone(t *testing.T) {
	g := newGate(t)
	box := c.gated(t, g)
	name := box.Name + "-c"
	g.close(name)
	id := c.cloneTo(t, box.Name, name)
	g.arrived(t, name)
	c.daemon.kill(t)
	c.daemon.restart(t)
	g.open(name)
	op := c.ended(t, id)
	t.Logf("the clone is %s: %+v", op.State, op.Failure)
	if op.State == sdp.OpSucceeded {
		c.sound(t, name)
		c.ok(t, "sandbox", "delete", name, "--wait")
	}
	c.gone(t, name)
	c.servesAgain(t, box.URL+"/plain/")
	c.sound(t, box.Name)
}

// One that stays away fails the clone. What it had made goes as soon as there is a daemon again, without anybody asking.
func (c crash) duringCloneForLong(t *testing.T) {
	g := newGate(t)
	box := c.gated(t, g)
	name := box.Name + "-c"
	g.close(name)
	id := c.cloneTo(t, box.Name, name)
	g.arrived(t, name)
	c.daemon.kill(t)
	eventually(t, changeLimit, func() error {
		for _, d := range c.history(t, name) {
			if d.State == sdp.DeployFailed && d.Failure.Code == "docker-down" {
				return nil
			}
		}
		return errorf("no deployment of %s has failed for want of Docker: %+v", name, c.history(t, name))
	})
	c.daemon.restart(t)
	if op := c.ended(t, id); op.State != sdp.OpFailed || op.Failure == nil || !strings.Contains(op.Failure.Detail, "Docker") {
		t.Errorf("the clone is %s: %+v", op.State, op.Failure)
	}
	c.gone(t, name)
	c.servesAgain(t, box.URL+"/plain/")
	g.open(name)
	c.succeeds(t, c.cloneTo(t, box.Name, name))
	c.sound(t, name)
}

// A delete under which the daemon dies ends by itself; repeated, if it failed, it leaves nothing.
func (c crash) underDelete(t *testing.T) {
	g := newGate(t)
	box := c.gated(t, g)
	name := box.Name + "-d"
	c.succeeds(t, c.cloneTo(t, box.Name, name))
	op := ask[rest.Operation](t, c.installation, http.StatusAccepted, "DELETE", "/api/v1/sandboxes/"+name, "")
	c.daemon.kill(t)
	c.daemon.restart(t)
	if got := c.ended(t, op.ID); got.State != sdp.OpSucceeded {
		t.Logf("the delete is %s: %+v", got.State, got.Failure)
		eventually(t, time.Minute, func() error {
			out, err := c.cli("", "sandbox", "delete", name, "--wait")
			if err != nil {
				return errorf("%v: %s", err, out)
			}
			return nil
		})
	}
	c.gone(t, name)
	c.servesAgain(t, box.URL+"/plain/")
}
