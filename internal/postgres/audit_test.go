package postgres_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"sdp/internal/postgres"
	"sdp/internal/postgres/postgrestest"
	"sdp/internal/sdp"
	"sdp/internal/sdp/template"
)

// TestNothingIsChangedThatTheAuditDoesNotKnow makes the audit refuse events: then no change may be there either.
func TestNothingIsChangedThatTheAuditDoesNotKnow(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db := postgrestest.Open(t, url)
	must(t, db.RegisterNode(t.Context(), micro()))
	must(t, db.RegisterNode(t.Context(), gatewayNode(8080, 8199)))
	create(t, db, "box")
	run(t, db, "box", "account", 2)
	starting, serving := queue(t, db, "box", "payment"), queue(t, db, "box", "ledger")
	must(t, db.SetState(t.Context(), serving, sdp.StartingContainer, postgres.StateChange{SHA: shaA}))
	must(t, db.PutContainer(t.Context(), container(serving, "box", "ledger", 3)))
	got(db.Serve(t.Context(), serving))(t)
	stop := sdp.Operation{ID: "o-stop", Kind: sdp.OpStop, Sandbox: "box", Service: "account", RequestedBy: "ann"}
	must(t, db.CreateOperation(t.Context(), stop))
	variable := content(map[string]string{"A": "1"})
	dev := postgres.EnvironmentChange{Name: "dev", User: "ann",
		Change: func(postgres.StoredEnvironment) (*postgres.EnvironmentContent, error) { return &variable, nil }}
	got(db.CreateEnvironment(t.Context(), dev))(t)
	shop := template.Template{Name: "shop", Owner: "ann", Spec: []byte(`{}`)}
	got(db.CreateTemplate(t.Context(), shop))(t)
	got(db.StoreCredential(t.Context(), "ann", []byte("sealed")))(t)
	must(t, accept(t.Context(), db, "early"))
	snapshot := got(db.CreateSnapshot(t.Context(), sdp.Snapshot{ID: "s-1", Sandbox: "box", Name: "one", Author: "ann"}))(t)

	sql(t, url, `ALTER TABLE audit_events ADD CONSTRAINT none CHECK (false) NOT VALID`)
	before := contents(t, url)
	for name, change := range changes(db, starting, serving, stop, dev, shop, snapshot.ID) {
		ctx, trail := postgres.WithAudit(t.Context(), func() []sdp.AuditEvent {
			return []sdp.AuditEvent{{User: "ann", Action: sdp.AuditReconcile}}
		})
		if err := change(ctx); err == nil {
			t.Errorf("%s succeeds though the audit cannot be written", name)
		}
		if trail.Written() {
			t.Errorf("%s says that the audit is written", name)
		}
		if after := contents(t, url); after != before {
			t.Errorf("%s was made though the audit could not be written:\nbefore %s\nafter  %s", name, before, after)
			before = after
		}
	}
	sql(t, url, `ALTER TABLE audit_events DROP CONSTRAINT none`)
	for name, change := range changes(db, starting, serving, stop, dev, shop, snapshot.ID) {
		ctx, trail := postgres.WithAudit(t.Context(), func() []sdp.AuditEvent { return []sdp.AuditEvent{{Action: sdp.AuditReconcile}} })
		if err := change(ctx); err == nil && !trail.Written() && !slices.Contains(ownEvent, name) {
			t.Errorf("%s was made and the audit does not know", name)
		}
	}
}

// ownEvent are changes nobody asks for: they bring an event of their own.
var ownEvent = []string{"MarkBranch", "Observe", "RefuseCredential", "ReassignPort"}

// changes are all that somebody can ask of the store, and the ends of what was asked for.
func changes(db *postgres.DB, starting, serving string, stop sdp.Operation, dev postgres.EnvironmentChange,
	shop template.Template, snapshot string) map[string]func(context.Context) error {
	failed := &sdp.Failure{Kind: sdp.Failed, Code: "compile-error", Detail: "it does not compile"}
	return map[string]func(context.Context) error{
		"RegisterNode":    func(ctx context.Context) error { return db.RegisterNode(ctx, gatewayNode(8080, 8099)) },
		"CreateSandbox":   func(ctx context.Context) error { return second(db.CreateSandbox(ctx, newSandbox("new"))) },
		"BeginDelete":     func(ctx context.Context) error { return db.BeginDelete(ctx, "box", sdp.Operation{ID: "o-delete"}) },
		"AcceptChange":    func(ctx context.Context) error { return accept(ctx, db, "applied") },
		"CreateOperation": func(ctx context.Context) error { return db.CreateOperation(ctx, another(stop)) },
		"SetOperation":    func(ctx context.Context) error { return db.SetOperation(ctx, stop.ID, sdp.OpFailed, "", failed) },
		"MarkCancelled":   func(ctx context.Context) error { return second(db.MarkCancelled(ctx, stop.ID, "bob")) },
		"Confirm":         func(ctx context.Context) error { return db.Confirm(ctx, serving) },
		"SetTrack":        func(ctx context.Context) error { return db.SetTrack(ctx, "box", "account", true) },
		"CreateSnapshot": func(ctx context.Context) error {
			return second(db.CreateSnapshot(ctx, sdp.Snapshot{ID: "s-2", Sandbox: "box", Name: "two"}))
		},
		"DeleteSnapshot":   func(ctx context.Context) error { return db.DeleteSnapshot(ctx, snapshot) },
		"StoreCredential":  func(ctx context.Context) error { return second(db.StoreCredential(ctx, "bob", []byte("sealed"))) },
		"ForgetCredential": func(ctx context.Context) error { return db.ForgetCredential(ctx, "ann") },
		"RevokeSession":    func(ctx context.Context) error { return db.RevokeSession(ctx, "session", time.Now().Add(time.Hour)) },
		"DeleteTemplate":   func(ctx context.Context) error { return db.DeleteTemplate(ctx, shop.Name) },
		"CreateDeployments": func(ctx context.Context) error {
			return second(db.CreateDeployments(ctx, []postgres.NewDeployment{newDeployment("box", "account", "main")}))
		},
		"Publish": func(ctx context.Context) error {
			return db.Publish(ctx, starting, sdp.DeployFailed, postgres.StateChange{Failure: failed}, nil)
		},
		"UpdateSandbox": func(ctx context.Context) error {
			return second(db.UpdateSandbox(ctx, "box", func(_ sdp.Sandbox, s postgres.SandboxSettings) (postgres.SandboxSettings, error) {
				s.Description = "other"
				return s, nil
			}))
		},
		"CreateEnvironment": func(ctx context.Context) error {
			dev := dev
			dev.Name = "other"
			return second(db.CreateEnvironment(ctx, dev))
		},
		"UpdateEnvironment": func(ctx context.Context) error { return second(db.UpdateEnvironment(ctx, dev)) },
		"DeleteEnvironment": func(ctx context.Context) error { return db.DeleteEnvironment(ctx, "dev") },
		"CreateTemplate": func(ctx context.Context) error {
			shop := shop
			shop.Name = "other"
			return second(db.CreateTemplate(ctx, shop))
		},
		"UpdateTemplate": func(ctx context.Context) error {
			shop := shop
			shop.Description = "other"
			return second(db.UpdateTemplate(ctx, shop))
		},
		"SettleChange": func(ctx context.Context) error { return second(db.SettleChange(ctx, "o-early", sdp.OpFailed, failed)) },
		"ReassignPort": func(ctx context.Context) error {
			return second(db.ReassignPort(ctx, "box", 8080, "something holds it"))
		},
		"MarkBranch": func(ctx context.Context) error { return db.MarkBranch(ctx, "box", "account", "feature/x", true) },
		"RefuseCredential": func(ctx context.Context) error {
			return db.RefuseCredential(ctx, "ann", time.Now().Add(time.Hour), "it was revoked")
		},
		"Observe": func(ctx context.Context) error {
			return db.Observe(ctx, "micro-1", []sdp.Correction{{Sandbox: "box", Service: "ledger", Deployment: serving,
				Address: "172.18.0.9:1", What: "moved"}})
		},
	}
}

func second[T any](_ T, err error) error { return err }

func another(op sdp.Operation) sdp.Operation {
	op.ID = sdp.NewID("o")
	return op
}

// accept accepts the making of a sandbox without services.
func accept(ctx context.Context, db *postgres.DB, name string) error {
	spec := sdp.SandboxSpec{Name: name}
	_, _, err := db.AcceptChange(ctx, postgres.NewChange{New: &postgres.NewSandbox{Spec: spec, Owner: "ann"},
		Operation: sdp.Operation{ID: "o-" + name, Kind: sdp.OpApply, RequestedBy: "ann", Change: &sdp.Change{New: true, Spec: spec}}})
	return err
}

// contents is a digest of all rows there are.
func contents(t *testing.T, url string) (digest string) {
	t.Helper()
	conn := got(pgx.Connect(t.Context(), url))(t)
	defer conn.Close(context.WithoutCancel(t.Context()))
	must(t, conn.QueryRow(t.Context(), `SELECT string_agg(relname || ' ' || md5(query_to_xml(
			format('SELECT t::text FROM %I t ORDER BY 1', relname), true, false, '')::text), E'\n' ORDER BY relname)
		FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace AND NOT relispartition`).Scan(&digest))
	return digest
}
