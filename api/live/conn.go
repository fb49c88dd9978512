package live

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/coder/websocket"
)

const (
	pingEvery    = 20 * time.Second
	writeTimeout = 10 * time.Second // a reader that takes nothing for so long is cut off; it can resume
)

// Conn is the connection to one reader.
type Conn struct{ ws *websocket.Conn }

// Send sends one message to a reader that may be slow, but not for ever.
func (c *Conn) Send(ctx context.Context, message any) error {
	raw, err := json.Marshal(message)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	return c.ws.Write(ctx, websocket.MessageText, raw)
}

func (c *Conn) run(ctx context.Context, cancel context.CancelCauseFunc, over func(context.Context) bool,
	send func(context.Context, *Conn) error) {
	var alive sync.WaitGroup
	alive.Go(func() { cancel(c.keepAlive(ctx, over)) })
	err := send(ctx, c)
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	cancel(nil)
	alive.Wait()
	code, reason := closeCode(err)
	_ = c.ws.Close(code, reason) // the other end may be gone
}

// errSessionOver ends a stream whose session has expired or was revoked.
var errSessionOver = errors.New("session over")

// keepAlive pings, and looks whether the session still holds, until ctx ends. It returns why the stream must end.
func (c *Conn) keepAlive(ctx context.Context, over func(context.Context) bool) error {
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if over(ctx) {
			return errSessionOver
		}
		timeout, cancel := context.WithTimeout(ctx, writeTimeout)
		err := c.ws.Ping(timeout)
		cancel()
		if err != nil {
			return err
		}
	}
}

// closeCode tells the reader whether to come back: 1000 the end was reached, 1008 sign in first, else resume.
func closeCode(err error) (websocket.StatusCode, string) {
	switch {
	case err == nil:
		return websocket.StatusNormalClosure, "the end"
	case errors.Is(err, errSessionOver):
		return websocket.StatusPolicyViolation, "the session is over: sign in again"
	case errors.Is(err, ErrClosing):
		return websocket.StatusServiceRestart, "the server is stopping: resume where you are"
	}
	return websocket.StatusTryAgainLater, "resume where you are"
}
