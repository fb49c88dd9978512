package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sdp/internal/config"
	"sdp/internal/sdp"
)

type node struct {
	Node    string            `yaml:"node"`
	Port    int               `yaml:"meshPort"`
	Drain   time.Duration     `yaml:"drain"`
	Online  bool              `yaml:"online"`
	Server  *server           `yaml:"server"`
	Env     map[string]string `yaml:"env"`
	Repos   []repo            `yaml:"repositories"`
	Private string            `yaml:"-"`
}

type server struct {
	URL string `yaml:"url"`
}

type repo struct {
	Name string `yaml:"name"`
	Path string `yaml:"path"`
}

func load(t *testing.T, text string, into any) error {
	t.Helper()
	path := filepath.Join(t.TempDir(), "node.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.Load(path, into)
}

func TestLoadFillsTheStructAndKeepsDefaults(t *testing.T) {
	got := node{Port: 7711, Drain: time.Minute}
	text := "node: micro-1\ndrain: 30s\nserver: {url: http://x}\nenv:\n  A: b\nrepositories:\n  - {name: account, path: /a}\n"
	if err := load(t, text, &got); err != nil {
		t.Fatal(err)
	}
	if got.Node != "micro-1" || got.Drain != 30*time.Second || got.Port != 7711 || got.Server.URL != "http://x" ||
		got.Env["A"] != "b" || got.Repos[0].Path != "/a" {
		t.Errorf("got %+v", got)
	}
}

func TestLoadNamesFileLineAndRemedy(t *testing.T) {
	tests := map[string]struct{ text, detail, remedy string }{
		"unknown key":          {"node: a\nmeshprot: 1\n", `node.yaml:2: unknown key "meshprot"`, `did you mean "meshPort"?`},
		"unknown, no likeness": {"node: a\nwhatever: 1\n", `:2: unknown key "whatever"`, "known keys here are drain, env, meshPort"},
		"unknown in a list":    {"repositories:\n  - name: a\n    pth: /x\n", `:3: unknown key "repositories[0].pth"`, `"path"`},
		"hidden field":         {"private: x\n", `:1: unknown key "private"`, ""},
		"duplicate key":        {"node: a\nmeshPort: 1\nnode: b\n", `:3: key "node" is already given in line 1`, "keep one"},
		"duplicate map key":    {"env:\n  A: x\n  A: y\n", `:3: key "env.A" is already given in line 2`, "keep one"},
		"text for number":      {"node: a\n\nmeshPort: seven\n", `:3: meshPort: expected a number, found "seven"`, "write a number"},
		"number for bool":      {"online: 3\n", `:1: online: expected true or false, found "3"`, "true or false"},
		"list for text":        {"node: [a]\n", `:1: node: expected a text, found a list`, "write a text"},
		"text for struct":      {"server: http://x\n", `:1: server: expected keys and values, found "http://x"`, "indented"},
		"struct for list":      {"repositories: {name: a}\n", ":1: repositories: expected a list", "- ..."},
		"duration, no unit":    {"drain: 30\n", `:1: drain: "30" is not a duration`, "30s"},
		"empty":                {"# only a comment\n", ":1: the file is empty", "at least one key"},
		"two documents":        {"node: a\n---\nnode: b\n", "second YAML document", "remove"},
		"no mapping":           {"- a\n", ":1: the file: expected keys and values, found a list", ""},
		"tab":                  {"node: a\nserver:\n\turl: x\n", "not valid YAML", "spaces only"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := load(t, tt.text, &node{})
			if err == nil {
				t.Fatal("accepted")
			}
			e := sdp.AsError(err)
			if e.Kind != sdp.Invalid || e.Code != config.CodeBadConfig {
				t.Errorf("kind %s, code %s", e.Kind, e.Code)
			}
			if !strings.Contains(e.Detail, tt.detail) || !strings.Contains(e.Detail, "node.yaml:") {
				t.Errorf("detail %q, want %q", e.Detail, tt.detail)
			}
			if e.Remedy == "" || !strings.Contains(e.Remedy, tt.remedy) {
				t.Errorf("remedy %q, want %q", e.Remedy, tt.remedy)
			}
		})
	}
}

func TestLoadOfAMissingFile(t *testing.T) {
	err := config.Load(filepath.Join(t.TempDir(), "none.yaml"), &node{})
	e := sdp.AsError(err)
	if e.Kind != sdp.NotFound || !strings.Contains(e.Detail, "none.yaml") || e.Remedy == "" {
		t.Errorf("got %+v", e)
	}
}

type validated struct {
	Repos []repo `yaml:"repositories"`
}

func (v *validated) Validate(f *config.File) error {
	for i, r := range v.Repos {
		if !filepath.IsAbs(r.Path) {
			return f.Errorf([]any{"repositories", i, "path"}, "write the whole path", "%q is relative", r.Path)
		}
	}
	return nil
}

func TestValidatorNamesTheLineOfTheValue(t *testing.T) {
	err := load(t, "repositories:\n  - name: a\n    path: /x\n  - name: b\n    path: y\n", &validated{})
	if err == nil || !strings.Contains(err.Error(), `node.yaml:5: "y" is relative; write the whole path`) {
		t.Errorf("got %v", err)
	}
}

func TestLineOfAMissingValueIsThatOfItsParent(t *testing.T) {
	f, err := config.Parse("x.yaml", []byte("a: 1\nrepositories:\n  - name: b\n"))
	if err != nil {
		t.Fatal(err)
	}
	for want, at := range map[int][]any{1: {"none"}, 2: {"repositories", 7}, 3: {"repositories", 0, "path"}} {
		if got := f.Line(at...); got != want {
			t.Errorf("Line(%v) = %d, want %d", at, got, want)
		}
	}
}
