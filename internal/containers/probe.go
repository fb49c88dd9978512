package containers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Probe says when a container is healthy.
type Probe struct {
	Path    string // GET it must answer with a status below 400; "" = accepting a connection is enough
	Port    int    // 0 = the container's own
	Timeout time.Duration
}

// Probes are 10 ms apart at first, as a Go service is up in a few of them, and at most 250 ms.
const (
	firstPause = 10 * time.Millisecond
	lastPause  = 250 * time.Millisecond
	probeLimit = 2 * time.Second
)

// errNoAddress is what a probe meets where the container does not run.
var errNoAddress = errors.New("it has no address")

// prober sends probes. It uses no proxy, keeps no connection and follows no redirect: the container itself must answer.
var prober = http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// Poll probes what listens at address ("ip:port") until it is healthy, or ctx is done: then it returns what the last full
// probe met.
func (p Probe) Poll(ctx context.Context, address string) error {
	last := errNoAddress
	for pause := firstPause; ; pause = min(pause*3/2, lastPause) {
		err := p.Try(ctx, address)
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

// Try returns nil if what listens at address ("ip:port") answers once, and what it met instead if not. Timeout does not
// count: a probe takes two seconds at most.
func (p Probe) Try(ctx context.Context, address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return errNoAddress
	}
	if p.Port > 0 {
		port = strconv.Itoa(p.Port)
	}
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	if p.Path == "" {
		return connects(ctx, host, port)
	}
	return p.get(ctx, host, port)
}

func connects(ctx context.Context, host, port string) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return fmt.Errorf("port %s: %s", port, reason(err))
	}
	return conn.Close()
}

func (p Probe) get(ctx context.Context, host, port string) error {
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
