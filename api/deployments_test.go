package api_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"sdp/api/apitest"
	"sdp/api/rest"
	"sdp/internal/control"
	"sdp/internal/control/reconcile"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

var sha = strings.Repeat("3f2a", 10)

func deployBody(service, branch string) rest.Deploy {
	return rest.Deploy{Services: []rest.DeployService{{Service: service, Branch: branch}}}
}

func TestDeploy(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	createShop(t, me)
	in := rest.Deploy{
		Services: []rest.DeployService{{Service: "payment", Commit: sha}}, Env: map[string]string{"LOG_LEVEL": "debug"},
		Secrets: map[string]string{"API_KEY": "secret-Marker"},
	}
	a := me.post("/api/v1/sandboxes/shop/deployments", in).want(http.StatusAccepted)
	d := decode[rest.Deployments](a).Deployments[0]
	if got := a.header.Get("Location"); got != "/api/v1/deployments/"+d.ID {
		t.Errorf("Location %q", got)
	}
	if d.State != "QUEUED" || d.Settled || d.Environment != "dev" || d.SHA != sha || d.Node != "micro-1" || d.RequestedBy != apitest.User {
		t.Errorf("deployment %+v", d)
	}
	job, err := bed.DB.Job(t.Context(), d.ID)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(job.Settings.Secrets()["API_KEY"].Sealed), "Marker") || job.Settings.Variables()["LOG_LEVEL"] != "debug" {
		t.Errorf("job %+v", job)
	}
	opened, err := bed.Keys.Open("environment", job.Settings.Secrets()["API_KEY"].Sealed, "shop/payment/API_KEY")
	if err != nil || string(opened) != "secret-Marker" {
		t.Errorf("secret %v", err)
	}
	s := decode[rest.Sandbox](me.get("/api/v1/sandboxes/shop").want(http.StatusOK))
	for _, v := range s.Services {
		if v.Name == "payment" && (len(v.SecretKeys) != 1 || v.SecretKeys[0] != "API_KEY" || v.Env["LOG_LEVEL"] != "debug" || v.Latest.ID != d.ID) {
			t.Errorf("service %+v", v)
		}
	}
	list := decode[rest.Page[rest.Deployment]](me.get("/api/v1/deployments?sandbox=shop&service=payment&state=QUEUED").want(http.StatusOK))
	if len(list.Items) != 1 || list.Items[0].ID != d.ID {
		t.Errorf("list %+v", list)
	}
	events := audited(t, me, "deployment.create")
	if e := events[0]; e.SHA != sha || e.Repository != "payment" || e.Service != "payment" || e.Sandbox != "shop" || e.Environment != "dev" || e.Operation != d.ID {
		t.Errorf("audit %+v", e)
	}
}

func TestSeveralAtOnceHaveAListToWatch(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	createShop(t, me)
	in := rest.Deploy{Services: []rest.DeployService{{Service: "payment", Branch: "main"}, {Service: "user", Branch: "main"}}}
	a := me.post("/api/v1/sandboxes/shop/deployments", in).want(http.StatusAccepted)
	if got := a.header.Get("Location"); got != "/api/v1/deployments?sandbox=shop" {
		t.Errorf("Location %q", got)
	}
	me.get(a.header.Get("Location")).want(http.StatusOK)
}

func TestBadDeploys(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	createShop(t, me)
	before := len(bed.Engine.Submitted())
	with := func(env, secrets map[string]string) rest.Deploy {
		d := deployBody("user", "main")
		d.Env, d.Secrets = env, secrets
		return d
	}
	cases := map[string]struct {
		in     any
		status int
		code   string
	}{
		"unknown repository": {deployBody("ghost", "main"), 404, "repository-not-found"},
		"bad service":        {deployBody("../x", "main"), 400, "bad-name"},
		"option as branch":   {deployBody("user", "--exec=x"), 400, "bad-branch"},
		"zero in branch":     {deployBody("user", "a\x00b"), 400, "bad-branch"},
		"nothing":            {deployBody("user", ""), 400, "branch-or-commit"},
		"both":               {rest.Deploy{Services: []rest.DeployService{{Service: "user", Branch: "a", Commit: sha}}}, 400, "branch-or-commit"},
		"short commit":       {rest.Deploy{Services: []rest.DeployService{{Service: "user", Commit: "3f2a9c1"}}}, 400, "bad-commit"},
		"twice": {rest.Deploy{Services: []rest.DeployService{{Service: "user", Branch: "a"}, {Service: "user", Branch: "b"}}},
			400, "service-twice"},
		"no services":        {rest.Deploy{Services: []rest.DeployService{}}, 400, "bad-request"},
		"bad variable":       {with(map[string]string{"A-B": "x"}, nil), 400, "bad-variable"},
		"bad secret name":    {with(nil, map[string]string{"A=B": "Marker"}), 400, "bad-variable"},
		"zero in value":      {with(nil, map[string]string{"A": "Marker\x00"}), 400, "bad-value"},
		"huge value":         {with(map[string]string{"A": strings.Repeat("x", 40<<10)}, nil), 400, "bad-value"},
		"secret as variable": {with(map[string]string{"A": "x"}, map[string]string{"A": "Marker"}), 400, "variable-twice"},
		"secret no string":   {`{"services":[{"service":"user","branch":"main"}],"secrets":{"A":["Marker"]}}`, 400, "bad-request"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			a := me.post("/api/v1/sandboxes/shop/deployments", c.in)
			a.t = t
			if p := a.problem(c.status, c.code); p.Remedy == "" {
				t.Error("no remedy")
			}
			if strings.Contains(string(a.body), "Marker") {
				t.Errorf("secret in %s", a.body)
			}
		})
	}
	me.post("/api/v1/sandboxes/none/deployments", deployBody("user", "main")).problem(http.StatusNotFound, "sandbox-not-found")
	if got := len(bed.Engine.Submitted()); got != before {
		t.Errorf("%d submitted", got-before)
	}
	if list := decode[rest.Page[rest.Deployment]](me.get("/api/v1/deployments?service=user")); len(list.Items) != 0 {
		t.Errorf("left behind: %+v", list.Items)
	}
	refused := 0
	for _, e := range audited(t, me, "deployment.create") {
		if e.Outcome == "refused" {
			refused++
		}
	}
	if refused != len(cases)+2 { // "twice" are two
		t.Errorf("%d refused events, want %d", refused, len(cases)+2)
	}
}

func TestDeployNamesWhatWasRefused(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	createShop(t, me)
	bed.Advance(time.Minute)
	me.post("/api/v1/sandboxes/shop/deployments", deployBody("user", "feature/x")).problem(http.StatusServiceUnavailable, "node-without-worker")
	e := audited(t, me, "deployment.create")[0]
	if e.Outcome != "failed" || e.Branch != "feature/x" || e.Repository != "user" || e.Sandbox != "shop" || e.Environment != "dev" || e.Operation != "" {
		t.Errorf("audit %+v", e)
	}
	contains(t, e.Detail, "no worker since")
}

// What is built for a sandbox whose port is on a node that is away could not be switched to: it is refused before, and the
// plan says so.
func TestSandboxWhosePortsNodeIsAway(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	spec := sdp.SandboxSpec{Name: "shop", Services: map[string]sdp.ServiceSpec{"account": {Branch: "feature/login"}}}
	for _, d := range decode[rest.CreatedSandbox](me.post("/api/v1/sandboxes", spec).want(http.StatusAccepted)).Deployments {
		run(t, bed, d)
	}
	bed.Advance(time.Minute)
	bed.Register("micro-1", sdp.Micro, "account", "user")
	for path, in := range map[string]any{"deployments": deployBody("user", "feature/x"), "services/account/restart": nil} {
		p := me.post("/api/v1/sandboxes/shop/"+path, in).problem(http.StatusServiceUnavailable, "node-without-worker")
		contains(t, p.Detail, "node gateway-1: no worker since")
	}
	if p := planOf(t, me, spec); len(p.Problems) != 1 || !strings.Contains(p.Problems[0].Detail, "node gateway-1: no worker since") {
		t.Errorf("the plan's problems are %+v", p.Problems)
	}
	me.post("/api/v1/sandboxes/shop/services/account/stop", nil).want(http.StatusAccepted) // which is on micro-1
}

func TestTwoPeopleDeployTheSameService(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	createShop(t, me)
	var both sync.WaitGroup
	for _, branch := range []string{"a", "b"} {
		both.Go(func() {
			if a := me.post("/api/v1/sandboxes/shop/deployments", deployBody("user", branch)); a.status != http.StatusAccepted {
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
	both.Wait()
	if list := decode[rest.Page[rest.Deployment]](me.get("/api/v1/deployments?service=user")); len(list.Items) != 2 {
		t.Errorf("list %+v", list.Items)
	}
}

func TestDeployIsAcceptedWhileTemporalIsDown(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	createShop(t, me)
	bed.Engine.FailWith(func(string) error { return errors.New("no Temporal") })
	d := decode[rest.Deployments](me.post("/api/v1/sandboxes/shop/deployments", deployBody("user", "main")).want(http.StatusAccepted)).Deployments[0]
	r := reconcile.Reconciler{DB: bed.DB, Engine: bed.Engine, Log: bed.Config.Log}
	if err := r.Resubmit(t.Context(), 0); err == nil {
		t.Error("no error though nothing could be submitted")
	}
	bed.Engine.FailWith(nil)
	for range 2 { // the second finds nothing left to do
		if err := r.Resubmit(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
	}
	count := 0
	for _, ref := range bed.Engine.Submitted() {
		if ref.ID == d.ID {
			count++
		}
	}
	if count != 1 {
		t.Errorf("submitted %d times", count)
	}
}

// One operation that cannot be handed over holds its own sandbox up, whose order matters, and no other.
func TestOneBadOperationHoldsUpNoOtherSandbox(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	bed.Engine.FailWith(func(string) error { return sdp.Errorf(sdp.Unavailable, "temporal-unreachable", "no Temporal") })
	bad := createShop(t, me).Operation.ID
	good := shop
	good.Name = "good"
	me.post("/api/v1/sandboxes", good).want(http.StatusAccepted)
	bed.Engine.FailWith(nil)
	r := reconcile.Reconciler{DB: bed.DB, Engine: refusing{bed.Engine, bad}, Log: bed.Config.Log}
	err := r.Resubmit(t.Context(), 0)
	if err == nil {
		t.Fatal("no error though an operation could not be handed over")
	}
	contains(t, err.Error(), bad)
	submitted := map[string]int{}
	for _, ref := range bed.Engine.Submitted() {
		submitted[ref.Sandbox]++
	}
	if submitted["shop"] != 0 || submitted["good"] < 2 {
		t.Errorf("submitted by sandbox: %v, want all of good and, behind what failed, none of shop", submitted)
	}
}

func TestOneBadCancelHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	list := createShop(t, me).Deployments
	bed.Engine.FailWith(func(string) error { return sdp.Errorf(sdp.Unavailable, "temporal-unreachable", "no Temporal") })
	for _, d := range list {
		me.post("/api/v1/deployments/"+d.ID+"/cancel", nil).want(http.StatusAccepted)
	}
	bed.Engine.FailWith(nil)
	r := reconcile.Reconciler{DB: bed.DB, Engine: refusing{bed.Engine, list[0].ID}, Log: bed.Config.Log}
	err := r.Recancel(t.Context(), 0, time.Hour)
	if err == nil || !strings.Contains(err.Error(), list[0].ID) {
		t.Errorf("got %v", err)
	}
	if got := bed.Engine.Cancelled(); len(got) != 1 || got[0] != list[1].ID {
		t.Errorf("passed on %q, want that of %s", got, list[1].ID)
	}
}

// refusing is an engine that cannot take one operation.
type refusing struct {
	control.Engine
	id string
}

func (e refusing) Submit(ctx context.Context, op sdp.OperationRef) error {
	if op.ID == e.id {
		return sdp.Errorf(sdp.Internal, "workflow-failed", "its workflow takes no more signals")
	}
	return e.Engine.Submit(ctx, op)
}

func (e refusing) Cancel(ctx context.Context, op sdp.OperationRef) error {
	if op.ID == e.id {
		return sdp.Errorf(sdp.Internal, "workflow-failed", "its workflow takes no more signals")
	}
	return e.Engine.Cancel(ctx, op)
}

func TestCancel(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	d := createShop(t, me).Deployments[0]
	a := me.post("/api/v1/deployments/"+d.ID+"/cancel", nil).want(http.StatusAccepted)
	if a.header.Get("Location") != "/api/v1/deployments/"+d.ID || len(bed.Engine.Cancelled()) != 1 {
		t.Errorf("%v %v", a.header, bed.Engine.Cancelled())
	}
	if got := decode[rest.Deployment](a); got.State != "QUEUED" {
		t.Errorf("it says %s before the host has confirmed", got.State)
	}
	if err := bed.DB.SetState(t.Context(), d.ID, sdp.DeployCancelled, noChange); err != nil {
		t.Fatal(err)
	}
	me.post("/api/v1/deployments/"+d.ID+"/cancel", nil).problem(http.StatusConflict, "already-settled")
	me.post("/api/v1/deployments/d-nothing/cancel", nil).problem(http.StatusNotFound, "deployment-not-found")
	me.post("/api/v1/deployments/%00/cancel", nil).problem(http.StatusNotFound, "deployment-not-found")
	if events := audited(t, me, "deployment.cancel"); len(events) != 4 || events[3].Outcome != "accepted" || events[3].Operation != d.ID || events[3].Branch == "" {
		t.Errorf("audit %+v", events)
	}
}

func TestProgressComesFromTheWorkflow(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	d := createShop(t, me).Deployments[0]
	bed.Engine.Progresses[d.ID] = wire.Progress{Deployment: d.ID, State: sdp.Building, SHA: sha, Cancelling: true,
		Steps: []sdp.Step{{Name: sdp.StepResolve, State: sdp.StepDone, StartedAt: time.Now()}}}
	p := decode[rest.Progress](me.get("/api/v1/deployments/" + d.ID + "/progress").want(http.StatusOK))
	if p.Source != "workflow" || p.State != "BUILDING" || len(p.Steps) != 1 || !p.Cancelling {
		t.Errorf("progress %+v", p)
	}
	bed.Engine.FailWith(func(string) error { return sdp.Errorf(sdp.Unavailable, "temporal-unreachable", "down") })
	if p := decode[rest.Progress](me.get("/api/v1/deployments/" + d.ID + "/progress").want(http.StatusOK)); p.Source != "database" || p.State != "QUEUED" {
		t.Errorf("progress %+v", p)
	}
}
