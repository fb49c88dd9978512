package postgres_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"sdp/internal/postgres"
	"sdp/internal/postgres/postgrestest"
	"sdp/internal/sdp"
)

// BenchmarkAppendLog measures the server's share of a log line's way: one append of 4 KiB.
func BenchmarkAppendLog(b *testing.B) {
	db := postgrestest.New(b)
	data := make([]byte, 4<<10)
	got(db.AppendLog(b.Context(), "s", 0, []byte("x"), false))(b)
	offset := int64(1)
	for b.Loop() {
		offset = got(db.AppendLog(b.Context(), "s", offset, data, false))(b)
	}
}

// BenchmarkDeployment measures the database's share of a warm deployment, beside fifty other sandboxes.
func BenchmarkDeployment(b *testing.B) {
	db := platform(b)
	for i := range 50 {
		create(b, db, fmt.Sprint("box-", i))
	}
	create(b, db, "box")
	n := 0
	for b.Loop() {
		n++
		id := queue(b, db, "box", "account")
		got(db.Job(b.Context(), id))(b)
		for _, s := range []sdp.DeploymentState{sdp.Fetching, sdp.StartingContainer} {
			must(b, db.Publish(b.Context(), id, s, postgres.StateChange{SHA: shaA}, []sdp.Step{{Name: sdp.StepFetch}}))
		}
		must(b, db.PutContainer(b.Context(), container(id, "box", "account", n%250)))
		s := got(db.Serve(b.Context(), id))(b)
		must(b, db.Confirm(b.Context(), id))
		for _, c := range s.Previous {
			must(b, db.SetContainerState(b.Context(), c.Deployment, sdp.Removed))
		}
	}
}

// largeInstallation has 100 nodes, 500 services and 5,000 sandboxes that run three of them each.
func largeInstallation(t testing.TB) *postgres.DB {
	url := postgrestest.URL(t)
	db := postgrestest.Open(t, url)
	sql(t, url, `INSERT INTO nodes (name, type, address, mesh_port, port_first, port_last)
			SELECT 'micro-' || n, 'MICRO'::node_type, '10.0.0.' || n, 7711, 0, 0 FROM generate_series(1, 99) n
			UNION ALL SELECT 'gateway-1', 'GATEWAY', '10.0.1.1', 7711, 8080, 20000`,
		`INSERT INTO repositories (name, node, kind, port, ocp)
			SELECT 'service-' || n, 'micro-' || n % 99 + 1, 'go'::repository_kind, 8080, 'http://service-' || n || '.apps.ocp.example.com'
			FROM generate_series(1, 500) n`,
		`INSERT INTO sandboxes (name, owner, gateway_node, port)
			SELECT 'box-' || n, 'ann', 'gateway-1', 8080 + n FROM generate_series(1, 5000) n`,
		`INSERT INTO sandbox_services (sandbox_id, name, branch, source, container_name)
			SELECT id, 'service-' || id * (k + 1) % 500 + 1, 'main', 'sandbox'::route_source, 'sandbox-' || name || '-' || k
			FROM sandboxes, generate_series(0, 2) k ON CONFLICT DO NOTHING`,
		`INSERT INTO deployments (id, sandbox_id, service, repository, node, branch, sha, state, requested_by, finished_at)
			SELECT 'd-' || v.container_name, v.sandbox_id, v.name, v.name, r.node, 'main', repeat('1', 40), 'RUNNING'::deployment_state, 'ann', now()
			FROM sandbox_services v JOIN repositories r USING (name)`,
		`INSERT INTO containers (deployment, sandbox_id, service, node, address, sha, image, state, replaced_source)
			SELECT id, sandbox_id, service, node, '10.213.0.2:8080', sha, 'x', 'SERVING'::container_state, 'ocp'::route_source FROM deployments`,
		`ANALYZE`)
	return db
}

// BenchmarkDesiredOfMany is one round in which each of 100 nodes asks what it should run, which they do every 10 s, while there
// is nothing new: as one asks after the other, it takes no less than server and database together are busy with it.
func BenchmarkDesiredOfMany(b *testing.B) {
	db := largeInstallation(b)
	most := 0
	for b.Loop() {
		for n := range 100 {
			node := fmt.Sprint("micro-", n)
			if n == 0 {
				node = "gateway-1"
			}
			d := got(db.Desired(b.Context(), node))(b)
			d.Tables.Digest()
			d.Tables = nil
			most = max(most, len(got(json.Marshal(d))(b)))
		}
	}
	b.ReportMetric(float64(most)/1024, "kB/answer")
	b.ReportMetric(100*b.Elapsed().Seconds()/float64(b.N)/10, "%core")
}

// BenchmarkSandboxes measures the list of sandboxes that people look at: fifty that run two services each.
func BenchmarkSandboxes(b *testing.B) {
	db := platform(b)
	for i := range 50 {
		name := fmt.Sprint("box-", i)
		create(b, db, name)
		run(b, db, name, "account", 2*i+2)
		run(b, db, name, "payment", 2*i+3)
	}
	for b.Loop() {
		if list, _, err := db.Sandboxes(b.Context(), postgres.SandboxFilter{}, postgres.Page{}); err != nil || len(list) != 50 {
			b.Fatal(len(list), err)
		}
	}
}
