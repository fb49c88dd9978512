package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"sdp/api"
	"sdp/api/apitest"
	"sdp/internal/sdp"
)

func (c *caller) patch(path string, in any) answer {
	c.t.Helper()
	return c.do(http.MethodPatch, path, in)
}

// served brings all deployments of the shop to RUNNING with the settings of the moment.
func served(t *testing.T, bed *apitest.Bed, created api.CreatedSandbox) {
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
	bed.Engine.Answer(func(r *sdp.PreflightResult) { r.SHA, r.Cached = sha, true })
	before := planOf(t, me, shop)
	submitted := len(bed.Engine.Submitted())
	text := "for the release"
	out := decode[api.UpdatedSandbox](me.patch("/api/v1/sandboxes/shop", api.UpdateSandbox{Description: &text,
		Labels: map[string]string{"team": "pay"}, Variables: map[string]string{"A": "1", "B": "2"},
		Secrets: map[string]string{"TOKEN": "Marker-7"}, Expiry: &api.Expiry{IdleAfter: "72h"}}).want(http.StatusOK))
	s := out.Sandbox
	if s.Description != text || s.Labels["team"] != "pay" || s.Variables["B"] != "2" || !slices.Equal(s.SecretKeys, []string{"TOKEN"}) ||
		s.Expiry == nil || s.Expiry.IdleAfter != "72h0m0s" || s.Environment != "dev" {
		t.Errorf("sandbox %+v", s)
	}
	if !slices.Equal(out.Behind, []string{"account", "gateway"}) || len(bed.Engine.Submitted()) != submitted {
		t.Errorf("behind %q", out.Behind)
	}
	if p := planOf(t, me, shop); p.Hash == before.Hash || plannedService(t, p, "account").Action != "restart" {
		t.Errorf("the secret is not seen by the plan: %+v", p)
	}
	me.put("/api/v1/sandboxes/shop", api.ApplySandbox{Spec: shop, Plan: before.Hash}).problem(http.StatusConflict, "plan-stale")

	answer := me.patch("/api/v1/sandboxes/shop", api.UpdateSandbox{Unset: []string{"A", "TOKEN"}, UnsetLabels: []string{"team"}}).want(http.StatusOK)
	if s := decode[api.UpdatedSandbox](answer).Sandbox; s.Variables["A"] != "" || s.Variables["B"] != "2" || len(s.SecretKeys) > 0 || len(s.Labels) > 0 {
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
	set := api.UpdateSandbox{Secrets: map[string]string{"TOKEN": "Marker-7"}}
	me.patch("/api/v1/sandboxes/shop", set).want(http.StatusOK)
	served(t, bed, created)
	if out := decode[api.UpdatedSandbox](me.patch("/api/v1/sandboxes/shop", set).want(http.StatusOK)); len(out.Behind) > 0 {
		t.Errorf("behind %q", out.Behind)
	}
}

func TestBadSettings(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	createShop(t, me)
	nowhere, one := "nowhere", 99
	before := decode[api.Sandbox](me.get("/api/v1/sandboxes/shop"))
	for name, c := range map[string]struct {
		in     api.UpdateSandbox
		status int
		code   string
	}{
		"unknown environment":   {api.UpdateSandbox{Environment: &nowhere}, http.StatusNotFound, "unknown-environment"},
		"unknown version":       {api.UpdateSandbox{EnvironmentVersion: &one}, http.StatusNotFound, "unknown-version"},
		"variable's name":       {api.UpdateSandbox{Variables: map[string]string{"a-b": "x"}}, http.StatusBadRequest, "bad-variable"},
		"secret's name":         {api.UpdateSandbox{Secrets: map[string]string{"a-b": "Marker"}}, http.StatusBadRequest, "bad-variable"},
		"both":                  {api.UpdateSandbox{Variables: map[string]string{"A": "x"}, Secrets: map[string]string{"A": "Marker"}}, http.StatusBadRequest, "variable-twice"},
		"large secret":          {api.UpdateSandbox{Secrets: map[string]string{"A": strings.Repeat("x", sdp.MaxValue+1)}}, http.StatusBadRequest, "bad-value"},
		"nothing to unset":      {api.UpdateSandbox{Unset: []string{"NOPE"}}, http.StatusNotFound, "unknown-variable"},
		"no such label":         {api.UpdateSandbox{UnsetLabels: []string{"nope"}}, http.StatusNotFound, "unknown-label"},
		"label":                 {api.UpdateSandbox{Labels: map[string]string{"a b": "x"}}, http.StatusBadRequest, "bad-label"},
		"span":                  {api.UpdateSandbox{Expiry: &api.Expiry{IdleAfter: "soon"}}, http.StatusBadRequest, "bad-duration"},
		"little memory":         {api.UpdateSandbox{Limits: &api.SandboxLimits{Container: &api.Limits{Memory: 5}}}, http.StatusBadRequest, "bad-limit"},
		"more than it may have": {api.UpdateSandbox{Limits: &api.SandboxLimits{Container: &api.Limits{CPUs: 1}, Total: &api.Limits{CPUs: 1}}}, http.StatusBadRequest, "limit-above-total"},
	} {
		t.Run(name, func(t *testing.T) {
			a := me.patch("/api/v1/sandboxes/shop", c.in)
			if p := a.problem(c.status, c.code); p.Remedy == "" || strings.Contains(string(a.body), "Marker") {
				t.Errorf("problem %s", a.body)
			}
		})
	}
	if after := decode[api.Sandbox](me.get("/api/v1/sandboxes/shop")); after.RouteVersion != before.RouteVersion || len(after.Variables) > 0 {
		t.Errorf("something was done: %+v", after)
	}
	me.put("/api/v1/sandboxes/other", api.ApplySandbox{Spec: shop}).problem(http.StatusBadRequest, "other-sandbox")
}

func TestDefinitionOfASandboxChangesNothing(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	served(t, bed, createShop(t, me))
	bed.Engine.Answer(func(r *sdp.PreflightResult) { r.SHA = sha })
	spec := decode[api.SandboxSpec](me.get("/api/v1/sandboxes/shop/definition").want(http.StatusOK))
	if spec.Gateway == nil || spec.Gateway.Branch != "main" || spec.Services["account"].Branch != "feature/login" || !spec.Services["user"].UseOCP {
		t.Errorf("definition %+v", spec)
	}
	if p := planOf(t, me, spec); p.Changes {
		t.Errorf("plan %+v", p)
	}
	pinned := decode[api.SandboxSpec](me.get("/api/v1/sandboxes/shop/definition?pinned=true").want(http.StatusOK))
	if pinned.Services["account"].Commit != sha {
		t.Errorf("pinned %+v", pinned)
	}
}
