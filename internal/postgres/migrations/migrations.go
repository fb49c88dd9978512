// Package migrations holds the schema as numbered files and brings a database up to date. A file that was released is
// never edited.
package migrations

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"sdp/internal/postgres/pg"
	"sdp/internal/sdp"
)

//go:embed *.sql
var migrationFiles embed.FS

// migrationLock is the advisory lock under which migrations run, so that servers started at once do not race. Any
// number will do as long as nothing else in this database uses it.
const migrationLock = 7_305_2001

type migration struct {
	version int
	name    string
	sql     string
}

// Run brings the schema of the database at url up to date. Each migration runs in a transaction of its own and is
// recorded in it; a database that a newer program has migrated is refused.
func Run(ctx context.Context, url, password string) error { return To(ctx, url, password, newest) }

// newest stands for the newest version there is.
const newest = 0

// To is Run up to a version: what yesterday's program made of an empty database.
func To(ctx context.Context, url, password string, version int) error {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return pg.BadURL(err)
	}
	pg.Prepare(config, password)
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return pg.Unreachable(err)
	}
	// Closing the connection releases the lock too.
	defer conn.Close(context.WithoutCancel(ctx))
	return pg.Translate("migrating the database", migrate(ctx, conn, version))
}

func migrate(ctx context.Context, conn *pgx.Conn, version int) error {
	all, err := embedded()
	if err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, migrationLock); err != nil {
		return err
	}
	applied, err := appliedVersion(ctx, conn)
	if err != nil {
		return err
	}
	if err := known(applied, all); err != nil {
		return err
	}
	for _, m := range all {
		if m.version <= applied || version != newest && m.version > version {
			continue
		}
		if err := m.apply(ctx, conn); err != nil {
			return fmt.Errorf("migration %s: %w", m.name, err)
		}
		slog.InfoContext(ctx, "Migrated database", "migration", m.name)
	}
	if version != newest {
		return nil
	}
	if err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return tellRules(ctx, tx) }); err != nil {
		return fmt.Errorf("telling the database the domain's rules: %w", err)
	}
	return nil
}

// Known is a Conflict, "database-newer", if a newer program has migrated the database meanwhile.
func Known(ctx context.Context, q pg.Querier) error {
	all, err := embedded()
	if err != nil {
		return err
	}
	applied, err := lastApplied(ctx, q)
	if err != nil {
		return pg.Translate("reading the schema's version", err)
	}
	return known(applied, all)
}

func known(applied int, all []migration) error {
	last := all[len(all)-1].version
	if applied <= last {
		return nil
	}
	return sdp.Errorf(sdp.Conflict, "database-newer",
		"the database has schema version %d and this program knows %d at most", applied, last).
		WithRemedy("run the newer `sdp` that migrated it")
}

// tellRules writes the domain's table of kinds and its state machines into the database, which enforces them. Kinds are
// never removed: old rows have them.
func tellRules(ctx context.Context, tx pgx.Tx) error {
	var b pgx.Batch
	for _, kind := range sdp.OperationKinds() {
		if kind == sdp.OpDeploy { // a deployment is stored as one
			continue
		}
		rules := kind.Rules()
		b.Queue(`INSERT INTO operation_kinds (kind, of_service, changes) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
			string(kind), rules.Scope == sdp.ScopeService, rules.Changes)
	}
	b.Queue(`DELETE FROM state_transitions`)
	for table, transitions := range sdp.Transitions() {
		for _, t := range transitions {
			b.Queue(`INSERT INTO state_transitions (of_table, from_state, to_state) VALUES ($1, $2, $3)`, table, t.From, t.To)
		}
	}
	return tx.SendBatch(ctx, &b).Close()
}

func appliedVersion(ctx context.Context, conn *pgx.Conn) (version int, err error) {
	_, err = conn.Exec(ctx, `CREATE TABLE IF NOT EXISTS schema_migrations (
		version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`)
	if err != nil {
		return 0, err
	}
	return lastApplied(ctx, conn)
}

func lastApplied(ctx context.Context, q pg.Querier) (version int, err error) {
	err = q.QueryRow(ctx, `SELECT coalesce(max(version), 0) FROM schema_migrations`).Scan(&version)
	return version, err
}

func (m migration) apply(ctx context.Context, conn *pgx.Conn) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, m.sql); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO schema_migrations (version, name) VALUES ($1, $2)`, m.version, m.name)
		return err
	})
}

// embedded lists the embedded migrations, "NNNN_name.sql", in order. Numbers are consecutive from 1.
func embedded() ([]migration, error) {
	names, err := fs.Glob(migrationFiles, "*.sql")
	if err != nil {
		return nil, err
	}
	var all []migration
	for i, path := range names {
		sql, err := migrationFiles.ReadFile(path)
		if err != nil {
			return nil, err
		}
		name := strings.TrimSuffix(path, ".sql")
		number, _, _ := strings.Cut(name, "_")
		version, err := strconv.Atoi(number)
		if err != nil || version != i+1 {
			return nil, fmt.Errorf("migration %s should have number %04d", name, i+1)
		}
		all = append(all, migration{version: version, name: name, sql: string(sql)})
	}
	return all, nil
}

// SQL returns the text of all migrations: tests tell schemas apart by it.
func SQL() string {
	all, err := embedded()
	if err != nil {
		panic(err) // they are part of the program
	}
	var text strings.Builder
	for _, m := range all {
		text.WriteString(m.sql)
	}
	return text.String()
}
