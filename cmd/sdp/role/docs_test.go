package role

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"sdp/worker"
)

// TestConfigurationIsDocumented keeps docs/configuration.md complete: every key there is has its place in it.
func TestConfigurationIsDocumented(t *testing.T) {
	for heading, config := range map[string]any{"server.yaml": serverConfig{}, "node.yaml": worker.NodeConfig{}} {
		text := docSection(t, heading)
		for _, key := range keysOf(reflect.TypeOf(config), "") {
			if !strings.Contains(text, "`"+key+"`") {
				t.Errorf("docs/configuration.md, %s: %s is missing", heading, key)
			}
		}
	}
}

// TestExamplesOfTheDocumentationLoad reads the examples the way the programs do.
func TestExamplesOfTheDocumentationLoad(t *testing.T) {
	if _, err := loadServerConfig(example(t, "server.yaml")); err != nil {
		t.Error(err)
	}
	// As the router does: it does not look for the clones, which are not here.
	if _, err := worker.LoadRouterConfig(example(t, "node.yaml")); err != nil {
		t.Error(err)
	}
}

func docSection(t *testing.T, heading string) string {
	t.Helper()
	raw, err := os.ReadFile("../../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(raw), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("docs/configuration.md has no section %s", heading)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	return text
}

// example writes the first YAML block of a section into a file.
func example(t *testing.T, heading string) string {
	t.Helper()
	m := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(docSection(t, heading))
	if m == nil {
		t.Fatalf("%s has no example", heading)
	}
	path := filepath.Join(t.TempDir(), heading)
	if err := os.WriteFile(path, []byte(m[1]), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// keysOf lists the keys of a configuration as the documentation writes them: a.b, list[].a, map.NAME.a.
func keysOf(t reflect.Type, at string) []string {
	switch {
	case t.Kind() == reflect.Map && t.Elem().Kind() == reflect.Struct:
		return keysOf(t.Elem(), at+".NAME")
	case t.Kind() == reflect.Map && t.Elem().Kind() == reflect.Map:
		return []string{at + ".NAME"}
	case t.Kind() == reflect.Slice:
		return keysOf(t.Elem(), at+"[]")
	case t.Kind() != reflect.Struct:
		return []string{at}
	}
	var keys []string
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if at != "" {
			name = at + "." + name
		}
		keys = append(keys, keysOf(f.Type, name)...)
	}
	return keys
}
