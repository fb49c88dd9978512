package api_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"

	"sdp/api"
	"sdp/api/apitest"
)

func ptr[T any](v T) *T { return &v }

var shopTemplate = api.CreateTemplate{
	Name: "shop", Description: "the shop's services",
	Parameters: []api.TemplateParameter{
		{Name: "branch", Description: "of account", Pattern: "main|feature/.+"},
		{Name: "gateway", Default: ptr("main"), Choices: []string{"main", "next"}},
	},
	Spec: &api.TemplateSpec{
		Description: "${branch} for ${sandbox}", Environment: "dev", Variables: map[string]string{"PRICE": "$${5}"},
		Gateway:  &api.GatewaySpec{Branch: "${gateway}"},
		Services: map[string]api.ServiceSpec{"account": {Branch: "${branch}"}, "user": {UseOCP: true}},
	},
}

func TestTemplateLife(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	made := decode[api.Template](me.post("/api/v1/templates", shopTemplate).want(http.StatusCreated))
	if made.Owner != apitest.User || !reflect.DeepEqual(made.Spec, *shopTemplate.Spec) || !reflect.DeepEqual(made.Parameters, shopTemplate.Parameters) {
		t.Errorf("made %+v", made)
	}
	me.post("/api/v1/templates", shopTemplate).problem(http.StatusConflict, "template-exists")

	created := decode[api.CreatedSandbox](me.post("/api/v1/templates/shop/sandboxes",
		api.UseTemplate{Name: "mine", Parameters: map[string]string{"branch": "feature/login"}}).want(http.StatusAccepted))
	s := created.Sandbox
	if s.Name != "mine" || s.Description != "feature/login for mine" || s.Variables["PRICE"] != "${5}" || s.Environment != "dev" ||
		s.Gateway != "gateway" || len(created.Deployments) != 2 || s.Owner != apitest.User {
		t.Errorf("created %+v", created)
	}
	events := audited(t, me, "sandbox.create")
	if len(events) != 1 || events[0].Sandbox != "mine" || events[0].Detail != "from template shop" || events[0].Operation != created.Operation.ID {
		t.Errorf("audit %+v", events)
	}
	rendered := decode[api.SandboxSpec](me.post("/api/v1/templates/shop/render",
		api.UseTemplate{Name: "other", Parameters: map[string]string{"branch": "main"}}).want(http.StatusOK))
	if rendered.Name != "other" || rendered.Services["account"].Branch != "main" || rendered.Gateway.Branch != "main" {
		t.Errorf("rendered %+v", rendered)
	}

	changed := decode[api.Template](me.put("/api/v1/templates/shop", api.UpdateTemplate{Description: "less",
		Spec: api.TemplateSpec{Services: map[string]api.ServiceSpec{"user": {UseOCP: true}}}}).want(http.StatusOK))
	if changed.Description != "less" || len(changed.Parameters) != 0 || len(changed.Spec.Services) != 1 || changed.Owner != apitest.User {
		t.Errorf("changed %+v", changed)
	}
	if list := decode[api.Page[api.Template]](me.get("/api/v1/templates").want(http.StatusOK)).Items; len(list) != 1 || list[0].Description != "less" {
		t.Errorf("list %+v", list)
	}
	me.delete("/api/v1/templates/shop").want(http.StatusNoContent)
	me.get("/api/v1/templates/shop").problem(http.StatusNotFound, "template-not-found")
	me.delete("/api/v1/templates/shop").problem(http.StatusNotFound, "template-not-found")
	for action, outcome := range map[string]string{"template.create": "refused", "template.update": "succeeded", "template.delete": "refused"} {
		if events := audited(t, me, action); len(events) == 0 || events[0].Outcome != outcome {
			t.Errorf("%s: %+v", action, events)
		}
	}
}

func TestUsesOfATemplateThatAreRefused(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	me.post("/api/v1/templates", shopTemplate).want(http.StatusCreated)
	createShop(t, me)
	use := func(name string, values ...string) api.UseTemplate {
		in := api.UseTemplate{Name: name, Parameters: map[string]string{}}
		for i := 0; i < len(values); i += 2 {
			in.Parameters[values[i]] = values[i+1]
		}
		return in
	}
	for _, c := range []struct {
		in     api.UseTemplate
		status int
		code   string
	}{
		{use("mine"), 400, "missing-parameter"},
		{use("mine", "branch", "bugfix/x"), 400, "pattern-mismatch"},
		{use("mine", "branch", "main", "gateway", "other"), 400, "not-a-choice"},
		{use("mine", "branch", "main", "brunch", "main"), 400, "unknown-parameter"},
		{use("Mine", "branch", "main"), 400, "bad-name"},
		{use("mine", "branch", "feature/a..b"), 400, "bad-branch"},
		{use("shop", "branch", "main"), 409, "sandbox-exists"},
	} {
		if p := me.post("/api/v1/templates/shop/sandboxes", c.in).problem(c.status, c.code); p.Remedy == "" {
			t.Errorf("%s: no remedy", c.code)
		}
	}
	me.post("/api/v1/templates/ship/sandboxes", use("mine")).problem(http.StatusNotFound, "template-not-found")
	if list := decode[api.Page[api.Sandbox]](me.get("/api/v1/sandboxes")).Items; len(list) != 1 {
		t.Errorf("left behind: %+v", list)
	}
}

// TestTemplatesNoSandboxCouldBeMadeFrom checks what is known at the creation already.
func TestTemplatesNoSandboxCouldBeMadeFrom(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	account := func(v api.ServiceSpec) *api.TemplateSpec {
		return &api.TemplateSpec{Services: map[string]api.ServiceSpec{"account": v}}
	}
	branch := api.TemplateParameter{Name: "branch"}
	for name, c := range map[string]struct {
		in     any
		status int
		code   string
	}{
		"undeclared":        {api.CreateTemplate{Name: "x", Spec: account(api.ServiceSpec{Branch: "${brunch}"})}, 400, "undeclared-parameter"},
		"unused":            {api.CreateTemplate{Name: "x", Spec: account(api.ServiceSpec{Branch: "main"}), Parameters: []api.TemplateParameter{branch}}, 400, "unused-parameter"},
		"bad pattern":       {api.CreateTemplate{Name: "x", Spec: account(api.ServiceSpec{Branch: "${branch}"}), Parameters: []api.TemplateParameter{{Name: "branch", Pattern: "("}}}, 400, "bad-pattern"},
		"bad default":       {api.CreateTemplate{Name: "x", Spec: account(api.ServiceSpec{Branch: "${branch}"}), Parameters: []api.TemplateParameter{{Name: "branch", Default: ptr("a..b")}}}, 400, "bad-branch"},
		"bad choice":        {api.CreateTemplate{Name: "x", Spec: account(api.ServiceSpec{URL: "${branch}"}), Parameters: []api.TemplateParameter{{Name: "branch", Choices: []string{"no-url"}}}}, 400, "bad-url"},
		"two asked":         {api.CreateTemplate{Name: "x", Spec: account(api.ServiceSpec{Branch: "${branch}", UseOCP: true}), Parameters: []api.TemplateParameter{branch}}, 400, "bad-service"},
		"unknown service":   {api.CreateTemplate{Name: "x", Spec: &api.TemplateSpec{Services: map[string]api.ServiceSpec{"acount": {Branch: "main"}}}}, 404, "repository-not-found"},
		"unknown env":       {api.CreateTemplate{Name: "x", Spec: &api.TemplateSpec{Environment: "nope"}}, 404, "unknown-environment"},
		"bad name":          {api.CreateTemplate{Name: "X", Spec: account(api.ServiceSpec{Branch: "main"})}, 400, "bad-name"},
		"neither":           {api.CreateTemplate{Name: "x"}, 400, "bad-template"},
		"both":              {api.CreateTemplate{Name: "x", FromSandbox: "shop", Spec: account(api.ServiceSpec{Branch: "main"})}, 400, "bad-template"},
		"no such sandbox":   {api.CreateTemplate{Name: "x", FromSandbox: "nope"}, 404, "sandbox-not-found"},
		"a name is no part": {`{"name":"x","spec":{"name":"y"}}`, 400, "bad-request"},
	} {
		t.Run(name, func(t *testing.T) {
			if p := me.post("/api/v1/templates", c.in).problem(c.status, c.code); p.Remedy == "" {
				t.Error("no remedy")
			}
		})
	}
	if list := decode[api.Page[api.Template]](me.get("/api/v1/templates")).Items; len(list) != 0 {
		t.Errorf("left behind: %+v", list)
	}
	// What only a value decides is left to its use.
	late := api.CreateTemplate{Name: "late", Spec: &api.TemplateSpec{Environment: "${env}", EnvironmentVersion: 2,
		Expiry: &api.Expiry{IdleAfter: "${idle}"}, Services: map[string]api.ServiceSpec{"account": {URL: "http://${host}/x"}}},
		Parameters: []api.TemplateParameter{{Name: "env"}, {Name: "host", Pattern: "[a-z]+"}, {Name: "idle"}}}
	me.post("/api/v1/templates", late).want(http.StatusCreated)
	me.post("/api/v1/templates/late/sandboxes", api.UseTemplate{Name: "y", Parameters: map[string]string{"env": "dev", "host": "h", "idle": "soon"}}).
		problem(http.StatusBadRequest, "bad-duration")
}

func TestTemplateFromASandbox(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	createShop(t, me)
	in := api.CreateTemplate{Name: "like-shop", FromSandbox: "shop",
		Places:     []api.TemplatePlace{{Parameter: "branch", At: "account"}, {Parameter: "gw", At: "gateway.branch"}},
		Parameters: []api.TemplateParameter{{Name: "gw", Choices: []string{"main", "next"}}}}
	made := decode[api.Template](me.post("/api/v1/templates", in).want(http.StatusCreated))
	want := []api.TemplateParameter{{Name: "gw", Choices: []string{"main", "next"}, Default: ptr("main")}, {Name: "branch", Default: ptr("feature/login")}}
	if !reflect.DeepEqual(made.Parameters, want) || made.Spec.Services["account"].Branch != "${branch}" || made.Spec.Gateway.Branch != "${gw}" {
		t.Errorf("made %+v", made)
	}
	again := decode[api.CreatedSandbox](me.post("/api/v1/templates/like-shop/sandboxes", api.UseTemplate{Name: "again"}).want(http.StatusAccepted))
	if len(again.Deployments) != 2 || len(again.Sandbox.Services) != 3 {
		t.Errorf("again %+v", again)
	}
	in.Name, in.Places[0].At = "bad", "acount"
	p := me.post("/api/v1/templates", in).problem(http.StatusBadRequest, "unknown-place")
	if !strings.Contains(p.Remedy, "services.account.branch") {
		t.Errorf("remedy %q", p.Remedy)
	}
}
