package docker

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/docker/docker/api/types/container"

	"sdp/internal/containers"
	"sdp/internal/pause"
	"sdp/internal/sdp"
)

// killed is the exit code of a process that SIGKILL ended, the kernel's way when memory is short.
const killed = 128 + int(syscall.SIGKILL)

// Docker hears of a process the kernel killed for its memory, and of the container's end, in two ways, of which the first
// may be the slower: these bound how often and how long it is asked.
const (
	memoryAsks  = 10
	memoryPause = 100 * time.Millisecond
)

// outputLines is how much of its output tells why a container did not become healthy.
const outputLines = 50

// WaitHealthy returns nil as soon as the container answers its probe, and an *ExitError as soon as it exits or when the
// probe's timeout is over.
func (c *Client) WaitHealthy(ctx context.Context, ct containers.Container, p containers.Probe) error {
	probing, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	exited, lost := c.api.ContainerWait(probing, ct.ID, container.WaitConditionNotRunning)
	type outcome struct{ err error }
	polled := make(chan outcome, 1)
	go func() { polled <- outcome{p.Poll(probing, ct.Address)} }()
	for {
		select {
		case probed := <-polled:
			switch {
			case probed.err == nil:
				return nil
			case ctx.Err() != nil:
				return fmt.Errorf("wait for container %s: %w", ct.Name, ctx.Err())
			}
			return c.neverHealthy(ctx, ct, p, probed.err)
		case state := <-exited:
			cancel()
			<-polled
			return c.exitError(ctx, ct, int(state.StatusCode))
		case err := <-lost:
			if probing.Err() == nil {
				cancel()
				<-polled
				return c.fail(ctx, err, "wait for container %s", ct.Name)
			}
			lost = nil // the probe's end says more
		}
	}
}

func (c *Client) neverHealthy(ctx context.Context, ct containers.Container, p containers.Probe, last error) error {
	return &containers.ExitError{ExitCode: -1, Output: c.Output(ctx, ct.ID, outputLines),
		Reason: sdp.Errorf(sdp.Failed, "never-healthy", "%s did not become healthy within %v: %w", ct.Service, p.Timeout, last).
			WithRemedy("check `port:` and `health:` of the repository on node %s, and the container's output", c.node)}
}

func (c *Client) exitError(ctx context.Context, ct containers.Container, code int) error {
	output := c.Output(ctx, ct.ID, outputLines)
	reason := exitReason(ct.Service, code, code == killed && c.outOfMemory(ctx, ct.ID), output)
	if failed := notRun(ct.Name, output); failed != nil {
		reason = failed
	}
	return &containers.ExitError{ExitCode: code, Output: output, Reason: reason}
}

func exitReason(service string, code int, outOfMemory bool, output string) *sdp.Error {
	e := sdp.Errorf(sdp.Failed, "container-exited", "%s exited with code %d before it was healthy", service, code)
	switch {
	case outOfMemory:
		return sdp.Errorf(sdp.Failed, "container-exited", "%s was killed (code %d) because it needs more memory than its limit",
			service, code).WithRemedy("let it use less, or raise the sandbox's memory limit")
	case strings.TrimSpace(output) != "":
		return e.WithRemedy("the container's last output says why")
	case code == killed:
		return e.WithRemedy("it printed nothing, and was killed from outside: deploy again")
	}
	return e.WithRemedy("it printed nothing; have it print why it exits")
}

// outOfMemory reports whether a container that was killed needed more memory than its limit.
func (c *Client) outOfMemory(ctx context.Context, id string) bool {
	for asked := 1; ; asked++ {
		info, err := c.api.ContainerInspect(ctx, id)
		if err != nil || info.State == nil {
			return false
		}
		if info.State.OOMKilled {
			return true
		}
		if asked == memoryAsks || pause.For(ctx, memoryPause) != nil {
			return false
		}
	}
}
