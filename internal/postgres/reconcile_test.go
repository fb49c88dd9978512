package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"sdp/internal/postgres"
	"sdp/internal/postgres/postgrestest"
	"sdp/internal/sdp"
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
	equal(t, "table", fmt.Sprintf("%+v", d.Tables[0].Version), fmt.Sprintf("%+v", table.Version))
	equal(t, "containers", len(d.Containers), 2)
	equal(t, "container", d.Containers[0].Deployment, serving)
	equal(t, "busy", fmt.Sprint(d.Busy), "[{box payment} {going } {going account}]")

	d = got(db.Desired(t.Context(), "gateway-1"))(t)
	equal(t, "tables of the gateway", len(d.Tables), 2) // what is being deleted is left alone
	equal(t, "containers of the gateway", len(d.Containers), 0)
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
