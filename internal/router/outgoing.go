package router

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"sdp/internal/router/forward"
)

// outgoing is the request the target gets, and what it is made of: most requests find all of it there from the one before.
type outgoing struct {
	req    http.Request
	url    url.URL
	values [8][1]string // of headers that have one value
	used   int          // of values
	body   *forward.Body
}

func newOutgoing() *outgoing { return &outgoing{req: http.Request{Header: make(http.Header, 16)}} }

// reset forgets the request.
func (o *outgoing) reset() {
	header := o.req.Header
	clear(header)
	*o = outgoing{req: http.Request{Header: header}}
}

// set sets a header that has one value.
func (o *outgoing) set(key, value string) {
	if o.used == len(o.values) {
		o.req.Header[key] = []string{value}
		return
	}
	o.values[o.used][0] = value
	o.req.Header[key] = o.values[o.used][:]
	o.used++
}

// outgoing makes the request the target gets. Like the client's it has a context that ends when the client leaves.
func (x *exchange) outgoing() *http.Request {
	o, header := x.out, x.out.req.Header
	o.req = *x.in
	o.req.Header, o.req.URL, o.req.Host = header, &o.url, x.outgoingHost()
	o.req.Close, o.req.TransferEncoding = false, nil
	x.outgoingURL(&o.url)
	x.outgoingHeader()
	o.req.Body = nil
	if x.in.Body != nil && x.in.Body != http.NoBody && x.in.ContentLength != 0 {
		o.body = forward.NewBody(x.in.Body)
		o.req.Body = o.body
	}
	if x.strip != "" || x.target.base != nil || !strings.HasPrefix(x.in.RequestURI, "/") {
		o.req.RequestURI = "" // the path is another one, or the client did not ask for a path
	}
	return &o.req
}

// outgoingHost is the Host the target sees: what the client asked for, but outside only their own names are known.
func (x *exchange) outgoingHost() string {
	if x.target.base != nil {
		return x.target.base.Host
	}
	return x.in.Host
}

// outgoingHeader sets the header the target gets.
func (x *exchange) outgoingHeader() {
	header := x.out.req.Header
	passOn(header, x.in.Header, x.side == public)
	x.setForwarded()
	if x.target.mesh {
		x.setMesh()
	}
	if x.target.base != nil {
		header["Via"] = append(slices.Clip(x.in.Header["Via"]), "1.1 "+viaMark)
	}
	if x.trace != "" {
		x.out.set(canonicalTrace, x.trace)
	}
	if protocol := x.upgrade(); protocol != "" {
		x.out.set("Connection", "Upgrade")
		x.out.set("Upgrade", protocol)
	}
	if _, ok := header["User-Agent"]; !ok {
		header["User-Agent"] = nil // or else net/http would name itself
	}
}

// upgrade returns the protocol the request asks to switch to. HTTP/2 has no upgrades.
func (x *exchange) upgrade() string {
	if x.in.ProtoMajor != 1 || x.in.Header["Upgrade"] == nil {
		return ""
	}
	return upgrade(x.in.Header)
}

func (x *exchange) outgoingURL(out *url.URL) {
	in := x.in.URL
	*out = url.URL{Scheme: x.target.scheme(), Host: x.target.address, Path: in.Path, RawPath: in.RawPath,
		RawQuery: in.RawQuery, ForceQuery: in.ForceQuery}
	if x.strip != "" {
		out.Path = absolute(strings.TrimPrefix(in.Path, x.strip))
		if in.RawPath != "" {
			out.RawPath = absolute(strings.TrimPrefix(in.RawPath, x.strip))
		}
	}
	if base := x.target.base; base != nil {
		joinBase(out, base)
	}
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

// setForwarded says for whom the request is made. On the mesh the first router has done so.
func (x *exchange) setForwarded() {
	in := x.in.Header
	if x.side == mesh {
		if prior := in[forwardedFor]; prior != nil {
			x.out.req.Header[forwardedFor] = prior
		}
		return
	}
	client, believed := clientIP(x.in.RemoteAddr), x.side == inside
	if prior := in[forwardedFor]; believed && len(prior) > 0 {
		client = strings.Join(prior, ", ") + ", " + client
	}
	x.out.set(forwardedFor, client)
	if !believed || in[forwardedProto] == nil {
		x.out.set(forwardedProto, "http")
	}
	if !believed || in[forwardedHost] == nil {
		x.out.set(forwardedHost, x.in.Host)
	}
	if x.strip != "" {
		x.out.set(forwardedPrefix, x.strip)
	}
}

// setMesh says what the next router must know.
func (x *exchange) setMesh() {
	x.out.set(meshToken, x.r.tokens.Load().Current)
	x.out.set(meshSandbox, x.sb.name)
	x.out.set(meshService, x.service)
	x.out.set(meshHops, strconv.Itoa(x.passed+1))
	if len(x.route.targets) > 1 {
		x.out.set(meshTarget, x.target.Deployment)
	}
	if x.direct {
		x.out.set(meshDirect, "1")
	}
	if x.trace != "" {
		x.out.set(meshFrom, x.from)
	}
	if x.inferred {
		x.out.set(meshInferred, "1")
	}
}
