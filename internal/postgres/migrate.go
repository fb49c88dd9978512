package postgres

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"sdp/internal/sdp"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrationLock is the advisory lock under which migrations run, so that servers started at once do not race. Any
// number will do as long as nothing else in this database uses it.
const migrationLock = 7_305_2001

type migration struct {
	version int
	name    string
	sql     string
}

// Migrate brings the schema of the database at url up to date. Each migration runs in a transaction of its own and is
// recorded in it; a database that a newer program has migrated is refused.
func Migrate(ctx context.Context, url, password string) error {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return badURL(err)
	}
	prepare(config, password)
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return unreachable(err)
	}
	// Closing the connection releases the lock too.
	defer conn.Close(context.WithoutCancel(ctx))
	return translate("migrating the database", migrate(ctx, conn))
}

func migrate(ctx context.Context, conn *pgx.Conn) error {
	all, err := migrations()
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
	if newest := all[len(all)-1].version; applied > newest {
		return sdp.Errorf(sdp.Conflict, "database-newer",
			"the database has schema version %d and this program knows %d at most", applied, newest).
			WithRemedy("run the newer `sdp` that migrated it")
	}
	for _, m := range all {
		if m.version <= applied {
			continue
		}
		if err := m.apply(ctx, conn); err != nil {
			return fmt.Errorf("migration %s: %w", m.name, err)
		}
		slog.InfoContext(ctx, "Migrated database", "migration", m.name)
	}
	return nil
}

func appliedVersion(ctx context.Context, conn *pgx.Conn) (version int, err error) {
	_, err = conn.Exec(ctx, `CREATE TABLE IF NOT EXISTS schema_migrations (
		version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`)
	if err != nil {
		return 0, err
	}
	err = conn.QueryRow(ctx, `SELECT coalesce(max(version), 0) FROM schema_migrations`).Scan(&version)
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

// migrations lists the embedded migrations, "NNNN_name.sql", in order. Numbers are consecutive from 1.
func migrations() ([]migration, error) {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	var all []migration
	for i, path := range names {
		sql, err := migrationFiles.ReadFile(path)
		if err != nil {
			return nil, err
		}
		name := strings.TrimSuffix(strings.TrimPrefix(path, "migrations/"), ".sql")
		number, _, _ := strings.Cut(name, "_")
		version, err := strconv.Atoi(number)
		if err != nil || version != i+1 {
			return nil, fmt.Errorf("migration %s should have number %04d", name, i+1)
		}
		all = append(all, migration{version: version, name: name, sql: string(sql)})
	}
	return all, nil
}

// MigrationSQL returns the text of all migrations: tests tell schemas apart by it.
func MigrationSQL() string {
	all, err := migrations()
	if err != nil {
		panic(err) // they are part of the program
	}
	var text strings.Builder
	for _, m := range all {
		text.WriteString(m.sql)
	}
	return text.String()
}
