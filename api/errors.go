package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"sdp/internal/sdp"
)

// statusOf is the only table from the domain's kinds of errors to HTTP.
var statusOf = map[sdp.Kind]int{
	sdp.Invalid:         http.StatusBadRequest,
	sdp.Unauthenticated: http.StatusUnauthorized,
	sdp.Forbidden:       http.StatusForbidden,
	sdp.NotFound:        http.StatusNotFound,
	sdp.Conflict:        http.StatusConflict,
	sdp.Exhausted:       http.StatusInsufficientStorage,
	sdp.Unavailable:     http.StatusServiceUnavailable,
	sdp.Failed:          http.StatusUnprocessableEntity,
	sdp.Internal:        http.StatusInternalServerError,
}

// statusError is an error whose status the table cannot tell, because it concerns HTTP rather than the domain.
type statusError struct {
	cause  *sdp.Error
	status int
	header http.Header
	fields []ProblemField
}

func (e *statusError) Error() string { return e.cause.Error() }
func (e *statusError) Unwrap() error { return e.cause }

// withStatus gives err a status of its own and header fields as "Name", "value" pairs.
func withStatus(status int, err *sdp.Error, header ...string) error {
	h := http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &statusError{cause: err, status: status, header: h}
}

// problemOf turns any error into the answer, remembers it for the audit and the request log, and logs what the caller
// is not told. Errors nobody classified may hold anything, so their text stays in the server's log.
func (s *Server) problemOf(ctx context.Context, err error) (*Problem, http.Header) {
	var already *Problem
	if errors.As(err, &already) {
		return already, nil
	}
	e, known := classify(err)
	p := &Problem{
		Type: "about:blank", Status: statusOf[e.Kind], Detail: e.Detail,
		Code: e.Code, Kind: string(e.Kind), Remedy: e.Remedy,
	}
	header := http.Header{}
	var own *statusError
	if errors.As(err, &own) {
		p.Status, p.Errors, header = own.status, own.fields, own.header.Clone()
	}
	if p.Status == http.StatusUnauthorized && header.Get("WWW-Authenticate") == "" {
		header.Set("WWW-Authenticate", `Bearer realm="sdp"`)
	}
	if p.Status == http.StatusServiceUnavailable && header.Get("Retry-After") == "" {
		header.Set("Retry-After", "2")
	}
	p.Title = http.StatusText(p.Status)
	info := infoOf(ctx)
	p.Instance, info.problem = info.id, p
	if !known || e.Kind == sdp.Internal {
		s.log.ErrorContext(ctx, "Request failed", "request", info.id, "code", e.Code, "error", err)
	}
	return p, header
}

// classify returns err as a domain error and whether it was one.
func classify(err error) (*sdp.Error, bool) {
	var e *sdp.Error
	switch {
	case errors.As(err, &e):
		return e, true
	case errors.Is(err, context.DeadlineExceeded):
		return sdp.Errorf(sdp.Unavailable, "timeout", "the answer took too long").WithRemedy("try again in a moment"), true
	case errors.Is(err, context.Canceled):
		return sdp.Errorf(sdp.Unavailable, "canceled", "the request was cancelled"), true
	}
	return sdp.Errorf(sdp.Internal, "internal", "the server failed in a way it did not expect").
		WithRemedy("look for this request's instance in the server's log"), false
}

// fail answers err.
func (s *Server) fail(c *gin.Context, err error) {
	p, header := s.problemOf(c.Request.Context(), err)
	for name := range header {
		c.Header(name, header.Get(name))
	}
	body, _ := json.Marshal(p) // of strings and numbers: cannot fail
	c.Abort()
	c.Data(p.Status, "application/problem+json", body)
}

// failed is fail for an error that a huma handler returns.
func (s *Server) failed(ctx context.Context, err error) error {
	p, header := s.problemOf(ctx, err)
	if len(header) == 0 {
		return p
	}
	return huma.ErrorWithHeaders(p, header)
}

// GetStatus makes a Problem what huma writes as an error.
func (p *Problem) GetStatus() int { return p.Status }

// Error implements error.
func (p *Problem) Error() string { return p.Detail }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// huma makes its own errors (a body that does not fit the schema, one too large, ...) through these two hooks. They, its
// default for arrays and gin's mode are package variables, the same for every Server.
func init() {
	gin.SetMode(gin.ReleaseMode)
	huma.DefaultArrayNullable = false // no answer has null for a list
	huma.NewError = func(status int, msg string, _ ...error) huma.StatusError {
		return &Problem{Status: status, Detail: msg}
	}
	huma.NewErrorWithContext = func(hc huma.Context, status int, msg string, errs ...error) huma.StatusError {
		ctx := hc.Context()
		p, _ := infoOf(ctx).server.problemOf(ctx, schemaError(status, msg, errs))
		return p
	}
}

// schemaError is what huma found wrong. Values are left out: they may be secrets.
func schemaError(status int, msg string, errs []error) error {
	out := &statusError{status: status}
	for _, err := range errs {
		var domain *sdp.Error
		if errors.As(err, &domain) {
			return domain
		}
		var detail huma.ErrorDetailer
		if errors.As(err, &detail) {
			d := detail.ErrorDetail()
			out.fields = append(out.fields, ProblemField{Location: d.Location, Message: d.Message})
		}
	}
	switch status {
	case http.StatusUnprocessableEntity, http.StatusBadRequest:
		out.status = http.StatusBadRequest
		out.cause = sdp.Errorf(sdp.Invalid, "bad-request", "%s", firstField(out.fields, msg)).
			WithRemedy("/openapi.json describes what the request may hold")
	case http.StatusRequestEntityTooLarge:
		out.cause = sdp.Errorf(sdp.Invalid, "too-large", "%s", msg).WithRemedy("send less at once")
	case http.StatusUnsupportedMediaType:
		out.cause = sdp.Errorf(sdp.Invalid, "bad-media-type", "the body is not JSON").
			WithRemedy("send Content-Type: application/json")
	case http.StatusRequestTimeout:
		out.cause = sdp.Errorf(sdp.Invalid, "slow-body", "%s", msg)
	default:
		return errors.Join(append([]error{fmt.Errorf("huma: %d %s", status, msg)}, errs...)...)
	}
	return out
}

func firstField(fields []ProblemField, otherwise string) string {
	if len(fields) == 0 {
		return otherwise
	}
	if fields[0].Location == "" {
		return fields[0].Message
	}
	return fields[0].Location + ": " + fields[0].Message
}
