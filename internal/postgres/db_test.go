package postgres_test

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"sdp/internal/postgres"
	"sdp/internal/postgres/pg"
	"sdp/internal/postgres/postgrestest"
	"sdp/internal/sdp"
)

func TestMigrateIsSafeAtOnceAndAgain(t *testing.T) {
	t.Parallel()
	url := postgrestest.EmptyURL(t)
	var wg sync.WaitGroup
	errs := make([]error, 5)
	for i := range errs {
		wg.Go(func() { errs[i] = postgres.Migrate(t.Context(), url, "") })
	}
	wg.Wait()
	must(t, errors.Join(errs...))
	must(t, postgres.Migrate(t.Context(), url, ""))
	got(postgrestest.Open(t, url).Nodes(t.Context()))(t)
}

func TestMigrateRefusesNewerDatabase(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	sql(t, url, `INSERT INTO schema_migrations (version, name) VALUES (9999, 'of the future')`)
	wantCode(t, postgres.Migrate(t.Context(), url, ""), sdp.Conflict, "database-newer")
}

func TestMissingSchemaSaysWhatToDo(t *testing.T) {
	t.Parallel()
	db := postgrestest.Open(t, postgrestest.EmptyURL(t))
	_, err := db.Nodes(t.Context())
	wantCode(t, err, sdp.Internal, "schema-missing")
}

func TestOpenErrorsHideThePassword(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"postgres://sdp:hunter2@127.0.0.1:1/sdp?sslmode=disable",
		"postgres://sdp:hunter2@127.0.0.1:notaport/sdp",
	} {
		_, err := postgres.Open(t.Context(), url, "hunter2")
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("error is %v", err)
		}
	}
	_, err := postgres.Open(t.Context(), "postgres://sdp@127.0.0.1:1/sdp?sslmode=disable", "")
	wantCode(t, err, sdp.Unavailable, "database-unreachable")
}

func TestLostConnectionsAreUnavailableAndReplaced(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db := postgrestest.Open(t, url)
	for range 5 {
		var wg sync.WaitGroup
		errs := make([]error, 8) // several at once, so that the pool holds several connections
		for i := range errs {
			wg.Go(func() { _, errs[i] = db.AppendLog(t.Context(), "s", 0, nil, false) })
		}
		wg.Wait()
		must(t, errors.Join(errs...))
		sql(t, url, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid()`)
		for {
			err := db.SetSharedServices(t.Context(), nil)
			if err == nil {
				break
			}
			wantCode(t, err, sdp.Unavailable, "database-unreachable")
		}
		for db.Ping(t.Context()) != nil {
		}
	}
}

// A database that is being restored, or whose password is being changed, lets nobody in for a while.
func TestRefusedConnectionsAreUnavailable(t *testing.T) {
	t.Parallel()
	at, err := url.Parse(postgrestest.URL(t))
	must(t, err)
	at.Path = "/none"
	_, err = pgx.Connect(t.Context(), at.String())
	wantCode(t, pg.Translate("writing", err), sdp.Unavailable, "database-unreachable")
}

func TestReadOnlyDatabaseIsToldFromOneThatIsAway(t *testing.T) {
	t.Parallel()
	db := postgrestest.Open(t, postgrestest.URL(t)+"&default_transaction_read_only=on")
	wantCode(t, db.Ping(t.Context()), sdp.Unavailable, "database-read-only")
	wantCode(t, db.SetSharedServices(t.Context(), nil), sdp.Unavailable, "database-read-only")
}

func TestEnumsMirrorDomain(t *testing.T) {
	t.Parallel()
	conn, err := pgx.Connect(t.Context(), postgrestest.URL(t))
	must(t, err)
	defer conn.Close(context.Background())
	for enum, want := range map[string][]string{
		"node_type":       strs(sdp.Micro, sdp.Gateway, sdp.Infra),
		"repository_kind": strs(sdp.GoRepository, sdp.DockerfileRepository),
		"sandbox_state":   strs(sdp.Active, sdp.Suspended, sdp.Expired, sdp.Deleted),
		"route_source":    strs(sdp.SourceSandbox, sdp.SourceOCP, sdp.SourceURL),
		"deployment_state": strs(sdp.Queued, sdp.Fetching, sdp.Checkout, sdp.Building, sdp.CreatingImage,
			sdp.StartingContainer, sdp.Running, sdp.DeployFailed, sdp.DeployStopped, sdp.DeployCancelled),
		"container_state": strs(sdp.Starting, sdp.Serving, sdp.Retiring, sdp.Stopped, sdp.Removed),
		"operation_state": strs(sdp.OpQueued, sdp.OpRunning, sdp.OpSucceeded, sdp.OpFailed, sdp.OpCancelled),
		"outcome":         strs(sdp.Accepted, sdp.Succeeded, sdp.Refused, sdp.OutcomeFailed, sdp.Cancelled),
	} {
		rows, err := conn.Query(t.Context(), `SELECT unnest(enum_range(NULL::`+enum+`))::text`)
		must(t, err)
		stored, err := pgx.CollectRows(rows, pgx.RowTo[string])
		must(t, err)
		if !slices.Equal(stored, want) {
			t.Errorf("%s is %v in the database and %v in the domain", enum, stored, want)
		}
	}
}

func strs[S ~string](list ...S) []string {
	var plain []string
	for _, s := range list {
		plain = append(plain, string(s))
	}
	return plain
}
