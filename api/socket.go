package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"

	"sdp/internal/sdp"
)

const (
	pingEvery    = 20 * time.Second
	writeTimeout = 10 * time.Second // a reader that takes nothing for so long is cut off; it can resume
)

// webSocket refuses what is no WebSocket handshake of this site before the handler looks anything up.
func (s *Server) webSocket(hc huma.Context, next func(huma.Context)) {
	c := humagin.Unwrap(hc)
	if err := s.checkOrigin(c.Request); err != nil {
		s.fail(c, err)
		return
	}
	if !strings.EqualFold(c.GetHeader("Upgrade"), "websocket") {
		s.fail(c, withStatus(http.StatusUpgradeRequired,
			sdp.Errorf(sdp.Invalid, "not-a-websocket", "this address speaks WebSocket").
				WithRemedy("connect with ws:// or wss://; the address without /stream is a plain download"),
			"Upgrade", "websocket"))
		return
	}
	next(hc)
}

// errSessionOver ends a stream whose session has expired or was revoked.
var errSessionOver = errors.New("session over")

// socket accepts the WebSocket and runs send with a context that ends with the connection, the session or the server.
func (s *Server) socket(send func(context.Context, *websocket.Conn) error) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		c := humagin.Unwrap(hc)
		if !s.streams.enter() {
			s.fail(c, sdp.Errorf(sdp.Unavailable, "shutting-down", "the server is stopping").WithRemedy("connect again in a moment"))
			return
		}
		defer s.streams.leave()
		// checkOrigin has accepted the origin, by rules that include publicURL.
		conn, err := websocket.Accept(c.Writer, c.Request, &websocket.AcceptOptions{InsecureSkipVerify: true})
		if err != nil {
			return // Accept has answered
		}
		defer conn.CloseNow()
		s.run(c, conn, send)
	}}
}

func (s *Server) run(c *gin.Context, conn *websocket.Conn, send func(context.Context, *websocket.Conn) error) {
	info := infoOf(c.Request.Context())
	ctx, cancel := context.WithCancelCause(conn.CloseRead(c.Request.Context())) // readers have nothing to say
	defer cancel(nil)
	stop := context.AfterFunc(s.streams.closing, func() { cancel(errClosing) })
	defer stop()
	var alive sync.WaitGroup
	alive.Go(func() { cancel(s.keepAlive(ctx, conn, info)) })
	err := send(ctx, conn)
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	cancel(nil)
	alive.Wait()
	code, reason := closeCode(err)
	_ = conn.Close(code, reason) // the other end may be gone
}

// keepAlive pings, and looks whether the session still holds, until ctx ends. It returns why the stream must end.
func (s *Server) keepAlive(ctx context.Context, conn *websocket.Conn, info *requestInfo) error {
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		revoked, err := s.db.SessionRevoked(ctx, info.session.ID)
		if err == nil && revoked || time.Now().After(info.session.ExpiresAt) {
			return errSessionOver
		}
		timeout, cancel := context.WithTimeout(ctx, writeTimeout)
		err = conn.Ping(timeout)
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
	case errors.Is(err, errClosing):
		return websocket.StatusServiceRestart, "the server is stopping: resume where you are"
	}
	return websocket.StatusTryAgainLater, "resume where you are"
}

// write sends one message to a reader that may be slow, but not for ever.
func write(ctx context.Context, conn *websocket.Conn, message []byte) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	return conn.Write(ctx, websocket.MessageText, message)
}

// streamSet counts the open streams, which http.Server.Shutdown does not know of.
type streamSet struct {
	mu      sync.Mutex
	open    sync.WaitGroup
	closing context.Context
	close   context.CancelFunc
}

var errClosing = errors.New("server closing")

func newStreamSet() *streamSet {
	ctx, cancel := context.WithCancel(context.Background())
	return &streamSet{closing: ctx, close: cancel}
}

func (s *streamSet) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing.Err() != nil {
		return false
	}
	s.open.Add(1)
	return true
}

func (s *streamSet) leave() { s.open.Done() }

func (s *streamSet) shut() {
	s.mu.Lock()
	s.close()
	s.mu.Unlock()
	s.open.Wait()
}
