package router

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"sdp/internal/router/forward"
	"sdp/internal/wire"
)

const (
	// A response whose body is awaited longer than this gets its header sent ahead.
	headerDelay = 2 * time.Millisecond
	// Bodies up to this many bytes come with or right after their header.
	smallBody = 64 << 10
)

// respond passes the target's response on to the client.
func (x *exchange) respond(res *http.Response) {
	defer res.Body.Close()
	defer x.out.body.GiveUp()
	if x.refusedByRouter(res) {
		return
	}
	x.route.counters.Answered()
	if res.StatusCode == http.StatusSwitchingProtocols {
		x.switchProtocols(res)
		return
	}
	x.setResponseHeader(res)
	announced := len(res.Trailer)
	for key := range res.Trailer {
		x.w.Header().Add("Trailer", key)
	}
	x.allowConversation()
	x.w.WriteHeader(res.StatusCode)
	x.copyBody(res)
	res.Body.Close() // fills in the trailers
	x.copyTrailers(res.Trailer, announced)
}

// setResponseHeader sets the client's response header. Of the routers on a request's way, the one that picked the
// final target says what it was and records the hop.
func (x *exchange) setResponseHeader(res *http.Response) {
	x.status = res.StatusCode
	h := x.w.Header()
	copyResponseHeader(h, res.Header, x.target.mesh)
	if res.StatusCode == http.StatusNoContent || res.StatusCode == http.StatusNotModified {
		delete(h, "Content-Length") // clients of HTTP/2, Go's among them, then wait for what is never sent
	}
	h[wire.SandboxHeader] = x.sb.header
	if h[wire.RouteHeader] == nil { //nolint:staticcheck // SA1008: our headers go out as they are documented
		h[wire.RouteHeader] = x.target.header
		x.recordHop(x.route, x.target, res.StatusCode)
	}
	if x.trace != "" {
		h[wire.TraceHeader] = []string{x.trace}
	}
}

// allowConversation lets a target answer while the client is still sending: net/http would swallow the rest of the
// request before it sends a response over HTTP/1.1. In return the connection cannot be used again, since nobody knows
// whether the target will read all.
func (x *exchange) allowConversation() {
	if x.in.ProtoMajor == 1 && !x.out.body.Whole() {
		http.NewResponseController(x.w).EnableFullDuplex() //nolint:errcheck // net/http's own writer can, over HTTP/1
		x.w.Header()["Connection"] = []string{"close"}
	}
}

func (x *exchange) refusedByRouter(res *http.Response) bool {
	if !x.target.mesh || res.Header[meshRefused] == nil {
		return false
	}
	x.cut = true
	x.w.Header()[wire.RouteHeader] = x.target.header
	x.recordHop(x.route, x.target, http.StatusBadGateway)
	x.problem(http.StatusBadGateway, "mesh-refused",
		"the router of node "+x.target.Node+" refused this node's mesh token",
		"check that both nodes' workers are connected to the same server; they pass the token to their routers")
	return true
}

// copyBody copies the response's body. What the target breaks off is broken off for the client too.
func (x *exchange) copyBody(res *http.Response) {
	if res.Body == http.NoBody || res.ContentLength == 0 {
		return
	}
	err := x.stream(res)
	if err == nil {
		return
	}
	x.cut = x.in.Context().Err() == nil && !errors.Is(err, errClientGone)
	panic(http.ErrAbortHandler)
}

var errClientGone = errors.New("the client is gone")

// stream copies and sees to it that nothing lingers: what cannot be followed at once by more is flushed.
func (x *exchange) stream(res *http.Response) error {
	flusher, _ := x.w.(http.Flusher)
	sent := func() {}
	if res.ContentLength < 0 || res.ContentLength > smallBody {
		sent = flushLate(flusher)
	}
	buffer := forward.Buffers.Get().(*[forward.BufferSize]byte)
	defer forward.Buffers.Put(buffer)
	for left := res.ContentLength; ; {
		n, err := res.Body.Read(buffer[:])
		sent()
		sent = func() {}
		if n > 0 {
			if _, err := x.w.Write(buffer[:n]); err != nil {
				return errClientGone
			}
			left -= int64(n)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if left != 0 && n < forward.BufferSize {
			flusher.Flush()
		}
	}
}

// flushLate flushes after headerDelay unless the returned function is called before. That function waits for a flush
// under way, since a ResponseWriter is not to be used by two goroutines at once.
func flushLate(flusher http.Flusher) (stop func()) {
	flushed := make(chan struct{})
	timer := time.AfterFunc(headerDelay, func() {
		flusher.Flush()
		close(flushed)
	})
	return func() {
		if !timer.Stop() {
			<-flushed
		}
	}
}

// copyTrailers sends the trailers, those that were announced in the header and those that were not.
func (x *exchange) copyTrailers(trailer http.Header, announced int) {
	if len(trailer) == 0 {
		return
	}
	http.NewResponseController(x.w).Flush() // or else net/http sends a short body with a length and no trailers
	prefix := ""
	if len(trailer) != announced {
		prefix = http.TrailerPrefix
	}
	for key, values := range trailer {
		x.w.Header()[prefix+key] = values
	}
}

// switchProtocols joins client and target once the target has accepted an upgrade. It returns when the connection is
// over, so that the exchange counts as in flight until then.
func (x *exchange) switchProtocols(res *http.Response) {
	target, ok := res.Body.(*forward.Upgraded)
	asked := x.upgrade()
	if !ok || asked == "" || !strings.EqualFold(asked, res.Header.Get("Upgrade")) {
		x.cut = true
		x.w.Header()[wire.RouteHeader] = x.target.header
		x.problem(http.StatusBadGateway, "bad-upgrade", "the target switched to a protocol nobody asked for", "")
		return
	}
	x.setResponseHeader(res)
	header := x.w.Header()
	header["Connection"] = []string{"Upgrade"}
	header["Upgrade"] = res.Header["Upgrade"]
	client, buffered, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // the client is gone
	}
	defer client.Close()
	x.upgraded = true
	if writeHead(buffered.Writer, header) == nil {
		forward.Tunnel(client, buffered.Reader, target, strings.EqualFold(asked, "websocket"))
	}
}

func writeHead(w *bufio.Writer, header http.Header) error {
	w.WriteString("HTTP/1.1 101 Switching Protocols\r\n")
	if err := header.Write(w); err != nil {
		return err
	}
	w.WriteString("\r\n")
	return w.Flush()
}
