// Package live sends over WebSockets what grows and changes, as it does: logs, events, and that something has changed. A
// reader that lost its connection resumes where it was. One that is slow costs a message of memory: what it has not taken
// stays in the database. It knows nothing of who may read what.
package live

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"github.com/coder/websocket"
)

// Streams are the open streams of a server, which http.Server.Shutdown does not know of.
type Streams struct {
	mu      sync.Mutex
	open    sync.WaitGroup
	closing context.Context
	close   context.CancelFunc
}

// ErrClosing ends a stream of a server that stops.
var ErrClosing = errors.New("server closing")

// NewStreams returns an empty set.
func NewStreams() *Streams {
	ctx, cancel := context.WithCancel(context.Background())
	return &Streams{closing: ctx, close: cancel}
}

// Serve accepts a WebSocket, whose origin was checked, and runs send with a context that ends with the connection, the
// server, or once over says that the reader's session is. Where the server is stopping it returns ErrClosing and has not
// answered.
func (s *Streams) Serve(w http.ResponseWriter, r *http.Request, over func(context.Context) bool,
	send func(context.Context, *Conn) error) error {
	if !s.enter() {
		return ErrClosing
	}
	defer s.open.Done()
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return nil //nolint:nilerr // Accept has answered
	}
	defer ws.CloseNow()
	ctx, cancel := context.WithCancelCause(ws.CloseRead(r.Context())) // readers have nothing to say
	defer cancel(nil)
	stop := context.AfterFunc(s.closing, func() { cancel(ErrClosing) })
	defer stop()
	(&Conn{ws}).run(ctx, cancel, over, send)
	return nil
}

// enter counts a stream that begins, and reports false once none may.
func (s *Streams) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing.Err() != nil {
		return false
	}
	s.open.Add(1)
	return true
}

// Shut ends all streams and waits for them. Their readers resume with the next server.
func (s *Streams) Shut() {
	s.mu.Lock()
	s.close()
	s.mu.Unlock()
	s.open.Wait()
}
