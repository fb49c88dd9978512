package docker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"

	"sdp/internal/sdp"
)

// Probe says when a container is healthy.
type Probe struct {
	Path    string // GET it must answer with a status below 400; "" = accepting a connection is enough
	Port    int    // 0 = the container's own
	Timeout time.Duration
}

// Probes are 10 ms apart at first, as a Go service is up in a few of them, and at most 250 ms.
const (
	firstPause  = 10 * time.Millisecond
	lastPause   = 250 * time.Millisecond
	probeLimit  = 2 * time.Second
	outputLines = 50
)

// ExitError is why a container did not become healthy, with the end of its output. It is an *sdp.Error too
// (errors.As): "container-exited" or "never-healthy".
type ExitError struct {
	ExitCode int    // -1 if it still runs
	Output   string // its last lines; what is secret in them is not masked
	err      *sdp.Error
}

func (e *ExitError) Error() string { return e.err.Error() }

// Unwrap returns the *sdp.Error.
func (e *ExitError) Unwrap() error { return e.err }

// WaitHealthy returns nil as soon as the container answers its probe, and an *ExitError as soon as it exits or when the
// probe's timeout is over.
func (c *Client) WaitHealthy(ctx context.Context, ct Container, p Probe) error {
	probing, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	exited, lost := c.api.ContainerWait(probing, ct.ID, container.WaitConditionNotRunning)
	type outcome struct{ err error }
	polled := make(chan outcome, 1)
	go func() { polled <- outcome{poll(probing, ct, p)} }()
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

func (c *Client) neverHealthy(ctx context.Context, ct Container, p Probe, last error) error {
	return &ExitError{ExitCode: -1, Output: c.Output(ctx, ct.ID, outputLines),
		err: sdp.Errorf(sdp.Failed, "never-healthy", "%s did not become healthy within %v: %w", ct.Service, p.Timeout, last).
			WithRemedy("check `port:` and `health:` of the repository on node %s, and the container's output", c.node)}
}

func (c *Client) exitError(ctx context.Context, ct Container, code int) error {
	e := sdp.Errorf(sdp.Failed, "container-exited", "%s exited with code %d before it was healthy", ct.Service, code).
		WithRemedy("the container's last output says why")
	if info, err := c.api.ContainerInspect(ctx, ct.ID); err == nil && info.State != nil && info.State.OOMKilled {
		e = sdp.Errorf(sdp.Failed, "container-exited", "%s was killed (code %d) because it needs more memory than its limit",
			ct.Service, code).WithRemedy("let it use less, or raise the sandbox's memory limit")
	}
	return &ExitError{ExitCode: code, Output: c.Output(ctx, ct.ID, outputLines), err: e}
}

// prober sends probes. It uses no proxy, keeps no connection and follows no redirect: the container itself must answer.
var prober = http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// poll probes until the container is healthy, or ctx is done: then it returns what the last full probe met.
func poll(ctx context.Context, ct Container, p Probe) error {
	last := errors.New("it has no address")
	for pause := firstPause; ; pause = min(pause*3/2, lastPause) {
		err := once(ctx, ct, p)
		if err == nil {
			return nil
		}
		if ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return last
		case <-time.After(pause):
		}
	}
}

// Answers returns nil if what listens at address ("ip:port") answers p once, and what it met instead if not. Timeout does
// not count: a probe takes two seconds at most.
func Answers(ctx context.Context, address string, p Probe) error {
	return once(ctx, Container{Address: address}, p)
}

func once(ctx context.Context, ct Container, p Probe) error {
	host, port, err := net.SplitHostPort(ct.Address)
	if err != nil {
		return errors.New("it has no address")
	}
	if p.Port > 0 {
		port = strconv.Itoa(p.Port)
	}
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	if p.Path == "" {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(host, port))
		if err != nil {
			return fmt.Errorf("port %s: %s", port, reason(err))
		}
		return conn.Close()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+p.Path, nil)
	if err != nil {
		return err
	}
	res, err := prober.Do(req)
	if err != nil {
		return fmt.Errorf("GET %s on port %s: %s", p.Path, port, reason(err))
	}
	res.Body.Close()
	if res.StatusCode >= 400 {
		return fmt.Errorf("GET %s on port %s answered %s", p.Path, port, res.Status)
	}
	return nil
}

// reason is what is at the bottom of a network error, without addresses people do not know.
func reason(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("no answer within %v", probeLimit)
	}
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i >= 0 {
		text = text[i+2:]
	}
	return text
}
