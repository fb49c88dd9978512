package api

import (
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
