package role

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sdp/worker"
)

// TestConfigurationIsDocumented keeps docs/configuration.md complete: every key there is has its place in it.
func TestConfigurationIsDocumented(t *testing.T) {
	for heading, config := range map[string]any{"server.yaml": serverConfig{}, "node.yaml": worker.NodeConfig{}} {
		text := docSection(t, "configuration.md", heading)
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

// TestWhatDiesIsTried wants docs/operations.md to name a test for each row of what dies, and those tests to be there.
func TestWhatDiesIsTried(t *testing.T) {
	text := docSection(t, "operations.md", "What happens when a process dies")
	tried := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^- ([^:\n]+): (`.+)$").FindAllStringSubmatch(text, -1) {
		tried[m[1]] = m[2]
	}
	for _, m := range regexp.MustCompile(`(?m)^\| \*\*(.+?)\*\*`).FindAllStringSubmatch(text, -1) {
		if tried[m[1]] == "" {
			t.Errorf("no test is named below the table that tries %q", m[1])
		}
		for _, name := range regexp.MustCompile(`\w+`).FindAllString(tried[m[1]], -1) {
			if !testExists(t, name) {
				t.Errorf("%s: there is no test %s", m[1], name)
			}
		}
		delete(tried, m[1])
	}
	for row := range tried {
		t.Errorf("the table has no row %q", row)
	}
}

func testExists(t *testing.T, name string) bool {
	t.Helper()
	files, err := filepath.Glob("../../../internal/*/*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(files, func(path string) bool {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(string(raw), "\nfunc "+name+"(t *testing.T)")
	})
}

func docSection(t *testing.T, file, heading string) string {
	t.Helper()
	raw, err := os.ReadFile("../../../docs/" + file)
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(raw), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("docs/%s has no section %s", file, heading)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	return text
}

// example writes the first YAML block of a section into a file.
func example(t *testing.T, heading string) string {
	t.Helper()
	m := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(docSection(t, "configuration.md", heading))
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
