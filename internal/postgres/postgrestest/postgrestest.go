// Package postgrestest gives tests a real PostgreSQL: a private, throw-away cluster, started when the first test of a
// process asks for it and gone with the process however that ends; or, if SDP_TEST_POSTGRES is set, the cluster at that
// URL, whose role must be allowed to create databases. Each test has a database of its own, copied from a migrated
// template, because announcements and advisory locks are per database: so tests run in parallel.
package postgrestest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"sdp/internal/postgres"
	"sdp/internal/postgres/migrations"
)

// EnvURL names the variable that holds the URL of a cluster to use instead of a private one.
const EnvURL = "SDP_TEST_POSTGRES"

// New returns a migrated database of the test's own, closed and dropped when the test ends.
func New(t testing.TB) *postgres.DB {
	t.Helper()
	return Open(t, URL(t))
}

// Open opens the database at url, again perhaps, and closes it when the test ends.
func Open(t testing.TB, url string) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), url, "")
	if err != nil {
		t.Fatalf("Opening the test's database: %v", err)
	}
	t.Cleanup(db.Close)
	return db
}

// URL returns the connection URL of a migrated database of the test's own, for tests that start processes or need
// several connections. It is dropped when the test ends.
func URL(t testing.TB) string {
	t.Helper()
	c := shared(t)
	return c.create(t, "TEMPLATE "+c.template(t))
}

// EmptyURL is URL without any schema in the database.
func EmptyURL(t testing.TB) string {
	t.Helper()
	return shared(t).create(t, "TEMPLATE template0")
}

// Silence has the nodes, or those named, be heard of last so much longer ago.
func Silence(t testing.TB, url string, d time.Duration, nodes ...string) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, url)
	if err == nil {
		defer conn.Close(ctx)
		_, err = conn.Exec(ctx, `UPDATE nodes SET last_seen = last_seen - $1::interval WHERE cardinality($2::text[]) = 0 OR name = ANY($2)`,
			d, append([]string{}, nodes...))
	}
	if err != nil {
		t.Fatalf("Letting nodes fall silent: %v", err)
	}
}

// cluster is a PostgreSQL server that tests make databases in.
type cluster struct {
	url string // of its maintenance database

	templateOnce sync.Once
	templateName string
	templateErr  error
}

var start = sync.OnceValues(func() (*cluster, error) {
	if url := os.Getenv(EnvURL); url != "" {
		return &cluster{url: url}, nil
	}
	url, err := startCluster()
	return &cluster{url: url}, err
})

func shared(t testing.TB) *cluster {
	t.Helper()
	c, err := start()
	if err != nil {
		t.Fatalf("This test needs PostgreSQL: %v", err)
	}
	return c
}

func (c *cluster) create(t testing.TB, how string) string {
	t.Helper()
	name := "sdp_test_" + strings.ToLower(rand.Text()[:12])
	if err := c.admin("CREATE DATABASE " + name + " " + how); err != nil {
		t.Fatalf("Creating the test's database: %v", err)
	}
	t.Cleanup(func() {
		if err := c.admin("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Errorf("Dropping the test's database: %v", err)
		}
	})
	return c.urlOf(name)
}

func (c *cluster) urlOf(database string) string {
	u, err := url.Parse(c.url)
	if err != nil {
		panic(err) // the URL was connected to before
	}
	u.Path = "/" + database
	return u.String()
}

func (c *cluster) admin(statements ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, s := range statements {
		if _, err := conn.Exec(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// template makes the migrated database that others are copied from, once for each set of migrations.
func (c *cluster) template(t testing.TB) string {
	t.Helper()
	c.templateOnce.Do(func() { c.templateName, c.templateErr = c.makeTemplate() })
	if c.templateErr != nil {
		t.Fatalf("Migrating the tests' template database: %v", c.templateErr)
	}
	return c.templateName
}

func (c *cluster) makeTemplate() (name string, err error) {
	sum := sha256.Sum256([]byte(migrations.SQL()))
	name = "sdp_template_" + hex.EncodeToString(sum[:6])
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.url)
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	// Test processes may share a cluster: one makes the template, the others wait here.
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock(7305)`); err != nil {
		return "", err
	}
	var exists bool
	err = conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, name).Scan(&exists)
	if err != nil || exists {
		return name, err
	}
	// Renamed when it is complete, so that a process killed on the way leaves no half of it under this name.
	draft := name + "_draft"
	err = c.admin("DROP DATABASE IF EXISTS "+draft+" WITH (FORCE)", "CREATE DATABASE "+draft+" TEMPLATE template0")
	if err != nil {
		return "", err
	}
	if err := postgres.Migrate(ctx, c.urlOf(draft), ""); err != nil {
		return "", err
	}
	return name, c.admin(fmt.Sprintf("ALTER DATABASE %s RENAME TO %s", draft, name))
}
