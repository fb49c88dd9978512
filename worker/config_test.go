package worker

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sdp/internal/sdp"
	"sdp/internal/sdp/settings"
)

// good is a node's configuration with nothing wrong in it. %s is the path of a clone.
const good = `node: gateway-1
type: GATEWAY
address: 10.0.0.2
data: /var/lib/sdp
server:
  url: http://control:7700
  tokenFile: /etc/sdp/token
temporal:
  address: control:7233
codecKeys: /etc/sdp/codec.keys
ports: 8080-8119
meshPort: 7711
networks: 10.213.0.0/16
drain: 30s
healthTimeout: 1m
builds: {concurrency: 2, timeout: 15m}
limits: {memory: 536870912, cpus: 1, pids: 512}
routes: {allow: ["127.0.0.1:7790", "10.20.0.0/24"]}
repositories:
  - name: account
    path: %s
    kind: go
    build: cmd/account
    port: 8080
    health: /healthz
    ocp: http://ocp.example.com/account
    env:
      upstreams: "{{SERVICE}}_URL"
      vars: {LOG_LEVEL: info}
  - {name: gateway, path: %[1]s, kind: dockerfile, port: 80}
`

func clone(t *testing.T, remote string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "clone")
	for _, args := range [][]string{{"init", "-q", dir}, {"-C", dir, "remote", "add", "origin", remote}} {
		if out, err := exec.Command("git", args...).CombinedOutput(); err != nil {
			t.Fatalf("git %v: %s", args, out)
		}
	}
	return dir
}

func loadText(t *testing.T, text string) (NodeConfig, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "node.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return LoadNodeConfig(path)
}

// mistake is what is wrong with a configuration: with the file, or with one of its repositories.
func mistake(c NodeConfig, err error) (detail, remedy string) {
	if err != nil {
		e := sdp.AsError(err)
		return e.Detail, e.Remedy
	}
	for _, problem := range c.problems {
		detail, remedy, _ = strings.Cut(problem, "; ")
	}
	return detail, remedy
}

func TestNodeConfig(t *testing.T) {
	dir := clone(t, "http://git.example.com/account.git")
	c, err := loadText(t, fmt.Sprintf(good, dir))
	if err != nil {
		t.Fatal(err)
	}
	first, last, err := c.Ports.Bounds()
	if err != nil || first != 8080 || last != 8119 {
		t.Errorf("ports %d to %d: %v", first, last, err)
	}
	if c.Repositories[1].Dockerfile != "Dockerfile" || c.Repositories[0].Env.Vars["LOG_LEVEL"] != "info" {
		t.Errorf("repositories %+v", c.Repositories)
	}
}

func TestNodeConfigHasDefaults(t *testing.T) {
	c, err := loadText(t, `{node: micro-1, type: MICRO, address: micro-1, data: /d, codecKeys: /k, server: {url: "http://c:1", tokenFile: /t}}`)
	if err != nil {
		t.Fatal(err)
	}
	if c.Drain != 30*time.Second || c.HealthTimeout != time.Minute || c.ProbeEvery != 10*time.Second ||
		c.ReconcileEvery != 10*time.Second || c.Builds.Concurrency != 2 || c.Builds.Timeout != 15*time.Minute ||
		c.Builds.Online || c.Limits.Memory != 512<<20 || c.MeshPort != 7711 || c.Temporal.Namespace != "sdp" || c.RouterSocket() != "/d/router.sock" {
		t.Errorf("defaults are %+v", c)
	}
}

// Each mistake is one edit of the good file. The error names the file, the line, what is wrong and what to do.
func TestMistakesInANodeConfig(t *testing.T) {
	dir, ssh, plain := clone(t, "http://git.example.com/account.git"), clone(t, "git@git.example.com:account.git"), t.TempDir()
	for _, c := range []struct{ old, new, detail, remedy string }{
		{"node: gateway-1", "node: Gateway_1", `:1: node: "Gateway_1" is not a valid name`, "lower-case letters"},
		{"node: gateway-1\n", "node: gateway-1\ninstance: My Instance\n", `:2: instance: "My Instance" is not a valid name`, "lower-case letters"},
		{"type: GATEWAY", "type: gateway", `:2: type: there is no node type "gateway"`, "MICRO, GATEWAY or INFRA"},
		{"type: GATEWAY", "typo: GATEWAY", `:2: unknown key "typo"`, `did you mean "type"?`},
		{"address: 10.0.0.2", "address: http://10.0.0.2:80", `:3: address: "http://10.0.0.2:80" is not a host`, "without a port"},
		{"address: 10.0.0.2\n", "", `address: "" is not a host`, "host name or IP"},
		{"data: /var/lib/sdp", "data: lib/sdp", `:4: data: "lib/sdp" is not an absolute path`, "absolute path"},
		{"url: http://control:7700", "url: control:7700", `:6: server.url: "control:7700" is not a URL`, "http://control:7700"},
		{"  tokenFile: /etc/sdp/token\n", "", `:5: server.tokenFile: is missing`, "sdp node token gateway-1"},
		{"address: control:7233", "address: control", `:9: temporal.address: "control" is not an address`, "host:port"},
		{"codecKeys: /etc/sdp/codec.keys\n", "", `codecKeys: is missing`, "copy the key file"},
		{"ports: 8080-8119", "ports: 8119-8080", `:11: ports: "8119-8080" is not a range`, "8080-8119"},
		{"ports: 8080-8119", "ports: 8080-99999", `:11: ports: "8080-99999" is not a range`, "8080-8119"},
		{"ports: 8080-8119", "ports: all", `:11: ports: "all" is not a range`, "8080-8119"},
		{"ports: 8080-8119\n", "", `ports: is missing`, "GATEWAY node needs public ports"},
		{"meshPort: 7711", "meshPort: 0", `:12: meshPort: 0 is not a port`, "between 1 and 65535"},
		{"meshPort: 7711", "meshPort: 8081", `:12: meshPort: 8081 lies in 8080-8119`, "outside"},
		{"networks: 10.213.0.0/16", "networks: 10.213.0.0/28", `:13: networks: "10.213.0.0/28" is not valid`, "at least /26"},
		{"networks: 10.213.0.0/16", "networks: fd00::/16", `:13: networks: "fd00::/16" is not valid`, "IPv4"},
		{"networks: 10.213.0.0/16", "networks: mine", `:13: networks: "mine" is not valid`, "IPv4"},
		{"drain: 30s", "drain: 0s", `:14: drain: must be above zero`, "above zero"},
		{"drain: 30s", "drain: 30", `:14: drain: "30" is not a duration`, "30s"},
		{"drain: 30s", "probeEvery: 10ms", `:14: probeEvery: must be 500ms or more`, "10s"},
		{"drain: 30s", "reconcileEvery: 0s", `:14: reconcileEvery: must be 500ms or more`, "10s"},
		{"healthTimeout: 1m", "healthTimeout: -1m", `:15: healthTimeout: must be above zero`, "above zero"},
		{"concurrency: 2", "concurrency: 0", `:16: builds.concurrency: must be above zero`, "above zero"},
		{"timeout: 15m", "memory: 2", `:16: builds.memory: 2 is too little`, "at least 67108864"},
		{"timeout: 15m", "timeout: 0s", `:16: builds.timeout: must be above zero`, "above zero"},
		{"memory: 536870912", "memory: 512", `:17: limits.memory: 512 is too little`, "at least 16777216"},
		{"cpus: 1", "cpus: 0", `:17: limits.cpus: must be above zero`, "above zero"},
		{"pids: 512", "pids: 1", `:17: limits.pids: 1 is too few`, "at least 8"},
		{"10.20.0.0/24", "http://10.20.0.5", `:18: routes.allow: "http://10.20.0.5" is neither host:port`, "10.20.0.5:8080"},
		{"127.0.0.1:7790", "localhost", `:18: routes.allow: "localhost" is neither host:port`, "localhost:3000"},
		{"name: account", "name: ../account", `:20: repositories: "../account" is not a valid name`, "lower-case letters"},
		{"{name: gateway", "{name: account", `:30: repositories: "account" is there twice`, "name of its own"},
		{"path: " + dir + "\n", "path: clones/account\n", `:21: repository account: path "clones/account" is not absolute`, "absolute path"},
		{"path: " + dir + "\n", "path: " + plain + "\n", `:21: repository account: ` + plain + ` is not a git clone`, "git clone URL"},
		{"path: " + dir + "\n", "path: /none\n", `:21: repository account: /none is not a git clone`, "git clone URL"},
		{"path: " + dir + "\n", "path: " + ssh + "\n", `:21: repository account: `, "http"},
		{"kind: go", "kind: Go", `:22: repository account: there is no kind "Go"`, "go or dockerfile"},
		{"build: cmd/account", "build: ../other", `:23: repository account: build "../other" leaves the clone`, "inside the clone"},
		{"build: cmd/account", "build: /cmd", `:23: repository account: build "/cmd" leaves the clone`, "inside the clone"},
		{"port: 8080", "port: 80800", `:24: repository account: 80800 is not a port`, "port the service listens on"},
		{"health: /healthz", "health: healthz", `:25: repository account: health "healthz" is not a path`, "/healthz"},
		{"ocp: http://ocp", "ocp: http://me:secret@ocp", `:26: repository account: ocp is not a usable URL`, "without credentials"},
		{"ocp: http://ocp.example.com/account", "ocp: account", `:26: repository account: ocp is not a usable URL`, "URL"},
		{`"{{SERVICE}}_URL"`, `"SERVICE_URL"`, `:27: repository account: env.upstreams lacks {{SERVICE}}`, "{{SERVICE}}_URL"},
		{"LOG_LEVEL:", "LOG-LEVEL:", `:27: repository account: "LOG-LEVEL" cannot name a variable`, "underscores"},
		{"LOG_LEVEL: info", "LOG_LEVEL: " + strings.Repeat("x", settings.MaxRepositoryBytes),
			`:27: repository account: the variables of the repository would have`, "environment"},
		{"kind: dockerfile,", "kind: dockerfile, user: root,", `:30: repository gateway: containers never run as root`, "65532"},
		{"kind: dockerfile,", `kind: dockerfile, user: "0:0",`, `:30: repository gateway: containers never run as root`, "65532"},
		{"kind: dockerfile,", "kind: dockerfile, dockerfile: /etc/passwd,", `:30: repository gateway: dockerfile "/etc/passwd" leaves the clone`, "inside the clone"},
	} {
		t.Run(c.new[:min(len(c.new), 60)], func(t *testing.T) {
			text := fmt.Sprintf(good, dir)
			if !strings.Contains(text, c.old) {
				t.Fatalf("the good file lacks %q", c.old)
			}
			loaded, err := loadText(t, strings.Replace(text, c.old, c.new, 1))
			detail, remedy := mistake(loaded, err)
			if !strings.Contains(detail, "node.yaml:") || !strings.Contains(detail, c.detail) {
				t.Errorf("detail %q, want %q", detail, c.detail)
			}
			if remedy == "" || !strings.Contains(remedy, c.remedy) {
				t.Errorf("remedy %q, want %q", remedy, c.remedy)
			}
			if strings.Contains(detail, "me:secret@") {
				t.Errorf("the error shows credentials: %v", detail)
			}
			if ofRepository := strings.Contains(c.detail, ": repository "); ofRepository != (err == nil) {
				t.Errorf("loading ends with %v: want only the repository to be out: %v", err, ofRepository)
			}
		})
	}
}

func TestTokenThatCannotBeReadSaysHowToGetOne(t *testing.T) {
	c := NodeConfig{Node: "micro-1", Server: ServerConfig{TokenFile: filepath.Join(t.TempDir(), "none")}}
	_, err := c.Token()
	if e := sdp.AsError(err); e.Code != "no-node-token" || !strings.Contains(e.Remedy, "sdp node token micro-1") {
		t.Errorf("got %v", err)
	}
}

func TestBuilderTakesTheNodesBounds(t *testing.T) {
	c, err := loadText(t, strings.Replace(fmt.Sprintf(good, clone(t, "http://git.example.com/account.git")), "timeout: 15m", "memory: 134217728", 1))
	if err != nil {
		t.Fatal(err)
	}
	tool, err := c.toolchain(t.Context())
	if err != nil || c.Builds.Memory != 128<<20 || tool.Timeout != 15*time.Minute {
		t.Errorf("builds %+v, toolchain %+v, %v", c.Builds, tool, err)
	}
}
