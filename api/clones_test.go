package api_test

import (
	"net/http"
	"strings"
	"testing"

	"sdp/api/apitest"
	"sdp/api/rest"
	"sdp/internal/postgres"
	"sdp/internal/sdp"
	"sdp/internal/sdp/planning"
)

const cloneMarker = "clone-Marker-3f9"

// running is the shop with all its services running and a secret of account.
func running(t *testing.T, bed *apitest.Bed, me *caller) {
	t.Helper()
	bed.Engine.Answer(func(r *planning.PreflightResult) { r.Cached = true })
	for _, d := range createShop(t, me).Deployments {
		started(t, bed, d)
	}
	in := rest.Deploy{Services: []rest.DeployService{{Service: "account", Branch: "feature/login"}},
		Env: map[string]string{"POINTS": "5"}, Secrets: map[string]string{"KEY": cloneMarker}}
	for _, d := range decode[rest.Deployments](me.post("/api/v1/sandboxes/shop/deployments", in).want(http.StatusAccepted)).Deployments {
		started(t, bed, d)
	}
}

func TestCloneContract(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	running(t, bed, me)
	answer := me.get("/api/v1/sandboxes/shop/clone?to=mine").want(http.StatusOK)
	got := map[string]rest.ContractItem{}
	for _, i := range decode[rest.CloneContract](answer).Items {
		got[strings.Join([]string{i.Service, i.What, i.Key}, " ")] = i
	}
	for key, want := range map[string]string{
		" port ": "regenerated", " environment dev": "shared", " variable LOG_LEVEL": "shared",
		"account variable POINTS": "copied", "account secret KEY": "copied", "account container sandbox-mine-account": "regenerated",
		"account image sdp/x:1": "shared", "user route user": "shared", "payment route payment": "copied",
	} {
		if got[key].Disposition != want || got[key].Detail == "" {
			t.Errorf("%q is %+v, want %s", key, got[key], want)
		}
	}
	if strings.Contains(string(answer.body), cloneMarker) {
		t.Error("the contract holds a secret")
	}
	me.get("/api/v1/sandboxes/shop/clone").problem(http.StatusBadRequest, "bad-request")
	me.get("/api/v1/sandboxes/shop/clone?to=shop").problem(http.StatusConflict, "sandbox-exists")
	me.get("/api/v1/sandboxes/shop/clone?to=No").problem(http.StatusBadRequest, "bad-name")
	me.get("/api/v1/sandboxes/ship/clone?to=mine").problem(http.StatusNotFound, "sandbox-not-found")
}

func TestClone(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	running(t, bed, me)
	erin := me.with("Authorization", "Bearer "+bed.TokenOf("erin", "other"))
	answer := erin.post("/api/v1/sandboxes/shop/clone", rest.CloneSandbox{Name: "mine"}).want(http.StatusAccepted)
	done := decode[rest.Applied](answer)
	if done.Operation == nil || done.Operation.Kind != "clone" || done.Operation.Sandbox != "mine" || len(done.Deployments) != 2 || !done.Plan.New {
		t.Fatalf("cloned %+v", done)
	}
	for _, d := range done.Deployments {
		if d.SHA != sha || d.Sandbox != "mine" || d.Operation != done.Operation.ID {
			t.Errorf("deployment %+v", d)
		}
	}
	op, err := bed.DB.Operation(t.Context(), done.Operation.ID)
	if err != nil || !op.Change.New || !op.Change.Atomic || op.Change.From != "clone of shop" {
		t.Errorf("change %+v, %v", op.Change, err)
	}
	clone, sealed, err := bed.DB.SandboxSecrets(t.Context(), "mine")
	if err != nil || clone.Owner != "erin" || clone.Environment != "dev" || clone.Port == 8080 || clone.Port == 0 {
		t.Fatalf("clone %+v, %v", clone, err)
	}
	opened, err := bed.Keys.Open(sdp.SecretPurpose, sealed["account"]["KEY"], sdp.SecretContext("mine", "account", "KEY"))
	if err != nil || string(opened) != cloneMarker {
		t.Errorf("the clone's secret: %v", err)
	}
	account, _ := serviceOf(clone, "account")
	if account.Env["POINTS"] != "5" || account.Commit != sha || account.Branch != "feature/login" {
		t.Errorf("account %+v", account)
	}
	events := audited(t, me, "sandbox.clone")
	if len(events) != 1 || events[0].Sandbox != "mine" || events[0].User != "erin" || events[0].Detail != "clone of shop" || events[0].Operation != op.ID {
		t.Errorf("audit %+v", events)
	}
	if strings.Contains(string(answer.body), cloneMarker) || strings.Contains(bed.Log.String(), cloneMarker) {
		t.Error("a secret was told")
	}
	// The clone's own change is under way, so it is no source yet, and its name is taken.
	me.post("/api/v1/sandboxes/mine/clone", rest.CloneSandbox{Name: "other"}).problem(http.StatusConflict, "change-running")
	me.post("/api/v1/sandboxes/shop/clone", rest.CloneSandbox{Name: "mine"}).problem(http.StatusConflict, "sandbox-exists")
}

func TestCloneThatFollowsBranches(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	running(t, bed, me)
	done := decode[rest.Applied](me.post("/api/v1/sandboxes/shop/clone", rest.CloneSandbox{Name: "mine", Follow: true}).want(http.StatusAccepted))
	for _, d := range done.Deployments {
		if d.SHA != apitest.SHA(d.Repository, d.Branch) {
			t.Errorf("deployment %+v", d)
		}
	}
	clone, err := bed.DB.Sandbox(t.Context(), "mine")
	if err != nil {
		t.Fatal(err)
	}
	if account, _ := serviceOf(clone, "account"); account.Commit != "" || account.Branch != "feature/login" {
		t.Errorf("account %+v", account)
	}
}

// TestClonesThatAreRefused checks that nothing of the clone is left behind.
func TestClonesThatAreRefused(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	running(t, bed, me)
	clone := func(c *caller, from, to string) answer {
		return c.post("/api/v1/sandboxes/"+from+"/clone", rest.CloneSandbox{Name: to})
	}
	clone(me, "ship", "mine").problem(http.StatusNotFound, "sandbox-not-found")
	clone(me, "shop", "shop").problem(http.StatusConflict, "sandbox-exists")
	clone(me, "shop", "Mine").problem(http.StatusBadRequest, "bad-name")
	clone(me, "shop", "").problem(http.StatusBadRequest, "bad-name")
	bed.Engine.Answer(func(r *planning.PreflightResult) {
		r.Vanished = true
		r.Problem = &planning.Problem{Kind: sdp.NotFound, Code: "commit-gone", Detail: "neither commit nor image is left", Remedy: "deploy another"}
	})
	if a := clone(me, "shop", "mine"); a.status < 400 {
		t.Errorf("a clone of what is gone: %d %s", a.status, a.body)
	}
	bed.Engine.Answer(nil)
	me.delete("/api/v1/sandboxes/shop").want(http.StatusAccepted)
	clone(me, "shop", "mine").problem(http.StatusConflict, "sandbox-deleting")
	list, _, err := bed.DB.Sandboxes(t.Context(), postgres.SandboxFilter{}, postgres.Page{})
	if err != nil || len(list) != 1 {
		t.Errorf("left behind: %+v, %v", list, err)
	}
}

func serviceOf(b sdp.Sandbox, name string) (sdp.Service, bool) {
	for _, v := range b.Services {
		if v.Name == name {
			return v, true
		}
	}
	return sdp.Service{}, false
}
