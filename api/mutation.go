package api

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"

	"sdp/internal/sdp"
)

// mutation surrounds a route that changes something. The answer is held back until the audit has it, and until the
// Idempotency-Key knows it: whoever sees the answer can rely on both.
func (s *Server) mutation(action string) func(huma.Context, func(huma.Context)) {
	return func(hc huma.Context, next func(huma.Context)) {
		c := humagin.Unwrap(hc)
		info := infoOf(c.Request.Context())
		info.event = sdp.AuditEvent{Action: action, Sandbox: pathSandbox(c), Service: c.Param("service")}
		held := holdAnswer(c)
		s.protect(c, func() {
			if s.origin.Check(c.Request) != nil {
				s.fail(c, crossOrigin())
				return
			}
			if !kept(action) {
				next(hc)
				return
			}
			s.idempotent(c, func() { next(hc) })
		})
		s.audit(c.Request.Context(), info, held.Status())
		held.release(c)
	}
}

// kept reports whether an action's answer is kept for its Idempotency-Key. A trace's holds what a service said, which may
// be anything, and a trace changes nothing: it may be sent twice.
func kept(action string) bool { return action != "sandbox.trace" }

func pathSandbox(c *gin.Context) string {
	if strings.HasPrefix(c.FullPath(), "/api/v1/sandboxes/:name") {
		return c.Param("name")
	}
	return ""
}

// heldAnswer is a ResponseWriter that keeps the answer to itself until it is released.
type heldAnswer struct {
	gin.ResponseWriter
	status int
	body   bytes.Buffer
}

func holdAnswer(c *gin.Context) *heldAnswer {
	h := &heldAnswer{ResponseWriter: c.Writer, status: http.StatusOK}
	c.Writer = h
	return h
}

func (h *heldAnswer) WriteHeader(status int)               { h.status = status }
func (h *heldAnswer) WriteHeaderNow()                      {}
func (h *heldAnswer) Status() int                          { return h.status }
func (h *heldAnswer) Size() int                            { return h.body.Len() }
func (h *heldAnswer) Written() bool                        { return false } // it can still be replaced
func (h *heldAnswer) Write(p []byte) (int, error)          { return h.body.Write(p) }
func (h *heldAnswer) WriteString(text string) (int, error) { return h.body.WriteString(text) }

// Unwrap gives http.ResponseController what it needs.
func (h *heldAnswer) Unwrap() http.ResponseWriter { return h.ResponseWriter }

func (h *heldAnswer) release(c *gin.Context) {
	c.Writer = h.ResponseWriter
	c.Writer.WriteHeader(h.status)
	if h.body.Len() > 0 {
		_, _ = c.Writer.Write(h.body.Bytes()) // the caller is gone
	} else {
		c.Writer.WriteHeaderNow()
	}
}

// audit writes what became of a mutation. The row is written even if the caller is gone: the change is not.
func (s *Server) audit(ctx context.Context, info *requestInfo, status int) {
	if info.replay || info.dryRun && info.problem == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	events := info.events
	if len(events) == 0 {
		events = []sdp.AuditEvent{info.event}
	}
	for _, e := range events {
		e.User, e.Outcome = info.user, outcomeOf(status)
		if info.problem != nil {
			e.Detail = info.problem.Code + ": " + info.problem.Detail
		}
		if err := s.db.Audit(ctx, cleaned(e)); err != nil {
			s.log.ErrorContext(ctx, "Audit event was not written", "request", info.id, "action", e.Action,
				"sandbox", e.Sandbox, "user", e.User, "outcome", e.Outcome, "error", err)
		}
	}
}

func outcomeOf(status int) sdp.Outcome {
	switch {
	case status == http.StatusAccepted:
		return sdp.Accepted
	case status < http.StatusBadRequest:
		return sdp.Succeeded
	case status < http.StatusInternalServerError:
		return sdp.Refused
	}
	return sdp.OutcomeFailed
}

// cleaned makes what a caller sent fit for the audit: valid UTF-8 without control characters, and not too long.
func cleaned(e sdp.AuditEvent) sdp.AuditEvent {
	for _, field := range []*string{
		&e.User, &e.Sandbox, &e.Service, &e.Repository, &e.Branch, &e.SHA, &e.Environment, &e.Operation, &e.Detail,
	} {
		*field = clean(*field, 500)
	}
	return e
}

func clean(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "") + "..."
	}
	return text
}
