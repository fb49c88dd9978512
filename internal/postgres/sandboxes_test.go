package postgres_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
)

func TestCreateSandbox(t *testing.T) {
	t.Parallel()
	db := platform(t)
	n := newSandbox("box")
	n.Gateway = "gateway"
	n.Spec.Environment = "dev"
	environment(t, db, "dev", postgres.EnvironmentContent{})
	n.Spec.Gateway = &sdp.GatewaySpec{Branch: "main"}
	n.Spec.Services = map[string]sdp.ServiceSpec{"account": {Branch: "feature/x"}, "payment": {UseOCP: true},
		"ledger": {URL: "http://elsewhere/ledger"}}
	n.Deployments = []postgres.NewDeployment{newDeployment("", "gateway", "main"), newDeployment("", "account", "feature/x")}
	s := got(db.CreateSandbox(t.Context(), n))(t)
	equal(t, "port", s.Port, 8080)
	equal(t, "state", s.State, sdp.Active)
	equal(t, "number of services", len(s.Services), 4)
	account := s.Services[0]
	equal(t, "first service", account.Name, "account")
	equal(t, "source", account.Source, sdp.SourceSandbox)
	equal(t, "latest state", account.Latest.State, sdp.Queued)
	equal(t, "environment", account.Latest.Environment, "dev")
	equal(t, "node", account.Latest.Node, "micro-1")
	equal(t, "operation", got(db.Operation(t.Context(), n.Operation.ID))(t).Kind, sdp.OpCreate)

	table, nodes := tableOf(t, db, "box")
	equal(t, "nodes", nodes, "gateway-1 micro-1")
	equal(t, "reason", route(t, table, "account").Reason, "account is being deployed")
	equal(t, "OCP", route(t, table, "payment").URL, "http://ocp/payment")
	equal(t, "URL", route(t, table, "ledger").URL, "http://elsewhere/ledger")

	_, err := db.CreateSandbox(t.Context(), newSandbox("box"))
	wantCode(t, err, sdp.Conflict, "sandbox-exists")
}

func TestCreateSandboxIsAllOrNothing(t *testing.T) {
	t.Parallel()
	db := platform(t)
	n := newSandbox("box")
	n.Deployments = []postgres.NewDeployment{newDeployment("", "account", "main"), newDeployment("", "nope", "main")}
	_, err := db.CreateSandbox(t.Context(), n)
	wantCode(t, err, sdp.NotFound, "repository-not-found")
	_, err = db.Sandbox(t.Context(), "box")
	wantCode(t, err, sdp.NotFound, "sandbox-not-found")
	equal(t, "port", create(t, db, "next").Port, 8080)
}

func TestHundredSandboxesAtOnceGetHundredPorts(t *testing.T) {
	t.Parallel()
	db := platform(t)
	var wg sync.WaitGroup
	var errs [100]error
	var ports [100]int
	for i := range ports {
		wg.Go(func() {
			s, err := db.CreateSandbox(t.Context(), newSandbox(fmt.Sprint("box-", i)))
			ports[i], errs[i] = s.Port, err
		})
	}
	wg.Wait()
	must(t, errors.Join(errs[:]...))
	slices.Sort(ports[:])
	for i, p := range ports {
		equal(t, "port", p, 8080+i) // distinct, in the range, and the lowest ones
	}
}

func TestSameNameAtOnceIsCreatedOnce(t *testing.T) {
	t.Parallel()
	db := platform(t)
	var wg sync.WaitGroup
	errs := make([]error, 20)
	for i := range errs {
		wg.Go(func() { _, errs[i] = db.CreateSandbox(t.Context(), newSandbox("box")) })
	}
	wg.Wait()
	created := 0
	for _, err := range errs {
		if err == nil {
			created++
		} else {
			wantCode(t, err, sdp.Conflict, "sandbox-exists")
		}
	}
	equal(t, "sandboxes created", created, 1)
}

func TestPortsRunOutAndComeBack(t *testing.T) {
	t.Parallel()
	db := platform(t)
	must(t, db.RegisterNode(t.Context(), gatewayNode(9000, 9001)))
	create(t, db, "one")
	create(t, db, "two")
	_, err := db.CreateSandbox(t.Context(), newSandbox("three"))
	wantCode(t, err, sdp.Exhausted, "no-free-port")
	remove(t, db, "one")
	equal(t, "port", create(t, db, "three").Port, 9000)

	n := newSandbox("four")
	n.GatewayNode = "micro-1"
	_, err = db.CreateSandbox(t.Context(), n)
	wantCode(t, err, sdp.Invalid, "no-port-range")
	n.GatewayNode = "gateway-9"
	_, err = db.CreateSandbox(t.Context(), n)
	wantCode(t, err, sdp.NotFound, "node-not-found")
}

func remove(t *testing.T, db *postgres.DB, name string) {
	t.Helper()
	op := sdp.Operation{ID: sdp.NewID("o"), RequestedBy: "ann"}
	must(t, db.BeginDelete(t.Context(), name, op))
	must(t, db.FinishDelete(t.Context(), op.ID, name))
}

func TestReassignPort(t *testing.T) {
	t.Parallel()
	db := platform(t)
	before := create(t, db, "box")
	equal(t, "port", before.Port, 8080)
	for range 2 { // the second call is a retry
		port, err := db.ReassignPort(t.Context(), "box", 8080, "nginx has it")
		must(t, err)
		equal(t, "new port", port, 8081)
	}
	s := got(db.Sandbox(t.Context(), "box"))(t)
	equal(t, "stored port", s.Port, 8081)
	equal(t, "version", s.RouteVersion, before.RouteVersion+1)
	equal(t, "next sandbox's port", create(t, db, "next").Port, 8082)
}

func TestDeleteLeavesHistoryAndFreesNames(t *testing.T) {
	t.Parallel()
	db := platform(t)
	create(t, db, "box")
	running := run(t, db, "box", "account", 2)
	queued := queue(t, db, "box", "payment")
	op := sdp.Operation{ID: sdp.NewID("o"), RequestedBy: "ann"}
	must(t, db.BeginDelete(t.Context(), "box", op))
	wantCode(t, db.BeginDelete(t.Context(), "box", op), sdp.Conflict, "sandbox-deleting")
	_, err := db.CreateDeployments(t.Context(), []postgres.NewDeployment{newDeployment("box", "account", "main")})
	wantCode(t, err, sdp.Conflict, "sandbox-deleting")
	err = db.CreateOperation(t.Context(), sdp.Operation{ID: "x", Kind: sdp.OpStop, Sandbox: "box", Service: "account"})
	wantCode(t, err, sdp.Conflict, "sandbox-deleting")

	must(t, db.FinishDelete(t.Context(), op.ID, "box"))
	must(t, db.SetOperation(t.Context(), op.ID, sdp.OpSucceeded, "", nil))
	equal(t, "running deployment", got(db.Deployment(t.Context(), running))(t).State, sdp.DeployStopped)
	equal(t, "queued deployment", got(db.Deployment(t.Context(), queued))(t).State, sdp.DeployCancelled)
	equal(t, "containers", len(got(db.Containers(t.Context(), postgres.ContainerFilter{Node: "micro-1"}))(t)), 0)

	again := create(t, db, "box")
	equal(t, "port", again.Port, 8080)
	must(t, db.FinishDelete(t.Context(), op.ID, "box")) // a late retry does not delete the new one
	equal(t, "services of the new one", len(got(db.Sandbox(t.Context(), "box"))(t).Services), 0)
	all, _, err := db.Sandboxes(t.Context(), postgres.SandboxFilter{States: []sdp.SandboxState{sdp.Active, sdp.Deleted}},
		postgres.Page{})
	must(t, err)
	equal(t, "sandboxes in history", len(all), 2)
}

func TestFailedDeleteGivesTheSandboxBack(t *testing.T) {
	t.Parallel()
	db := platform(t)
	create(t, db, "box")
	op := sdp.Operation{ID: sdp.NewID("o"), RequestedBy: "ann"}
	must(t, db.BeginDelete(t.Context(), "box", op))
	must(t, db.SetOperation(t.Context(), op.ID, sdp.OpFailed, "", &sdp.Failure{Kind: sdp.Unavailable, Code: "no-worker"}))
	wantCode(t, db.FinishDelete(t.Context(), op.ID, "box"), sdp.Conflict, "operation-state")
	op.ID = sdp.NewID("o")
	must(t, db.BeginDelete(t.Context(), "box", op))
	wantCode(t, db.FinishDelete(t.Context(), "nope", "box"), sdp.NotFound, "operation-not-found")
}

func TestContainerNamesDoNotClash(t *testing.T) {
	t.Parallel()
	db := platform(t)
	reg := micro()
	reg.Repositories = append(reg.Repositories, sdp.Repository{Name: "b-account", Kind: sdp.GoRepository, Port: 1})
	must(t, db.RegisterNode(t.Context(), reg))
	create(t, db, "a-b")
	create(t, db, "a")
	queue(t, db, "a-b", "account")
	_, err := db.CreateDeployments(t.Context(), []postgres.NewDeployment{newDeployment("a", "b-account", "main")})
	wantCode(t, err, sdp.Conflict, "container-name-taken")
	remove(t, db, "a-b")
	queue(t, db, "a", "b-account")
}

func TestSandboxesArePagedByName(t *testing.T) {
	t.Parallel()
	db := platform(t)
	for i := range 7 {
		create(t, db, fmt.Sprint("box-", i))
	}
	run(t, db, "box-3", "account", 2)
	var names []string
	page := postgres.Page{Limit: 3}
	for {
		list, next, err := db.Sandboxes(t.Context(), postgres.SandboxFilter{Owner: "ann"}, page)
		must(t, err)
		for _, s := range list {
			names = append(names, s.Name)
			if s.Name == "box-3" {
				equal(t, "serving address", s.Services[0].Serving.Address, "172.18.0.2:8080")
			}
		}
		if page.Cursor = next; next == "" {
			break
		}
		if len(names) == 3 {
			create(t, db, "box-00") // sorts before what was listed: it must not shift the rest
		}
	}
	want := []string{"box-0", "box-1", "box-2", "box-3", "box-4", "box-5", "box-6"}
	if !slices.Equal(names, want) {
		t.Fatalf("listed %v, want %v", names, want)
	}
	_, _, err := db.Sandboxes(t.Context(), postgres.SandboxFilter{}, postgres.Page{Cursor: "%%%"})
	wantCode(t, err, sdp.Invalid, "bad-cursor")
}

// Whoever believes another operation to be a delete must not remove anything.
func TestOnlyADeleteOfTheSandboxDeletesIt(t *testing.T) {
	t.Parallel()
	db := platform(t)
	create(t, db, "box")
	create(t, db, "other")
	queue(t, db, "box", "account")
	must(t, db.CreateOperation(t.Context(), sdp.Operation{ID: "o-stop", Kind: sdp.OpStop, Sandbox: "box", Service: "account", RequestedBy: "ann"}))
	must(t, db.BeginDelete(t.Context(), "box", sdp.Operation{ID: "o-del", RequestedBy: "ann"}))
	for _, c := range []struct{ operation, sandbox string }{{"o-stop", "box"}, {"o-del", "other"}, {"o-del", ""}} {
		_, _, err := db.DeleteTarget(t.Context(), c.operation, c.sandbox)
		wantCode(t, err, sdp.Conflict, "not-a-delete")
		wantCode(t, db.FinishDelete(t.Context(), c.operation, c.sandbox), sdp.Conflict, "not-a-delete")
	}
	for _, name := range []string{"box", "other"} {
		got(db.Sandbox(t.Context(), name))(t)
	}
	must(t, db.FinishDelete(t.Context(), "o-del", "box"))
	_, err := db.Sandbox(t.Context(), "box")
	wantCode(t, err, sdp.NotFound, "sandbox-not-found")
}
