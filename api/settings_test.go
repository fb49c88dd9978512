package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"sdp/api/apitest"
	"sdp/api/rest"
	"sdp/internal/sdp"
	"sdp/internal/sdp/planning"
	"sdp/internal/sdp/settings"
)

func (c *caller) patch(path string, in any) answer {
	c.t.Helper()
	return c.do(http.MethodPatch, path, in)
}

// served brings all deployments of the shop to RUNNING with the settings of the moment.
func served(t *testing.T, bed *apitest.Bed, created rest.CreatedSandbox) {
	t.Helper()
	for _, d := range created.Deployments {
		run(t, bed, d)
		settings, err := bed.DB.Settings(t.Context(), d.Sandbox)
		if err != nil {
			t.Fatal(err)
		}
		if err := bed.DB.RecordSettings(t.Context(), d.ID, settings[d.Service]); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSettingsChangeWithoutARestart(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	served(t, bed, createShop(t, me))
	bed.Engine.Answer(func(r *planning.PreflightResult) { r.SHA, r.Cached = sha, true })
	before := planOf(t, me, shop)
	submitted := len(bed.Engine.Submitted())
	text := "for the release"
	out := decode[rest.UpdatedSandbox](me.patch("/api/v1/sandboxes/shop", rest.UpdateSandbox{Description: &text,
		Labels: map[string]string{"team": "pay"}, Variables: map[string]string{"A": "1", "B": "2"},
		Secrets: map[string]string{"TOKEN": "Marker-7"}, Expiry: &sdp.Expiry{IdleAfter: "72h"}}).want(http.StatusOK))
	s := out.Sandbox
	if s.Description != text || s.Labels["team"] != "pay" || s.Variables["B"] != "2" || !slices.Equal(s.SecretKeys, []string{"TOKEN"}) ||
		s.Expiry.IdleAfter != "72h0m0s" || s.Environment != "dev" {
		t.Errorf("sandbox %+v", s)
	}
	if !slices.Equal(out.Behind, []string{"account", "gateway"}) || len(bed.Engine.Submitted()) != submitted {
		t.Errorf("behind %q", out.Behind)
	}
	if p := planOf(t, me, shop); p.Hash == before.Hash || plannedService(t, p, "account").Action != "restart" {
		t.Errorf("the secret is not seen by the plan: %+v", p)
	}
	me.put("/api/v1/sandboxes/shop", rest.ApplySandbox{Spec: shop, Plan: before.Hash}).problem(http.StatusConflict, "plan-stale")

	answer := me.patch("/api/v1/sandboxes/shop", rest.UpdateSandbox{Unset: []string{"A", "TOKEN"}, UnsetLabels: []string{"team"}}).want(http.StatusOK)
	if s := decode[rest.UpdatedSandbox](answer).Sandbox; s.Variables["A"] != "" || s.Variables["B"] != "2" || len(s.SecretKeys) > 0 || len(s.Labels) > 0 {
		t.Errorf("sandbox %+v", s)
	}
	events := audited(t, me, "sandbox.update")
	if len(events) != 2 || !strings.Contains(events[1].Detail, "secrets TOKEN") || strings.Contains(bed.Log.String(), "Marker-7") {
		t.Errorf("audit %+v", events)
	}
}

func TestSameSecretLeavesNothingBehind(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	created := createShop(t, me)
	set := rest.UpdateSandbox{Secrets: map[string]string{"TOKEN": "Marker-7"}}
	me.patch("/api/v1/sandboxes/shop", set).want(http.StatusOK)
	served(t, bed, created)
	if out := decode[rest.UpdatedSandbox](me.patch("/api/v1/sandboxes/shop", set).want(http.StatusOK)); len(out.Behind) > 0 {
		t.Errorf("behind %q", out.Behind)
	}
}

func TestBadSettings(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	createShop(t, me)
	nowhere, one := "nowhere", 99
	before := decode[rest.Sandbox](me.get("/api/v1/sandboxes/shop"))
	for name, c := range map[string]struct {
		in     rest.UpdateSandbox
		status int
		code   string
	}{
		"unknown environment":   {rest.UpdateSandbox{Environment: &nowhere}, http.StatusNotFound, "unknown-environment"},
		"unknown version":       {rest.UpdateSandbox{EnvironmentVersion: &one}, http.StatusNotFound, "unknown-version"},
		"variable's name":       {rest.UpdateSandbox{Variables: map[string]string{"a-b": "x"}}, http.StatusBadRequest, "bad-variable"},
		"secret's name":         {rest.UpdateSandbox{Secrets: map[string]string{"a-b": "Marker"}}, http.StatusBadRequest, "bad-variable"},
		"both":                  {rest.UpdateSandbox{Variables: map[string]string{"A": "x"}, Secrets: map[string]string{"A": "Marker"}}, http.StatusBadRequest, "variable-twice"},
		"large secret":          {rest.UpdateSandbox{Secrets: map[string]string{"A": strings.Repeat("x", settings.MaxValue+1)}}, http.StatusBadRequest, "bad-value"},
		"too much":              {rest.UpdateSandbox{Secrets: many(9, "Marker")}, http.StatusBadRequest, "too-large"},
		"nothing to unset":      {rest.UpdateSandbox{Unset: []string{"NOPE"}}, http.StatusNotFound, "unknown-variable"},
		"no such label":         {rest.UpdateSandbox{UnsetLabels: []string{"nope"}}, http.StatusNotFound, "unknown-label"},
		"label":                 {rest.UpdateSandbox{Labels: map[string]string{"a b": "x"}}, http.StatusBadRequest, "bad-label"},
		"span":                  {rest.UpdateSandbox{Expiry: &sdp.Expiry{IdleAfter: "soon"}}, http.StatusBadRequest, "bad-duration"},
		"little memory":         {rest.UpdateSandbox{Limits: &sdp.SandboxLimits{Container: sdp.Limits{Memory: 5}}}, http.StatusBadRequest, "bad-limit"},
		"more than it may have": {rest.UpdateSandbox{Limits: &sdp.SandboxLimits{Container: sdp.Limits{CPUs: 1}, Total: sdp.Limits{CPUs: 1}}}, http.StatusBadRequest, "limit-above-total"},
	} {
		t.Run(name, func(t *testing.T) {
			a := me.patch("/api/v1/sandboxes/shop", c.in)
			if p := a.problem(c.status, c.code); p.Remedy == "" || strings.Contains(string(a.body), "Marker") {
				t.Errorf("problem %s", a.body)
			}
		})
	}
	if after := decode[rest.Sandbox](me.get("/api/v1/sandboxes/shop")); after.RouteVersion != before.RouteVersion || len(after.Variables) > 0 {
		t.Errorf("something was done: %+v", after)
	}
	me.put("/api/v1/sandboxes/other", rest.ApplySandbox{Spec: shop}).problem(http.StatusBadRequest, "other-sandbox")
}

// many are values that are as large as one can be.
func many(count int, start string) map[string]string {
	values := map[string]string{}
	for i := range count {
		values[fmt.Sprint("LARGE_", i)] = start + strings.Repeat("x", settings.MaxValue-len(start))
	}
	return values
}

// What is set bit by bit adds up, secrets and variables together, whatever sets them.
func TestSettingsAddUp(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	served(t, bed, createShop(t, me))
	bed.Engine.Answer(func(r *planning.PreflightResult) { r.SHA = sha })
	box := "/api/v1/sandboxes/shop"
	me.patch(box, rest.UpdateSandbox{Secrets: many(7, "Marker")}).want(http.StatusOK)
	one := map[string]string{"ONE": strings.Repeat("x", settings.MaxValue)}
	for _, more := range []rest.UpdateSandbox{{Variables: one}, {Secrets: one}} {
		p := me.patch(box, more).problem(http.StatusBadRequest, "too-large")
		for _, text := range []string{"sandbox shop", "262", "are possible", "secret LARGE_0 ("} {
			contains(t, p.Detail, text)
		}
	}
	deploy := rest.Deploy{Services: []rest.DeployService{{Service: "account", Branch: "feature/login"}}, Secrets: many(7, "Marker")}
	me.post(box+"/deployments", deploy).want(http.StatusAccepted)
	deploy.Secrets, deploy.Env = nil, one
	p := me.post(box+"/deployments", deploy).problem(http.StatusBadRequest, "too-large")
	contains(t, p.Detail, "service account of sandbox shop")

	spec := decode[sdp.SandboxSpec](me.get(box + "/definition").want(http.StatusOK))
	account := spec.Services["account"]
	account.Variables, spec.Variables = one, one
	spec.Services["account"] = account
	problems := map[string]string{}
	for _, p := range planOf(t, me, spec).Problems {
		problems[p.Code] += p.Detail
	}
	contains(t, problems["too-large"], "the sandbox would have")
	contains(t, problems["too-large"], "service account would have")
	if now := decode[rest.Sandbox](me.get(box)); len(now.Variables) > 0 || len(now.SecretKeys) != 7 {
		t.Errorf("something was set: %+v", now)
	}
}

func TestDefinitionOfASandboxChangesNothing(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	served(t, bed, createShop(t, me))
	bed.Engine.Answer(func(r *planning.PreflightResult) { r.SHA = sha })
	spec := decode[sdp.SandboxSpec](me.get("/api/v1/sandboxes/shop/definition").want(http.StatusOK))
	if spec.Gateway == nil || spec.Gateway.Branch != "main" || spec.Services["account"].Branch != "feature/login" || !spec.Services["user"].UseOCP {
		t.Errorf("definition %+v", spec)
	}
	if p := planOf(t, me, spec); p.Changes {
		t.Errorf("plan %+v", p)
	}
	pinned := decode[sdp.SandboxSpec](me.get("/api/v1/sandboxes/shop/definition?pinned=true").want(http.StatusOK))
	if pinned.Services["account"].Commit != sha {
		t.Errorf("pinned %+v", pinned)
	}
}
