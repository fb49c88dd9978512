package control

import (
	"context"
	"fmt"
	"time"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// readyNode returns a node that can take work now. Nothing is accepted that would hang: a node without a worker, or
// whose Docker daemon is down, is refused with the reason.
func (c *Control) readyNode(ctx context.Context, name string) (sdp.Node, error) {
	n, err := c.db.Node(ctx, name)
	if err != nil {
		return sdp.Node{}, err
	}
	return n, c.Alive(n)
}

// Alive returns an error unless a node has a worker that reports. Just after the start nobody has had the time to.
func (c *Control) Alive(n sdp.Node) error {
	if n.Health.Refused != "" {
		return sdp.Errorf(sdp.Unavailable, wire.VersionMismatch, "node %s: %s", n.Name, n.Health.Refused).
			WithRemedy("an administrator installs the same version of sdp on the server and on %s", n.Name)
	}
	if n.Alive() || c.now().Sub(c.cfg.Started) < c.cfg.LivenessGrace {
		return nil
	}
	return sdp.Errorf(sdp.Unavailable, "node-without-worker", "node %s: %s", n.Name, noWorker(n, c.now())).
		WithRemedy("start the worker on %s: `sdp worker --config FILE`; `sdp nodes` shows when it is back", n.Name)
}

// noWorker says since when a node is silent, by the server's clock.
func noWorker(n sdp.Node, now time.Time) string {
	return "no worker since " + clock(now.Add(-n.SilentFor), now)
}

// clock is a time for people: the day only where it is not today.
func clock(t, now time.Time) string {
	if now.Sub(t) < 20*time.Hour {
		return t.Local().Format("15:04")
	}
	return t.Local().Format("2006-01-02 15:04")
}

// deployable is readyNode for what needs Docker and disk as well.
func (c *Control) deployable(ctx context.Context, name string) (sdp.Node, error) {
	n, err := c.readyNode(ctx, name)
	if err != nil {
		return n, err
	}
	return n, usable(n)
}

// deployableTo is deployable for what requests to a sandbox are then switched to, which the node with its port must confirm.
func (c *Control) deployableTo(ctx context.Context, sandbox sdp.Sandbox, name string) (sdp.Node, error) {
	if _, err := c.readyNode(ctx, sandbox.GatewayNode); err != nil {
		return sdp.Node{}, err
	}
	return c.deployable(ctx, name)
}

// usable returns an error unless a node that is alive takes work, and has Docker and disk.
func usable(n sdp.Node) error {
	switch {
	case n.Cordoned.By != "":
		return placeable(n)
	case n.Health.DockerError != "":
		return dockerUp(n)
	case n.Health.DiskTotal > 0 && n.Health.DiskFree < sdp.MinDiskFree:
		return sdp.Errorf(sdp.Exhausted, "disk-full", "node %s: only %d MB of its disk are free", n.Name, n.Health.DiskFree>>20).
			WithRemedy("make room on %s: delete sandboxes that are not needed any more", n.Name)
	}
	return nil
}

// dockerUp returns why a node's Docker daemon cannot be used, nil if it can.
func dockerUp(n sdp.Node) error {
	if n.Health.DockerError == "" {
		return nil
	}
	return sdp.Errorf(sdp.Unavailable, "docker-down", "node %s: Docker does not answer: %s", n.Name, n.Health.DockerError).
		WithRemedy("start Docker on %s: `systemctl start docker`", n.Name)
}

// Problems says for people why deploys to a node would fail now.
func (c *Control) Problems(n sdp.Node) []string {
	found := []string{}
	t := c.Trouble(n)
	for _, problem := range []struct{ text, what string }{
		{t.Worker, ""}, {t.Docker, "Docker does not answer: "}, {t.Router, "its router: "},
	} {
		if problem.text != "" {
			found = append(found, problem.what+problem.text)
		}
	}
	if n.Cordoned.By != "" {
		found = append(found, describeCordon(n))
	}
	if ahead := n.Health.ClockAhead; ahead.Abs() > sdp.MaxClockSkew {
		where := "ahead of"
		if ahead < 0 {
			where = "behind"
		}
		found = append(found, fmt.Sprintf("its clock is %s %s the server's: set the clocks of both with NTP", ahead.Abs(), where))
	}
	if n.Health.ConfigError != "" {
		found = append(found, "its worker goes on with the configuration as it was: "+n.Health.ConfigError)
	}
	if n.Health.DiskTotal > 0 && n.Health.DiskFree < sdp.MinDiskFree {
		found = append(found, fmt.Sprintf("only %d MB of its disk are free", n.Health.DiskFree>>20))
	}
	return found
}

// Trouble is what a node has not reported well of.
func (c *Control) Trouble(n sdp.Node) sdp.NodeTrouble {
	t := sdp.NodeTrouble{Docker: n.Health.DockerError, Router: n.Health.RouterError}
	if n.Health.Refused != "" {
		t.Worker = n.Health.Refused
	} else if !n.Alive() {
		t.Worker = noWorker(n, c.now())
	}
	return t
}

// Branches asks the git server for a repository's branches, through the node that has the clone, with the caller's own
// credentials.
func (c *Control) Branches(ctx context.Context, call *Call, name string) ([]sdp.Branch, error) {
	if err := c.permit(call, sdp.LookBranches, Object{}); err != nil {
		return nil, err
	}
	known, err := c.catalog(ctx)
	if err != nil {
		return nil, err
	}
	repository, err := known.repository(name)
	if err != nil {
		return nil, err
	}
	node, err := c.readyNode(ctx, repository.Node)
	if err != nil {
		return nil, err
	}
	id := sdp.NewID("b-")
	box, err := c.seal(node, id, call.Actor)
	if err != nil {
		return nil, err
	}
	branches, err := c.engine.Branches(ctx, wire.BranchesInput{
		ID: id, Node: node.Name, Repository: repository.Name, Credentials: box,
	})
	if err != nil {
		return nil, credentialsAged(err)
	}
	return branches, nil
}

// credentialsAged tells a password that has changed since the login from a missing session: signing in again helps
// in both cases, but the answer should say why.
func credentialsAged(err error) error {
	e := sdp.AsError(err)
	if e.Code != "wrong-credentials" {
		return err
	}
	return e.WithRemedy("your password may have changed since you signed in: sign in again with `sdp login`")
}
