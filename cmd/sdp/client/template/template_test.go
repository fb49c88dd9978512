package template

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"sdp/api/rest"
	"sdp/cmd/sdp/client/specfile"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

func templateIn(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "template.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const shopFile = `template: shop
description: for testers
parameters:
  branch:
    description: of account
    default: main
    pattern: main|feature/.+
  gw:
sandbox:
  description: ${branch}
  limits:
    container:
      memory: 512M
  expiry:
    idle_after: 72h
  gateway:
    branch: ${gw}
  services:
    account:
      branch: ${branch}
    user:
      use_ocp: true
`

func TestTemplateFile(t *testing.T) {
	got, err := templateRequest("shop", templateIn(t, shopFile), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	main := "main"
	want := rest.CreateTemplate{Name: "shop", Description: "for testers",
		Parameters: []rest.TemplateParameter{{Name: "branch", Description: "of account", Default: &main, Pattern: "main|feature/.+"}, {Name: "gw"}},
		Spec: &rest.TemplateSpec{Description: "${branch}", Limits: sdp.SandboxLimits{Container: sdp.Limits{Memory: 512 << 20}},
			Expiry: sdp.Expiry{IdleAfter: "72h0m0s"}, Gateway: &sdp.GatewaySpec{Branch: "${gw}"},
			Services: map[string]sdp.ServiceSpec{"account": {Branch: "${branch}"}, "user": {UseOCP: true}}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	file := specfile.TemplateOf(rest.Template{Name: got.Name, Description: got.Description, Parameters: got.Parameters, Spec: *got.Spec})
	var text strings.Builder
	if err := file.Write(&text); err != nil {
		t.Fatal(err)
	}
	again, err := templateRequest("shop", templateIn(t, text.String()), "", nil)
	if err != nil || !reflect.DeepEqual(again, want) {
		t.Errorf("what was exported reads as %+v, %v\n%s", again, err, text.String())
	}
}

func TestWrongTemplateFilesNameLineAndRemedy(t *testing.T) {
	for text, want := range map[string]string{
		"parameters: {}\n":                        "the template has no sandbox",
		"sandbox:\n  sandbox: x\n":                "template.yaml:2: a template's sandbox has no name",
		"sandbox:\n  services:\n    account:\n":   "template.yaml:3: services.account says 0 of branch",
		"sandbox:\n  servces: {}\n":               `template.yaml:2: unknown key "sandbox.servces"; did you mean "services"?`,
		"sandbox: {}\nsandbox: {}\n":              "template.yaml:2: ",
		"parameters:\n  a: {patern: x}\n":         `template.yaml:2: unknown key "parameters.a.patern"; did you mean "pattern"?`,
		"template: other\nsandbox:\n  labels: {}": `"shop" on the command line and "other"`,
	} {
		_, err := templateRequest("shop", templateIn(t, text), "", nil)
		if !usage.Is(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func TestTemplateArguments(t *testing.T) {
	got, err := templateRequest("shop", "", "checkout", []string{"branch=account", "env=environment"})
	if err != nil || got.FromSandbox != "checkout" || !reflect.DeepEqual(got.Places, []rest.TemplatePlace{{Parameter: "branch", At: "account"}, {Parameter: "env", At: "environment"}}) {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, c := range []struct {
		name, file, from string
		places           []string
	}{{"shop", "", "", nil}, {"shop", "x", "y", nil}, {"shop", "x", "", []string{"a=b"}}, {"shop", "", "y", []string{"a"}}, {"Shop", "", "y", nil}} {
		if _, err := templateRequest(c.name, c.file, c.from, c.places); !usage.Is(err) {
			t.Errorf("%+v: got %v", c, err)
		}
	}
	if values, err := parseValues([]string{"a=b=c", "d="}); err != nil || !reflect.DeepEqual(values, map[string]string{"a": "b=c", "d": ""}) {
		t.Errorf("got %v, %v", values, err)
	}
	for _, args := range [][]string{{"a"}, {"=b"}, {"a=1", "a=2"}} {
		if _, err := parseValues(args); !usage.Is(err) {
			t.Errorf("%v: got %v", args, err)
		}
	}
}

func TestTemplateOfTheDocumentationLoads(t *testing.T) {
	raw, err := os.ReadFile("../../../../docs/sandboxes.md")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(string(raw))
	if m == nil {
		t.Fatal("docs/sandboxes.md has no template.yaml")
	}
	in, err := templateRequest("loyalty", templateIn(t, m[1]), "", nil)
	if err != nil || len(in.Parameters) != 2 || in.Spec.Services["account"].Branch != "${branch}" {
		t.Errorf("got %+v, %v", in, err)
	}
}
