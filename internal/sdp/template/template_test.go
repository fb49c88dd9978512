package template

import (
	"maps"
	"reflect"
	"strings"
	"testing"

	"sdp/internal/sdp"
)

const shopTemplate = `{"description":"${branch} for ${sandbox}, costs $${5}","services":{
	"account":{"branch":"${branch}","limits":{"memory":1073741824}},"user":{"url":"http://${host}/x"}}}`

func text(s string) *string { return &s }

func shopOf(spec string, parameters ...Parameter) Template {
	return Template{Name: "shop", Spec: []byte(spec), Parameters: parameters}
}

func TestRender(t *testing.T) {
	shop := shopOf(shopTemplate, Parameter{Name: "branch", Pattern: "feature/.*|main", Default: text("main")},
		Parameter{Name: "host", Choices: []string{"a", "b"}})
	if err := shop.Check(); err != nil {
		t.Fatal(err)
	}
	got, err := shop.Render("mine", map[string]string{"branch": "feature/${host}", "host": "b"})
	if err != nil {
		t.Fatal(err)
	}
	want := sdp.SandboxSpec{Name: "mine", Description: "feature/${host} for mine, costs ${5}", Services: map[string]sdp.ServiceSpec{
		"account": {Branch: "feature/${host}", Limits: sdp.Limits{Memory: 1 << 30}}, "user": {URL: "http://b/x"}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
	if got, err = shop.Render("mine", map[string]string{"host": "a"}); err != nil || got.Services["account"].Branch != "main" {
		t.Errorf("the default: %+v, %v", got, err)
	}
}

func TestValuesThatATemplateRefuses(t *testing.T) {
	shop := shopOf(shopTemplate, Parameter{Name: "branch", Pattern: "feature/.*|main", Description: "a feature branch"},
		Parameter{Name: "host", Choices: []string{"a", "b"}})
	for code, values := range map[string]map[string]string{
		"unknown-parameter":   {"branch": "main", "host": "a", "brunch": "x"},
		"missing-parameter":   {"branch": "main"},
		"pattern-mismatch":    {"branch": "mainline", "host": "a"},
		"not-a-choice":        {"branch": "main", "host": "c"},
		"bad-parameter-value": {"branch": "feature/" + strings.Repeat("x", MaxParameterValue), "host": "a"},
	} {
		_, err := shop.Render("mine", values)
		if e := sdp.AsError(err); e.Code != code || e.Kind != sdp.Invalid || e.Remedy == "" {
			t.Errorf("%s: got %+v", code, e)
		}
	}
	_, err := shop.Render("mine", map[string]string{"branch": "x\nmain", "host": "a"})
	if sdp.AsError(err).Code != "pattern-mismatch" {
		t.Errorf("a value of several lines: %v", err)
	}
	_, err = shop.Render("mine", map[string]string{"brunch": "main"})
	if !strings.Contains(err.Error(), "did you mean branch?") {
		t.Errorf("got %v", err)
	}
}

func TestTemplatesThatAreRefused(t *testing.T) {
	branch := Parameter{Name: "branch"}
	used := `{"services":{"account":{"branch":"${branch}"}}}`
	many := make([]Parameter, MaxParameters+1)
	for name, c := range map[string]struct {
		template Template
		code     string
	}{
		"undeclared":           {shopOf(`{"description":"${brunch} ${branch}"}`, branch), "undeclared-parameter"},
		"unused":               {shopOf(used, branch, Parameter{Name: "host"}), "unused-parameter"},
		"escaped is no use":    {shopOf(`{"description":"$${branch}"}`, branch), "unused-parameter"},
		"twice":                {shopOf(used, branch, branch), "parameter-twice"},
		"name":                 {shopOf(used, Parameter{Name: "Branch"}), "bad-parameter"},
		"reserved":             {shopOf(`{"description":"${sandbox}"}`, Parameter{Name: "sandbox"}), "bad-parameter"},
		"open":                 {shopOf(`{"description":"${branch"}`, branch), "bad-placeholder"},
		"bad placeholder":      {shopOf(`{"description":"${A B}"}`, branch), "bad-placeholder"},
		"in a name":            {shopOf(`{"services":{"${branch}":{"useOCP":true}}}`, branch), "placeholder-in-name"},
		"pattern":              {shopOf(used, Parameter{Name: "branch", Pattern: "a)("}), "bad-pattern"},
		"default and pattern":  {shopOf(used, Parameter{Name: "branch", Pattern: "a|b", Default: text("ab")}), "pattern-mismatch"},
		"default and choices":  {shopOf(used, Parameter{Name: "branch", Choices: []string{"a"}, Default: text("b")}), "not-a-choice"},
		"choice and pattern":   {shopOf(used, Parameter{Name: "branch", Pattern: "a", Choices: []string{"b"}}), "pattern-mismatch"},
		"choice twice":         {shopOf(used, Parameter{Name: "branch", Choices: []string{"b", "b"}}), "choice-twice"},
		"too many":             {shopOf(used, many...), "too-many-parameters"},
		"no JSON":              {shopOf(`{`, branch), "bad-template"},
		"default with newline": {shopOf(used, Parameter{Name: "branch", Default: text("\x00")}), "bad-parameter-value"},
	} {
		err := c.template.Check()
		if e := sdp.AsError(err); err == nil || e.Code != c.code || e.Kind != sdp.Invalid || e.Remedy == "" {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestATemplateDoesNotFillTheMemory(t *testing.T) {
	long := Parameter{Name: "x"}
	bomb := shopOf(`{"description":"`+strings.Repeat("${x}", 2000)+`"}`, long)
	_, err := bomb.Render("mine", map[string]string{"x": strings.Repeat("x", MaxParameterValue)})
	if sdp.AsError(err).Code != "template-too-big" {
		t.Errorf("got %v", err)
	}
}

func TestParameterize(t *testing.T) {
	spec := []byte(`{"environment":"dev","variables":{"COST":"${5}"},"labels":{"team.lead":"ann"},
		"gateway":{"branch":"main"},"services":{"account":{"branch":"x"},"user":{"branch":"y"},"rates":{"useOCP":true}}}`)
	raw, was, err := Parameterize(spec, []Place{{"branch", "account"}, {"branch", "services.user.branch"}, {"gw", "gateway"},
		{"env", "environment"}, {"lead", "labels.team.lead"}})
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]string{"gw": "main", "env": "dev", "lead": "ann"}; !maps.Equal(was, want) {
		t.Errorf("replaced %v, want %v", was, want)
	}
	back := shopOf(string(raw), Parameter{Name: "branch"}, Parameter{Name: "gw"}, Parameter{Name: "env"}, Parameter{Name: "lead"})
	if err := back.Check(); err != nil {
		t.Fatal(err)
	}
	again, err := back.Render("s", map[string]string{"branch": "x", "gw": "main", "env": "dev", "lead": "ann"})
	if err != nil || again.Variables["COST"] != "${5}" || again.Services["user"].Branch != "x" {
		t.Errorf("rendered %+v, %v", again, err)
	}
	for code, places := range map[string][]Place{
		"unknown-place": {{"branch", "acount"}},
		"place-twice":   {{"a", "account"}, {"b", "services.account.branch"}},
	} {
		if _, _, err := Parameterize(spec, places); sdp.AsError(err).Code != code {
			t.Errorf("%s: got %v", code, err)
		}
	}
}

func TestParameterizedBranchIsNotPinned(t *testing.T) {
	spec := []byte(`{"gateway":{"branch":"main","commit":"c1"},"services":{"account":{"branch":"x","commit":"c2"},"user":{"branch":"y","commit":"c3"}}}`)
	raw, _, err := Parameterize(spec, []Place{{"branch", "account"}, {"gw", "gateway"}})
	const want = `{"gateway":{"branch":"${gw}"},"services":{"account":{"branch":"${branch}"},"user":{"branch":"y","commit":"c3"}}}`
	if err != nil || string(raw) != want {
		t.Errorf("%s, %v; want %s", raw, err, want)
	}
}
