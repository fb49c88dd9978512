package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"sdp/api/apitest"
	"sdp/api/rest"
	"sdp/internal/sdp"
	"sdp/internal/sdp/planning"
)

func planOf(t *testing.T, c *caller, spec sdp.SandboxSpec) rest.Plan {
	t.Helper()
	return decode[rest.Plan](c.post("/api/v1/plans", spec).want(http.StatusOK))
}

func plannedService(t *testing.T, p rest.Plan, name string) rest.PlannedService {
	t.Helper()
	for _, s := range p.Services {
		if s.Service == name {
			return s
		}
	}
	t.Fatalf("the plan has no %s: %+v", name, p)
	return rest.PlannedService{}
}

func TestPlanOfANewSandbox(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	p := planOf(t, me, shop)
	if !p.New || !p.Changes || p.Hash == "" || len(p.Problems) > 0 || p.Port.Node != "gateway-1" || p.Port.Free != 40 {
		t.Errorf("plan %+v", p)
	}
	account := plannedService(t, p, "account")
	if account.Action != "deploy" || account.SHA != apitest.SHA("account", "feature/login") || account.Node != "micro-1" {
		t.Errorf("account %+v", account)
	}
	if u := plannedService(t, p, "user"); u.Action != "route" || u.Route != "ocp" {
		t.Errorf("user %+v", u)
	}
	if again := planOf(t, me, shop); again.Hash != p.Hash {
		t.Errorf("the same plan has hashes %s and %s", p.Hash, again.Hash)
	}
	if list := decode[rest.Page[rest.Sandbox]](me.get("/api/v1/sandboxes")); len(list.Items) > 0 || len(bed.Engine.Submitted()) > 0 {
		t.Error("a plan did something")
	}
	if events := audited(t, me, "sandbox.apply"); len(events) > 0 {
		t.Errorf("a plan was audited: %+v", events)
	}
}

func TestApplyMakesTheSandbox(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	plan := planOf(t, me, shop)
	in := rest.ApplySandbox{Spec: shop, Plan: plan.Hash, From: "shop.yaml"}
	answer := me.put("/api/v1/sandboxes/shop", in).want(http.StatusAccepted)
	done := decode[rest.Applied](answer)
	if done.Operation == nil || done.Operation.Kind != "apply" || len(done.Deployments) != 2 ||
		answer.header.Get("Location") != "/api/v1/operations/"+done.Operation.ID {
		t.Fatalf("applied %+v", done)
	}
	for _, d := range done.Deployments {
		if d.SHA != apitest.SHA(d.Repository, d.Branch) || d.Branch == "" || d.Operation != done.Operation.ID {
			t.Errorf("deployment %+v", d)
		}
		job, err := bed.DB.Job(t.Context(), d.ID)
		if err != nil {
			t.Fatal(err)
		}
		if user, password, err := bed.Engine.Opened(job.Credentials, d.Node, d.ID); err != nil || user != apitest.User || password != apitest.Password {
			t.Errorf("credentials of %s: %q %v", d.ID, user, err)
		}
	}
	refs := bed.Engine.Submitted()
	if len(refs) != 1 || refs[0].ID != done.Operation.ID || refs[0].Kind != sdp.OpApply {
		t.Errorf("submitted %+v", refs)
	}
	events := audited(t, me, "sandbox.apply")
	if len(events) != 1 || events[0].Operation != done.Operation.ID || events[0].Sandbox != "shop" || events[0].Outcome != "accepted" {
		t.Errorf("audit %+v", events)
	}
	if events := audited(t, me, "deployment.create"); len(events) != 2 || events[0].SHA == "" {
		t.Errorf("audit %+v", events)
	}
	me.put("/api/v1/sandboxes/shop", in).problem(http.StatusConflict, "plan-stale")
	in.Plan = ""
	me.put("/api/v1/sandboxes/shop", in).problem(http.StatusConflict, "change-running")
}

func TestStalePlansSayWhy(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	plan := planOf(t, me, shop)
	bed.Engine.Answer(func(r *planning.PreflightResult) { r.SHA = strings.Repeat("e", 40) })
	p := me.put("/api/v1/sandboxes/shop", rest.ApplySandbox{Spec: shop, Plan: plan.Hash}).problem(http.StatusConflict, "plan-stale")
	contains(t, p.Detail, "account would run eeeeeeeeeeee, not "+apitest.SHA("account", "feature/login")[:12])
	if p.Remedy == "" || len(bed.Engine.Submitted()) > 0 {
		t.Errorf("problem %+v", p)
	}
	me.get("/api/v1/sandboxes/shop").problem(http.StatusNotFound, "sandbox-not-found")
}

// TestWhatIsInTheWayOfAPlan checks that a plan names everything that is in the way, without waiting, and that none of it
// can be applied.
func TestWhatIsInTheWayOfAPlan(t *testing.T) {
	answer := func(change func(*planning.PreflightResult)) func(*apitest.Bed) {
		return func(b *apitest.Bed) {
			b.Engine.Answer(func(r *planning.PreflightResult) {
				if r.Service == "account" {
					change(r)
				}
			})
		}
	}
	for name, c := range map[string]struct {
		cause  func(*apitest.Bed)
		status int
		code   string
		detail string
	}{
		"no such branch": {answer(func(r *planning.PreflightResult) {
			p := planning.ProblemOf("account", sdp.Errorf(sdp.NotFound, "branch-not-found", "the git server has no branch %q", "feature/login").
				WithRemedy("take one called nearly the same: feature/logins"))
			r.SHA, r.Problem = "", &p
		}), http.StatusNotFound, "branch-not-found", "no branch"},
		"base image missing": {answer(func(r *planning.PreflightResult) {
			r.Base = []planning.RequiredImage{{Ref: "php:8", Remedy: "docker save php:8 | ssh micro-1 docker load"}}
		}), http.StatusUnprocessableEntity, "missing-base-image", "php:8"},
		"node silent": {func(b *apitest.Bed) {
			b.Engine.Silence("micro-1", sdp.Failure{Kind: sdp.Unavailable, Code: "no-worker", Detail: "node micro-1: no worker since 14:02",
				Remedy: "start it"})
		}, http.StatusServiceUnavailable, "no-worker", "no worker since 14:02"},
		"node dead": {func(b *apitest.Bed) { b.Advance(time.Minute); b.Register("gateway-1", sdp.Gateway, "gateway") },
			http.StatusServiceUnavailable, "node-without-worker", "node micro-1: no worker since"},
		"no room": {answer(func(r *planning.PreflightResult) { r.Need = 1 << 40 }), http.StatusInsufficientStorage, "disk-full", "about 1T"},
		"password changed": {answer(func(r *planning.PreflightResult) {
			r.Problem = &planning.Problem{Kind: sdp.Unauthenticated, Code: "wrong-credentials", Detail: "refused"}
		}), http.StatusUnauthorized, "wrong-credentials", "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			bed := apitest.New(t)
			me := signedIn(t, bed)
			c.cause(bed)
			p := planOf(t, me, shop)
			if len(p.Problems) == 0 {
				t.Fatalf("plan %+v", p)
			}
			found := false
			for _, problem := range p.Problems {
				found = found || strings.Contains(problem.Detail, c.detail) && problem.Remedy != ""
			}
			if !found {
				t.Errorf("problems %+v, want one that says %q and what to do", p.Problems, c.detail)
			}
			me.put("/api/v1/sandboxes/shop", rest.ApplySandbox{Spec: shop}).problem(c.status, c.code)
			me.get("/api/v1/sandboxes/shop").problem(http.StatusNotFound, "sandbox-not-found")
		})
	}
}

// TestAppliedSandboxNeedsNothing lets an apply's deployments run as their workflows would: the same definition changes
// nothing then, and each change of it only what it is about.
func TestAppliedSandboxNeedsNothing(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	bed.Engine.Answer(func(r *planning.PreflightResult) { r.SHA = sha })
	for _, d := range createShop(t, me).Deployments {
		run(t, bed, d)
		settings, err := bed.DB.Settings(t.Context(), "shop")
		if err != nil {
			t.Fatal(err)
		}
		if err := bed.DB.RecordSettings(t.Context(), d.ID, settings[d.Service]); err != nil {
			t.Fatal(err)
		}
	}
	if p := planOf(t, me, shop); p.Changes || len(p.Problems) > 0 || len(p.Services) != 3 {
		t.Fatalf("plan %+v", p)
	}
	nothing := decode[rest.Applied](me.put("/api/v1/sandboxes/shop", rest.ApplySandbox{Spec: shop}).want(http.StatusOK))
	if nothing.Operation != nil || nothing.Plan.Changes {
		t.Errorf("applied %+v", nothing)
	}
	changed := shop
	changed.Variables = map[string]string{"LOG_LEVEL": "info"}
	p := planOf(t, me, changed)
	if a := plannedService(t, p, "account"); a.Action != "restart" || len(p.Settings) != 1 {
		t.Errorf("plan %+v", p)
	}
	changed = shop
	changed.Services = map[string]sdp.ServiceSpec{"account": {URL: "http://account.test"}}
	changed.Gateway = nil
	p = planOf(t, me, changed)
	if a := plannedService(t, p, "account"); a.Action != "route" || a.Route != "http://account.test" {
		t.Errorf("account %+v", a)
	}
	for _, name := range []string{"user", "gateway"} {
		if s := plannedService(t, p, name); s.Action != "remove" {
			t.Errorf("%s %+v", name, s)
		}
	}
	bed.Engine.Answer(func(r *planning.PreflightResult) { r.SHA, r.Cached = strings.Repeat("e", 40), true })
	if a := plannedService(t, planOf(t, me, shop), "account"); a.Action != "deploy" || !a.Cached || a.FromSHA != sha {
		t.Errorf("account %+v", a)
	}
}

func TestLimitsAreHeldAgainstTheNodes(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	if status, answer := bed.Node("micro-1", "POST", "heartbeat", sdp.NodeHealth{CPUs: 4, MemoryTotal: 8 << 30, DiskTotal: 1 << 40, DiskFree: 1 << 39}); status != http.StatusOK {
		t.Fatalf("%d %s", status, answer)
	}
	with := func(change func(*sdp.SandboxSpec)) sdp.SandboxSpec {
		s := sdp.SandboxSpec{Name: "shop", Services: map[string]sdp.ServiceSpec{"account": {Branch: "main"}, "payment": {Branch: "main"}}}
		change(&s)
		return s
	}
	for name, c := range map[string]struct {
		spec         sdp.SandboxSpec
		code, detail string
	}{
		"CPUs": {with(func(s *sdp.SandboxSpec) { s.Limits = sdp.SandboxLimits{Container: sdp.Limits{CPUs: 8}} }), "limit-above-capacity",
			"account may use 8 CPUs, but node micro-1 has 4"},
		"memory": {with(func(s *sdp.SandboxSpec) {
			s.Services["payment"] = sdp.ServiceSpec{Branch: "main", Limits: sdp.Limits{Memory: 16 << 30}}
		}), "limit-above-capacity", "payment may use 16G of memory, but node micro-1 has 8G"},
		"total": {with(func(s *sdp.SandboxSpec) {
			s.Limits = sdp.SandboxLimits{Container: sdp.Limits{Memory: 512 << 20}, Total: sdp.Limits{Memory: 768 << 20}}
		}), "limit-above-total", "account 512M + payment 512M = 1G, allowed are 768M"},
		"total without limits": {with(func(s *sdp.SandboxSpec) { s.Limits = sdp.SandboxLimits{Total: sdp.Limits{PIDs: 100}} }),
			"limit-missing", "account has no limit"},
	} {
		for _, at := range []string{"/api/v1/plans", "/api/v1/sandboxes"} {
			p := me.post(at, c.spec).problem(http.StatusBadRequest, c.code)
			if !strings.Contains(p.Detail, c.detail) || p.Remedy == "" {
				t.Errorf("%s: %+v, want %q", name, p, c.detail)
			}
		}
	}
	me.post("/api/v1/plans", with(func(s *sdp.SandboxSpec) {
		s.Limits = sdp.SandboxLimits{Container: sdp.Limits{CPUs: 0.1}, Total: sdp.Limits{CPUs: 0.2}}
	})).want(http.StatusOK)
}
