package specfile

import (
	"bytes"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

// TestDocumentedSandboxFileLoads also writes it and reads it again: nothing may get lost.
func TestDocumentedSandboxFileLoads(t *testing.T) {
	raw, err := os.ReadFile("../../../../docs/sandbox-file.md")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(string(raw))
	if m == nil {
		t.Fatal("docs/sandbox-file.md has no sandbox.yaml")
	}
	load := func(text string) sdp.SandboxSpec {
		in, err := Definition(&cli.App{In: strings.NewReader(text)}, "-", nil)
		if err != nil {
			t.Fatal(err)
		}
		return in
	}
	in := load(m[1])
	var again strings.Builder
	if err := Write(&again, in); err != nil {
		t.Fatal(err)
	}
	if got := load(again.String()); !reflect.DeepEqual(got, in) {
		t.Errorf("written and read again it is\n%+v, was\n%+v\n%s", got, in, again.String())
	}
	for key := range fieldsIn(reflect.TypeFor[sandboxFile]()) {
		if slices.Contains([]string{"expiry", "idle_after", "delete_after"}, key) {
			if strings.Contains(m[1], key) {
				t.Errorf("the example offers %q, which has no effect yet", key)
			}
		} else if !strings.Contains(m[1], key+":") && key != "repository" && key != "environment_version" {
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
		"sandbox: a\nexpiry: {idle_after: 1s}\n":                               "standard input:2: expiry.idleAfter is not a duration",
		"sandbox: a\nvariables: {A-B: x}\n":                                    "standard input:2: \"A-B\" cannot name",
		"sandbox: a\nservices:\n  x: {branch: m, track: true, commit: 0123}\n": "standard input:3: \"0123\" is not a full commit",
		"sandbox: a\nservices:\n  x: {use_ocp: true, track: true}\n":           "standard input:3: service x is to follow a branch",
		"sandbox: a\nlabels: {a: [b]}\n":                                       "standard input:2: labels.a: expected a text",
		"description: nameless\n":                                              "does not say which sandbox",
		"sandbox: a\nenvironment_version: 3\n":                                 "standard input:2: version 3 is of no environment",
	} {
		_, err := Definition(&cli.App{In: strings.NewReader(text)}, "-", nil)
		if !usage.Is(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestExpiryOfAFileIsKeptAndSaidToHaveNoEffect(t *testing.T) {
	var out bytes.Buffer
	text := "sandbox: a\nexpiry: {idle_after: 72h, delete_after: 336h}\n"
	a := &cli.App{In: strings.NewReader(text), Screen: &screen.Screen{Out: &out, Err: &out}}
	spec, err := Definition(a, "-", nil)
	if err != nil || spec.Expiry.IdleAfter != "72h0m0s" {
		t.Fatalf("read %+v, %v", spec.Expiry, err)
	}
	if !strings.Contains(out.String(), "expiry has no effect yet") {
		t.Errorf("it says %q", out.String())
	}
	if file := new(bytes.Buffer); Write(file, spec) != nil || !strings.Contains(file.String(), "idle_after: 72h0m0s") {
		t.Errorf("written it is\n%s", file)
	}
}
