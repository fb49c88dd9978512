package api

import (
	"cmp"
	"context"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"sdp/api/idempotency"
	"sdp/api/rest"
	"sdp/internal/postgres"
	"sdp/internal/sdp"
)

// access says who may call a route.
type access int

const (
	byAnyone access = iota
	byUser          // a signed-in user: cookie or bearer token
	byNode          // a node: its bearer token
)

// Bounds of request bodies, in bytes.
const (
	maxBody    = 1 << 20
	maxLogBody = 4 << 20
)

// handler is what every route has: it returns what to answer, or an error that errors.go turns into a problem.
type handler[I, O any] func(context.Context, *I) (*O, error)

// body is a plain answer; accepted one that says where to watch what was started.
type (
	body[T any]     struct{ Body T }
	accepted[T any] struct {
		Status   int    // 0 = 202
		Location string `header:"Location" doc:"where to watch it"`
		Body     T
	}
	none struct{}
)

// defaultStatus says that something was started, unless the handler has said otherwise.
func (a *accepted[T]) defaultStatus() { a.Status = cmp.Or(a.Status, http.StatusAccepted) }

// read registers a route that changes nothing. at is "METHOD /path".
func read[I, O any](s *Server, who access, at, summary string, h handler[I, O]) {
	op := s.operation(who, at, summary, http.StatusOK)
	if who == byNode && op.Method != http.MethodGet {
		op.RequestBody = &huma.RequestBody{}
	}
	huma.Register(s.api, op, handle(s, h))
	if op.RequestBody != nil {
		op.RequestBody.Required = false // a log's last chunk may be empty; huma asks at each request
	}
}

// download registers a route that answers with text. A log has ranges and may grow.
func download[I any](s *Server, media, at, summary string, h handler[I, huma.StreamResponse]) {
	op := s.operation(byUser, at, summary, http.StatusOK)
	text := map[string]*huma.MediaType{media: {Schema: &huma.Schema{Type: huma.TypeString}}}
	op.Responses = map[string]*huma.Response{"default": problemResponse}
	if media == "text/plain" {
		op.Responses["200"] = &huma.Response{Description: "The log as it is now; X-Log-Final: true if nothing will follow", Content: text}
		op.Responses["206"] = &huma.Response{Description: "The part the Range header asks for", Content: text}
	} else {
		op.Responses["200"] = &huma.Response{Description: "A file", Content: text}
	}
	huma.Register(s.api, op, handle(s, h))
}

// stream registers a WebSocket. M is the type of its messages.
func stream[M, I any](s *Server, at, summary string, h handler[I, huma.StreamResponse]) {
	op := s.operation(byUser, at, summary, http.StatusSwitchingProtocols)
	op.Middlewares = append(op.Middlewares, s.webSocket)
	message := s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[M](), true, "")
	op.Responses = map[string]*huma.Response{
		"101": {
			Description: "A WebSocket; each message is JSON as described. " +
				"Close codes: 1000 the end, 1008 sign in again, others: resume.",
			Content: map[string]*huma.MediaType{"application/json": {Schema: message}},
		},
		"default": problemResponse,
	}
	huma.Register(s.api, op, handle(s, h))
}

var problemResponse = &huma.Response{
	Description: "Error",
	Content: map[string]*huma.MediaType{
		"application/problem+json": {Schema: &huma.Schema{Ref: "#/components/schemas/Problem"}},
	},
}

// mutate registers a route that changes something: it is audited as action, refuses requests other sites make a
// browser send, and honours Idempotency-Key.
func mutate[I, O any](s *Server, who access, action sdp.AuditAction, at string, status int, summary string, h handler[I, O]) {
	op := s.operation(who, at, summary, status)
	op.Middlewares = append(op.Middlewares, s.mutation(action))
	if who == byUser && kept(action) {
		op.Parameters = append(op.Parameters, &huma.Param{
			Name: idempotency.Header, In: "header", Schema: &huma.Schema{Type: huma.TypeString},
			Description: "The same key with the same request gets the same answer and does nothing twice.",
		})
	}
	huma.Register(s.api, op, handle(s, h))
}

// handle makes a handler's errors problems.
func handle[I, O any](s *Server, h handler[I, O]) func(context.Context, *I) (*O, error) {
	return func(ctx context.Context, in *I) (*O, error) {
		out, err := h(ctx, in)
		if err != nil {
			return nil, s.failed(ctx, err)
		}
		if a, ok := any(out).(interface{ defaultStatus() }); ok {
			a.defaultStatus()
		}
		return out, nil
	}
}

func (s *Server) operation(who access, at, summary string, status int) huma.Operation {
	method, path, _ := strings.Cut(at, " ")
	op := huma.Operation{
		OperationID: strings.ReplaceAll(strings.ToLower(summary), " ", "-"), Method: method, Path: path,
		Summary: summary, DefaultStatus: status, MaxBodyBytes: maxBody, BodyReadTimeout: s.cfg.BodyTimeout, Tags: []string{tag(path)},
	}
	switch who {
	case byAnyone:
	case byUser:
		op.Middlewares = huma.Middlewares{s.asUser}
		op.Security = []map[string][]string{{"session": {}}, {"bearer": {}}}
	case byNode:
		op.Middlewares = huma.Middlewares{s.asNode}
		op.Security = []map[string][]string{{"node": {}}}
		op.MaxBodyBytes, op.SkipValidateBody = maxLogBody, true // nodeapi decodes
	}
	return op
}

// tag groups routes in the document by the first noun of their path.
func tag(path string) string {
	path, isV1 := strings.CutPrefix(path, "/api/v1/")
	if !isV1 {
		path = strings.TrimPrefix(path, "/")
	}
	first, _, _ := strings.Cut(path, "/")
	return first
}

// openAPI configures the document. Links to schemas inside each answer, which huma would add, are left out.
func (s *Server) openAPI() huma.Config {
	cfg := huma.DefaultConfig("Sandbox Deployment Platform", s.cfg.Version)
	cfg.CreateHooks = nil
	cfg.SchemasPath, cfg.DocsPath = "", ""
	rest.ListEnums(cfg.Components.Schemas)
	cfg.RejectUnknownQueryParameters = true
	cfg.Info.Description = "Errors are application/problem+json (RFC 9457) with the extra members code and remedy. " +
		"What takes time answers 202 with a Location to watch."
	cfg.Servers = []*huma.Server{{URL: s.cfg.PublicURL}}
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"session": {Type: "apiKey", In: "cookie", Name: cookieName},
		"bearer":  {Type: "http", Scheme: "bearer"},
		"node":    {Type: "http", Scheme: "bearer", Description: "a node's token"},
	}
	return cfg
}

// PageQuery is what lists take. It is exported because huma looks into exported embedded structs only.
type PageQuery struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor string `query:"cursor" maxLength:"300" doc:"next of the previous page"`
}

func (q PageQuery) page() postgres.Page { return postgres.Page{Limit: q.Limit, Cursor: q.Cursor} }

// pageOf makes a page of views from a page of domain values.
func pageOf[D, V any](items []D, next string, view func(D) V) *body[rest.Page[V]] {
	return &body[rest.Page[V]]{rest.Page[V]{Items: rest.List(items, view), Next: next}}
}
