package postgres_test

import (
	"reflect"
	"testing"

	"sdp/internal/postgres"
	"sdp/internal/postgres/postgrestest"
	"sdp/internal/sdp"
)

// platformAt is platform with the database's URL, for statements of the test's own.
func platformAt(t testing.TB) (*postgres.DB, string) {
	t.Helper()
	url := postgrestest.URL(t)
	db := postgrestest.Open(t, url)
	must(t, db.RegisterNode(t.Context(), micro()))
	must(t, db.RegisterNode(t.Context(), gatewayNode(8080, 8199)))
	return db, url
}

func aSnapshot(sandbox, name string) sdp.Snapshot {
	return sdp.Snapshot{ID: sdp.NewID("s-"), Sandbox: sandbox, Name: name, Description: "before the release", Author: "ann"}
}

// frozen is a sandbox with account running, payment routed to OCP and secrets of its own and of account.
func frozen(t testing.TB, db *postgres.DB, name string) {
	t.Helper()
	n := newSandbox(name)
	n.Spec.Services = map[string]sdp.ServiceSpec{"account": {Branch: "feature/x"}, "payment": {UseOCP: true}}
	n.Secrets = postgres.Secrets{"": {"TOKEN": []byte("sealed-1")}, "account": {"KEY": []byte("sealed-2")}}
	got(db.CreateSandbox(t.Context(), n))(t)
	run(t, db, name, "account", 2)
}

func TestSnapshots(t *testing.T) {
	t.Parallel()
	db := platform(t)
	frozen(t, db, "shop")
	made := got(db.CreateSnapshot(t.Context(), aSnapshot("shop", "before")))(t)
	want := sdp.ServiceSpec{Branch: "feature/x", Commit: shaA}
	if !reflect.DeepEqual(made.Spec.Services["account"], want) || !made.Spec.Services["payment"].UseOCP || made.Author != "ann" || made.Gone {
		t.Errorf("made %+v", made)
	}
	if images := []sdp.SnapshotImage{{Service: "account", Node: "micro-1", Image: "sdp/account:x", SHA: shaA}}; !reflect.DeepEqual(made.Images, images) {
		t.Errorf("images %+v", made.Images)
	}
	if keys := map[string][]string{"": {"TOKEN"}, "account": {"KEY"}}; !reflect.DeepEqual(made.SecretKeys, keys) {
		t.Errorf("keys %v", made.SecretKeys)
	}
	_, err := db.CreateSnapshot(t.Context(), aSnapshot("shop", "before"))
	wantCode(t, err, sdp.Conflict, "snapshot-exists")
	second := got(db.CreateSnapshot(t.Context(), aSnapshot("shop", "later")))(t)

	sandbox, secrets, err := db.SandboxSecrets(t.Context(), "shop")
	must(t, err)
	stored := got(db.SnapshotSecrets(t.Context(), made.ID))(t)
	if sandbox.Name != "shop" || string(secrets["account"]["KEY"]) != "sealed-2" || !reflect.DeepEqual(secrets, stored) {
		t.Errorf("secrets %q, in the snapshot %q", secrets, stored)
	}

	list, next, err := db.Snapshots(t.Context(), "shop", postgres.Page{Limit: 1})
	must(t, err)
	if len(list) != 1 || list[0].ID != second.ID || next == "" {
		t.Errorf("first page %+v", list)
	}
	list, _, err = db.Snapshots(t.Context(), "", postgres.Page{Limit: 1, Cursor: next})
	must(t, err)
	if len(list) != 1 || list[0].ID != made.ID {
		t.Errorf("second page %+v", list)
	}

	must(t, db.BeginDelete(t.Context(), "shop", sdp.Operation{ID: "o-del", RequestedBy: "ann"}))
	_, err = db.CreateSnapshot(t.Context(), aSnapshot("shop", "late"))
	wantCode(t, err, sdp.Conflict, "sandbox-deleting")
	must(t, db.FinishDelete(t.Context(), "o-del", "shop"))
	left := got(db.Snapshot(t.Context(), made.ID))(t)
	if !left.Gone || !reflect.DeepEqual(left.SecretKeys, made.SecretKeys) {
		t.Errorf("after the sandbox's end %+v", left)
	}
	must(t, db.DeleteSnapshot(t.Context(), made.ID))
	wantCode(t, db.DeleteSnapshot(t.Context(), made.ID), sdp.NotFound, "snapshot-not-found")
	_, err = db.Snapshot(t.Context(), made.ID)
	wantCode(t, err, sdp.NotFound, "snapshot-not-found")
	_, err = db.SnapshotSecrets(t.Context(), made.ID)
	wantCode(t, err, sdp.NotFound, "snapshot-not-found")
}

func TestSnapshotsThatAreRefused(t *testing.T) {
	t.Parallel()
	db := platform(t)
	_, err := db.CreateSnapshot(t.Context(), aSnapshot("none", "x"))
	wantCode(t, err, sdp.NotFound, "sandbox-not-found")
	create(t, db, "idle")
	_, err = db.CreateSnapshot(t.Context(), aSnapshot("idle", "x"))
	wantCode(t, err, sdp.Conflict, "nothing-running")
}

func TestSnapshotWhileAChangeRuns(t *testing.T) {
	t.Parallel()
	db, url := platformAt(t)
	frozen(t, db, "shop")
	sql(t, url, `INSERT INTO operations (id, sandbox_id, kind, service, requested_by, change)
		SELECT 'o-1', id, 'apply', '', 'ann', '{}' FROM sandboxes WHERE name = 'shop'`)
	_, err := db.CreateSnapshot(t.Context(), aSnapshot("shop", "x"))
	wantCode(t, err, sdp.Conflict, "change-running")
	sql(t, url, `UPDATE operations SET finished_at = now(), state = 'SUCCEEDED' WHERE id = 'o-1'`)
	got(db.CreateSnapshot(t.Context(), aSnapshot("shop", "x")))(t)
}

func TestSnapshotKeepsTheVersionOfTheEnvironmentThatRuns(t *testing.T) {
	t.Parallel()
	db, url := platformAt(t)
	sql(t, url, `INSERT INTO environments (name, owner, version) VALUES ('dev', 'ann', 7)`)
	n := newSandbox("shop")
	n.Spec.Environment = "dev"
	got(db.CreateSandbox(t.Context(), n))(t)
	id := run(t, db, "shop", "account", 2)
	for _, c := range []struct{ ran, want int }{{0, 7}, {5, 5}} {
		sql(t, url, `UPDATE deployments SET environment_version = `+string(rune('0'+c.ran))+` WHERE id = '`+id+`'`)
		made := got(db.CreateSnapshot(t.Context(), aSnapshot("shop", sdp.NewID("n"))))(t)
		equal(t, "version", made.Spec.EnvironmentVersion, c.want)
	}
}

func TestDeployingTakesThePinOff(t *testing.T) {
	t.Parallel()
	db := platform(t)
	n := newSandbox("shop")
	n.Spec.Services = map[string]sdp.ServiceSpec{"account": {Branch: "feature/x", Commit: shaA}}
	n.Deployments = []postgres.NewDeployment{newDeployment("shop", "account", "feature/x")}
	n.Deployments[0].SHA = shaA
	got(db.CreateSandbox(t.Context(), n))(t)
	for _, c := range []struct{ branch, sha, want string }{
		{"feature/x", shaA, shaA}, // as it was made, and as a restart
		{"", shaA, shaA},
		{"main", "", ""},
	} {
		d := newDeployment("shop", "account", c.branch)
		d.SHA = c.sha
		got(db.CreateDeployments(t.Context(), []postgres.NewDeployment{d}))(t)
		service := got(db.Sandbox(t.Context(), "shop"))(t).Services[0]
		equal(t, "pin after "+c.branch+"@"+c.sha, service.Commit, c.want)
	}
}
