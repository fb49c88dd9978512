package postgres_test

import (
	"testing"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
	"sdp/internal/sdp/template"
)

func TestTemplates(t *testing.T) {
	t.Parallel()
	db := platform(t)
	main := "main"
	shop := template.Template{Name: "shop", Description: "all of it", Owner: "ann", Spec: []byte(`{"services": {"account": {"branch": "${branch}"}}}`),
		Parameters: []template.Parameter{{Name: "branch", Default: &main, Pattern: ".*", Choices: []string{"main"}}}}
	stored := got(db.CreateTemplate(t.Context(), shop))(t)
	if stored.CreatedAt.IsZero() || string(stored.Spec) != string(shop.Spec) || *stored.Parameters[0].Default != "main" || stored.Owner != "ann" {
		t.Errorf("stored %+v", stored)
	}
	_, err := db.CreateTemplate(t.Context(), shop)
	wantCode(t, err, sdp.Conflict, "template-exists")

	shop.Description, shop.Owner, shop.Parameters = "less", "bob", nil
	changed := got(db.UpdateTemplate(t.Context(), shop))(t)
	if changed.Description != "less" || changed.Owner != "ann" || changed.Parameters != nil || !changed.UpdatedAt.After(stored.UpdatedAt) {
		t.Errorf("changed %+v", changed)
	}
	shop.Name = "other"
	_, err = db.UpdateTemplate(t.Context(), shop)
	wantCode(t, err, sdp.NotFound, "template-not-found")
	got(db.CreateTemplate(t.Context(), shop))(t)

	list, next, err := db.Templates(t.Context(), postgres.Page{Limit: 1})
	must(t, err)
	if len(list) != 1 || list[0].Name != "other" || next == "" {
		t.Errorf("first page %+v, next %q", list, next)
	}
	list, next, err = db.Templates(t.Context(), postgres.Page{Limit: 1, Cursor: next})
	must(t, err)
	if len(list) != 1 || list[0].Name != "shop" || next != "" {
		t.Errorf("second page %+v, next %q", list, next)
	}

	must(t, db.DeleteTemplate(t.Context(), "shop"))
	wantCode(t, db.DeleteTemplate(t.Context(), "shop"), sdp.NotFound, "template-not-found")
	_, err = db.Template(t.Context(), "shop")
	wantCode(t, err, sdp.NotFound, "template-not-found")
}
