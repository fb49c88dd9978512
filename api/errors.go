package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"sdp/api/problem"
	"sdp/api/rest"
)

// problemOf turns any error into the answer, remembers it for the audit and the request log, and logs what the caller
// is not told.
func (s *Server) problemOf(ctx context.Context, err error) (*rest.Problem, http.Header) {
	var already *rest.Problem
	if errors.As(err, &already) {
		return already, nil
	}
	p, header, unexpected := problem.Of(err)
	info := infoOf(ctx)
	p.Instance, info.problem = info.id, p
	if unexpected {
		s.log.ErrorContext(ctx, "Request failed", "request", info.id, "code", p.Code, "error", err)
	}
	return p, header
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

// huma makes its own errors (a body that does not fit the schema, one too large, ...) through these two hooks. They, its
// default for arrays and gin's mode are package variables, the same for every Server.
func init() {
	gin.SetMode(gin.ReleaseMode)
	huma.DefaultArrayNullable = false // no answer has null for a list
	huma.NewError = func(status int, msg string, _ ...error) huma.StatusError {
		return &rest.Problem{Status: status, Detail: msg}
	}
	huma.NewErrorWithContext = func(hc huma.Context, status int, msg string, errs ...error) huma.StatusError {
		ctx := hc.Context()
		p, _ := infoOf(ctx).server.problemOf(ctx, problem.FromSchema(status, msg, errs))
		return p
	}
}
