package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A broken configuration file stops a role with the file, the line and what to do. The files are those of the running
// stack with one thing changed.
func TestBrokenConfiguration(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		roles     []string
		file      string
		old, new  string // the first old in the file becomes new
		text, fix string
		line      int // of the error, where it is not that of the change
	}{
		{"unknown key", []string{"worker", "router"}, "micro-1", "meshPort:", "meshPrt:", "meshPrt", "meshPort", 0},
		{"unknown key in a repository", []string{"worker", "router"}, "micro-1", "    health:", "    healht:", "healht", "health", 0},
		{"duplicate name", []string{"worker"}, "micro-1", "name: payment", "name: account", `"account" is there twice`, "a name of its own", 0},
		{"malicious name", []string{"worker"}, "micro-1", "name: payment", "name: ../../etc", "is not a valid name", "lower-case letters", 0},
		{"bad range", []string{"worker", "router"}, "gateway-1", "\nports: ", "\nports: 9999-1 # ", `"9999-1" is not a range of ports`, `"8080-8119"`, 0},
		{"no range", []string{"worker", "router"}, "gateway-1", "\nports: ", "\n# ", "ports: is missing", `"8080-8119"`, 1},
		{"bad type", []string{"worker", "router"}, "gateway-1", "type: GATEWAY", "type: GATEWY", `no node type "GATEWY"`, "MICRO, GATEWAY or INFRA", 0},
		{"wrong kind of value", []string{"worker", "router"}, "micro-1", "meshPort: ", "meshPort: x", "meshPort", "number", 0},
		{"no YAML", []string{"worker", "router"}, "micro-1", "\nnode: ", "\nnode: : ", "not valid YAML", "the colons", 0},
		{"unknown key", []string{"server"}, "server", "listen:", "lissen:", "lissen", "listen", 0},
		{"bad address", []string{"server"}, "server", "listen: ", "listen: nowhere # ", `"nowhere" is not an address`, "host:port", 0},
		{"password in the URL", []string{"server"}, "server", "postgres://sdp@", "postgres://sdp:hunter2@", "holds a password", "database.passwordFile", 0},
	} {
		for _, role := range c.roles {
			t.Run(role+" "+c.name, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), c.file+".yaml")
				line := breakConfig(t, c.file, path, c.old, c.new)
				if c.line > 0 {
					line = c.line
				}
				out := stack.fails(t, 1, []string{fmt.Sprintf("%s:%d", path, line), c.text, c.fix, "\n  -> "}, role, "--config", path)
				unwanted(t, out, "hunter2")
				t.Logf("what the user sees:\n%s", out)
			})
		}
	}
	t.Run("no file", func(t *testing.T) {
		for _, role := range []string{"worker", "router", "server"} {
			stack.fails(t, 1, []string{"cannot read /no/such.yaml", "create the file"}, role, "--config", "/no/such.yaml")
		}
	})
	t.Run("no flag", func(t *testing.T) { stack.fails(t, 2, []string{"needs a configuration file"}, "worker") })
}

// breakConfig copies one of the stack's configuration files with a change and returns the line of that.
func breakConfig(t *testing.T, name, to, old, replacement string) int {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(stack.data, "config", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	before, after, found := strings.Cut(string(raw), old)
	if !found {
		t.Fatalf("%s.yaml has no %q:\n%s", name, old, raw)
	}
	if err := os.WriteFile(to, []byte(before+replacement+after), 0o600); err != nil {
		t.Fatal(err)
	}
	return 1 + strings.Count(before, "\n") + strings.Count(old[:len(old)-len(strings.TrimLeft(old, "\n"))], "\n")
}
