package demo

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"sdp/internal/sdp"
)

const (
	startTimeout  = 30 * time.Second // until a service of the shared environment must be healthy
	firstPause    = 100 * time.Millisecond
	longestPause  = 5 * time.Second
	stopGrace     = 5 * time.Second
	shownOfOutput = 2048
	startAttempts = 4
)

// child is a service of the shared environment: a process that is started again when it exits.
type child struct {
	name    string
	command []string
	dir     string
	env     []string
	url     string
	listen  string        // address it will listen on
	output  string        // file its output goes to
	proven  chan struct{} // closed when it has been healthy once
}

// supervise runs the child until ctx ends. It is started again when it exits, after a pause that grows as long as it
// keeps exiting at once. One that was never healthy is an error after startAttempts: a sibling that is being started may
// hold the socket checkPort has just closed until it has replaced its own memory, so the first failure proves nothing.
func (c *child) supervise(ctx context.Context) error {
	// The kernel kills the child when the thread that started it ends; so the thread stays with this goroutine.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := c.checkPort(ctx); err != nil {
		return unlessEnded(ctx, err)
	}
	if err := os.RemoveAll(c.output); err != nil { // what an earlier run printed
		return err
	}
	attempt := 0
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		attempt++
		started := time.Now()
		err := c.run(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if !c.wasHealthy() && attempt == startAttempts {
			return sdp.Errorf(sdp.Failed, "container-exited", "%s of the shared environment exited at start: %w: %s",
				c.name, err, c.lastOutput())
		}
		slog.Warn("Exited", "service", c.name, "environment", "ocp", "error", err)
		if time.Since(started) > longestPause {
			pause = firstPause
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// checkPort gives a better error than the child could, if its port is held.
func (c *child) checkPort(ctx context.Context) error {
	l, err := listen(ctx, c.listen)
	if err != nil {
		return err
	}
	return l.Close()
}

// run runs the child once. It always returns an error: no service is meant to end by itself.
func (c *child) run(ctx context.Context) error {
	output, err := os.OpenFile(c.output, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer output.Close()
	cmd := exec.CommandContext(ctx, c.command[0], c.command[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = c.dir, c.env, output, output
	// A group of its own keeps a terminal's Ctrl-C from it: we stop it, in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopGrace
	if err := cmd.Run(); err != nil {
		return err
	}
	return errors.New("exit status 0")
}

func (c *child) wasHealthy() bool {
	select {
	case <-c.proven:
		return true
	default:
		return false
	}
}

// waitHealthy returns when /healthz of the child answers 200, or with an error after startTimeout.
func (c *child) waitHealthy(ctx context.Context) error {
	deadline, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := probe(deadline, c.url)
		if err == nil {
			close(c.proven)
			return nil
		}
		select {
		case <-deadline.Done():
			return sdp.Errorf(sdp.Failed, "never-healthy", "%s of the shared environment is not healthy: %w", c.name, err)
		case <-tick.C:
		}
	}
}

func (c *child) lastOutput() string {
	f, err := os.Open(c.output)
	if err != nil {
		return ""
	}
	defer f.Close()
	if size, err := f.Seek(0, io.SeekEnd); err == nil {
		_, _ = f.Seek(max(0, size-shownOfOutput), io.SeekStart)
	}
	text, _ := io.ReadAll(f)
	return string(text)
}

// probe asks a service once whether it is healthy.
func probe(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/healthz", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New("/healthz answered " + resp.Status)
	}
	return nil
}
