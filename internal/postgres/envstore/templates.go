package envstore

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"sdp/internal/postgres/outbox"
	"sdp/internal/postgres/pg"
	"sdp/internal/sdp"
	"sdp/internal/sdp/template"
)

type parameterDoc struct {
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Default     *string  `json:"default,omitempty"`
	Pattern     string   `json:"pattern,omitempty"`
	Choices     []string `json:"choices,omitempty"`
}

func parametersDocument(list []template.Parameter) []byte {
	docs := make([]parameterDoc, len(list))
	for i, p := range list {
		docs[i] = parameterDoc(p)
	}
	return pg.Document(docs)
}

// CreateTemplate stores a new template and returns it.
func (db *Store) CreateTemplate(ctx context.Context, t template.Template) (template.Template, error) {
	return db.storeTemplate(ctx, sdp.Errorf(sdp.Conflict, "template-exists", "there is a template %s already", t.Name).
		WithRemedy("choose another name, or change it: `sdp template update %s -f template.yaml`", t.Name),
		`INSERT INTO templates (name, description, owner, parameters, spec)
		VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO NOTHING RETURNING `+templateColumns,
		t.Name, pg.Clean(t.Description), t.Owner, parametersDocument(t.Parameters), t.Spec)
}

// UpdateTemplate replaces what a template says; its owner stays.
func (db *Store) UpdateTemplate(ctx context.Context, t template.Template) (template.Template, error) {
	return db.storeTemplate(ctx, noTemplate(t.Name),
		`UPDATE templates SET description = $2, parameters = $3, spec = $4, updated_at = now()
		WHERE name = $1 RETURNING `+templateColumns, t.Name, pg.Clean(t.Description), parametersDocument(t.Parameters), t.Spec)
}

// storeTemplate runs a statement that returns the template it stored, or nothing, which is the error otherwise.
func (db *Store) storeTemplate(ctx context.Context, otherwise error, sql string, args ...any) (t template.Template, err error) {
	err = outbox.Change(ctx, db.pool, "storing a template", func(tx pgx.Tx) error {
		found, err := templates(ctx, tx, sql, args...)
		if err == nil && len(found) == 0 {
			err = otherwise
		}
		t, err = pg.First(found, err)
		return err
	})
	return t, err
}

// Template returns one template.
func (db *Store) Template(ctx context.Context, name string) (template.Template, error) {
	found, err := templates(ctx, db.pool, `SELECT `+templateColumns+` FROM templates WHERE name = $1`, name)
	if err == nil && len(found) == 0 {
		err = noTemplate(name)
	}
	return pg.First(found, err)
}

// Templates lists templates by name.
func (db *Store) Templates(ctx context.Context, p pg.Page) ([]template.Template, string, error) {
	after, err := p.After()
	if err != nil {
		return nil, "", err
	}
	list, err := templates(ctx, db.pool, `SELECT `+templateColumns+` FROM templates WHERE name > $1 ORDER BY name LIMIT $2`,
		after, p.Size()+1)
	if err != nil {
		return nil, "", err
	}
	list, next := pg.Cut(p, list, func(t template.Template) string { return t.Name })
	return list, next, nil
}

// DeleteTemplate deletes a template. Sandboxes made from it stay as they are.
func (db *Store) DeleteTemplate(ctx context.Context, name string) error {
	return outbox.Change(ctx, db.pool, "deleting template "+name, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `DELETE FROM templates WHERE name = $1`, name)
		if err == nil && tag.RowsAffected() == 0 {
			err = noTemplate(name)
		}
		return err
	})
}

const templateColumns = `name, description, owner, parameters, spec, created_at, updated_at`

type templateRow struct {
	Name        string         `db:"name"`
	Description string         `db:"description"`
	Owner       string         `db:"owner"`
	Parameters  []parameterDoc `db:"parameters"`
	Spec        []byte         `db:"spec"`
	CreatedAt   time.Time      `db:"created_at"`
	UpdatedAt   time.Time      `db:"updated_at"`
}

func (r templateRow) domain() template.Template {
	t := template.Template{Name: r.Name, Description: r.Description, Owner: r.Owner, Spec: r.Spec, CreatedAt: r.CreatedAt,
		UpdatedAt: r.UpdatedAt}
	for _, d := range r.Parameters {
		t.Parameters = append(t.Parameters, template.Parameter(d))
	}
	return t
}

func templates(ctx context.Context, q pg.Querier, sql string, args ...any) ([]template.Template, error) {
	return pg.Query(ctx, q, "using templates", pg.ByName(templateRow.domain), sql, args...)
}

func noTemplate(name string) error {
	return sdp.Errorf(sdp.NotFound, "template-not-found", "there is no template %q", name).
		WithRemedy("`sdp template list` lists the templates there are")
}
