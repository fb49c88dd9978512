package router

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
)

// send sends the request to the target of the route. What needs nothing special goes a shorter way than net/http's.
func (x *exchange) send() (*http.Response, error) {
	x.body = nil
	if x.plain() {
		return x.sendPlain()
	}
	transport, err := x.route.transport(x.in)
	if err != nil {
		return nil, err
	}
	out := x.outgoing()
	if out.Header["Upgrade"] != nil {
		out = x.withConn(out)
	}
	return transport.RoundTrip(out)
}

// outgoing makes the request the target gets.
func (x *exchange) outgoing() *http.Request {
	in := x.in
	out := &http.Request{
		Method: in.Method, URL: x.outgoingURL(), Host: x.outgoingHost(), ContentLength: in.ContentLength,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: make(http.Header, len(in.Header)+8), Trailer: in.Trailer,
	}
	x.outgoingHeader(func(key string, values ...string) { out.Header[key] = values })
	if _, ok := out.Header["User-Agent"]; !ok {
		out.Header["User-Agent"] = nil // or else net/http would name itself
	}
	if x.hasBody() {
		x.body = &guardedBody{body: in.Body}
		out.Body = x.body
	}
	return out.WithContext(in.Context())
}

func (x *exchange) hasBody() bool {
	return x.in.Body != nil && x.in.Body != http.NoBody && x.in.ContentLength != 0
}

// outgoingHost is the Host the target sees: what the client asked for, but outside only their own names are known.
func (x *exchange) outgoingHost() string {
	if x.route.base != nil {
		return x.route.base.Host
	}
	return x.in.Host
}

// outgoingHeader hands put the header the target gets.
func (x *exchange) outgoingHeader(put func(key string, values ...string)) {
	passOn(x.in.Header, x.side == public, put)
	x.putForwarded(put)
	if x.route.mesh {
		x.putMesh(put)
	}
	if x.route.base != nil {
		put("Via", append(x.in.Header["Via"], "1.1 "+viaMark)...)
	}
	if x.trace != "" {
		put(canonicalTrace, x.trace)
	}
	if protocol := x.upgrade(); protocol != "" {
		put("Connection", "Upgrade")
		put("Upgrade", protocol)
	}
}

// upgrade returns the protocol the request asks to switch to. HTTP/2 has no upgrades.
func (x *exchange) upgrade() string {
	if x.in.ProtoMajor != 1 || x.in.Header["Upgrade"] == nil {
		return ""
	}
	return upgrade(x.in.Header)
}

func (x *exchange) outgoingURL() *url.URL {
	in := x.in.URL
	out := &url.URL{Scheme: "http", Host: x.route.address, Path: in.Path, RawPath: in.RawPath, RawQuery: in.RawQuery,
		ForceQuery: in.ForceQuery}
	if x.strip != "" {
		out.Path = absolute(strings.TrimPrefix(in.Path, x.strip))
		if in.RawPath != "" {
			out.RawPath = absolute(strings.TrimPrefix(in.RawPath, x.strip))
		}
	}
	if base := x.route.base; base != nil {
		out.Scheme, out.Host = base.Scheme, base.Host
		joinBase(out, base)
	}
	return out
}

func absolute(path string) string {
	if !strings.HasPrefix(path, "/") {
		return "/" + path
	}
	return path
}

// joinBase puts the path and query of a route's URL before those of the request.
func joinBase(u, base *url.URL) {
	if prefix := strings.TrimSuffix(base.Path, "/"); prefix != "" && u.Path != "*" {
		raw := strings.TrimSuffix(base.EscapedPath(), "/") + absolute(u.EscapedPath())
		u.Path, u.RawPath = prefix+absolute(u.Path), raw
	}
	if base.RawQuery != "" && u.RawQuery != "" {
		u.RawQuery = base.RawQuery + "&" + u.RawQuery
	} else {
		u.RawQuery += base.RawQuery
	}
}

// putForwarded says for whom the request is made. On the mesh the first router has done so.
func (x *exchange) putForwarded(put func(key string, values ...string)) {
	in := x.in.Header
	if x.side == mesh {
		if prior := in[forwardedFor]; prior != nil {
			put(forwardedFor, prior...)
		}
		return
	}
	client, believed := clientIP(x.in.RemoteAddr), x.side == inside
	if prior := in[forwardedFor]; believed && len(prior) > 0 {
		client = strings.Join(prior, ", ") + ", " + client
	}
	put(forwardedFor, client)
	if !believed || in[forwardedProto] == nil {
		put(forwardedProto, "http")
	}
	if !believed || in[forwardedHost] == nil {
		put(forwardedHost, x.in.Host)
	}
	if x.strip != "" {
		put(forwardedPrefix, x.strip)
	}
}

// putMesh says what the next router must know.
func (x *exchange) putMesh(put func(key string, values ...string)) {
	put(meshToken, x.r.tokens.Load().Current)
	put(meshSandbox, x.sb.name)
	put(meshService, x.service)
	put(meshHops, strconv.Itoa(x.passed+1))
	if x.direct {
		put(meshDirect, "1")
	}
	if x.trace != "" {
		put(meshFrom, x.from)
	}
	if x.inferred {
		put(meshInferred, "1")
	}
}

// guardedBody is a request's body that can be taken away from the transport, which may go on reading after its
// RoundTrip has returned, and that knows whether anything was read.
type guardedBody struct {
	body                io.ReadCloser
	read, whole, closed atomic.Bool // begun; read to its end; taken away
}

var errBodyClosed = errors.New("the request is over")

// Read reads from the request's body unless it was taken away.
func (b *guardedBody) Read(p []byte) (int, error) {
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
func (b *guardedBody) Close() error {
	b.closed.Store(true)
	return nil
}

// giveUp takes the body away and reports whether it is still whole. A nil body always is.
func (b *guardedBody) giveUp() bool {
	if b == nil {
		return true
	}
	b.closed.Store(true)
	return !b.read.Load()
}

// withConn makes a request tell which connection it uses: to pass on the end of one direction of an upgraded
// connection takes more than the transport hands out.
func (x *exchange) withConn(out *http.Request) *http.Request {
	trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { x.conn = info.Conn }}
	return out.WithContext(httptrace.WithClientTrace(out.Context(), trace))
}
