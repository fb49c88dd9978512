package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"sdp/internal/postgres"
	"sdp/internal/postgres/postgrestest"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

const shaA = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
const shaB = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

// platform is a database with the two nodes and four repositories that most tests need.
func platform(t testing.TB) *postgres.DB {
	t.Helper()
	db := postgrestest.New(t)
	must(t, db.RegisterNode(t.Context(), micro()))
	must(t, db.RegisterNode(t.Context(), gatewayNode(8080, 8199)))
	return db
}

func micro() sdp.NodeRegistration {
	return sdp.NodeRegistration{
		Node: sdp.Node{Name: "micro-1", Type: sdp.Micro, Address: "10.0.0.1", MeshPort: 7711, KeyID: "k1",
			PublicKey: []byte{1, 2, 3}, Builds: 2, Version: "test", DockerVersion: "20.10"},
		Repositories: []sdp.Repository{
			{Name: "account", Kind: sdp.GoRepository, RemoteURL: "http://git/account.git", Port: 8080, HealthPath: "/healthz",
				OCP: "http://ocp/account", UpstreamEnv: "{{SERVICE}}_URL"},
			{Name: "payment", Kind: sdp.GoRepository, RemoteURL: "http://git/payment.git", Port: 8081, OCP: "http://ocp/payment"},
			{Name: "ledger", Kind: sdp.GoRepository, RemoteURL: "http://git/ledger.git", Port: 8082},
		},
	}
}

func gatewayNode(first, last int) sdp.NodeRegistration {
	return sdp.NodeRegistration{
		Node: sdp.Node{Name: "gateway-1", Type: sdp.Gateway, Address: "10.0.0.2", MeshPort: 7712, PortFirst: first,
			PortLast: last},
		Repositories: []sdp.Repository{{Name: "gateway", Kind: sdp.DockerfileRepository, Port: 80}},
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// got fails the test on an error, else returns the value.
func got[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		must(t, err)
		return v
	}
}

// wantCode fails unless err is an *sdp.Error of this kind and code, with a sentence for people.
func wantCode(t testing.TB, err error, kind sdp.Kind, code string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %s", code)
	}
	if e := sdp.AsError(err); e.Kind != kind || e.Code != code || e.Detail == "" {
		t.Fatalf("error is %s/%s (%v), want %s/%s", e.Kind, e.Code, err, kind, code)
	}
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("%s is %v, want %v", what, got, want)
	}
}

// create makes a sandbox without deployments.
func create(t testing.TB, db *postgres.DB, name string) sdp.Sandbox {
	t.Helper()
	return got(db.CreateSandbox(t.Context(), newSandbox(name)))(t)
}

func newSandbox(name string) postgres.NewSandbox {
	return postgres.NewSandbox{Spec: sdp.SandboxSpec{Name: name}, Owner: "ann", GatewayNode: "gateway-1",
		Operation: sdp.Operation{ID: sdp.NewID("o"), RequestedBy: "ann"}}
}

func newDeployment(sandbox, service, branch string) postgres.NewDeployment {
	return postgres.NewDeployment{Deployment: sdp.Deployment{ID: sdp.NewID("d"), Sandbox: sandbox, Service: service,
		Branch: branch, RequestedBy: "ann"}}
}

// queue queues one deployment and returns its ID.
func queue(t testing.TB, db *postgres.DB, sandbox, service string) string {
	t.Helper()
	created := got(db.CreateDeployments(t.Context(), []postgres.NewDeployment{newDeployment(sandbox, service, "feature/x")}))(t)
	return created[0].ID
}

func container(deployment, sandbox, service string, n int) sdp.Container {
	return sdp.Container{Deployment: deployment, Sandbox: sandbox, Service: service, Node: "micro-1",
		DockerID: fmt.Sprint("docker-", deployment), Address: fmt.Sprintf("172.18.0.%d:8080", n), SHA: shaA,
		Image: "sdp/" + service + ":x", State: sdp.Starting}
}

// run takes a new deployment of a service all the way to RUNNING and returns its ID.
func run(t testing.TB, db *postgres.DB, sandbox, service string, n int) string {
	t.Helper()
	id := queue(t, db, sandbox, service)
	must(t, db.SetState(t.Context(), id, sdp.StartingContainer, postgres.StateChange{SHA: shaA, Image: "sdp/x:y"}))
	must(t, db.PutContainer(t.Context(), container(id, sandbox, service, n)))
	got(db.Serve(t.Context(), id))(t)
	must(t, db.Confirm(t.Context(), id))
	return id
}

func route(t testing.TB, table wire.RoutingTable, service string) wire.ServiceRoute {
	t.Helper()
	r, ok := table.Route(service)
	if !ok {
		t.Fatalf("table of %s has no route for %s", table.Sandbox, service)
	}
	return r
}

func tableOf(t testing.TB, db *postgres.DB, sandbox string) (wire.RoutingTable, string) {
	t.Helper()
	table, nodes, err := db.Table(t.Context(), sandbox)
	must(t, err)
	return table, strings.Join(nodes, " ")
}

// sql runs statements of the test's own on a database it knows the URL of.
func sql(t testing.TB, url string, statements ...string) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, url)
	must(t, err)
	defer conn.Close(ctx)
	for _, s := range statements {
		_, err := conn.Exec(ctx, s)
		must(t, err)
	}
}

// wantSQLError fails unless PostgreSQL refuses a statement.
func wantSQLError(t testing.TB, url, statement string) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, url)
	must(t, err)
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, statement); err == nil {
		t.Fatalf("%s was allowed", statement)
	}
}
