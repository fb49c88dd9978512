package problem_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"sdp/api/problem"
	"sdp/internal/sdp"
)

func TestOf(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err        error
		status     int
		code       string
		unexpected bool
	}{
		"of the domain":    {fmt.Errorf("x: %w", sdp.Errorf(sdp.NotFound, "no-such", "there is none")), 404, "no-such", false},
		"own status":       {problem.WithStatus(429, sdp.Errorf(sdp.Exhausted, "too-many", "wait")), 429, "too-many", false},
		"of nobody":        {errors.New("Marker in a query"), 500, "internal", true},
		"internal":         {sdp.Errorf(sdp.Internal, "broken", "the server is broken"), 500, "broken", true},
		"too late":         {context.DeadlineExceeded, 503, "timeout", false},
		"the caller left":  {context.Canceled, 503, "canceled", false},
		"huma's, unlisted": {problem.FromSchema(http.StatusTeapot, "Marker", nil), 500, "internal", true},
	} {
		p, _, unexpected := problem.Of(c.err)
		if p.Status != c.status || p.Code != c.code || unexpected != c.unexpected || p.Title == "" || p.Kind == "" {
			t.Errorf("%s: %+v, unexpected %t", name, p, unexpected)
		}
		if strings.Contains(p.Detail, "Marker") {
			t.Errorf("%s: the caller is told %q", name, p.Detail)
		}
	}
}

// TestHeader: an error may bring header fields, and some statuses need one.
func TestHeader(t *testing.T) {
	t.Parallel()
	header := func(err error) http.Header {
		_, h, _ := problem.Of(err)
		return h
	}
	busy := sdp.Errorf(sdp.Unavailable, "busy", "later")
	if got := header(busy).Get("Retry-After"); got != "2" {
		t.Errorf("Retry-After %q", got)
	}
	if got := header(problem.WithStatus(http.StatusServiceUnavailable, busy, "Retry-After", "9")).Get("Retry-After"); got != "9" {
		t.Errorf("Retry-After %q", got)
	}
	if got := header(sdp.Errorf(sdp.Unauthenticated, "who", "nobody")).Get("WWW-Authenticate"); got == "" {
		t.Error("no WWW-Authenticate")
	}
}

// TestFromSchema: which members are wrong is said, and never their values.
func TestFromSchema(t *testing.T) {
	t.Parallel()
	wrong := &huma.ErrorDetail{Message: "expected string", Location: "body.secrets.A", Value: "Marker"}
	p, header, _ := problem.Of(problem.FromSchema(http.StatusUnprocessableEntity, "validation failed", []error{wrong}))
	if p.Status != http.StatusBadRequest || p.Code != "bad-request" || p.Detail != "body.secrets.A: expected string" || len(p.Errors) != 1 {
		t.Errorf("%+v", p)
	}
	if strings.Contains(fmt.Sprintf("%+v %v", p, header), "Marker") {
		t.Errorf("a value is shown: %+v", p)
	}
	for status, code := range map[int]string{http.StatusRequestEntityTooLarge: "too-large",
		http.StatusUnsupportedMediaType: "bad-media-type", http.StatusRequestTimeout: "slow-body"} {
		if p, _, _ := problem.Of(problem.FromSchema(status, "no", nil)); p.Status != status || p.Code != code {
			t.Errorf("%d: %+v", status, p)
		}
	}
}
