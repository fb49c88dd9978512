package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"

	"sdp/api/transport"
	"sdp/internal/postgres"
	"sdp/internal/sdp"
)

// mutation surrounds a route that changes something. A change writes its audit itself, in its transaction; where nothing
// was changed it is written afterwards. The answer is held back until the audit has it, and until the
// Idempotency-Key knows it: whoever sees the answer can rely on both.
func (s *Server) mutation(action sdp.AuditAction) func(huma.Context, func(huma.Context)) {
	return func(hc huma.Context, next func(huma.Context)) {
		c := humagin.Unwrap(hc)
		info := infoOf(c.Request.Context())
		info.call.Event = sdp.AuditEvent{Action: action, Sandbox: pathSandbox(c), Service: c.Param("service")}
		ctx, trail := postgres.WithAudit(c.Request.Context(), info.audited)
		c.Request = c.Request.WithContext(ctx)
		held := transport.Hold(c)
		s.protect(c, func() {
			if s.origin.Check(c.Request) != nil {
				s.fail(c, crossOrigin())
				return
			}
			if !kept(action) {
				next(hc)
				return
			}
			s.idempotent(c, action, func() { next(hc) })
		})
		if !trail.Written() {
			s.audit(ctx, info, held.Status())
		}
		held.Release(c)
	}
}

// idempotent runs next once, however often a signed-in user sends the request.
func (s *Server) idempotent(c *gin.Context, action sdp.AuditAction, next func()) {
	info := infoOf(c.Request.Context())
	if info.session.ID == "" {
		next()
		return
	}
	var again func([]string) error
	if answersStarted(action) {
		again = func(started []string) error { return s.answerStarted(c, started) }
	}
	replayed, err := s.keys.Once(c, info.session.User, next, again)
	info.replay = replayed
	if err != nil {
		s.fail(c, err)
	}
}

// kept reports whether an action's answer is kept for its Idempotency-Key. A trace's holds what a service said, which may
// be anything, and a trace changes nothing: it may be sent twice.
func kept(action sdp.AuditAction) bool { return action != sdp.AuditSandboxTrace }

func pathSandbox(c *gin.Context) string {
	if strings.HasPrefix(c.FullPath(), "/api/v1/sandboxes/:name") {
		return c.Param("name")
	}
	return ""
}

// audit writes what became of a mutation that changed nothing. The row is written even if the caller is gone: the change is not.
func (s *Server) audit(ctx context.Context, info *requestInfo, status int) {
	if info.replay || info.quiet || info.call.DryRun && info.problem == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	for _, e := range info.audited() {
		e.Outcome = outcomeOf(status)
		if info.problem != nil {
			e.Detail = sdp.Printable(info.problem.Code+": "+info.problem.Detail, maxAudited)
		}
		if err := s.db.Audit(ctx, e); err != nil {
			s.log.ErrorContext(ctx, "Audit event was not written", "request", info.id, "action", e.Action,
				"sandbox", e.Sandbox, "user", e.User, "outcome", e.Outcome, "error", err)
		}
	}
}

// audited is what the audit says of the request, as far as it is known.
func (i *requestInfo) audited() []sdp.AuditEvent {
	events := slices.Clone(i.call.Events)
	if len(events) == 0 {
		events = []sdp.AuditEvent{i.call.Event}
	}
	for n := range events {
		events[n].User = i.user
		events[n] = cleaned(events[n])
	}
	return events
}

// maxAudited bounds a text in the audit, in bytes.
const maxAudited = 500

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
		*field = sdp.Printable(*field, maxAudited)
	}
	return e
}
