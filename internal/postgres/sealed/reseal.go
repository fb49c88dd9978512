// Package sealed knows where encrypted values lie and encrypts them anew.
package sealed

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"

	"github.com/jackc/pgx/v5"

	"sdp/internal/postgres/pg"
	"sdp/internal/sdp"
	"sdp/internal/sdp/settings"
)

// Store is this package's part of the database. It is safe for concurrent use.
type Store struct{ pool *pg.Pool }

// New returns a store on a pool.
func New(pool *pg.Pool) Store { return Store{pool} }

// sealedPlace is where encrypted values lie: a document in a column, whose strings are values in base64.
type sealedPlace struct {
	What string // for people
	// list selects, for each row that has any, a number and a text that identify it, as id and name.
	list string
	// read selects of the row $1, $2 the names its contexts need and the document; write stores the document $3.
	read, write string
	// at is the context of the value at a path of the document.
	at func(id int64, names [2]string, path []string) string
}

func inEnvironment(id int64, _ [2]string, path []string) string {
	return settings.EnvironmentContext(id, path[0])
}

// sealedPlaces are all there are, but for changes that have not ended: what they hold goes when they end.
var sealedPlaces = []sealedPlace{
	{"secrets of environments", `SELECT environment_id AS id, version::text AS name FROM environment_versions WHERE secrets <> '{}'`,
		`SELECT '', '', secrets FROM environment_versions WHERE environment_id = $1 AND version = $2::integer FOR UPDATE`,
		`UPDATE environment_versions SET secrets = $3 WHERE environment_id = $1 AND version = $2::integer`, inEnvironment},
	{"files of environments", `SELECT environment_id AS id, version::text AS name FROM environment_versions WHERE files <> '{}'`,
		`SELECT '', '', files FROM environment_versions WHERE environment_id = $1 AND version = $2::integer FOR UPDATE`,
		`UPDATE environment_versions SET files = $3 WHERE environment_id = $1 AND version = $2::integer`, inEnvironment},
	{"secrets of sandboxes", `SELECT id, '' AS name FROM sandboxes WHERE secrets <> '{}'`,
		`SELECT name, '', secrets FROM sandboxes WHERE id = $1 AND $2 = '' FOR UPDATE`,
		`UPDATE sandboxes SET secrets = $3 WHERE id = $1 AND $2 = ''`,
		func(_ int64, names [2]string, path []string) string { return sdp.SecretContext(names[0], "", path[0]) }},
	{"secrets of services", `SELECT sandbox_id AS id, name FROM sandbox_services WHERE secrets <> '{}'`,
		`SELECT s.name, v.name, v.secrets FROM sandbox_services v JOIN sandboxes s ON s.id = v.sandbox_id
			WHERE v.sandbox_id = $1 AND v.name = $2 FOR UPDATE OF v`,
		`UPDATE sandbox_services SET secrets = $3 WHERE sandbox_id = $1 AND name = $2`,
		func(_ int64, names [2]string, path []string) string {
			return sdp.SecretContext(names[0], names[1], path[0])
		}},
	{"secrets of snapshots", `SELECT seq AS id, '' AS name FROM snapshots WHERE secrets <> '{}'`,
		`SELECT s.name, '', p.secrets FROM snapshots p JOIN sandboxes s ON s.id = p.sandbox_id
			WHERE p.seq = $1 AND $2 = '' FOR UPDATE OF p`,
		`UPDATE snapshots SET secrets = $3 WHERE seq = $1 AND $2 = ''`,
		func(_ int64, names [2]string, path []string) string {
			return sdp.SecretContext(names[0], path[0], path[1])
		}},
	{"git credentials", `SELECT 0 AS id, user_name AS name FROM tracking_credentials`,
		`SELECT user_name, '', jsonb_build_object('sealed', translate(encode(sealed, 'base64'), E'\n', ''))
			FROM tracking_credentials WHERE $1 = 0 AND user_name = $2 FOR UPDATE`,
		`UPDATE tracking_credentials SET sealed = decode($3::jsonb->>'sealed', 'base64') WHERE $1 = 0 AND user_name = $2`,
		func(_ int64, names [2]string, _ []string) string { return sdp.TrackingContext(names[0]) }},
}

// Resealed says of how many values of a kind some were encrypted anew.
type Resealed struct {
	What   string
	Values int // all there are
	Anew   int // those that were encrypted anew
}

// Reseal encrypts everything at rest anew: reseal is given each value and its context, and returns the same bytes for one
// that stays as it is. Rows are changed one by one, so that nobody waits for long and it can be repeated.
func (db *Store) Reseal(ctx context.Context, reseal func(sealed []byte, at string) ([]byte, error)) ([]Resealed, error) {
	var report []Resealed
	for _, place := range sealedPlaces {
		r := Resealed{What: place.What}
		rows, err := pg.Query(ctx, db.pool, "looking for "+place.What, pgx.RowToStructByName[sealedRow], place.list)
		if err != nil {
			return report, err
		}
		for _, row := range rows {
			if err := db.resealRow(ctx, place, row, reseal, &r); err != nil {
				return report, err
			}
		}
		report = append(report, r)
	}
	return report, nil
}

type sealedRow struct {
	ID   int64  `db:"id"`
	Name string `db:"name"`
}

func (db *Store) resealRow(ctx context.Context, place sealedPlace, row sealedRow,
	reseal func(sealed []byte, at string) ([]byte, error), total *Resealed) error {
	var counted Resealed
	err := db.pool.InTx(ctx, "encrypting "+place.What+" anew", func(tx pgx.Tx) error {
		counted = Resealed{}
		var names [2]string
		var doc any
		err := tx.QueryRow(ctx, place.read, row.ID, row.Name).Scan(&names[0], &names[1], &doc)
		if errors.Is(err, pgx.ErrNoRows) { // gone meanwhile
			return nil
		}
		if err != nil {
			return err
		}
		doc, err = eachSealed(doc, nil, func(path []string, sealed []byte) ([]byte, error) {
			fresh, err := reseal(sealed, place.at(row.ID, names, path))
			counted.Values++
			if string(fresh) != string(sealed) {
				counted.Anew++
			}
			return fresh, err
		})
		if err != nil || counted.Anew == 0 {
			return err
		}
		_, err = tx.Exec(ctx, place.write, row.ID, row.Name, pg.Document(doc))
		return err
	})
	total.Values += counted.Values
	total.Anew += counted.Anew
	return err
}

// eachSealed returns the document with each of its strings, which are base64, replaced by what change makes of it.
func eachSealed(doc any, path []string, change func(path []string, sealed []byte) ([]byte, error)) (any, error) {
	switch doc := doc.(type) {
	case map[string]any:
		for key, value := range doc {
			fresh, err := eachSealed(value, append(path[:len(path):len(path)], key), change)
			if err != nil {
				return nil, err
			}
			doc[key] = fresh
		}
	case string:
		sealed, err := base64.StdEncoding.DecodeString(doc)
		if err != nil {
			return nil, err
		}
		fresh, err := change(path, sealed)
		return base64.StdEncoding.EncodeToString(fresh), err
	}
	return doc, nil
}

// SealedUse says how many values of a kind a key has encrypted.
type SealedUse struct {
	What   string
	Values int
}

// SealedWith says what is still encrypted with a key; keyOf returns the ID of the key that encrypted a value. Changes that
// have not ended count as one each, whatever their secrets are encrypted with.
func (db *Store) SealedWith(ctx context.Context, keyID string, keyOf func(sealed []byte) string) ([]SealedUse, error) {
	var uses []SealedUse
	for _, place := range sealedPlaces {
		use := SealedUse{What: place.What}
		rows, err := pg.Query(ctx, db.pool, "looking for "+place.What, pgx.RowToStructByName[sealedRow], place.list)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			if err := db.countSealed(ctx, place, row, keyID, keyOf, &use.Values); err != nil {
				return nil, err
			}
		}
		uses = append(uses, use)
	}
	var changes SealedUse
	changes.What = "changes that have not ended"
	err := db.pool.QueryRow(ctx, `SELECT count(*) FROM operations WHERE change IS NOT NULL AND finished_at IS NULL`).
		Scan(&changes.Values)
	return append(uses, changes), pg.Translate("looking for changes", err)
}

func (db *Store) countSealed(ctx context.Context, place sealedPlace, row sealedRow, keyID string,
	keyOf func(sealed []byte) string, count *int) error {
	var ignored string
	var raw json.RawMessage
	err := db.pool.QueryRow(ctx, place.read, row.ID, row.Name).Scan(&ignored, &ignored, &raw)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return pg.Translate("reading "+place.What, err)
	}
	var doc any
	if err := json.Unmarshal(raw, &doc); err != nil {
		return err
	}
	_, err = eachSealed(doc, nil, func(_ []string, sealed []byte) ([]byte, error) {
		if keyOf(sealed) == keyID {
			*count++
		}
		return sealed, nil
	})
	return err
}
