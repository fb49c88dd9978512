package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"sdp/internal/sdp"
)

type parameterDoc struct {
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Default     *string  `json:"default,omitempty"`
	Pattern     string   `json:"pattern,omitempty"`
	Choices     []string `json:"choices,omitempty"`
}

func parametersDocument(list []sdp.TemplateParameter) []byte {
	docs := make([]parameterDoc, len(list))
	for i, p := range list {
		docs[i] = parameterDoc(p)
	}
	return document(docs)
}

// CreateTemplate stores a new template and returns it.
func (db *DB) CreateTemplate(ctx context.Context, t sdp.Template) (sdp.Template, error) {
	found, err := templates(ctx, db.pool, `INSERT INTO templates (name, description, owner, parameters, spec)
		VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO NOTHING RETURNING `+templateColumns,
		t.Name, clean(t.Description), t.Owner, parametersDocument(t.Parameters), t.Spec)
	if err == nil && len(found) == 0 {
		err = sdp.Errorf(sdp.Conflict, "template-exists", "there is a template %s already", t.Name).
			WithRemedy("choose another name, or change it: `sdp template update %s -f template.yaml`", t.Name)
	}
	return first(found, err)
}

// UpdateTemplate replaces what a template says; its owner stays.
func (db *DB) UpdateTemplate(ctx context.Context, t sdp.Template) (sdp.Template, error) {
	found, err := templates(ctx, db.pool, `UPDATE templates SET description = $2, parameters = $3, spec = $4, updated_at = now()
		WHERE name = $1 RETURNING `+templateColumns, t.Name, clean(t.Description), parametersDocument(t.Parameters), t.Spec)
	if err == nil && len(found) == 0 {
		err = noTemplate(t.Name)
	}
	return first(found, err)
}

// Template returns one template.
func (db *DB) Template(ctx context.Context, name string) (sdp.Template, error) {
	found, err := templates(ctx, db.pool, `SELECT `+templateColumns+` FROM templates WHERE name = $1`, name)
	if err == nil && len(found) == 0 {
		err = noTemplate(name)
	}
	return first(found, err)
}

// Templates lists templates by name.
func (db *DB) Templates(ctx context.Context, p Page) ([]sdp.Template, string, error) {
	after, err := p.after()
	if err != nil {
		return nil, "", err
	}
	list, err := templates(ctx, db.pool, `SELECT `+templateColumns+` FROM templates WHERE name > $1 ORDER BY name LIMIT $2`,
		after, p.limit()+1)
	if err != nil {
		return nil, "", err
	}
	list, next := cut(p, list, func(t sdp.Template) string { return t.Name })
	return list, next, nil
}

// DeleteTemplate deletes a template. Sandboxes made from it stay as they are.
func (db *DB) DeleteTemplate(ctx context.Context, name string) error {
	tag, err := db.pool.Exec(ctx, `DELETE FROM templates WHERE name = $1`, name)
	if err == nil && tag.RowsAffected() == 0 {
		err = noTemplate(name)
	}
	return translate("deleting template "+name, err)
}

const templateColumns = `name, description, owner, parameters, spec, created_at, updated_at`

func templates(ctx context.Context, q querier, sql string, args ...any) ([]sdp.Template, error) {
	return query(ctx, q, "using templates", func(row pgx.CollectableRow) (t sdp.Template, err error) {
		var parameters []parameterDoc
		err = row.Scan(&t.Name, &t.Description, &t.Owner, &parameters, &t.Spec, &t.CreatedAt, &t.UpdatedAt)
		for _, d := range parameters {
			t.Parameters = append(t.Parameters, sdp.TemplateParameter(d))
		}
		return t, err
	}, sql, args...)
}

// first returns the only row of a query that found one.
func first[T any](rows []T, err error) (one T, _ error) {
	if err != nil {
		return one, err
	}
	return rows[0], nil
}

func noTemplate(name string) error {
	return sdp.Errorf(sdp.NotFound, "template-not-found", "there is no template %q", name).
		WithRemedy("`sdp template list` lists the templates there are")
}
