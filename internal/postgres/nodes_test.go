package postgres_test

import (
	"reflect"
	"testing"
	"time"

	"sdp/internal/postgres"
	"sdp/internal/postgres/postgrestest"
	"sdp/internal/sdp"
)

func TestRegisterNode(t *testing.T) {
	t.Parallel()
	db := platform(t)
	nodes := got(db.Nodes(t.Context()))(t)
	equal(t, "number of nodes", len(nodes), 2)
	n := nodes[1]
	if !n.Alive() || n.RegisteredAt.IsZero() {
		t.Fatalf("node %+v is not alive", n)
	}
	n.LastSeen, n.RegisteredAt, n.SilentFor = time.Time{}, time.Time{}, 0
	if want := micro().Node; !reflect.DeepEqual(n, want) {
		t.Fatalf("stored %+v, want %+v", n, want)
	}
	r := got(db.Repository(t.Context(), "account"))(t)
	want := micro().Repositories[0]
	want.Node, want.NodeType = "micro-1", sdp.Micro
	want.Variables = map[string]string{}
	if !reflect.DeepEqual(r, want) {
		t.Fatalf("stored %+v, want %+v", r, want)
	}
	_, err := db.Node(t.Context(), "micro-9")
	wantCode(t, err, sdp.NotFound, "node-not-found")
	_, err = db.Repository(t.Context(), "nope")
	wantCode(t, err, sdp.NotFound, "repository-not-found")
}

func TestRegistrationCarriesDefaults(t *testing.T) {
	t.Parallel()
	db := postgrestest.Open(t, postgrestest.URL(t))
	r := micro()
	r.Node.Limits = sdp.Limits{CPUs: 1.5, Memory: 512 << 20, PIDs: 512}
	r.Repositories[0].Variables = map[string]string{"LOG_LEVEL": "info", "EMPTY": ""}
	must(t, db.RegisterNode(t.Context(), r))
	equal(t, "limits", got(db.Node(t.Context(), "micro-1"))(t).Limits, r.Node.Limits)
	if v := got(db.Repository(t.Context(), "account"))(t).Variables; !reflect.DeepEqual(v, r.Repositories[0].Variables) {
		t.Errorf("variables %v", v)
	}
	r.Repositories[0].Variables = nil
	must(t, db.RegisterNode(t.Context(), r))
	equal(t, "variables", len(got(db.Repository(t.Context(), "account"))(t).Variables), 0)
}

// What a node's builds wait for is said with its heartbeats, while they do.
func TestHeartbeatSaysWhatBuildsWaitFor(t *testing.T) {
	t.Parallel()
	db := platform(t)
	create(t, db, "box")
	id := queue(t, db, "box", "account")
	waits := func(h sdp.Heartbeat, want string) {
		t.Helper()
		must(t, db.Heartbeat(t.Context(), "micro-1", h))
		equal(t, "waits for", got(db.Deployment(t.Context(), id))(t).WaitingFor, want)
	}
	slot := sdp.Heartbeat{Waiting: map[string]string{id: "a build slot: 3 before it", "d-gone": "a build slot: 2 before it"}}
	waits(slot, "") // not of what has not begun there
	must(t, db.SetState(t.Context(), id, sdp.Building, postgres.StateChange{SHA: shaA}))
	waits(slot, "a build slot: 3 before it")
	must(t, db.Heartbeat(t.Context(), "gateway-1", sdp.Heartbeat{})) // it is not that node's
	waits(slot, "a build slot: 3 before it")
	waits(sdp.Heartbeat{}, "")
	waits(slot, "a build slot: 3 before it")
	must(t, db.SetState(t.Context(), id, sdp.StartingContainer, postgres.StateChange{}))
	waits(slot, "")
}

func TestRepositoryBelongsToOneLiveNode(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db := postgrestest.Open(t, url)
	must(t, db.RegisterNode(t.Context(), micro()))
	thief := micro()
	thief.Node.Name = "micro-2"
	err := db.RegisterNode(t.Context(), thief)
	wantCode(t, err, sdp.Conflict, "repository-owned")
	_, err = db.Node(t.Context(), "micro-2")
	wantCode(t, err, sdp.NotFound, "node-not-found") // nothing of a refused registration stays

	sql(t, url, `UPDATE nodes SET last_seen = now() - interval '1 minute'`)
	must(t, db.RegisterNode(t.Context(), thief))
	equal(t, "owner", got(db.Repository(t.Context(), "account"))(t).Node, "micro-2")
}

func TestRepositoryLeavesAndReturns(t *testing.T) {
	t.Parallel()
	db := platform(t)
	create(t, db, "box")
	run(t, db, "box", "account", 2)
	smaller := micro()
	smaller.Repositories = smaller.Repositories[1:]
	must(t, db.RegisterNode(t.Context(), smaller))
	equal(t, "number of repositories", len(got(db.Repositories(t.Context()))(t)), 3)
	_, err := db.CreateDeployments(t.Context(), []postgres.NewDeployment{newDeployment("box", "account", "main")})
	wantCode(t, err, sdp.NotFound, "repository-not-found")

	table, _ := tableOf(t, db, "box")
	if route(t, table, "account").Target == nil {
		t.Fatal("a running service lost its route because its repository left the configuration")
	}
	create(t, db, "other")
	table, _ = tableOf(t, db, "other")
	if _, ok := table.Route("account"); ok {
		t.Fatal("a repository that left is offered to a new sandbox")
	}
	must(t, db.RegisterNode(t.Context(), micro()))
	equal(t, "number of repositories", len(got(db.Repositories(t.Context()))(t)), 4)
}

// Of a repository that its node cannot use what was known stays, because it may run; what was never known is offered to
// nobody.
func TestRepositoryThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	db := platform(t)
	create(t, db, "box")
	run(t, db, "box", "account", 2)
	before, _ := tableOf(t, db, "box")
	bad := micro()
	bad.Repositories[0] = sdp.Repository{Name: "account", Kind: sdp.GoRepository, Problem: "it is not a git clone"}
	bad.Repositories = append(bad.Repositories, sdp.Repository{Name: "fresh", Kind: sdp.GoRepository, Problem: "it is not there"})
	must(t, db.RegisterNode(t.Context(), bad))
	account, fresh := got(db.Repository(t.Context(), "account"))(t), got(db.Repository(t.Context(), "fresh"))(t)
	equal(t, "problem of account", account.Problem, "it is not a git clone")
	equal(t, "port of account", account.Port, 8080)
	equal(t, "problem of fresh", fresh.Problem, "it is not there")
	after, _ := tableOf(t, db, "box")
	equal(t, "target", route(t, after, "account").Target.Deployment, route(t, before, "account").Target.Deployment)
	if _, ok := after.Route("fresh"); ok {
		t.Error("a repository that nobody can use is routed to")
	}
	must(t, db.RegisterNode(t.Context(), micro()))
	equal(t, "repaired", got(db.Repository(t.Context(), "account"))(t).Problem, "")
}

func TestHeartbeat(t *testing.T) {
	t.Parallel()
	db := platform(t)
	health := sdp.NodeHealth{DockerError: "down\x00", DiskFree: 5, DiskTotal: 10, MemoryFree: 1, MemoryTotal: 2, CPUs: 2,
		Load1: 0.5, RunningBuilds: 1, PortHeld: []string{"box"}}
	must(t, db.Heartbeat(t.Context(), "micro-1", sdp.Heartbeat{NodeHealth: health}))
	health.DockerError = "down"
	if stored := got(db.Node(t.Context(), "micro-1"))(t).Health; !reflect.DeepEqual(stored, health) {
		t.Errorf("health is %+v, want %+v", stored, health)
	}
	wantCode(t, db.Heartbeat(t.Context(), "micro-9", sdp.Heartbeat{NodeHealth: health}), sdp.NotFound, "node-not-found")
}

func TestCatalogChangesRaiseRouteVersions(t *testing.T) {
	t.Parallel()
	db := platform(t)
	create(t, db, "box")
	version := func() int64 { return got(db.Sandbox(t.Context(), "box"))(t).RouteVersion }
	before := version()
	must(t, db.RegisterNode(t.Context(), micro()))
	equal(t, "version after an unchanged registration", version(), before)

	moved := micro()
	moved.Node.MeshPort = 9999
	must(t, db.RegisterNode(t.Context(), moved))
	equal(t, "version after a node moved", version(), before+1)

	shared := map[string]postgres.SharedService{"notification": {URL: "http://ocp/notification", Port: 8080}}
	must(t, db.SetSharedServices(t.Context(), shared))
	must(t, db.SetSharedServices(t.Context(), shared))
	equal(t, "version after a shared service came", version(), before+2)
	table, _ := tableOf(t, db, "box")
	r := route(t, table, "notification")
	equal(t, "route", r.Upstream(), sdp.Upstream{Service: "notification", Port: 8080, Source: sdp.SourceOCP, URL: "http://ocp/notification"})

	must(t, db.SetSharedServices(t.Context(), nil))
	table, _ = tableOf(t, db, "box")
	if _, ok := table.Route("notification"); ok {
		t.Fatal("a shared service that left is still routed")
	}
}
