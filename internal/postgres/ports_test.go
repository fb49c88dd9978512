package postgres_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"sdp/internal/postgres"
	"sdp/internal/postgres/postgrestest"
	"sdp/internal/sdp"
)

// A hundred sandboxes are made at once, while others that want ports too fail after they were given one: refused,
// cancelled half-way, or with their connection cut. Nobody gets a port twice, and no failure keeps one.
func TestPortsAmongFailures(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db := postgrestest.Open(t, url)
	must(t, db.RegisterNode(t.Context(), micro()))
	must(t, db.RegisterNode(t.Context(), gatewayNode(8080, 8299)))
	const wanted = 100
	cut := cutConnections(t, url)
	var wg sync.WaitGroup
	for i := range wanted {
		wg.Go(func() { insist(t, db, fmt.Sprint("box-", i)) })
		wg.Go(func() { // refused once its port is taken
			n := newSandbox(fmt.Sprint("refused-", i))
			n.Deployments = []postgres.NewDeployment{newDeployment("", "nope", "main")}
			if _, err := db.CreateSandbox(t.Context(), n); err == nil {
				t.Error("a sandbox with an unknown repository was made")
			}
		})
		wg.Go(func() { // given up at some moment; what was made all the same goes again
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*time.Millisecond)
			defer cancel()
			name := fmt.Sprint("given-up-", i)
			_, _ = db.CreateSandbox(ctx, newSandbox(name)) // fails or not
		})
	}
	wg.Wait()
	if cuts := cut(); cuts == 0 {
		t.Error("no connection was cut in the middle")
	}
	checkPorts(t, db, wanted)
}

// insist makes a sandbox as a person would whose connection breaks: again.
func insist(t *testing.T, db *postgres.DB, name string) {
	for range 1000 { // a busy machine lets the cuts win more often
		_, err := db.CreateSandbox(t.Context(), newSandbox(name))
		if err == nil || sdp.AsError(err).Code == "sandbox-exists" { // made, but the answer was lost
			return
		}
	}
	t.Errorf("%s could not be made", name)
}

// cutConnections ends a connection in the middle of a transaction, forty times a second until the returned function is
// called, which says how many.
func cutConnections(t *testing.T, url string) (end func() int) {
	conn, err := pgx.Connect(t.Context(), url)
	must(t, err)
	stop, done := make(chan struct{}), make(chan int)
	go func() {
		cuts := 0
		defer func() { done <- cuts }()
		tick := time.NewTicker(25 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			var n int
			err := conn.QueryRow(context.Background(), `SELECT count(*) FROM (SELECT pg_terminate_backend(pid)
				FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
					AND xact_start IS NOT NULL ORDER BY random() LIMIT 1) AS cut`).Scan(&n)
			if err != nil {
				t.Error(err)
				return
			}
			cuts += n
		}
	}()
	return func() int {
		defer conn.Close(context.Background())
		close(stop)
		return <-done
	}
}

// checkPorts wants the wanted sandboxes and those given up too late to have distinct ports without a gap.
func checkPorts(t *testing.T, db *postgres.DB, wanted int) {
	t.Helper()
	list := got(db.Ports(t.Context()))(t)
	equal(t, "nodes with ports", len(list), 1)
	boxes := 0
	for i, p := range list[0].Taken {
		equal(t, "port", p.Port, 8080+i)
		if p.Sandbox[:3] == "box" {
			boxes++
		}
	}
	equal(t, "sandboxes", boxes, wanted)
	equal(t, "free", list[0].Free(), 220-len(list[0].Taken))
}

func TestPorts(t *testing.T) {
	t.Parallel()
	db := platform(t)
	must(t, db.RegisterNode(t.Context(), gatewayNode(9000, 9004)))
	create(t, db, "one")
	create(t, db, "two")
	create(t, db, "gone")
	remove(t, db, "gone")
	equal(t, "port", got(db.ReassignPort(t.Context(), "one", 9000, "nginx holds it"))(t), 9002)
	list := got(db.Ports(t.Context()))(t)
	equal(t, "nodes", len(list), 1)
	n := list[0]
	equal(t, "range", fmt.Sprintln(n.Node, n.First, n.Last, n.Free()), "gateway-1 9000 9004 2\n")
	equal(t, "taken", fmt.Sprint(n.Taken), "[{9001 two ann ACTIVE} {9002 one ann ACTIVE}]")
	equal(t, "foreign", len(n.Foreign), 1)
	f := n.Foreign[0]
	if f.Port != 9000 || f.Why != "nginx holds it" || time.Until(f.Until) < 9*time.Minute {
		t.Errorf("foreign port %+v", f)
	}
	// A node that gave its range up still shows who has what.
	must(t, db.RegisterNode(t.Context(), gatewayNode(0, 0)))
	n = got(db.Ports(t.Context()))(t)[0]
	equal(t, "after the range is gone", fmt.Sprintln(n.First, n.Free(), len(n.Taken)), "0 0 2\n")
}

// The router of a node that was away serves what it had until its worker tells it otherwise: the port of a sandbox that was
// deleted meanwhile is nobody else's before that.
func TestPortOfASilentGatewayIsKeptUntilItIsBack(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db := postgrestest.Open(t, url)
	must(t, db.RegisterNode(t.Context(), micro()))
	must(t, db.RegisterNode(t.Context(), gatewayNode(8080, 8082)))
	drop := func(name string) {
		op := sdp.Operation{ID: sdp.NewID("o"), RequestedBy: "ann"}
		must(t, db.BeginDelete(t.Context(), name, op))
		must(t, db.FinishDelete(t.Context(), op.ID, name))
	}
	create(t, db, "confirmed")
	create(t, db, "missed")
	drop("confirmed")
	postgrestest.Silence(t, url, time.Hour)
	drop("missed")
	free := func(want int) {
		t.Helper()
		equal(t, "free", got(db.FreePorts(t.Context(), "gateway-1"))(t), want)
	}
	free(2)
	equal(t, "given out", create(t, db, "next").Port, 8080)
	equal(t, "given out", create(t, db, "last").Port, 8082)
	held := got(db.Ports(t.Context()))(t)[0].Foreign
	if len(held) != 1 || held[0].Port != 8081 || !held[0].Until.After(time.Now()) {
		t.Fatalf("kept %+v", held)
	}

	must(t, db.Heartbeat(t.Context(), "gateway-1", sdp.Heartbeat{}))
	free(0) // its reconciler has some rounds of time
	sql(t, url, `UPDATE foreign_ports SET until = until - interval '1 minute'`)
	must(t, db.Heartbeat(t.Context(), "gateway-1", sdp.Heartbeat{}))
	free(1)
}
