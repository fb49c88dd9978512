package postgres_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"sdp/internal/postgres"
	"sdp/internal/postgres/nodestore"
	"sdp/internal/postgres/postgrestest"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

func TestDesired(t *testing.T) {
	t.Parallel()
	db := platform(t)
	create(t, db, "box")
	create(t, db, "empty")
	create(t, db, "going")
	finishCreates(t, db)
	serving := run(t, db, "box", "account", 2)
	queue(t, db, "box", "payment")
	run(t, db, "going", "account", 9)
	must(t, db.BeginDelete(t.Context(), "going", sdp.Operation{ID: sdp.NewID("o"), RequestedBy: "ann"}))

	d := got(db.Desired(t.Context(), "micro-1"))(t)
	equal(t, "tables", len(d.Tables), 1)
	table, _ := tableOf(t, db, "box")
	equal(t, "table", d.Tables[0], wire.TableVersion{Sandbox: "box", Version: table.Version})
	equal(t, "containers", len(d.Containers), 2)
	equal(t, "container", d.Containers[0].Deployment, serving)
	equal(t, "busy", fmt.Sprint(d.Busy), "[{box payment} {going } {going account}]")

	d = got(db.Desired(t.Context(), "gateway-1"))(t)
	equal(t, "tables of the gateway", len(d.Tables), 2) // what is being deleted is left alone
	equal(t, "containers of the gateway", len(d.Containers), 0)
	equal(t, "busy for the gateway", fmt.Sprint(d.Busy), "[{box payment} {going } {going account}]")

	create(t, db, "elsewhere")
	finishCreates(t, db)
	must(t, db.RegisterNode(t.Context(), sdp.NodeRegistration{Node: sdp.Node{Name: "micro-2", Type: sdp.Micro, Address: "10.0.0.3"},
		Repositories: []sdp.Repository{{Name: "search", Kind: sdp.GoRepository, Port: 8080}}}))
	queue(t, db, "elsewhere", "search")
	d = got(db.Desired(t.Context(), "micro-2"))(t)
	equal(t, "what a node has to do with", fmt.Sprint(d.Tables, d.Busy), "[{elsewhere 3}] [{elsewhere search}]")
	d = got(db.Desired(t.Context(), "micro-1"))(t)
	equal(t, "what another one has", fmt.Sprint(d.Busy), "[{box payment} {going } {going account}]")
}

// Which tables a node is told of and which nodes a table is for are two questions of SQL and must agree.
func TestDesiredAgreesWithTables(t *testing.T) {
	t.Parallel()
	db := platform(t)
	for _, name := range []string{"empty", "queued", "runs", "stopped", "routed", "gone", "moved"} {
		create(t, db, name)
	}
	queue(t, db, "queued", "account")
	for i, name := range []string{"runs", "stopped", "gone", "moved"} {
		id := run(t, db, name, "account", i+2)
		if name == "gone" {
			must(t, db.SetContainerState(t.Context(), id, sdp.Removed))
		}
	}
	got(db.StopService(t.Context(), "stopped", "account"))(t)
	got(db.SetRoute(t.Context(), "routed", "payment", sdp.SourceURL, "http://x"))(t)
	agree := func() {
		t.Helper()
		for _, node := range []string{"micro-1", "micro-2", "gateway-1"} {
			told := map[string]int64{}
			for _, v := range got(db.Desired(t.Context(), node))(t).Tables {
				told[v.Sandbox] = v.Version
			}
			want := map[string]int64{}
			for _, name := range []string{"empty", "queued", "runs", "stopped", "routed", "gone", "moved"} {
				if table, nodes := tableOf(t, db, name); slices.Contains(strings.Fields(nodes), node) {
					want[name] = table.Version
				}
			}
			equal(t, "tables of "+node, fmt.Sprint(told), fmt.Sprint(want))
			var names []string
			for name := range want {
				names = append(names, name)
			}
			equal(t, "tables sent to "+node, len(got(db.TablesFor(t.Context(), node, append(names, "none")))(t)), len(want))
		}
	}
	agree()
	one, two := micro(), micro()
	one.Repositories, two.Repositories, two.Node.Name = one.Repositories[1:], two.Repositories[:1], "micro-2"
	must(t, db.RegisterNode(t.Context(), one))
	agree()
	must(t, db.RegisterNode(t.Context(), two)) // account is on another node now
	agree()
}

// A router that has a version does not ask for it again: whatever changes a table raises its version.
func TestVersionFollowsContent(t *testing.T) {
	t.Parallel()
	db := platform(t)
	create(t, db, "box")
	before, _ := tableOf(t, db, "box")
	step := func(what string, do func()) {
		t.Helper()
		do()
		now, _ := tableOf(t, db, "box")
		version := now.Version
		now.Version = before.Version
		if !reflect.DeepEqual(now, before) && version <= before.Version {
			t.Errorf("%s changed the table and not its version %d:\n%+v\nwas\n%+v", what, version, now, before)
		}
		now.Version = version
		before = now
	}
	var id string
	step("queueing", func() { id = queue(t, db, "box", "account") })
	step("a state", func() {
		must(t, db.SetState(t.Context(), id, sdp.StartingContainer, postgres.StateChange{SHA: shaA, Image: "sdp/x:y"}))
	})
	step("a container", func() { must(t, db.PutContainer(t.Context(), container(id, "box", "account", 2))) })
	step("serving", func() { got(db.Serve(t.Context(), id))(t) })
	step("confirming", func() { must(t, db.Confirm(t.Context(), id)) })
	step("a container that moved", func() {
		must(t, db.Observe(t.Context(), "micro-1", []sdp.Correction{{Sandbox: "box", Service: "account", Deployment: id, What: "moved",
			Address: "172.18.0.9:8080"}}))
	})
	var next string
	step("the next one", func() { next = queue(t, db, "box", "account") })
	step("its failure", func() {
		must(t, db.SetState(t.Context(), next, sdp.DeployFailed, postgres.StateChange{Failure: &sdp.Failure{Code: "x", Detail: "x"}}))
	})
	step("a route to the shared environment", func() { got(db.SetRoute(t.Context(), "box", "account", sdp.SourceOCP, ""))(t) })
	step("a route to a URL", func() { got(db.SetRoute(t.Context(), "box", "account", sdp.SourceURL, "http://x"))(t) })
	step("a route back", func() { got(db.SetRoute(t.Context(), "box", "account", sdp.SourceSandbox, ""))(t) })
	step("stopping", func() { got(db.StopService(t.Context(), "box", "account"))(t) })
	step("the one after that", func() { id = run(t, db, "box", "account", 4) })
	step("a container that is gone", func() {
		must(t, db.Observe(t.Context(), "micro-1", []sdp.Correction{{Sandbox: "box", Service: "account", Deployment: id, What: "gone",
			State: sdp.Removed}}))
	})
	step("another port", func() { got(db.ReassignPort(t.Context(), "box", before.PublicPort, "held"))(t) })
	step("a repository more, and one less", func() {
		r := micro()
		r.Repositories = append(r.Repositories[:2], sdp.Repository{Name: "search", Kind: sdp.GoRepository, Port: 8089})
		must(t, db.RegisterNode(t.Context(), r))
	})
	step("a repository's URL and port", func() {
		r := micro()
		r.Repositories[0].OCP, r.Repositories[1].Port = "http://elsewhere", 9999
		must(t, db.RegisterNode(t.Context(), r))
	})
	step("a node's address", func() {
		run(t, db, "box", "payment", 5)
		before, _ = tableOf(t, db, "box")
		r := micro()
		r.Node.Address = "10.9.9.9"
		must(t, db.RegisterNode(t.Context(), r))
	})
	step("shared services", func() {
		must(t, db.SetSharedServices(t.Context(), map[string]nodestore.SharedService{"mail": {URL: "http://mail", Port: 25}}))
	})
}

func finishCreates(t *testing.T, db *postgres.DB) {
	t.Helper()
	ops, _, err := db.Operations(t.Context(), postgres.OperationFilter{}, postgres.Page{})
	must(t, err)
	for _, op := range ops {
		must(t, db.SetOperation(t.Context(), op.ID, sdp.OpSucceeded, "", nil))
	}
}

func TestObserve(t *testing.T) {
	t.Parallel()
	db := platform(t)
	create(t, db, "box")
	id := run(t, db, "box", "account", 2)
	before, _ := tableOf(t, db, "box")
	correction := sdp.Correction{Sandbox: "box", Service: "account", Deployment: id, What: "started stopped container",
		Address: "172.18.0.9:8080"}
	must(t, db.Observe(t.Context(), "gateway-1", []sdp.Correction{correction})) // not its container
	must(t, db.Observe(t.Context(), "micro-1", []sdp.Correction{correction, {Sandbox: "gone", What: "removed a stray network"}}))
	table, _ := tableOf(t, db, "box")
	equal(t, "version", table.Version, before.Version+1)
	equal(t, "address", route(t, table, "account").Target.Address, "172.18.0.9:8080")
	must(t, db.Observe(t.Context(), "micro-1", []sdp.Correction{correction})) // nothing new
	table, _ = tableOf(t, db, "box")
	equal(t, "version", table.Version, before.Version+1)

	gone := sdp.Correction{Sandbox: "box", Service: "account", Deployment: id, What: "container is gone", State: sdp.Stopped}
	must(t, db.Observe(t.Context(), "micro-1", []sdp.Correction{gone}))
	table, _ = tableOf(t, db, "box")
	equal(t, "reason", route(t, table, "account").Reason, "account is stopped")
	equal(t, "deployment", stateOf(t, db, id), sdp.DeployStopped)
	events, _, err := db.AuditEvents(t.Context(), postgres.AuditFilter{Action: "reconcile"}, postgres.Page{})
	must(t, err)
	equal(t, "audit events", len(events), 5)
	equal(t, "detail", events[0].Detail, "micro-1: container is gone")
	must(t, db.Observe(t.Context(), "micro-1", nil))
}

func TestObservedContainerDoesNotPushOutAnother(t *testing.T) {
	t.Parallel()
	db := platform(t)
	create(t, db, "box")
	old := run(t, db, "box", "account", 2)
	current := run(t, db, "box", "account", 3)
	back := sdp.Correction{Sandbox: "box", Service: "account", Deployment: old, What: "came back", State: sdp.Serving}
	must(t, db.Observe(t.Context(), "micro-1", []sdp.Correction{back}))
	table, _ := tableOf(t, db, "box")
	equal(t, "target", route(t, table, "account").Target.Deployment, current)
}

func TestAudit(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db := postgrestest.Open(t, url)
	for i := range 5 {
		must(t, db.Audit(t.Context(), sdp.AuditEvent{User: []string{"ann", "bob"}[i%2], Action: "deployment.create",
			Sandbox: "box", Service: "account", Repository: "account", Branch: "b\x00", SHA: shaA, Environment: "dev",
			Operation: fmt.Sprint("d", i), Outcome: sdp.Accepted, Detail: "x"}))
	}
	must(t, db.Audit(t.Context(), sdp.AuditEvent{User: "ann", Action: "session.create", Outcome: sdp.Refused}))
	list, next, err := db.AuditEvents(t.Context(), postgres.AuditFilter{Sandbox: "box", User: "ann"}, postgres.Page{Limit: 2})
	must(t, err)
	equal(t, "newest", list[0].Operation, "d4")
	equal(t, "branch", list[0].Branch, "b")
	list, next, err = db.AuditEvents(t.Context(), postgres.AuditFilter{Sandbox: "box", User: "ann"}, postgres.Page{Limit: 2, Cursor: next})
	must(t, err)
	equal(t, "oldest", list[0].Operation, "d0")
	equal(t, "next", next, "")
	for _, c := range []struct {
		f    postgres.AuditFilter
		want int
	}{
		{postgres.AuditFilter{}, 6},
		{postgres.AuditFilter{Outcome: sdp.Refused}, 1},
		{postgres.AuditFilter{Operation: "d1"}, 1},
		{postgres.AuditFilter{Service: "account", Action: "deployment.create"}, 5},
		{postgres.AuditFilter{Since: time.Now().Add(-time.Hour), Until: time.Now().Add(time.Hour)}, 6},
		{postgres.AuditFilter{Since: time.Now().Add(time.Hour)}, 0},
		{postgres.AuditFilter{Until: time.Now().Add(-time.Hour)}, 0},
		{postgres.AuditFilter{Text: "SESSION.c"}, 1},
		{postgres.AuditFilter{Text: "dev"}, 5},
		{postgres.AuditFilter{Text: "%"}, 0},
	} {
		list, _, err := db.AuditEvents(t.Context(), c.f, postgres.Page{})
		must(t, err)
		equal(t, fmt.Sprintf("number of events for %+v", c.f), len(list), c.want)
	}
	wantSQLError(t, url, `UPDATE audit_events SET detail = 'it was not me'`)
}
