package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"sdp/internal/postgres"
	"sdp/internal/postgres/migrations"
	"sdp/internal/postgres/postgrestest"
	"sdp/internal/sdp"
)

// TestTheDatabaseKeepsTheStateMachines tries every change of every state past the program, as a mistake or a hand on the
// database would: what the domain does not allow the database refuses.
func TestTheDatabaseKeepsTheStateMachines(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	conn := got(pgx.Connect(t.Context(), url))(t)
	defer conn.Close(context.WithoutCancel(t.Context()))
	containers := []sdp.ContainerState{sdp.Starting, sdp.Serving, sdp.Retiring, sdp.Stopped, sdp.Removed}
	walk(t, conn, "sandboxes", sdp.SandboxStates(), sdp.SandboxState.CanBecome)
	walk(t, conn, "operations", sdp.OperationStates(), sdp.OperationState.CanBecome)
	walk(t, conn, "deployments", sdp.DeploymentStates(), sdp.DeploymentState.CanBecome)
	walk(t, conn, "containers", containers, sdp.ContainerState.CanBecome)
}

// walk takes a row of its own, in a transaction that is rolled back, through each pair of states.
func walk[S ~string](t *testing.T, conn *pgx.Conn, table string, states []S, allowed func(from, to S) bool) {
	t.Helper()
	if len(states) == 0 {
		t.Fatalf("%s has no states", table)
	}
	var guarded bool
	must(t, conn.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = $1::regclass AND tgname = $2
		AND tgenabled = 'O' AND tgfoid = 'sdp_guard_state'::regproc)`, table, table+"_state").Scan(&guarded))
	if !guarded {
		t.Errorf("%s has no trigger that guards its states", table)
	}
	for _, from := range states {
		for _, to := range states {
			err := change(t, conn, table, string(from), string(to))
			refused := err != nil && strings.Contains(err.Error(), "cannot become")
			if err != nil && !refused {
				t.Fatalf("%s, %s to %s: %v", table, from, to, err)
			}
			if refused == allowed(from, to) {
				t.Errorf("%s, %s to %s: the domain allows it %t, the database said %v", table, from, to, allowed(from, to), err)
			}
		}
	}
}

func change(t *testing.T, conn *pgx.Conn, table, from, to string) error {
	t.Helper()
	tx := got(conn.Begin(t.Context()))(t)
	defer func() { must(t, tx.Rollback(t.Context())) }()
	// Other constraints (a settled row has an end, ...) are not what is tried here: a bare table has none of them, and the
	// same trigger.
	for _, sql := range []string{
		fmt.Sprintf(`CREATE SCHEMA bare; CREATE TABLE bare.%s (state public.%s)`, table, stateType[table]),
		fmt.Sprintf(`CREATE TRIGGER t BEFORE UPDATE OF state ON bare.%s FOR EACH ROW
			WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION public.sdp_guard_state()`, table),
		fmt.Sprintf(`INSERT INTO bare.%s VALUES ('%s')`, table, from),
	} {
		if _, err := tx.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	_, err := tx.Exec(t.Context(), fmt.Sprintf(`UPDATE bare.%s SET state = '%s'`, table, to))
	return err
}

var stateType = map[string]string{"sandboxes": "sandbox_state", "operations": "operation_state",
	"deployments": "deployment_state", "containers": "container_state"}

// TestKindsAreTheDomains stores an operation of every kind as the table of kinds describes it, and as it does not.
func TestKindsAreTheDomains(t *testing.T) {
	t.Parallel()
	db, url := platformAt(t)
	create(t, db, "box")
	insert := func(kind sdp.OperationKind, service, change string) error {
		source := ""
		if kind == sdp.OpRoute {
			source = "ocp"
		}
		return try(t, url, `INSERT INTO operations (id, kind, sandbox_id, service, change, source, requested_by)
			SELECT $1, $2, id, $3, nullif($4, '')::jsonb, nullif($5, '')::route_source, 'ann' FROM sandboxes`,
			sdp.NewID("o-"), string(kind), service, change, source)
	}
	for _, kind := range sdp.OperationKinds() {
		if kind == sdp.OpDeploy {
			continue
		}
		r := kind.Rules()
		for _, service := range []string{"", "account"} {
			for _, change := range []string{"", "{}"} {
				fits := (service != "") == (r.Scope == sdp.ScopeService) && (change != "") == r.Changes
				if err := insert(kind, service, change); (err == nil) != fits {
					t.Errorf("%s with service %q and change %q: %v", kind, service, change, err)
				}
			}
		}
	}
	if insert("hibernate", "", "") == nil || insert(sdp.OpDeploy, "account", "") == nil {
		t.Error("a kind without a row was stored")
	}
}

// try runs a statement on a connection of its own.
func try(t *testing.T, url, sql string, args ...any) error {
	t.Helper()
	conn := got(pgx.Connect(t.Context(), url))(t)
	defer conn.Close(context.WithoutCancel(t.Context()))
	_, err := conn.Exec(t.Context(), sql, args...)
	return err
}

// TestRowsOfYesterdaySurviveTheTableOfKinds migrates a database with an operation of each kind there was.
func TestRowsOfYesterdaySurviveTheTableOfKinds(t *testing.T) {
	t.Parallel()
	url := postgrestest.EmptyURL(t)
	must(t, migrations.To(t.Context(), url, "", 7))
	must(t, try(t, url, `INSERT INTO sandboxes (name, owner) VALUES ('box', 'ann')`))
	for _, kind := range []string{"create", "restart", "stop", "route", "delete", "apply", "clone", "restore"} {
		must(t, try(t, url, `INSERT INTO operations (id, kind, sandbox_id, service, change, source, requested_by)
			SELECT 'o-' || $1, $1::text::operation_kind, id, CASE WHEN $1 IN ('restart', 'stop', 'route') THEN 'account' ELSE '' END,
				CASE WHEN $1 IN ('apply', 'clone', 'restore') THEN '{}'::jsonb END, CASE WHEN $1 = 'route' THEN 'ocp'::route_source END, 'ann'
			FROM sandboxes`, kind))
	}
	must(t, migrations.Run(t.Context(), url, ""))
	db := postgrestest.Open(t, url)
	all, _, err := db.Operations(t.Context(), postgres.OperationFilter{}, postgres.Page{})
	must(t, err)
	equal(t, "operations", len(all), 8)
}
