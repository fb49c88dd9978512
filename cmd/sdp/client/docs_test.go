package client

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
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
