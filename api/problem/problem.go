// Package problem turns errors into answers of HTTP: status, header fields and problem+json (RFC 9457). It has the only
// table from the domain's kinds of errors to HTTP.
package problem

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"sdp/api/rest"
	"sdp/api/transport"
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
	fields []rest.ProblemField
}

func (e *statusError) Error() string { return e.cause.Error() }
func (e *statusError) Unwrap() error { return e.cause }

// WithStatus gives err a status of its own and header fields as "Name", "value" pairs.
func WithStatus(status int, err *sdp.Error, header ...string) error {
	h := http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &statusError{cause: err, status: status, header: h}
}

// Of turns any error into the answer, with header fields to send along. Errors nobody classified may hold anything, so
// their text is not in it: whoever answers logs them where unexpected is true.
func Of(err error) (p *rest.Problem, header http.Header, unexpected bool) {
	e, known := Classify(err)
	p = &rest.Problem{
		Type: "about:blank", Status: statusOf[e.Kind], Detail: e.Detail,
		Code: e.Code, Kind: string(e.Kind), Remedy: e.Remedy, Command: e.Command,
	}
	header = http.Header{}
	var own *statusError
	if errors.As(err, &own) {
		p.Status, p.Errors = own.status, own.fields
		maps.Copy(header, own.header)
	}
	if p.Status == http.StatusUnauthorized && header.Get("WWW-Authenticate") == "" {
		header.Set("WWW-Authenticate", `Bearer realm="sdp"`)
	}
	if p.Status == http.StatusServiceUnavailable && header.Get("Retry-After") == "" {
		header.Set("Retry-After", "2")
	}
	p.Title = http.StatusText(p.Status)
	return p, header, !known || e.Kind == sdp.Internal
}

// Classify returns err as a domain error and whether it was one.
func Classify(err error) (*sdp.Error, bool) {
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

// FromSchema is the error for what huma found wrong with a request. Values are left out: they may be secrets.
func FromSchema(status int, msg string, errs []error) error {
	out := &statusError{status: status}
	for _, err := range errs {
		var domain *sdp.Error
		if errors.As(err, &domain) {
			return domain
		}
		var detail huma.ErrorDetailer
		if errors.As(err, &detail) {
			d := detail.ErrorDetail()
			out.fields = append(out.fields, rest.ProblemField{Location: d.Location, Message: d.Message})
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
		out.cause = transport.SlowBody()
	default:
		return errors.Join(append([]error{fmt.Errorf("huma: %d %s", status, msg)}, errs...)...)
	}
	return out
}

func firstField(fields []rest.ProblemField, otherwise string) string {
	if len(fields) == 0 {
		return otherwise
	}
	if fields[0].Location == "" {
		return fields[0].Message
	}
	return fields[0].Location + ": " + fields[0].Message
}
