package apiclient

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/coder/websocket"

	"sdp/api/rest"
	"sdp/internal/pause"
	"sdp/internal/sdp"
)

const (
	firstPause = 100 * time.Millisecond
	longPause  = 2 * time.Second
	// patience is how long a server that was there may be away, restarting, before a wait for it is given up.
	patience = 2 * time.Minute
	// maxFrame bounds one message, in bytes: 64 KiB of log take up to six times that as JSON.
	maxFrame = 1 << 20
)

func deploymentLogs(id string) string            { return "/deployments/" + esc(id) + "/logs" }
func serviceLogs(sandbox, service string) string { return serviceOf(sandbox, service) + "/logs" }

// Logs copies the log of a deployment, as far as it is now, from offset to w and returns the offset after the last
// byte.
func (c *Client) Logs(ctx context.Context, deployment string, offset int64, w io.Writer) (int64, error) {
	return c.download(ctx, deploymentLogs(deployment), offset, w)
}

// ServiceLogs is Logs for what a service's container prints.
func (c *Client) ServiceLogs(ctx context.Context, sandbox, service string, offset int64, w io.Writer) (int64, error) {
	return c.download(ctx, serviceLogs(sandbox, service), offset, w)
}

func (c *Client) download(ctx context.Context, path string, offset int64, w io.Writer) (int64, error) {
	response, err := c.send(ctx, get(path, offsetQuery(offset), nil))
	if err != nil {
		return offset, c.unreachable(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return offset, problem(response)
	}
	n, err := io.Copy(w, response.Body)
	if err != nil {
		return offset + n, sdp.Errorf(sdp.Unavailable, "log-cut", "the log was cut off after %d bytes: %w", offset+n, err).
			WithRemedy("ask again")
	}
	return offset + n, nil
}

// FollowLogs is Logs, and goes on until the log is final or ctx ends. A lost connection is resumed where it broke,
// also after a restart of the server.
func (c *Client) FollowLogs(ctx context.Context, deployment string, offset int64, w io.Writer) (int64, error) {
	return c.follow(ctx, deploymentLogs(deployment), offset, w)
}

// FollowServiceLogs is FollowLogs for what a service's container prints.
func (c *Client) FollowServiceLogs(ctx context.Context, sandbox, service string, offset int64, w io.Writer) (int64, error) {
	return c.follow(ctx, serviceLogs(sandbox, service), offset, w)
}

func (c *Client) follow(ctx context.Context, path string, offset int64, w io.Writer) (int64, error) {
	away := outage{}
	for {
		next, final, err := c.read(ctx, path, offset, w)
		if final || ctx.Err() != nil {
			return next, ctx.Err()
		}
		if next > offset {
			away = outage{} // it was there
		}
		offset = next
		if err := away.pause(ctx, err); err != nil {
			return offset, err
		}
	}
}

// read copies what one connection brings. final means that the log has ended.
func (c *Client) read(ctx context.Context, path string, offset int64, w io.Writer) (next int64, final bool, err error) {
	conn, err := c.dial(ctx, path+"/stream", offsetQuery(offset))
	if err != nil {
		return offset, false, err
	}
	defer conn.CloseNow()
	for {
		var frame rest.LogFrame
		if err := readMessage(ctx, conn, &frame); err != nil {
			return offset, false, err
		}
		if frame.Final {
			return offset, true, nil
		}
		if _, err := io.WriteString(w, frame.Data); err != nil {
			return offset, false, &outputError{err}
		}
		offset = frame.Next
	}
}

// outputError is an error of the writer, which no new connection heals.
type outputError struct{ err error }

func (e *outputError) Error() string { return "writing the log: " + e.err.Error() }
func (e *outputError) Unwrap() error { return e.err }

func offsetQuery(offset int64) url.Values {
	return url.Values{"offset": {strconv.FormatInt(offset, 10)}}
}

// dial opens a WebSocket. A refusal by the server comes back as the server meant it.
func (c *Client) dial(ctx context.Context, path string, query url.Values) (*websocket.Conn, error) {
	timeout, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	handshake := *c.http
	handshake.Transport = refusals{c.http.Transport}
	options := websocket.DialOptions{HTTPClient: &handshake, HTTPHeader: c.header()}
	conn, _, err := websocket.Dial(timeout, c.url(path, query), &options) //nolint:bodyclose // websocket.Dial closes it
	var refused *sdp.Error
	switch {
	case errors.As(err, &refused):
		return nil, refused
	case err != nil:
		return nil, c.unreachable(err)
	}
	conn.SetReadLimit(maxFrame)
	return conn, nil
}

// refusals makes an error of an answer that refuses a handshake, whatever its length: websocket.Dial keeps its first 1024
// bytes, which is not JSON any more.
type refusals struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (r refusals) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := r.RoundTripper.RoundTrip(request)
	if err != nil || response.StatusCode < 300 {
		return response, err
	}
	defer response.Body.Close()
	return nil, problem(response)
}

func readMessage(ctx context.Context, conn *websocket.Conn, into any) error {
	_, raw, err := conn.Read(ctx)
	if err != nil {
		if websocket.CloseStatus(err) == websocket.StatusPolicyViolation {
			return sdp.Errorf(sdp.Unauthenticated, "session-expired", "the session is over").WithRemedy("sign in again: `sdp login`")
		}
		return err
	}
	return json.Unmarshal(raw, into)
}

// outage is a server that does not answer for a while.
type outage struct {
	since time.Time
	next  time.Duration
}

// pause waits before the next attempt, a little longer each time. It returns why not to try again.
func (o *outage) pause(ctx context.Context, err error) error {
	var refused *sdp.Error
	var output *outputError
	if errors.As(err, &output) || errors.As(err, &refused) && refused.Kind != sdp.Unavailable {
		return err
	}
	if o.since.IsZero() {
		o.since, o.next = time.Now(), firstPause
	}
	if time.Since(o.since) > patience {
		return err
	}
	wait := o.next
	o.next = min(2*o.next, longPause)
	return pause.For(ctx, wait)
}
