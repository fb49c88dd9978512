package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"sdp/internal/logs"
	"sdp/internal/node/gobuild"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

const commitSHA = "3f2a9c1d0b7e3f2a9c1d0b7e3f2a9c1d0b7e3f2a"

// yard is a node that can build and nothing else, with a checkout to build from.
type yard struct {
	*Node
	t      *testing.T
	config Config
}

func newYard(t *testing.T, files map[string]string) *yard {
	t.Helper()
	data := t.TempDir()
	spool, err := logs.OpenSpool(filepath.Join(data, "logs"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { spool.Close() })
	y := &yard{t: t, config: Config{Name: "micro-1", Data: data, Spool: spool,
		Toolchain: gobuild.Toolchain{Timeout: time.Minute, Cache: goEnv(t, "GOCACHE"), Modules: filepath.Join(data, "modules")},
		Repositories: map[string]Repository{
			"account": {Repository: sdp.Repository{Name: "account", Kind: sdp.GoRepository}, Build: "cmd/account"}}}}
	y.Node = New(y.config)
	for name, text := range files {
		write(t, filepath.Join(y.Sources.checkoutDir("d1"), name), text, 0o644)
	}
	return y
}

// equip changes how the node is configured.
func (y *yard) equip(change func(*Config)) {
	change(&y.config)
	y.Node = New(y.config)
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), mode)); err != nil {
		t.Fatal(err)
	}
}

func goEnv(t *testing.T, key string) string {
	t.Helper()
	out, err := exec.Command("go", "env", key).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func (y *yard) build(ctx context.Context) error {
	return y.Logs.During("d1", nil, func(log *logs.Stream) error {
		return y.Builder.Build(ctx, wire.Job{Deployment: "d1", Repository: "account", SHA: commitSHA}, log)
	})
}

// log is what the deployment's log shows.
func (y *yard) log() string {
	y.t.Helper()
	stream, err := y.config.Spool.Create(sdp.DeploymentStream("d1"), logs.Options{})
	if err != nil {
		y.t.Fatal(err)
	}
	defer stream.Release()
	return stream.Tail(1 << 20)
}

// toolchain puts a program of the test's own in go's place. It finds the directory $OUT to leave things in.
func (y *yard) toolchain(script string) (out string) {
	y.t.Helper()
	out = y.t.TempDir()
	bin := y.t.TempDir()
	write(y.t, filepath.Join(bin, "go"), "#!/bin/sh\nOUT="+out+"\n"+script, 0o755)
	y.t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	write(y.t, filepath.Join(y.Sources.checkoutDir("d1"), "go.mod"), "module account\n", 0o644)
	return out
}

func module(main string) map[string]string {
	return map[string]string{"go.mod": "module account\n\ngo 1.26\n", "cmd/account/main.go": main}
}

func TestBuildLeavesABinary(t *testing.T) {
	y := newYard(t, module("package main\n\nfunc main() { println(\"hello\") }\n"))
	if err := y.build(t.Context()); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(filepath.Join(y.Sources.checkoutDir("d1"), gobuild.Binary)).CombinedOutput()
	if err != nil || string(out) != "hello\n" || !strings.Contains(y.log(), "[BUILD] go build -trimpath") {
		t.Errorf("%v: %q; the log is %s", err, out, y.log())
	}
}

// Go's telemetry counts in a process of its own, which no cancel reaches.
func TestBuildLeavesNoTelemetry(t *testing.T) {
	y := newYard(t, module("package main\n\nfunc main() {}\n"))
	if err := y.build(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(filepath.Join(y.config.Data, ".config/*")); err != nil || len(left) > 0 {
		t.Errorf("it left %q, %v", left, err)
	}
}

func TestCompileErrorNamesThePlace(t *testing.T) {
	y := newYard(t, module("package main\n\nfunc main() {\n\tledger.Open()\n}\n"))
	err := y.build(t.Context())
	f := wantFailure(t, err, sdp.Failed, "compile-error")
	if !strings.Contains(f.Detail, "cmd/account/main.go:4:2: undefined: ledger") || f.Remedy == "" {
		t.Errorf("failure %+v", f)
	}
	for what, text := range map[string]string{"the failure's output": f.Output, "the log": y.log()} {
		if !strings.Contains(text, "undefined: ledger") {
			t.Errorf("%s is %q", what, text)
		}
	}
	if strings.Contains(f.Detail+f.Output, y.config.Data) {
		t.Errorf("the failure shows where the node builds: %+v", f)
	}
}

func TestMissingModuleIsNotLookedForOffline(t *testing.T) {
	files := module("package main\n\nimport _ \"example.com/ledger\"\n\nfunc main() {}\n")
	files["go.mod"] += "\nrequire example.com/ledger v1.2.3\n"
	files["go.sum"] = "example.com/ledger v1.2.3 h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n" +
		"example.com/ledger v1.2.3/go.mod h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
	t.Setenv("GOPROXY", "https://proxy.invalid") // the worker's own setting is not the build's
	f := wantFailure(t, newYard(t, files).build(t.Context()), sdp.Failed, "module-missing")
	if !strings.Contains(f.Remedy, "go mod download") {
		t.Errorf("failure %+v", f)
	}
}

func TestUndeclaredModuleIsTheCommitsFault(t *testing.T) {
	y := newYard(t, module("package main\n\nimport _ \"example.com/ledger\"\n\nfunc main() {}\n"))
	f := wantFailure(t, y.build(t.Context()), sdp.Failed, "module-undeclared")
	if !strings.Contains(f.Remedy, "go mod tidy") {
		t.Errorf("failure %+v", f)
	}
}

func TestPackageThatIsNotThereIsSaidSo(t *testing.T) {
	y := newYard(t, map[string]string{"go.mod": "module account\n\ngo 1.26\n", "main.go": "package main\n\nfunc main() {}\n"})
	f := wantFailure(t, y.build(t.Context()), sdp.Failed, "compile-error")
	if !strings.HasSuffix(f.Detail, ": stat cmd/account: directory not found") {
		t.Errorf("failure %+v", f)
	}
}

func TestUnknownRepositoryFailsAtOnce(t *testing.T) {
	y := newYard(t, nil)
	y.equip(func(c *Config) { c.Repositories = nil })
	wantFailure(t, y.build(t.Context()), sdp.NotFound, "unknown-repository")
}

// A deployment ends with the configuration it began with: its image is named after that.
func TestBuildGoesOnAsItBegan(t *testing.T) {
	y := newYard(t, module("package main\n\nfunc main() {}\n"))
	y.Sources.begin("d1", y.config.Repositories["account"])
	y.Sources.Configure(nil)
	if err := y.build(t.Context()); err != nil {
		t.Error(err)
	}
	y.Sources.end("d1")
	wantFailure(t, y.build(t.Context()), sdp.NotFound, "unknown-repository")
}

// A build sees the toolchain's own settings and nothing else of the worker's environment, where its secrets may be.
func TestBuildSeesNothingOfTheWorkersEnvironment(t *testing.T) {
	y := newYard(t, nil)
	t.Setenv("SDP_TOKEN", "marker-token")
	t.Setenv("GOFLAGS", "-mod=mod")
	t.Setenv("GOPRIVATE", "marker-private")
	t.Setenv("LD_PRELOAD", "")
	out := y.toolchain("env > $OUT/env; cat /proc/$$/environ > $OUT/environ\n")
	if err := y.build(t.Context()); err != nil {
		t.Fatal(err)
	}
	allowed := []string{"PATH", "HOME", "XDG_CONFIG_HOME", "LANG", "CGO_ENABLED", "GOTOOLCHAIN", "GOWORK", "GOENV", "GOFLAGS", "GOCACHE", "GOMODCACHE",
		"GOPROXY", "GONOSUMDB", "GONOSUMCHECK", "GOSUMDB", "PWD", "OLDPWD", "SHLVL", "_"} // the last four are the shell's
	for line := range strings.Lines(read(t, filepath.Join(out, "env"))) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if !slices.Contains(allowed, key) {
			t.Errorf("the build sees %s", key)
		}
		if key == "GOFLAGS" && value != "" || key == "GOPROXY" && value != "off" {
			t.Errorf("the build runs with %s=%s", key, value)
		}
	}
	if all := read(t, filepath.Join(out, "environ")); strings.Contains(all, "marker") {
		t.Errorf("the build's environment is %q", all)
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

// family is a toolchain that takes for ever, with a child and a grandchild that keep its output open and ignore what
// can be ignored.
const family = `trap '' TERM INT HUP
sh -c 'trap "" TERM INT HUP; sleep 1000 & echo $! > '$OUT'/grandchild; echo $$ > '$OUT'/child; wait' &
echo $$ > $OUT/self
wait
`

// pids waits until the whole family runs.
func pids(t *testing.T, out string) []int {
	t.Helper()
	var all []int
	for _, name := range []string{"self", "child", "grandchild"} {
		var pid int
		eventually(t, name+" to run", func() bool {
			raw, err := os.ReadFile(filepath.Join(out, name))
			if err == nil {
				pid, err = strconv.Atoi(strings.TrimSpace(string(raw)))
			}
			return err == nil
		})
		all = append(all, pid)
	}
	return all
}

// eventually polls, because what it waits for is another process.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited 20 s for %s", what)
		}
	}
}

func wantGone(t *testing.T, pids []int) {
	t.Helper()
	for _, pid := range pids {
		eventually(t, fmt.Sprint("process ", pid, " to be gone"), func() bool { return !runs(pid) })
	}
}

// runs reports whether a process runs. One that nobody has waited for yet does not: its parent may be slow to do so.
func runs(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, state, _ := strings.Cut(string(raw), ") ")
	return err == nil && !strings.HasPrefix(state, "Z")
}

func TestBuildThatTakesTooLongIsKilledWhole(t *testing.T) {
	y := newYard(t, nil)
	y.equip(func(c *Config) { c.Toolchain.Timeout = 2 * time.Second })
	out := y.toolchain(family)
	err := y.build(t.Context())
	f := wantFailure(t, err, sdp.Failed, "build-timeout")
	if !strings.Contains(f.Detail, "2s") || !strings.Contains(f.Remedy, "builds.timeout") {
		t.Errorf("failure %+v", f)
	}
	wantGone(t, pids(t, out))
}

// Cancelled is said only when nothing runs any more, and within the two seconds that are promised.
func TestCancelKillsTheProcessGroup(t *testing.T) {
	y := newYard(t, nil)
	out := y.toolchain(family)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- y.build(ctx) }()
	family := pids(t, out)
	began := time.Now()
	cancel()
	err := <-ended
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("the cancel took %s", took)
	}
	for _, pid := range family {
		if runs(pid) {
			t.Errorf("process %d still runs when the cancel is confirmed", pid)
		}
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v, want cancelled", err)
	}
	if log := y.log(); !strings.Contains(log, "killed") || strings.Contains(log, "[ERROR]") {
		t.Errorf("the log is %q", log)
	}
}

func TestKilledToolchainIsNoCompileError(t *testing.T) {
	y := newYard(t, nil)
	y.toolchain("kill -KILL $$\n") // as the kernel does when memory runs out
	f := wantFailure(t, y.build(t.Context()), sdp.Failed, "build-killed")
	if !strings.Contains(f.Detail, "signal 9") || !strings.Contains(f.Remedy, "builds.concurrency") {
		t.Errorf("failure %+v", f)
	}
}

func TestFullDiskIsToldFromACompileError(t *testing.T) {
	y := newYard(t, nil)
	y.toolchain("echo 'write /tmp/x: no space left on device' >&2; exit 1\n")
	wantFailure(t, y.build(t.Context()), sdp.Exhausted, "disk-full")
}

// What decides is looked for at both ends of an output of any size, and the failure stays small.
func TestHugeOutputIsBounded(t *testing.T) {
	y := newYard(t, nil)
	y.toolchain("echo 'main.go:1: first'; head -c 8000000 /dev/zero | tr '\\0' x; echo; echo 'main.go:9: last' >&2; exit 1\n")
	f := wantFailure(t, y.build(t.Context()), sdp.Failed, "compile-error")
	if !strings.HasSuffix(f.Detail, "main.go:1: first") {
		t.Errorf("detail %.200q", f.Detail)
	}
	if len(f.Output) > outputTail || !strings.Contains(f.Output, "main.go:9: last") {
		t.Errorf("%d bytes of output", len(f.Output))
	}
}

func TestDockerfileBuildsAreBounded(t *testing.T) {
	t.Parallel()
	n := New(Config{Data: "/data", StepMemory: 1 << 30})
	b := n.Images.dockerfileBuild(wire.Job{Deployment: "d1", Image: "sdp/gateway:x"}, Repository{Dockerfile: "docker/Dockerfile"}, nil)
	if b.MemoryBytes != 1<<30 || b.Online || b.Dir != "/data/checkouts/d1" || b.Dockerfile != "docker/Dockerfile" || b.Ref != "sdp/gateway:x" {
		t.Errorf("the build is %+v", b)
	}
}

// wantFailure wants an error of a kind and a code, and returns it as people are shown it.
func wantFailure(t *testing.T, err error, kind sdp.Kind, code string) sdp.Failure {
	t.Helper()
	if err == nil || sdp.KindOf(err) != kind || sdp.AsError(err).Code != code {
		t.Fatalf("got %v, want %s", err, code)
	}
	e := sdp.AsError(err)
	return sdp.Failure{Kind: e.Kind, Code: e.Code, Detail: e.Detail, Remedy: e.Remedy, Output: outputOf(err)}
}
