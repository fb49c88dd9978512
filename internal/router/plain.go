package router

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// Plain requests (HTTP/1.1, no body, no upgrade, no TLS) are most of a sandbox's traffic. For them the router writes
// and reads the connection in the goroutine that serves the client. net/http's Transport hands each request to two
// goroutines of the connection and back, which is needed for all that plain requests do not do, and costs a third of
// the throughput.

const (
	plainBuffer = 4 << 10
	// maxResponseHeader bounds the status line and header of a response.
	maxResponseHeader = 1 << 20
	// A connection that was idle longer than this is looked at before it is used: the target may have closed it.
	suspectAfter = 20 * time.Millisecond
)

// plain reports whether the request is a plain one.
func (x *exchange) plain() bool {
	return x.in.ProtoMajor == 1 && !x.hasBody() && x.upgrade() == "" &&
		(x.route.base == nil || x.route.base.Scheme == "http")
}

// sendPlain sends a plain request. A connection that was used before may have been closed by the target meanwhile; then
// a request that may be repeated is, on a new one.
func (x *exchange) sendPlain() (*http.Response, error) {
	address := x.route.address
	if x.route.base != nil {
		address = hostPort(x.route.base)
	}
	if c := x.route.pool.plain.take(address); c != nil {
		res, err := c.roundTrip(x)
		if err == nil || c.answered || x.in.Context().Err() != nil || !idempotent(x.in.Method) {
			return res, err
		}
	}
	conn, err := x.route.pool.dial(x.in.Context(), "tcp", address)
	if err != nil {
		return nil, err
	}
	c := &plainConn{poolConn: conn.(*poolConn), address: address}
	c.reader = bufio.NewReaderSize((*limitedConn)(c), plainBuffer)
	c.writer = bufio.NewWriterSize(c.poolConn, plainBuffer)
	return c.roundTrip(x)
}

// plainConns is the idle connections for plain requests, by address, the last used one last.
type plainConns struct {
	timeout time.Duration
	mu      sync.Mutex
	idle    map[string][]*plainConn
}

// take returns an idle connection that is still open, nil if there is none.
func (s *plainConns) take(address string) *plainConn {
	for {
		s.mu.Lock()
		idle := s.idle[address]
		if len(idle) == 0 {
			s.mu.Unlock()
			return nil
		}
		c := idle[len(idle)-1]
		s.idle[address] = idle[:len(idle)-1]
		s.mu.Unlock()
		age := time.Since(c.since)
		if age < suspectAfter || age < s.timeout && c.open() {
			return c
		}
		c.Close()
	}
}

func (s *plainConns) put(c *plainConn) {
	c.since = time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.idle == nil {
		s.idle = map[string][]*plainConn{}
	}
	if len(s.idle[c.address]) >= idlePerHost {
		c.Close()
		return
	}
	s.idle[c.address] = append(s.idle[c.address], c)
}

func (s *plainConns) closeOld() { s.closeIdle(time.Now().Add(-s.timeout)) }

// closeIdle closes the connections that are idle since before limit; all if limit is zero.
func (s *plainConns) closeIdle(limit time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for address, idle := range s.idle {
		old := 0
		for old < len(idle) && (limit.IsZero() || idle[old].since.Before(limit)) {
			idle[old].Close()
			old++
		}
		if s.idle[address] = idle[old:]; old == len(idle) {
			delete(s.idle, address)
		}
	}
}

// plainConn is a connection for plain requests.
type plainConn struct {
	*poolConn
	address  string
	reader   *bufio.Reader
	writer   *bufio.Writer
	since    time.Time // idle since
	limit    int64     // bytes that may still be read of a header
	answered bool      // a byte of the response has come
	stop     func() bool
}

// limitedConn is a plainConn as its reader reads it.
type limitedConn plainConn

// Read reads from the connection within the limit.
func (c *limitedConn) Read(p []byte) (int, error) {
	if c.limit <= 0 {
		return 0, errors.New("the response header is too long")
	}
	n, err := c.TCPConn.Read(p)
	c.answered = c.answered || n > 0
	c.limit -= int64(n)
	return n, err
}

const unlimited = 1<<63 - 1

// roundTrip sends the request and reads the response's header. The connection goes back when the body has been read,
// and is closed where it cannot be used again. When the client leaves, the connection is aborted.
func (c *plainConn) roundTrip(x *exchange) (*http.Response, error) {
	c.answered, c.limit = false, maxResponseHeader
	c.stop = context.AfterFunc(x.in.Context(), func() { c.SetDeadline(time.Unix(1, 0)) }) //nolint:errcheck // a closed one is aborted already
	err := c.write(x)
	var res *http.Response
	if err == nil {
		res, err = c.readHeader(x.in)
	}
	if err != nil {
		c.stop()
		c.Close()
		return nil, err
	}
	c.limit = unlimited
	if res.Body == http.NoBody {
		c.done(!res.Close && res.StatusCode >= 200)
		return res, nil
	}
	res.Body = &plainBody{c, res.Body, !res.Close, false}
	return res, nil
}

func (c *plainConn) readHeader(req *http.Request) (*http.Response, error) {
	for {
		res, err := http.ReadResponse(c.reader, req)
		if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
			err = errors.New("it closed the connection without an answer")
		}
		if err != nil || res.StatusCode >= 200 || res.StatusCode == http.StatusSwitchingProtocols {
			return res, err
		}
	}
}

// done ends an exchange on the connection.
func (c *plainConn) done(reuse bool) {
	if !c.stop() || !reuse || c.reader.Buffered() > 0 || c.pool.cut.Load() {
		c.Close()
		return
	}
	c.pool.plain.put(c)
}

// write writes the request. net/http has checked every part of it when it came in.
func (c *plainConn) write(x *exchange) error {
	w := c.writer
	w.Reset(c.poolConn)
	w.WriteString(x.in.Method)
	w.WriteByte(' ')
	w.WriteString(x.requestURI())
	w.WriteString(" HTTP/1.1\r\nHost: ")
	w.WriteString(x.outgoingHost())
	w.WriteString("\r\n")
	x.outgoingHeader(func(key string, values ...string) {
		for _, value := range values {
			w.WriteString(key)
			w.WriteString(": ")
			w.WriteString(value)
			w.WriteString("\r\n")
		}
	})
	switch x.in.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
		w.WriteString("Content-Length: 0\r\n")
	}
	w.WriteString("\r\n")
	return w.Flush()
}

// requestURI is what the client asked for as it spelled it, where the router need not change it.
func (x *exchange) requestURI() string {
	if x.strip == "" && x.route.base == nil && x.in.RequestURI != "" && x.in.RequestURI[0] == '/' {
		return x.in.RequestURI
	}
	return x.outgoingURL().RequestURI()
}

// open reports whether the target has neither closed an idle connection nor sent anything on it.
func (c *plainConn) open() bool {
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	var peek error
	err = raw.Read(func(fd uintptr) bool {
		var b [1]byte
		_, _, peek = syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		return true
	})
	return err == nil && errors.Is(peek, syscall.EAGAIN)
}

// plainBody is the body of a response to a plain request.
type plainBody struct {
	conn  *plainConn
	body  io.ReadCloser
	reuse bool
	ended bool
}

// Read reads the body and gives the connection back at its end.
func (b *plainBody) Read(p []byte) (int, error) {
	if b.ended {
		return 0, io.EOF
	}
	n, err := b.body.Read(p)
	if err != nil {
		b.end(err == io.EOF)
	}
	return n, err
}

// Close closes the connection if the body was not read to its end.
func (b *plainBody) Close() error {
	b.end(false)
	return nil
}

func (b *plainBody) end(whole bool) {
	if !b.ended {
		b.ended = true
		b.conn.done(whole && b.reuse)
	}
}
