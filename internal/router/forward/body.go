package forward

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
)

// Body is a request's body that can be taken away from a transport, which may go on reading after its RoundTrip has
// returned, and that knows whether anything was read.
type Body struct {
	body                io.ReadCloser
	read, whole, closed atomic.Bool // begun; read to its end; taken away
	next                atomic.Pointer[Body]
}

// NewBody returns a request's body for a transport.
func NewBody(body io.ReadCloser) *Body { return &Body{body: body} }

var errBodyClosed = errors.New("the request is over")

// Read reads from the request's body unless it was taken away.
func (b *Body) Read(p []byte) (int, error) {
	b.read.Store(true)
	if b.closed.Load() {
		return 0, errBodyClosed
	}
	n, err := b.body.Read(p)
	if err == io.EOF {
		b.whole.Store(true)
	}
	return n, err
}

// Close takes the body away. The server closes the real one.
func (b *Body) Close() error {
	b.closed.Store(true)
	return nil
}

// GiveUp takes the body away from who has it now and reports whether it is still whole. A nil body always is.
func (b *Body) GiveUp() bool {
	if b == nil {
		return true
	}
	last := b.last()
	last.closed.Store(true)
	return !last.read.Load()
}

// Whole reports whether the body was read to its end. A nil body was.
func (b *Body) Whole() bool { return b == nil || b.last().whole.Load() }

func (b *Body) last() *Body {
	for b.next.Load() != nil {
		b = b.next.Load()
	}
	return b
}

// again returns the request to be sent once more, unless some of its body is gone.
func again(req *http.Request) (*http.Request, bool) {
	if !hasBody(req) {
		return req, true
	}
	b, ok := req.Body.(*Body)
	if !ok || !b.GiveUp() {
		return nil, false
	}
	next := NewBody(b.body)
	b.last().next.Store(next)
	repeated := *req
	repeated.Body = next
	return &repeated, true
}

func hasBody(req *http.Request) bool {
	return req.Body != nil && req.Body != http.NoBody && req.ContentLength != 0
}

// Idempotent reports whether a request may be done twice.
func Idempotent(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}
