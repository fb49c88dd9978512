package api

import (
	"context"
	"time"

	"sdp/internal/postgres"
)

// PageQuery is what lists take. It is exported because huma looks into exported embedded structs only.
type PageQuery struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor string `query:"cursor" maxLength:"300" doc:"next of the previous page"`
}

func (q PageQuery) page() postgres.Page { return postgres.Page{Limit: q.Limit, Cursor: q.Cursor} }

// pageOf makes a page of views from a page of domain values.
func pageOf[D, V any](items []D, next string, view func(D) V) *body[Page[V]] {
	return &body[Page[V]]{Page[V]{Items: views(items, view), Next: next}}
}

func views[D, V any](items []D, view func(D) V) []V {
	out := make([]V, 0, len(items))
	for _, item := range items {
		out = append(out, view(item))
	}
	return out
}

type auditInput struct {
	PageQuery
	Sandbox   string    `query:"sandbox" maxLength:"100"`
	Service   string    `query:"service" maxLength:"100"`
	User      string    `query:"user" maxLength:"200"`
	Action    string    `query:"action" maxLength:"100" doc:"such as deployment.create"`
	Operation string    `query:"operation" maxLength:"100" doc:"ID of a deployment or an operation"`
	Outcome   string    `query:"outcome" enum:"accepted,succeeded,refused,failed,cancelled"`
	Since     time.Time `query:"since" doc:"inclusive"`
	Until     time.Time `query:"until" doc:"exclusive"`
	Text      string    `query:"text" maxLength:"200" doc:"what one of the event's texts contains, upper and lower case alike"`
}

func (s *Server) listAudit(ctx context.Context, in *auditInput) (*body[Page[AuditEvent]], error) {
	events, next, err := s.db.AuditEvents(ctx, in.filter(), in.page())
	if err != nil {
		return nil, err
	}
	return pageOf(events, next, viewAudit), nil
}
