package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/tools/common/schema"
	sqltool "go.temporal.io/server/tools/sql"
)

// Names of the schemas embedded in the server.
const (
	workflowSchema   = "postgresql/v12/temporal"
	visibilitySchema = "postgresql/v12/visibility"
)

// postgresPatience is how long a PostgreSQL that does not answer is waited for before giving up: it may be starting
// beside us or recovering from a crash.
const postgresPatience = 60 * time.Second

// Error codes of PostgreSQL, https://www.postgresql.org/docs/current/errcodes-appendix.html.
const (
	invalidCatalogName = "3D000" // the database does not exist
	duplicateDatabase  = "42P04"
)

// prepareDatabases creates the databases that are missing and brings their schemas to the version of this server.
func prepareDatabases(ctx context.Context, p postgresOptions, logger log.Logger) error {
	for _, d := range []struct{ name, schema string }{
		{p.database, workflowSchema},
		{p.visibility, visibilitySchema},
	} {
		if err := p.createDatabase(ctx, d.name); err != nil {
			return fmt.Errorf("database %s at %s: %w", d.name, p.address, err)
		}
		if err := p.prepareSchema(d.name, d.schema, logger); err != nil {
			return fmt.Errorf("schema of database %s at %s: %w", d.name, p.address, err)
		}
	}
	return nil
}

// createDatabase makes sure that the database exists, waiting for a PostgreSQL that does not answer yet. It connects
// to the database itself first, so that a role without CREATEDB can use one that was made for it.
func (p postgresOptions) createDatabase(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, postgresPatience)
	defer cancel()
	for {
		err := p.exec(ctx, name, "SELECT 1")
		var refused *pgconn.PgError
		switch {
		case err == nil:
			return nil
		case errors.As(err, &refused) && refused.Code == invalidCatalogName:
			err = p.exec(ctx, "postgres", "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
			if errors.As(err, &refused) && refused.Code == duplicateDatabase {
				return nil
			}
			return err
		case errors.As(err, &refused) && !startingUp(refused):
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// startingUp reports whether PostgreSQL refuses because it is starting, recovering, stopping or full: all of class 57P
// (operator intervention) or 53 (insufficient resources).
func startingUp(e *pgconn.PgError) bool {
	return len(e.Code) == 5 && (e.Code[:3] == "57P" || e.Code[:2] == "53")
}

func (p postgresOptions) exec(ctx context.Context, database, sql string) error {
	password, err := p.password()
	if err != nil {
		return err
	}
	query := url.Values{"sslmode": {p.sslmode}, "connect_timeout": {"5"}}
	if p.ca != "" {
		query.Set("sslrootcert", p.ca)
	}
	u := url.URL{Scheme: "postgres", Host: p.address, Path: "/" + database, User: url.User(p.user), RawQuery: query.Encode()}
	cfg, err := pgx.ParseConfig(u.String())
	if err != nil {
		return err
	}
	cfg.Password = password
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	_, err = conn.Exec(ctx, sql)
	return err
}

// prepareSchema sets the schema up if there is none and updates it; both may be interrupted and repeated.
func (p postgresOptions) prepareSchema(database, schemaName string, logger log.Logger) error {
	cfg, err := p.sqlConfig(database, 2)
	if err != nil {
		return err
	}
	db, err := sqltool.NewConnection(cfg, logger)
	if err != nil {
		return err
	}
	defer db.Close()
	// A second set-up would set the version back to 0.0 and so run all updates again.
	if version, err := db.ReadSchemaVersion(); err != nil || version == "" {
		if err := schema.NewSetupSchemaTask(db, &schema.SetupConfig{InitialVersion: "0.0"}, logger).Run(); err != nil {
			return fmt.Errorf("set-up: %w", err)
		}
	}
	if err := schema.NewUpdateSchemaTask(db, &schema.UpdateConfig{SchemaName: schemaName}, logger).Run(); err != nil {
		return fmt.Errorf("update: %w", err)
	}
	return nil
}

// freePort returns a port of the loopback interface nobody listens on now.
func freePort() (int, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
