package router

import (
	"net/http"
	"slices"
	"strings"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// Headers between routers. They are believed only together with the mesh token, and never leave the mesh.
const (
	meshPrefix   = "X-Sdp-Mesh-"
	meshToken    = meshPrefix + "Token"
	meshSandbox  = meshPrefix + "Sandbox"
	meshService  = meshPrefix + "Service"
	meshFrom     = meshPrefix + "From"
	meshDirect   = meshPrefix + "Direct"   // the container itself was asked for, whatever the route says
	meshInferred = meshPrefix + "Inferred" // the trace ID was attributed, not passed on
	meshTarget   = meshPrefix + "Target"   // the deployment that was chosen, of several that answer for the service
	meshHops     = meshPrefix + "Hops"     // how many routers have passed the request on
	meshRefused  = meshPrefix + "Refused"  // in responses: the token was wrong
)

// The forms net/http gives to names of ours.
var (
	canonicalTrace   = http.CanonicalHeaderKey(wire.TraceHeader)
	canonicalSandbox = http.CanonicalHeaderKey(wire.SandboxHeader)
	canonicalRoute   = http.CanonicalHeaderKey(wire.RouteHeader)
)

const (
	forwardedFor    = "X-Forwarded-For"
	forwardedHost   = "X-Forwarded-Host"
	forwardedProto  = "X-Forwarded-Proto"
	forwardedPrefix = "X-Forwarded-Prefix"
)

// hopByHop reports whether a header (in canonical form) belongs to one connection only, RFC 9110 section 7.6.1.
// Expect is among them because the server answers it when the body is read.
func hopByHop(key string) bool {
	switch key {
	case "Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer",
		"Transfer-Encoding", "Upgrade", "Expect", "Http2-Settings":
		return true
	}
	return false
}

// ours reports whether a header (in canonical form) is one that only routers may set.
func ours(key string) bool {
	return strings.HasPrefix(key, "X-Sdp-") &&
		(key == canonicalSandbox || key == canonicalRoute || strings.HasPrefix(key, meshPrefix))
}

// forwarded reports whether a header (in canonical form) is what a proxy says of the original request.
func forwarded(key string) bool {
	switch key {
	case "Forwarded", forwardedFor, forwardedHost, forwardedProto, forwardedPrefix:
		return true
	}
	return false
}

// passOn copies what a request's target may see of its header. edge says that the sender is a client, who is not
// believed what it says about itself. Names with underscores are judged as if they had dashes, because PHP and CGI
// cannot tell the two apart.
func passOn(out, in http.Header, edge bool) {
	connection := in["Connection"]
	for key, values := range in {
		name := key
		if strings.IndexByte(key, '_') >= 0 {
			name = http.CanonicalHeaderKey(strings.ReplaceAll(key, "_", "-"))
		}
		switch {
		case hopByHop(name), ours(name), name == "Content-Length", name == canonicalTrace:
		case forwarded(name) && (edge || name != key || name == forwardedFor):
		case connection != nil && hasToken(connection, key):
		case name == "Cookie":
			if kept := withoutSession(values); len(kept) > 0 {
				out[key] = kept
			}
		default:
			out[key] = values
		}
	}
	if te := in["Te"]; te != nil && hasToken(te, "trailers") {
		out["Te"] = []string{"trailers"}
	}
}

// withoutSession takes the cookie of SDP's own dashboard out of a request. Cookies do not know ports, so a browser sends
// it to every sandbox on the server's host, and a branch under test must not be able to act for whoever looks at it.
func withoutSession(values []string) []string {
	if !slices.ContainsFunc(values, func(v string) bool { return strings.Contains(v, sdp.SessionCookie) }) {
		return values
	}
	var kept []string
	for _, value := range values {
		cookies := slices.DeleteFunc(strings.Split(value, ";"), setsSession)
		if rest := strings.TrimSpace(strings.Join(cookies, ";")); rest != "" {
			kept = append(kept, rest)
		}
	}
	return kept
}

// setsSession reports whether a cookie as it stands in Cookie or Set-Cookie is the dashboard's.
func setsSession(cookie string) bool {
	name, _, _ := strings.Cut(cookie, "=")
	return strings.TrimSpace(name) == sdp.SessionCookie
}

// copyResponseHeader copies what a client may see. From another router its X-SDP headers are kept.
func copyResponseHeader(out, in http.Header, fromRouter bool) {
	connection := in["Connection"]
	for key, values := range in {
		if hopByHop(key) || connection != nil && hasToken(connection, key) {
			continue
		}
		if key == canonicalTrace || ours(key) {
			if fromRouter && key == canonicalRoute {
				out[wire.RouteHeader] = values
			}
			continue
		}
		if key == "Set-Cookie" && slices.ContainsFunc(values, setsSession) {
			values = slices.DeleteFunc(slices.Clone(values), setsSession) // nobody is signed in by a sandbox
		}
		out[key] = values
	}
	if _, ok := out["Content-Type"]; !ok {
		out["Content-Type"] = nil // or else net/http would guess one
	}
}

func hasToken(lines []string, token string) bool {
	for _, line := range lines {
		for part := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(part), token) {
				return true
			}
		}
	}
	return false
}

// upgrade returns the protocol a request asks to switch to, "" for none. "h2c" does not count: RFC 9113 took it away,
// and as a tunnel it would carry requests past the router.
func upgrade(h http.Header) string {
	protocol := h.Get("Upgrade")
	if protocol == "" || !hasToken(h["Connection"], "upgrade") || strings.EqualFold(protocol, "h2c") {
		return ""
	}
	return protocol
}

// viaLimit is how often a request may pass routers of SDP by way of URL routes before that counts as a loop.
const viaLimit = 5

const viaMark = "sdp-router"

func viaCount(h http.Header) int {
	count := 0
	for _, line := range h["Via"] {
		count += strings.Count(line, viaMark)
	}
	return count
}
