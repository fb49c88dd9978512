package main_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"sdp/api/rest"
)

var binary string

// TestMain builds the program once: exit codes and streams are tested on the real thing.
func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "sdp-cli-")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "sdp")
		if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "cmd/sdp does not build: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

type result struct {
	code     int
	out, err string
}

// sdp runs the program with a configuration directory of its own.
func sdp(t *testing.T, config, stdin string, args ...string) result {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, args...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + config, "XDG_CONFIG_HOME=" + config}
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// TestAnEmptyNameIsAWrongCall: in the path of a request it would name all there are.
func TestAnEmptyNameIsAWrongCall(t *testing.T) {
	for _, args := range [][]string{{"node", "drain", ""}, {"sandbox", "show", ""}, {"route", "demo", "", "ocp"}, {"history", ""}, {"branches", ""}} {
		r := sdp(t, t.TempDir(), "", append([]string{"--server", "http://127.0.0.1:1"}, args...)...)
		if r.code != 2 || !strings.Contains(r.err, "empty") || !strings.Contains(r.err, "-> usage: sdp "+args[0]) {
			t.Errorf("sdp %q: exit code %d, stderr %s", args, r.code, r.err)
		}
	}
}

func TestWrongUsageIsExitCode2WithARemedy(t *testing.T) {
	for _, args := range []string{
		"no-such-verb", "sandbox", "sandbox no-such-verb", "no-such-verb --help",
		"sandbox no-such-verb --help", "--no-such-flag", "nodes --no-such-flag", "nodes extra",
		"branches", "branches UPPER", "deploy", "deploy demo", "deploy demo account", "deploy ../x account@main",
		"deploy demo account@main --env NOVALUE", "deploy demo account@main --wait=perhaps", "sandbox create",
		"sandbox create Bad_Name", "sandbox create demo -f /no/such/file.yaml", "sandbox show a/b", "restart demo",
		"route demo account nowhere", "trace demo", "trace demo / -X POST", "logs", "logs ../../etc", "history a b",
		"history --limit x", "history --limit -1", "nodes -o xml", "login", "login -u alice", "server", "worker", "router",
		"migrate", "node", "node token", "node cordon", "node drain A_B", "node remove a b", "keys", "keys list", "keys retire f", "keys retire f k", "keys reseal",
		"env", "env show", "env show A_B", "env create dev novalue", "env create dev A=1 --secret B", "env set dev", "env set dev 1A=x",
		"env set dev --file /etc/passwd=x", "env set dev --file x", "env import dev", "env import dev /no/such/file", "env diff dev x", "env unset dev", "env explain box", "images", "images import", "demo", "demo git", "cancel", "--server ftp://x nodes", "up extra", "nodes -o csv", "audit -o csv -n 3", "audit --since yesterday", "events --type NO_SUCH", "events -f -n 3", "events -n -1", "completion nosuchshell", "completion bash extra",
	} {
		r := sdp(t, t.TempDir(), "", strings.Fields(args)...)
		if r.code != 2 || !strings.HasPrefix(r.err, "Error: ") || !strings.Contains(r.err, "\n  -> ") || r.out != "" {
			t.Errorf("sdp %s: exit code %d\nstdout %q\nstderr %s", args, r.code, r.out, r.err)
		}
	}
}

func TestHelpOfEveryVerb(t *testing.T) {
	verbs := strings.Split("up,down,server,worker,router,migrate,node token,node cordon,node uncordon,node drain,node remove,keys list,keys rotate,keys reseal,keys retire,env list,env show,env create,env set,env unset,env import,env versions,env diff,env usage,env redeploy,env delete,env explain,images import,login,logout,whoami,nodes,repos,branches,"+
		"sandbox create,sandbox list,sandbox show,sandbox url,sandbox delete,deploy,cancel,restart,stop,history,logs,route,routes,traffic,"+
		"trace,audit,demo git,demo ocp,completion bash", ",")
	for _, verb := range append(verbs, "") {
		r := sdp(t, t.TempDir(), "", append(strings.Fields(verb), "--help")...)
		if r.code != 0 || !strings.Contains(r.out, "Usage:") {
			t.Errorf("sdp %s --help: exit code %d\n%s%s", verb, r.code, r.out, r.err)
		}
	}
	if r := sdp(t, t.TempDir(), ""); r.code != 0 || strings.Contains(r.out, "demo git") {
		t.Errorf("exit code %d\n%s", r.code, r.out)
	}
}

func TestAFailedOperationIsExitCode1(t *testing.T) {
	dir := t.TempDir()
	r := sdp(t, dir, "", "nodes", "--server", "http://127.0.0.1:1")
	if r.code != 1 || !strings.HasPrefix(r.err, "Error: ") || !strings.Contains(r.err, "  -> ") {
		t.Errorf("no server: exit code %d\n%s", r.code, r.err)
	}
	config := filepath.Join(dir, "server.yaml")
	if err := os.WriteFile(config, []byte("listen: 127.0.0.1:0\nkeyss: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r = sdp(t, dir, "", "server", "--config", config)
	if r.code != 1 || !strings.Contains(r.err, `server.yaml:2: unknown key "keyss"`) || !strings.Contains(r.err, `did you mean "keys"?`) {
		t.Errorf("bad configuration: exit code %d\n%s", r.code, r.err)
	}
}

func TestSuggestions(t *testing.T) {
	if r := sdp(t, t.TempDir(), "", "deplo"); !strings.Contains(r.err, "did you mean `sdp deploy`?") {
		t.Error(r.err)
	}
}

func TestAWrongValueOfAFlagIsSaidInWords(t *testing.T) {
	for args, want := range map[string]string{
		"audit -n 99999999999999999999": "99999999999999999999 is too large a number for --limit", "audit -n few": `--limit takes a number, not "few"`,
		"deploy demo account@main --wait=perhaps": `--wait is true or false, not "perhaps"`,
	} {
		r := sdp(t, t.TempDir(), "", strings.Fields(args)...)
		if r.code != 2 || !strings.Contains(r.err, want) || strings.Contains(r.err, "strconv") {
			t.Errorf("sdp %s: exit code %d: %s", args, r.code, r.err)
		}
	}
}

// slow is the ID of a deployment that never ends.
const slow = "d-slowslowsl"

// fakeServer answers like the API does where the test says so. The CLI's own errors are what is tested; the real API is
// covered by the end-to-end suite.
func fakeServer(t *testing.T) *httptest.Server {
	mux := http.NewServeMux()
	reply := func(w http.ResponseWriter, status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(v)
	}
	mux.HandleFunc("POST /api/v1/session", func(w http.ResponseWriter, r *http.Request) {
		var in rest.Login
		json.NewDecoder(r.Body).Decode(&in)
		if in.Password != "right" {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(401)
			json.NewEncoder(w).Encode(rest.Problem{Title: "Unauthorized", Status: 401, Kind: "unauthenticated", Code: "wrong-credentials",
				Detail: "the git server refuses the password", Remedy: "check it in Bitbucket"})
			return
		}
		reply(w, 201, rest.Session{User: in.User, Token: "token-of-" + in.User, ExpiresAt: time.Now().Add(time.Hour)})
	})
	signedIn := func(h http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer token-of-alice" {
				w.Header().Set("Content-Type", "application/problem+json")
				w.WriteHeader(401)
				json.NewEncoder(w).Encode(rest.Problem{Status: 401, Kind: "unauthenticated", Code: "no-session", Detail: "you are not signed in", Remedy: "sdp login"})
				return
			}
			h(w, r)
		}
	}
	mux.HandleFunc("DELETE /api/v1/session", signedIn(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }))
	mux.HandleFunc("GET /api/v1/nodes", signedIn(func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 200, rest.Page[rest.Node]{Items: []rest.Node{{Name: "micro-1", Type: "MICRO", Alive: true, Problems: []string{}}}})
	}))
	mux.HandleFunc("GET /api/v1/deployments/{id}/logs", signedIn(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "[FETCH] main\n[BUILD] ok\n")
	}))
	mux.HandleFunc("POST /api/v1/sandboxes/{name}/deployments", signedIn(func(w http.ResponseWriter, r *http.Request) {
		var in rest.Deploy
		json.NewDecoder(r.Body).Decode(&in)
		var out rest.Deployments
		for i, s := range in.Services {
			id := fmt.Sprintf("d-aaaaaaaaa%d", i)
			if s.Branch == "slow" {
				id = slow
			}
			out.Deployments = append(out.Deployments, deployment(id, r.PathValue("name"), s))
		}
		reply(w, 202, out)
	}))
	mux.HandleFunc("GET /api/v1/deployments/{id}", signedIn(func(w http.ResponseWriter, r *http.Request) {
		d := deployment(r.PathValue("id"), "demo", rest.DeployService{Service: "account", Branch: "main"})
		d.State, d.Settled = "RUNNING", true
		if r.PathValue("id") == slow {
			d.State, d.Settled = "BUILDING", false
		}
		if strings.HasSuffix(d.ID, "1") {
			d.Service, d.State = "payment", "FAILED"
			d.Failure = &rest.Failure{Step: "build", Kind: "failed", Code: "compile-error", Detail: "it does not compile", Remedy: "correct it", Output: "main.go:1: oops"}
		}
		reply(w, 200, d)
	}))
	mux.HandleFunc("GET /api/v1/events/stream", signedIn(func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer ws.CloseNow()
		ctx := ws.CloseRead(r.Context())
		event := rest.EventFrame{Next: 7, Event: &rest.LifecycleEvent{Seq: 7, Type: "DEPLOY_STARTED", Sandbox: "demo"}}
		if wsjson.Write(ctx, ws, event) == nil {
			<-ctx.Done() // nothing more happens
		}
	}))
	mux.HandleFunc("GET /api/v1/sandboxes/{name}", signedIn(func(w http.ResponseWriter, r *http.Request) {
		reply(w, 200, rest.Sandbox{Name: r.PathValue("name"), URL: "http://127.0.0.1:8080", Services: []rest.Service{}})
	}))
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func deployment(id, sandbox string, s rest.DeployService) rest.Deployment {
	return rest.Deployment{ID: id, Sandbox: sandbox, Service: s.Service, Branch: s.Branch, State: "QUEUED", CreatedAt: time.Now(),
		Steps: []rest.Step{{Name: "resolve", State: "done", Detail: "main"}}}
}

func TestLoginKeepsTheTokenForItsOwnerOnly(t *testing.T) {
	s, dir := fakeServer(t), t.TempDir()
	wrong := sdp(t, dir, "wrong\n", "login", "--server", s.URL, "-u", "alice", "--password-stdin")
	if wrong.code != 1 || !strings.Contains(wrong.err, "the git server refuses the password\n  -> check it in Bitbucket") {
		t.Errorf("exit code %d: %s", wrong.code, wrong.err)
	}
	right := sdp(t, dir, "right\n", "login", "--server", s.URL, "-u", "alice", "--password-stdin", "-o", "json")
	if right.code != 0 || strings.Contains(right.out+right.err, "token-of-alice") || !strings.Contains(right.out, `"user": "alice"`) {
		t.Fatalf("exit code %d: %s%s", right.code, right.out, right.err)
	}
	file := filepath.Join(dir, "sdp", "session")
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("session file: %v, %v", info, err)
	}
	if raw, _ := os.ReadFile(file); bytes.Contains(raw, []byte("right")) || !bytes.Contains(raw, []byte("token-of-alice")) {
		t.Errorf("session file holds %s", raw)
	}
	nodes := sdp(t, dir, "", "nodes", "-o", "json") // without --server: where the login went
	var list []rest.Node
	if err := json.Unmarshal([]byte(nodes.out), &list); err != nil || nodes.code != 0 || len(list) != 1 || list[0].Name != "micro-1" {
		t.Errorf("exit code %d: %s%s", nodes.code, nodes.out, nodes.err)
	}
	if out := sdp(t, dir, "", "logout"); out.code != 0 {
		t.Errorf("logout: %s", out.err)
	}
	after := sdp(t, dir, "", "nodes", "--server", s.URL)
	if after.code != 1 || !strings.Contains(after.err, "not signed in") {
		t.Errorf("after logout: exit code %d: %s", after.code, after.err)
	}
}

func TestDeployWaitsForAllAndFailsIfOneDoes(t *testing.T) {
	s, dir := fakeServer(t), t.TempDir()
	sdp(t, dir, "right", "login", "--server", s.URL, "-u", "alice", "--password-stdin")
	r := sdp(t, dir, "", "deploy", "demo", "account@main", "payment@main", "--wait")
	if r.code != 1 || !strings.Contains(r.out, "account  RUNNING") || !strings.Contains(r.out, "payment  FAILED at build") {
		t.Errorf("exit code %d\n%s", r.code, r.out)
	}
	for _, want := range []string{"payment (main) failed at build: it does not compile", "  | main.go:1: oops", "  -> correct it", "sdp logs d-aaaaaaaaa1"} {
		if !strings.Contains(r.err, want) {
			t.Errorf("stderr lacks %q:\n%s", want, r.err)
		}
	}
	good := sdp(t, dir, "", "deploy", "demo", "account@main", "--wait", "-o", "json")
	var ended []rest.Deployment
	if err := json.Unmarshal([]byte(good.out), &ended); err != nil || good.code != 0 || ended[0].State != "RUNNING" {
		t.Errorf("exit code %d, %v\n%s", good.code, err, good.out)
	}
	accepted := sdp(t, dir, "", "deploy", "demo", "account@main")
	if accepted.code != 0 || !strings.Contains(accepted.out, "QUEUED") {
		t.Errorf("exit code %d\n%s%s", accepted.code, accepted.out, accepted.err)
	}
}

func TestLogs(t *testing.T) {
	s, dir := fakeServer(t), t.TempDir()
	sdp(t, dir, "right", "login", "--server", s.URL, "-u", "alice", "--password-stdin")
	if r := sdp(t, dir, "", "logs", "d-aaaaaaaaa0"); r.code != 0 || r.out != "[FETCH] main\n[BUILD] ok\n" {
		t.Errorf("exit code %d: %q %s", r.code, r.out, r.err)
	}
	r := sdp(t, dir, "", "logs", "d-aaaaaaaaa0", "-o", "json")
	var frame rest.LogFrame
	if err := json.Unmarshal([]byte(r.out), &frame); err != nil || frame.Next != 24 {
		t.Errorf("got %q: %v", r.out, err)
	}
}

func TestCtrlCIsHowFollowingEnds(t *testing.T) {
	s, dir := fakeServer(t), t.TempDir()
	sdp(t, dir, "right", "login", "--server", s.URL, "-u", "alice", "--password-stdin")
	first, code, errs := interrupted(t, dir, "events", "-f")
	if code != 0 || !strings.HasSuffix(first, "DEPLOY_STARTED       demo\n") || errs != "" {
		t.Errorf("exit code %d, %q: %s", code, first, errs)
	}
}

func TestCtrlCOnlyStopsWatching(t *testing.T) {
	s, dir := fakeServer(t), t.TempDir()
	sdp(t, dir, "right", "login", "--server", s.URL, "-u", "alice", "--password-stdin")
	first, code, errs := interrupted(t, dir, "deploy", "demo", "account@slow", "--wait")
	if !strings.Contains(first, "resolve") || code != 1 || !strings.Contains(errs, "the deployment goes on") ||
		!strings.Contains(errs, "sdp cancel "+slow) {
		t.Errorf("exit code %d, %q: %s", code, first, errs)
	}
}

// interrupted runs the program until it has printed a line, which it returns, and sends Ctrl-C.
func interrupted(t *testing.T, dir string, args ...string) (first string, code int, stderr string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Env = []string{"HOME=" + dir, "XDG_CONFIG_HOME=" + dir}
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if first, err = bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("first line %q, %v", first, err)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // the exit code is what is asked for
	return first, cmd.ProcessState.ExitCode(), errs.String()
}
