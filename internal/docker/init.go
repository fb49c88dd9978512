package docker

import (
	"context"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/system"

	"sdp/internal/sdp"
)

// Every container has Docker's init process (tini) as its first, which waits for processes that others left behind: as
// zombies they count against the container's limit until nothing can be started any more. It passes signals on and ends
// with the exit code of the program.

// inits are programs that are such an init process themselves. An image that starts one keeps it as the first process:
// some of them do nothing otherwise.
var inits = []string{"catatonit", "docker-init", "dumb-init", "init", "my_init", "runsvdir", "s6-svscan", "systemd", "tini",
	"tini-static"}

// bringsInit reports whether an image's command starts an init process. What SDP put into an image is a service, whatever
// it is called.
func bringsInit(command []string) bool {
	return len(command) > 0 && path.Dir(command[0]) != "/app" && slices.Contains(inits, path.Base(command[0]))
}

// RequireInit returns an Unavailable error, "no-docker-init", if the daemon lacks the init process.
func (c *Client) RequireInit(ctx context.Context) error {
	if c.initFound.Load() { // the daemon runs the program each time it is asked
		return nil
	}
	info, err := c.api.Info(ctx)
	if err != nil {
		return c.fail(ctx, err, "ask Docker for its init process")
	}
	err = c.initError(info)
	c.initFound.Store(err == nil)
	return err
}

// initError judges by the version the daemon got from the program: it says N/A if it could not run it.
func (c *Client) initError(info system.Info) error {
	if info.InitBinary != "" && info.InitCommit.ID == "N/A" {
		return c.noInit()
	}
	return nil
}

func (c *Client) noInit() error {
	return sdp.Errorf(sdp.Unavailable, "no-docker-init",
		"Docker on node %s has no docker-init, the init process of containers", c.node).
		WithRemedy("the operator installs it on %s, as the package tini or with Docker's own packages, and restarts Docker", c.node)
}

// initFailed finds in a container's output that its init process could not run the program: tini.c of tini 0.19.
var initFailed = regexp.MustCompile(`(?m)^\[FATAL tini \(\d+\)\] exec (.+) failed: (.+)$`)

// notRun returns why the program of a container that ended could not be run, nil if it did run.
func notRun(name, output string) *sdp.Error {
	found := initFailed.FindStringSubmatch(output)
	if found == nil {
		return nil
	}
	return sdp.Errorf(sdp.Failed, "container-start-failed", "container %s cannot run its program: exec %q: %s",
		name, found[1], strings.ToLower(strings.TrimSpace(found[2]))).WithRemedy("%s", startRemedy)
}

const startRemedy = "check the program the image starts with: that it and its interpreter are there, that the container's user" +
	" may run it, and that it is made for this machine"
