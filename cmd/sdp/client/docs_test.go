package client

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"sdp/api"
	"sdp/cmd/sdp/usage"
)

func TestExampleOfTheDocumentationLoads(t *testing.T) {
	raw, err := os.ReadFile("../../../docs/configuration.md")
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
	in, err := new(App).createRequest(createFlags{file: path}, "checkout")
	if err != nil || in.Gateway.Branch != "main" || len(in.Services) != 3 || in.Environment != "dev" {
		t.Errorf("got %+v, %v", in, err)
	}
}

// TestDocumentedSandboxFileLoads also writes it and reads it again: nothing may get lost.
func TestDocumentedSandboxFileLoads(t *testing.T) {
	raw, err := os.ReadFile("../../../docs/sandbox-file.md")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(string(raw))
	if m == nil {
		t.Fatal("docs/sandbox-file.md has no sandbox.yaml")
	}
	load := func(text string) api.SandboxSpec {
		in, err := (&App{In: strings.NewReader(text)}).definition("-", nil)
		if err != nil {
			t.Fatal(err)
		}
		return in
	}
	in := load(m[1])
	var again strings.Builder
	if err := fileOf(in).write(&again); err != nil {
		t.Fatal(err)
	}
	if got := load(again.String()); !reflect.DeepEqual(got, in) {
		t.Errorf("written and read again it is\n%+v, was\n%+v\n%s", got, in, again.String())
	}
	for key := range fieldsIn(reflect.TypeFor[sandboxFile]()) {
		if !strings.Contains(m[1], key+":") && key != "repository" && key != "environment_version" {
			t.Errorf("the example does not show %q", key)
		}
		if !strings.Contains(string(raw), key) {
			t.Errorf("docs/sandbox-file.md does not describe %q", key)
		}
	}
}

// fieldsIn are the YAML keys of a type and of all types in it.
func fieldsIn(t reflect.Type) map[string]bool {
	keys := map[string]bool{}
	switch t.Kind() {
	case reflect.Pointer, reflect.Map:
		return fieldsIn(t.Elem())
	case reflect.Struct:
		for f := range t.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
			keys[name] = true
			maps.Copy(keys, fieldsIn(f.Type))
		}
	}
	return keys
}

func TestWrongDefinitionsNameTheLine(t *testing.T) {
	for text, want := range map[string]string{
		"sandbox: a\nsandbox: b\n":                                             "standard input:2: key \"sandbox\" is already given in line 1",
		"sandbox: a\nservices:\n  x: {branch: m}\n  x: {branch: n}\n":          "standard input:4: key \"services.x\" is already given in line 3",
		"sandbox: a\nlimits: {container: {memory: much}}\n":                    "standard input:2: expected a size such as 512M or 1G, found \"much\"",
		"sandbox: a\nlimits: {container: {memory: 1K}}\n":                      "standard input:2: limits.container: memory is 1K",
		"sandbox: a\nexpiry: {idle_after: 1s}\n":                               "standard input:2: expiry.idleAfter is no duration",
		"sandbox: a\nvariables: {A-B: x}\n":                                    "standard input:2: \"A-B\" cannot name",
		"sandbox: a\nservices:\n  x: {branch: m, track: true, commit: 0123}\n": "standard input:3: \"0123\" is not a full commit",
		"sandbox: a\nservices:\n  x: {use_ocp: true, track: true}\n":           "standard input:3: service x is to follow a branch",
		"sandbox: a\nlabels: {a: [b]}\n":                                       "standard input:2: labels.a: expected a text",
		"description: nameless\n":                                              "does not say which sandbox",
		"sandbox: a\nenvironment_version: 3\n":                                 "standard input:2: version 3 is of no environment",
	} {
		_, err := (&App{In: strings.NewReader(text)}).definition("-", nil)
		if !usage.Is(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestTemplateOfTheDocumentationLoads(t *testing.T) {
	raw, err := os.ReadFile("../../../docs/sandboxes.md")
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
