package devstack

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

func TestConfigurationKeepsWhatAPersonWrote(t *testing.T) {
	cfg, err := Config{Data: t.TempDir(), Demo: true}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	st := state{Ports: map[string]int{portTemporal: 7233}, Listen: "127.0.0.1:7700", PublicPorts: "8080-8119"}
	s := newStack(cfg, st)
	if err := makeDirectories(s); err != nil {
		t.Fatal(err)
	}
	content := Content{Repositories: map[string][]wire.RepositoryConfig{
		MicroNode: {{Name: "account", Path: "/clones/account", Kind: sdp.GoRepository, Port: 8080, OCP: "http://ocp:1"}},
	}, Shared: map[string]SharedService{"mail": {URL: "http://ocp:3"}}}
	if err := writeConfigs(s, st, content); err != nil {
		t.Fatal(err)
	}
	path := s.Config[MicroNode]
	text := strings.Replace(read(t, path), "concurrency: 2", "concurrency: 7 # a fast machine", 1)
	text = strings.Replace(text, "  allow:\n", "  allow:\n    - ocp:3\n    - localhost:3000 # my own\n", 1)
	text = strings.Replace(text, "port: 8080", "port: 9090", 1) + `  - name: mine
    path: /home/me/mine
    kind: go
    port: 8080
`
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	st.Ports[portTemporal] = 7999
	content.Repositories[MicroNode][0].OCP = "http://ocp:2"
	if err := writeConfigs(s, st, content); err != nil {
		t.Fatal(err)
	}
	got := read(t, path)
	for _, want := range []string{
		"concurrency: 7 # a fast machine", "port: 9090", "path: /home/me/mine", "127.0.0.1:7999", "ocp: http://ocp:2",
		"routes:\n  deny:\n    - 10.213.0.0/16 # all sandboxes' networks on this machine, set by `sdp up`\n  allow:\n    - ocp:3\n    - localhost:3000 # my own\n    - ocp:2 # the demo's shared environment, set by `sdp up`\n" +
			"    - ocp:3 # the demo's shared environment, set by `sdp up`\nrepositories:\n",
	} {
		if strings.Count(got, want) != 1 {
			t.Errorf("%q is not there once in\n%s", want, got)
		}
	}
	if gateway := read(t, s.Config[GatewayNode]); strings.Count(gateway, "- ocp:") != 2 {
		t.Errorf("the other node's routes lead to the shared environment as well:\n%s", gateway)
	}
	if err := writeConfigs(s, st, Content{}); err != nil {
		t.Fatal(err)
	}
	if got := read(t, path); !strings.Contains(got, "  allow:\n    - ocp:3\n    - localhost:3000 # my own\nrepositories:") {
		t.Errorf("without the demo:\n%s", got)
	}
}

func TestBrokenConfigurationNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "micro-1.yaml")
	for _, text := range []string{"a: [", "- list\n", "just text"} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := openYAML(path, ""); sdp.KindOf(err) != sdp.Invalid || !strings.Contains(err.Error(), path) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
