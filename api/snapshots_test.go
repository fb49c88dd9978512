package api_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"

	"sdp/api/apitest"
	"sdp/api/rest"
	"sdp/internal/sdp"
	"sdp/internal/sdp/planning"
)

func take(t *testing.T, c *caller, sandbox, name string) rest.Snapshot {
	t.Helper()
	return decode[rest.Snapshot](c.post("/api/v1/sandboxes/"+sandbox+"/snapshots",
		rest.CreateSnapshot{Name: name, Description: "for the release"}).want(http.StatusCreated))
}

// redeploy brings account to another commit with other settings.
func redeploy(t *testing.T, bed *apitest.Bed, me *caller, in rest.Deploy) {
	t.Helper()
	in.Services = []rest.DeployService{{Service: "account", Branch: "feature/other"}}
	for _, d := range decode[rest.Deployments](me.post("/api/v1/sandboxes/shop/deployments", in).want(http.StatusAccepted)).Deployments {
		started(t, bed, d)
	}
}

func TestSnapshotLife(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	running(t, bed, me)
	made := take(t, me, "shop", "before-release")
	account := made.Spec.Services["account"]
	if made.Author != apitest.User || account.Commit != sha || account.Branch != "feature/login" || made.Spec.EnvironmentVersion != 1 ||
		len(made.Images) != 2 || !reflect.DeepEqual(made.SecretKeys, map[string][]string{"account": {"KEY"}}) {
		t.Errorf("made %+v", made)
	}
	me.post("/api/v1/sandboxes/shop/snapshots", rest.CreateSnapshot{Name: "before-release"}).problem(http.StatusConflict, "snapshot-exists")
	me.post("/api/v1/sandboxes/shop/snapshots", rest.CreateSnapshot{Name: "Before"}).problem(http.StatusBadRequest, "bad-name")
	me.post("/api/v1/sandboxes/ship/snapshots", rest.CreateSnapshot{Name: "x"}).problem(http.StatusNotFound, "sandbox-not-found")
	me.post("/api/v1/sandboxes", sdp.SandboxSpec{Name: "idle"}).want(http.StatusAccepted)
	me.post("/api/v1/sandboxes/idle/snapshots", rest.CreateSnapshot{Name: "x"}).problem(http.StatusConflict, "nothing-running")

	list := decode[rest.Page[rest.Snapshot]](me.get("/api/v1/snapshots?sandbox=shop").want(http.StatusOK)).Items
	if len(list) != 1 || !reflect.DeepEqual(list[0], decode[rest.Snapshot](me.get("/api/v1/snapshots/"+made.ID).want(http.StatusOK))) {
		t.Errorf("list %+v", list)
	}
	me.delete("/api/v1/snapshots/" + made.ID).want(http.StatusNoContent)
	me.delete("/api/v1/snapshots/"+made.ID).problem(http.StatusNotFound, "snapshot-not-found")
	me.get("/api/v1/snapshots/S-1").problem(http.StatusNotFound, "snapshot-not-found")
	events := audited(t, me, "snapshot.delete")
	if len(events) != 2 || events[1].Sandbox != "shop" || events[1].Detail != "snapshot before-release" {
		t.Errorf("audit %+v", events)
	}
}

func TestSnapshotDiff(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	running(t, bed, me)
	id := take(t, me, "shop", "before").ID
	diff := func() []rest.Difference {
		a := me.get("/api/v1/snapshots/" + id + "/diff").want(http.StatusOK)
		if strings.Contains(string(a.body), cloneMarker) {
			t.Error("the comparison holds a secret")
		}
		return decode[rest.SnapshotDiff](a).Differences
	}
	if got := diff(); len(got) != 0 {
		t.Errorf("nothing has changed: %+v", got)
	}
	redeploy(t, bed, me, rest.Deploy{Secrets: map[string]string{"KEY": cloneMarker + "2", "PIN": cloneMarker}, Env: map[string]string{"POINTS": "6"}})
	want := []rest.Difference{
		{What: "branch", Key: "account", Kind: "changed", Before: "feature/login", After: "feature/other"},
		{What: "variable", Key: "account/POINTS", Kind: "changed", Before: "5", After: "6"},
		{What: "secret", Key: "account/KEY", Kind: "changed"}, {What: "secret", Key: "account/PIN", Kind: "added"},
	}
	if got := diff(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	redeploy(t, bed, me, rest.Deploy{Secrets: map[string]string{"KEY": cloneMarker}})
	if got := diff(); len(got) != 3 || got[2].Key != "account/PIN" {
		t.Errorf("KEY has its value again: %+v", got)
	}
}

func TestRestore(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	running(t, bed, me)
	id := take(t, me, "shop", "before").ID
	restore := "/api/v1/snapshots/" + id + "/restore"
	planned := func() rest.Plan {
		return decode[rest.Plan](me.post("/api/v1/snapshots/"+id+"/plan", rest.RestoreSnapshot{}).want(http.StatusOK))
	}
	if a := plannedService(t, planned(), "account"); a.Action != "none" {
		t.Errorf("nothing had changed, yet account: %+v", a)
	}
	redeploy(t, bed, me, rest.Deploy{Secrets: map[string]string{"KEY": "other"}, Env: map[string]string{"NEW": "1"}})
	asked := rest.RestoreSnapshot{Plan: planned().Hash, Atomic: true}
	done := decode[rest.Applied](me.post(restore, asked).want(http.StatusAccepted))
	if done.Operation == nil || done.Operation.Kind != "restore" || len(done.Deployments) == 0 {
		t.Fatalf("restored %+v", done)
	}
	me.post(restore, rest.RestoreSnapshot{}).problem(http.StatusConflict, "change-running")
	me.post("/api/v1/sandboxes/shop/snapshots", rest.CreateSnapshot{Name: "x"}).problem(http.StatusConflict, "change-running")
	if _, _, err := bed.DB.BeginChange(t.Context(), done.Operation.ID); err != nil {
		t.Fatal(err)
	}
	sandbox, sealed, err := bed.DB.SandboxSecrets(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	opened, err := bed.Keys.Open(sdp.SecretPurpose, sealed["account"]["KEY"], sdp.SecretContext("shop", "account", "KEY"))
	if err != nil || string(opened) != cloneMarker {
		t.Errorf("the secret is not back: %v", err)
	}
	account, _ := serviceOf(sandbox, "account")
	if account.Commit != sha || account.Branch != "feature/login" || account.Env["NEW"] != "" || sandbox.EnvironmentVersion != 1 {
		t.Errorf("account %+v of %+v", account, sandbox)
	}
	events := audited(t, me, "snapshot.restore")
	if events[1].Sandbox != "shop" || events[1].Detail != "snapshot before" || events[1].Operation != done.Operation.ID {
		t.Errorf("audit %+v", events)
	}
}

func TestRestoreIntoANewSandbox(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	running(t, bed, me)
	id := take(t, me, "shop", "before").ID
	restore := "/api/v1/snapshots/" + id + "/restore"
	me.post(restore, rest.RestoreSnapshot{Sandbox: "Mine"}).problem(http.StatusBadRequest, "bad-name")
	createdIdle(t, me, "taken")
	me.post(restore, rest.RestoreSnapshot{Sandbox: "taken"}).problem(http.StatusConflict, "sandbox-exists")

	deleted := decode[rest.Operation](me.delete("/api/v1/sandboxes/shop").want(http.StatusAccepted))
	me.post(restore, rest.RestoreSnapshot{}).problem(http.StatusConflict, "sandbox-deleting")
	if err := bed.DB.FinishDelete(t.Context(), deleted.ID, "shop"); err != nil {
		t.Fatal(err)
	}
	p := me.post(restore, rest.RestoreSnapshot{}).problem(http.StatusConflict, "sandbox-deleted")
	contains(t, p.Remedy, "--to")
	me.get("/api/v1/snapshots/"+id+"/diff").problem(http.StatusConflict, "sandbox-deleted")
	for _, to := range []string{"mine", "shop"} {
		done := decode[rest.Applied](me.post(restore, rest.RestoreSnapshot{Sandbox: to}).want(http.StatusAccepted))
		if !done.Plan.New || done.Operation.Sandbox != to || len(done.Deployments) != 2 {
			t.Errorf("restored %+v", done)
		}
		_, sealed, err := bed.DB.SandboxSecrets(t.Context(), to)
		if err != nil {
			t.Fatal(err)
		}
		opened, err := bed.Keys.Open(sdp.SecretPurpose, sealed["account"]["KEY"], sdp.SecretContext(to, "account", "KEY"))
		if err != nil || string(opened) != cloneMarker {
			t.Errorf("the secret in %s: %v", to, err)
		}
	}
	if strings.Contains(bed.Log.String(), cloneMarker) {
		t.Error("the log holds a secret")
	}
}

// TestRestoreOfAVanishedCommit checks that the image is enough, and that without it the restore is refused.
func TestRestoreOfAVanishedCommit(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	running(t, bed, me)
	id := take(t, me, "shop", "before").ID
	redeploy(t, bed, me, rest.Deploy{Env: map[string]string{"POINTS": "6"}})
	bed.Engine.Answer(func(r *planning.PreflightResult) { r.Vanished, r.Cached = true, true })
	plan := decode[rest.Plan](me.post("/api/v1/snapshots/"+id+"/plan", rest.RestoreSnapshot{}).want(http.StatusOK))
	if a := plannedService(t, plan, "account"); !a.Vanished || !a.Cached || len(plan.Problems) != 0 {
		t.Errorf("plan %+v", plan)
	}
	bed.Engine.Answer(func(r *planning.PreflightResult) {
		r.Vanished, r.Image = true, ""
		r.Problem = &planning.Problem{Service: r.Service, Kind: sdp.NotFound, Code: "commit-gone",
			Detail: "neither the commit nor its image is left", Remedy: "deploy a branch"}
	})
	a := me.post("/api/v1/snapshots/"+id+"/restore", rest.RestoreSnapshot{})
	if a.status < 400 || !strings.Contains(string(a.body), "neither the commit nor its image is left") {
		t.Errorf("restored what is gone: %d %s", a.status, a.body)
	}
}

func createdIdle(t *testing.T, c *caller, name string) {
	t.Helper()
	c.post("/api/v1/sandboxes", sdp.SandboxSpec{Name: name}).want(http.StatusAccepted)
}
