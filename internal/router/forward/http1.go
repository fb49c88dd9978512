package forward

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
)

// http1Conn is an HTTP/1.1 connection for requests that are not plain: with a body, with an upgrade, with TLS, or from
// HTTP/2. net/http reads and writes it; the router decides whether it is used again, because net/http does so before it
// has handed out the response.
type http1Conn struct {
	*http.ClientConn
	idleSlot
	transport *http1
	conn      net.Conn  // what requests are written to
	tcp       *poolConn // conn, or what is below its TLS
}

var errNoAnswer = errors.New("it closed the connection without an answer")

// http1 is the http.RoundTripper for HTTP/1.1.
type http1 struct {
	dial     func(ctx context.Context, address string) (*poolConn, error)
	bodiless bool // as in Plain
	idle     idleConns[*http1Conn]
	on       *http.Transport // speaks on connections it is handed
}

// RoundTrip sends a request over HTTP/1.1, as Plain does.
func (t *http1) RoundTrip(req *http.Request) (*http.Response, error) {
	if c, ok := t.idle.take(req.URL.Scheme + "://" + req.URL.Host); ok {
		before := c.tcp.received()
		res, err := c.roundTrip(req)
		answered := c.tcp.received() > before
		if err == nil || answered || req.Context().Err() != nil || !Idempotent(req.Method) {
			return res, err
		}
		if req, ok = again(req); !ok {
			return res, err
		}
	}
	c, err := t.open(req.Context(), req.URL.Scheme, req.URL.Host)
	if err != nil {
		return nil, err
	}
	return c.roundTrip(req)
}

type handOver struct{} // key of the connection a Transport is to use

// handedOver is the DialContext of a Transport that gets its connections from the router.
func handedOver(ctx context.Context, _, _ string) (net.Conn, error) {
	return ctx.Value(handOver{}).(net.Conn), nil
}

func (t *http1) open(ctx context.Context, scheme, address string) (*http1Conn, error) {
	tcp, err := t.dial(ctx, address)
	if err != nil {
		return nil, err
	}
	c := &http1Conn{transport: t, idleSlot: idleSlot{key: scheme + "://" + address}, conn: tcp, tcp: tcp}
	if scheme == "https" {
		if c.conn, err = handshake(ctx, tcp, address, "http/1.1"); err != nil {
			tcp.Close()
			return nil, err
		}
	}
	c.ClientConn, err = t.on.NewClientConn(context.WithValue(ctx, handOver{}, c.conn), "http", address)
	if err != nil {
		tcp.Close()
		return nil, err
	}
	return c, nil
}

// roundTrip sends the request and returns the response. The connection goes back when the body has been read.
func (c *http1Conn) roundTrip(req *http.Request) (*http.Response, error) {
	res, err := c.RoundTrip(req)
	if err != nil {
		c.Close()
		if errors.Is(err, io.EOF) {
			err = errNoAnswer
		}
		return nil, err
	}
	switch {
	case res.StatusCode == http.StatusSwitchingProtocols:
		if rw, ok := res.Body.(io.ReadWriteCloser); ok {
			res.Body = &Upgraded{rw, c.conn}
		}
	case res.Body == http.NoBody:
		c.done(reusable(req.Method, res, c.transport.bodiless))
	default:
		res.Body = &http1Body{res.Body, c, false}
	}
	return res, nil
}

// done ends an exchange on the connection. net/http has its own reasons not to use it again.
func (c *http1Conn) done(reuse bool) {
	if !reuse || c.Available() == 0 || c.tcp.pool.cut.Load() {
		c.Close()
		return
	}
	c.transport.idle.put(c)
}

// reusable reports whether a connection may be used again after a response. One that has no body whatever its header says
// (RFC 9110 section 6.4.1) ends its connection: servers that send a body all the same are known, and what comes of it after
// the next request was sent would be taken for the answer to that. bodiless says that the server is not one of them, as
// routers are not.
func reusable(method string, res *http.Response, bodiless bool) bool {
	none := method == http.MethodHead || res.StatusCode == http.StatusNoContent || res.StatusCode == http.StatusNotModified
	return res.StatusCode >= 200 && (bodiless || !none)
}

// open reports whether the target has neither closed an idle connection nor sent anything on it. net/http reads it all the
// time, and closes it when it finds something; but it only waits for more once it has looked at all it has.
func (c *http1Conn) open() bool {
	return c.Err() == nil && c.tcp.silent()
}

// http1Body is the body of a response; at its end the connection goes back.
type http1Body struct {
	io.ReadCloser
	conn  *http1Conn
	ended bool
}

// Read reads the body.
func (b *http1Body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.end(err == io.EOF)
	}
	return n, err
}

// Close closes the connection if the body was not read to its end.
func (b *http1Body) Close() error {
	b.end(false)
	return b.ReadCloser.Close()
}

func (b *http1Body) end(whole bool) {
	if !b.ended {
		b.ended = true
		b.conn.done(whole)
	}
}
