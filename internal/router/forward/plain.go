package forward

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
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
)

// Plain is an http.RoundTripper for plain requests. They came from a client by way of net/http, which has checked every
// part of them; RequestURI, if it is set, is sent as it is. A request is no longer used once its response's body is closed.
type Plain struct {
	dial     func(ctx context.Context, address string) (*poolConn, error)
	bodiless bool // targets are known to send no body after a response that has none
	idle     idleConns[*plainConn]
}

// IsPlain reports whether a request is a plain one.
func IsPlain(req *http.Request) bool {
	return req.ProtoMajor == 1 && !hasBody(req) && req.URL.Scheme == "http" && req.Header["Upgrade"] == nil
}

// RoundTrip sends a plain request. A connection that was used before may have been closed by the target meanwhile; then a
// request that may be repeated is, on a new one.
func (t *Plain) RoundTrip(req *http.Request) (*http.Response, error) {
	if c, ok := t.idle.take(req.URL.Host); ok {
		res, err := c.roundTrip(req)
		if err == nil || c.answered || req.Context().Err() != nil || !Idempotent(req.Method) {
			return res, err
		}
	}
	conn, err := t.dial(req.Context(), req.URL.Host)
	if err != nil {
		return nil, err
	}
	c := &plainConn{poolConn: conn, transport: t, idleSlot: idleSlot{key: req.URL.Host}}
	c.reader = bufio.NewReaderSize((*limitedConn)(c), plainBuffer)
	c.writer = bufio.NewWriterSize(c.poolConn, plainBuffer)
	c.abort = func() { c.SetDeadline(time.Unix(1, 0)) } //nolint:errcheck // a closed one is aborted already
	return c.roundTrip(req)
}

// plainConn is a connection for plain requests.
type plainConn struct {
	*poolConn
	idleSlot
	transport *Plain
	reader    *bufio.Reader
	writer    *bufio.Writer
	limit     int64 // bytes that may still be read of a header
	answered  bool  // a byte of the response has come
	abort     func()
	stop      func() bool // ends what aborts the connection when the client leaves
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
func (c *plainConn) roundTrip(req *http.Request) (*http.Response, error) {
	c.answered, c.limit = false, maxResponseHeader
	c.stop = context.AfterFunc(req.Context(), c.abort)
	err := c.write(req)
	var res *http.Response
	if err == nil {
		res, err = c.readHeader(req)
	}
	if err != nil {
		c.stop()
		c.Close()
		return nil, err
	}
	c.limit = unlimited
	if res.Body == http.NoBody {
		c.done(!res.Close && reusable(req.Method, res, c.transport.bodiless))
		return res, nil
	}
	res.Body = &plainBody{c, res.Body, !res.Close, false}
	return res, nil
}

func (c *plainConn) readHeader(req *http.Request) (*http.Response, error) {
	for {
		res, err := http.ReadResponse(c.reader, req)
		if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
			err = errNoAnswer
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
	c.transport.idle.put(c)
}

// write writes the request.
func (c *plainConn) write(req *http.Request) error {
	w := c.writer
	w.Reset(c.poolConn)
	w.WriteString(req.Method)
	w.WriteByte(' ')
	w.WriteString(requestURI(req))
	w.WriteString(" HTTP/1.1\r\nHost: ")
	w.WriteString(req.Host)
	w.WriteString("\r\n")
	for key, values := range req.Header {
		for _, value := range values {
			w.WriteString(key)
			w.WriteString(": ")
			w.WriteString(value)
			w.WriteString("\r\n")
		}
	}
	switch req.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
		w.WriteString("Content-Length: 0\r\n")
	}
	w.WriteString("\r\n")
	return w.Flush()
}

func requestURI(req *http.Request) string {
	if req.RequestURI != "" {
		return req.RequestURI
	}
	return req.URL.RequestURI()
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
