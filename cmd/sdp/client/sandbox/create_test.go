package sandbox

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

func create(t *testing.T, text, name string, flags createFlags) (sdp.SandboxSpec, error) {
	t.Helper()
	flags.file = filepath.Join(t.TempDir(), "sandbox.yaml")
	if err := os.WriteFile(flags.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return verbs{new(cli.App)}.createRequest(flags, name)
}

func TestSandboxFile(t *testing.T) {
	got, err := create(t, `
sandbox: checkout
description: points
environment: dev
gateway: {branch: main}
services:
  account: {branch: feature/x}
  payment: {use_ocp: true}
  rates: {url: "http://10.0.0.1"}
`, "checkout", createFlags{services: []string{"user@main"}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]sdp.ServiceSpec{"account": {Branch: "feature/x"}, "payment": {UseOCP: true},
		"rates": {URL: "http://10.0.0.1"}, "user": {Branch: "main"}}
	for name := range want {
		if !reflect.DeepEqual(got.Services[name], want[name]) {
			t.Errorf("%s: got %+v", name, got.Services[name])
		}
	}
	if got.Name != "checkout" || got.Description != "points" || got.Environment != "dev" || got.Gateway.Branch != "main" {
		t.Errorf("got %+v", got)
	}
}

func TestWrongSandboxFilesNameLineAndRemedy(t *testing.T) {
	for text, want := range map[string]string{
		"services:\n  account: {brunch: x}\n":            `sandbox.yaml:2: unknown key "services.account.brunch"; did you mean "branch"?`,
		"sandbox: other\n":                               `"checkout" on the command line and "other"`,
		"services:\n  account:\n":                        "sandbox.yaml:2: services.account says 0 of branch",
		"services:\n  a: {branch: x, use_ocp: true}\n":   "sandbox.yaml:2: services.a says 2 of branch",
		"gateway: {repository: gateway}\n":               "sandbox.yaml:1: the gateway does not say what it runs",
		"environment: dev\nservices:\n  A b: {url: x}\n": "sandbox.yaml:3: service name",
	} {
		_, err := create(t, text, "checkout", createFlags{})
		if !usage.Is(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func TestExampleOfTheDocumentationLoads(t *testing.T) {
	raw, err := os.ReadFile("../../../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(raw), "\n## sandbox.yaml\n")
	m := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(text)
	if m == nil {
		t.Fatal("docs/configuration.md has no sandbox.yaml")
	}
	path := filepath.Join(t.TempDir(), "sandbox.yaml")
	if err := os.WriteFile(path, []byte(m[1]), 0o600); err != nil {
		t.Fatal(err)
	}
	in, err := verbs{new(cli.App)}.createRequest(createFlags{file: path}, "checkout")
	if err != nil || in.Gateway.Branch != "main" || len(in.Services) != 3 || in.Environment != "dev" {
		t.Errorf("got %+v, %v", in, err)
	}
}
