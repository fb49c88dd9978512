package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"sdp/api/problem"
	"sdp/api/rest"
	"sdp/api/transport"
	"sdp/internal/control"
	"sdp/internal/sdp"
	"sdp/internal/secret"
)

// identify gives the request its ID and logs how it ended: never its query string or body, which may hold secrets.
func (s *Server) identify(c *gin.Context) {
	info := &requestInfo{server: s, id: sdp.NewID("r-"), address: peer(c.Request)}
	c.Request = c.Request.WithContext(withInfo(c.Request.Context(), info))
	transport.BoundBody(c, s.cfg.BodyTimeout)
	c.Header("X-Request-ID", info.id)
	start := time.Now()
	c.Next()
	path := c.FullPath()
	if path == "" {
		path = "(no route)"
	}
	attrs := []any{
		"request", info.id, "method", c.Request.Method, "route", path, "status", c.Writer.Status(),
		"bytes", max(c.Writer.Size(), 0), "millis", time.Since(start).Milliseconds(), "user", info.user,
	}
	if info.problem != nil {
		attrs = append(attrs, "code", info.problem.Code)
	}
	s.log.Log(c.Request.Context(), requestLevel(c, path), "Request answered", attrs...)
}

// requestLevel keeps the log readable: nodes and probes ask every other second.
func requestLevel(c *gin.Context, path string) slog.Level {
	switch {
	case c.Writer.Status() >= http.StatusInternalServerError:
		return slog.LevelWarn
	case strings.HasPrefix(path, "/node/"), strings.HasPrefix(path, "/healthz"), strings.HasPrefix(path, "/readyz"):
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// recovered answers a panic with a problem.
func (s *Server) recovered(c *gin.Context) {
	s.protect(c, c.Next)
}

// protect runs next and turns a panic into an answer, if none was begun.
func (s *Server) protect(c *gin.Context, next func()) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(p)
		}
		ctx := c.Request.Context()
		s.log.ErrorContext(ctx, "Handler panicked", "request", infoOf(ctx).id, "panic", fmt.Sprint(p),
			"stack", string(debug.Stack()))
		if c.Writer.Written() {
			panic(http.ErrAbortHandler) // half an answer must not look like a whole one
		}
		s.fail(c, fmt.Errorf("panic: %v", p))
	}()
	next()
}

// apiPolicy is the content security policy of everything that is no page.
const apiPolicy = "default-src 'none'; frame-ancestors 'none'"

// permissions turns off what a browser could offer and no page needs. Copying to the clipboard stays on.
const permissions = "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), " +
	"microphone=(), midi=(), payment=(), screen-wake-lock=(), serial=(), usb=(), browsing-topics=()"

func (s *Server) secureHeaders(c *gin.Context) {
	c.Header("X-Content-Type-Options", "nosniff")
	c.Header("X-Frame-Options", "DENY")
	c.Header("Referrer-Policy", "same-origin")
	c.Header("Cross-Origin-Opener-Policy", "same-origin")
	c.Header("Cross-Origin-Resource-Policy", "same-origin")
	c.Header("Permissions-Policy", permissions)
	c.Header("Content-Security-Policy", apiPolicy)
	c.Header("Cache-Control", "no-store")
	if s.public.Scheme == "https" {
		c.Header("Strict-Transport-Security", "max-age=31536000")
	}
}

// notFound and wrongMethod answer what no route matches.
func (s *Server) notFound(c *gin.Context) {
	if c.Request.Method != http.MethodGet && c.Request.Method != http.MethodHead || isAPI(c.Request.URL.Path) {
		s.fail(c, sdp.Errorf(sdp.NotFound, "no-route", "there is nothing at this address").
			WithRemedy("/openapi.json lists what there is"))
		return
	}
	s.pages.ServeHTTP(c.Writer, c.Request)
}

func isAPI(path string) bool {
	return strings.HasPrefix(path, "/api/") || strings.HasPrefix(path, "/node/")
}

func (s *Server) wrongMethod(c *gin.Context) {
	s.fail(c, problem.WithStatus(http.StatusMethodNotAllowed, sdp.Errorf(sdp.Invalid, "wrong-method",
		"this address does not take %s", c.Request.Method).WithRemedy("/openapi.json lists what there is"),
		"Allow", c.Writer.Header().Get("Allow")))
}

// peer is the address of the other end of the connection. Headers that name another are not believed.
func peer(r *http.Request) string {
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		return host
	}
	return r.RemoteAddr
}

// requestInfo is what the parts that handle one request tell each other.
type requestInfo struct {
	server      *Server
	id          string
	session     secret.Session // of a signed-in user
	user        string         // for the log and the audit: user name, or "node/<name>"
	address     string         // of the peer, without its port
	problem     *rest.Problem  // the answer, if it was an error
	call        control.Call   // what the use case is told of who asks, and what it says for the audit
	tokenIssued time.Time      // of a node's token; zero for one that does not say
	replay      bool           // the answer is a stored one: nothing was done
	quiet       bool           // the same was refused, and audited, before
}

type infoKey struct{}

func withInfo(ctx context.Context, info *requestInfo) context.Context {
	return context.WithValue(ctx, infoKey{}, info)
}

// infoOf returns the request's info. Every request has one: the outermost middleware makes it.
func infoOf(ctx context.Context) *requestInfo {
	return ctx.Value(infoKey{}).(*requestInfo)
}

// callOf returns the request as the use cases take it.
func callOf(ctx context.Context) *control.Call { return &infoOf(ctx).call }
