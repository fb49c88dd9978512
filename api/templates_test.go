package api_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"

	"sdp/api/apitest"
	"sdp/api/rest"
	"sdp/internal/sdp"
)

func ptr[T any](v T) *T { return &v }

var shopTemplate = rest.CreateTemplate{
	Name: "shop", Description: "the shop's services",
	Parameters: []rest.TemplateParameter{
		{Name: "branch", Description: "of account", Pattern: "main|feature/.+"},
		{Name: "gateway", Default: ptr("main"), Choices: []string{"main", "next"}},
	},
	Spec: &rest.TemplateSpec{
		Description: "${branch} for ${sandbox}", Environment: "dev", Variables: map[string]string{"PRICE": "$${5}"},
		Gateway:  &sdp.GatewaySpec{Branch: "${gateway}"},
		Services: map[string]sdp.ServiceSpec{"account": {Branch: "${branch}"}, "user": {UseOCP: true}},
	},
}

func TestTemplateLife(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	made := decode[rest.Template](me.post("/api/v1/templates", shopTemplate).want(http.StatusCreated))
	if made.Owner != apitest.User || !reflect.DeepEqual(made.Spec, *shopTemplate.Spec) || !reflect.DeepEqual(made.Parameters, shopTemplate.Parameters) {
		t.Errorf("made %+v", made)
	}
	me.post("/api/v1/templates", shopTemplate).problem(http.StatusConflict, "template-exists")

	created := decode[rest.CreatedSandbox](me.post("/api/v1/templates/shop/sandboxes",
		rest.UseTemplate{Name: "mine", Parameters: map[string]string{"branch": "feature/login"}}).want(http.StatusAccepted))
	s := created.Sandbox
	if s.Name != "mine" || s.Description != "feature/login for mine" || s.Variables["PRICE"] != "${5}" || s.Environment != "dev" ||
		s.Gateway != "gateway" || len(created.Deployments) != 2 || s.Owner != apitest.User {
		t.Errorf("created %+v", created)
	}
	events := audited(t, me, "sandbox.create")
	if len(events) != 1 || events[0].Sandbox != "mine" || events[0].Detail != "from template shop" || events[0].Operation != created.Operation.ID {
		t.Errorf("audit %+v", events)
	}
	rendered := decode[sdp.SandboxSpec](me.post("/api/v1/templates/shop/render",
		rest.UseTemplate{Name: "other", Parameters: map[string]string{"branch": "main"}}).want(http.StatusOK))
	if rendered.Name != "other" || rendered.Services["account"].Branch != "main" || rendered.Gateway.Branch != "main" {
		t.Errorf("rendered %+v", rendered)
	}

	changed := decode[rest.Template](me.put("/api/v1/templates/shop", rest.UpdateTemplate{Description: "less",
		Spec: rest.TemplateSpec{Services: map[string]sdp.ServiceSpec{"user": {UseOCP: true}}}}).want(http.StatusOK))
	if changed.Description != "less" || len(changed.Parameters) != 0 || len(changed.Spec.Services) != 1 || changed.Owner != apitest.User {
		t.Errorf("changed %+v", changed)
	}
	if list := decode[rest.Page[rest.Template]](me.get("/api/v1/templates").want(http.StatusOK)).Items; len(list) != 1 || list[0].Description != "less" {
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
	use := func(name string, values ...string) rest.UseTemplate {
		in := rest.UseTemplate{Name: name, Parameters: map[string]string{}}
		for i := 0; i < len(values); i += 2 {
			in.Parameters[values[i]] = values[i+1]
		}
		return in
	}
	for _, c := range []struct {
		in     rest.UseTemplate
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
	if list := decode[rest.Page[rest.Sandbox]](me.get("/api/v1/sandboxes")).Items; len(list) != 1 {
		t.Errorf("left behind: %+v", list)
	}
}

// TestTemplatesNoSandboxCouldBeMadeFrom checks what is known at the creation already.
func TestTemplatesNoSandboxCouldBeMadeFrom(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	account := func(v sdp.ServiceSpec) *rest.TemplateSpec {
		return &rest.TemplateSpec{Services: map[string]sdp.ServiceSpec{"account": v}}
	}
	branch := rest.TemplateParameter{Name: "branch"}
	for name, c := range map[string]struct {
		in     any
		status int
		code   string
	}{
		"undeclared":        {rest.CreateTemplate{Name: "x", Spec: account(sdp.ServiceSpec{Branch: "${brunch}"})}, 400, "undeclared-parameter"},
		"unused":            {rest.CreateTemplate{Name: "x", Spec: account(sdp.ServiceSpec{Branch: "main"}), Parameters: []rest.TemplateParameter{branch}}, 400, "unused-parameter"},
		"bad pattern":       {rest.CreateTemplate{Name: "x", Spec: account(sdp.ServiceSpec{Branch: "${branch}"}), Parameters: []rest.TemplateParameter{{Name: "branch", Pattern: "("}}}, 400, "bad-pattern"},
		"bad default":       {rest.CreateTemplate{Name: "x", Spec: account(sdp.ServiceSpec{Branch: "${branch}"}), Parameters: []rest.TemplateParameter{{Name: "branch", Default: ptr("a..b")}}}, 400, "bad-branch"},
		"bad choice":        {rest.CreateTemplate{Name: "x", Spec: account(sdp.ServiceSpec{URL: "${branch}"}), Parameters: []rest.TemplateParameter{{Name: "branch", Choices: []string{"no-url"}}}}, 400, "bad-url"},
		"two asked":         {rest.CreateTemplate{Name: "x", Spec: account(sdp.ServiceSpec{Branch: "${branch}", UseOCP: true}), Parameters: []rest.TemplateParameter{branch}}, 400, "bad-service"},
		"unknown service":   {rest.CreateTemplate{Name: "x", Spec: &rest.TemplateSpec{Services: map[string]sdp.ServiceSpec{"acount": {Branch: "main"}}}}, 404, "repository-not-found"},
		"unknown env":       {rest.CreateTemplate{Name: "x", Spec: &rest.TemplateSpec{Environment: "nope"}}, 404, "unknown-environment"},
		"bad name":          {rest.CreateTemplate{Name: "X", Spec: account(sdp.ServiceSpec{Branch: "main"})}, 400, "bad-name"},
		"neither":           {rest.CreateTemplate{Name: "x"}, 400, "bad-template"},
		"both":              {rest.CreateTemplate{Name: "x", FromSandbox: "shop", Spec: account(sdp.ServiceSpec{Branch: "main"})}, 400, "bad-template"},
		"no such sandbox":   {rest.CreateTemplate{Name: "x", FromSandbox: "nope"}, 404, "sandbox-not-found"},
		"a name is no part": {`{"name":"x","spec":{"name":"y"}}`, 400, "bad-request"},
	} {
		t.Run(name, func(t *testing.T) {
			if p := me.post("/api/v1/templates", c.in).problem(c.status, c.code); p.Remedy == "" {
				t.Error("no remedy")
			}
		})
	}
	if list := decode[rest.Page[rest.Template]](me.get("/api/v1/templates")).Items; len(list) != 0 {
		t.Errorf("left behind: %+v", list)
	}
	// What only a value decides is left to its use.
	late := rest.CreateTemplate{Name: "late", Spec: &rest.TemplateSpec{Environment: "${env}", EnvironmentVersion: 2,
		Expiry: sdp.Expiry{IdleAfter: "${idle}"}, Services: map[string]sdp.ServiceSpec{"account": {URL: "http://${host}/x"}}},
		Parameters: []rest.TemplateParameter{{Name: "env"}, {Name: "host", Pattern: "[a-z]+"}, {Name: "idle"}}}
	me.post("/api/v1/templates", late).want(http.StatusCreated)
	me.post("/api/v1/templates/late/sandboxes", rest.UseTemplate{Name: "y", Parameters: map[string]string{"env": "dev", "host": "h", "idle": "soon"}}).
		problem(http.StatusBadRequest, "bad-duration")
}

func TestTemplateFromASandbox(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	createShop(t, me)
	in := rest.CreateTemplate{Name: "like-shop", FromSandbox: "shop",
		Places:     []rest.TemplatePlace{{Parameter: "branch", At: "account"}, {Parameter: "gw", At: "gateway.branch"}},
		Parameters: []rest.TemplateParameter{{Name: "gw", Choices: []string{"main", "next"}}}}
	made := decode[rest.Template](me.post("/api/v1/templates", in).want(http.StatusCreated))
	want := []rest.TemplateParameter{{Name: "gw", Choices: []string{"main", "next"}, Default: ptr("main")}, {Name: "branch", Default: ptr("feature/login")}}
	if !reflect.DeepEqual(made.Parameters, want) || made.Spec.Services["account"].Branch != "${branch}" || made.Spec.Gateway.Branch != "${gw}" {
		t.Errorf("made %+v", made)
	}
	again := decode[rest.CreatedSandbox](me.post("/api/v1/templates/like-shop/sandboxes", rest.UseTemplate{Name: "again"}).want(http.StatusAccepted))
	if len(again.Deployments) != 2 || len(again.Sandbox.Services) != 3 {
		t.Errorf("again %+v", again)
	}
	in.Name, in.Places[0].At = "bad", "acount"
	p := me.post("/api/v1/templates", in).problem(http.StatusBadRequest, "unknown-place")
	if !strings.Contains(p.Remedy, "services.account.branch") {
		t.Errorf("remedy %q", p.Remedy)
	}
}
