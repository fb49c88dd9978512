package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"sdp/api/rest"
	"sdp/internal/sdp"
)

// fromBranch is a sandbox that runs account from a feature branch behind the gateway and leaves the rest to OCP.
const fromBranch = "gateway: {branch: main}\nservices:\n  account: {branch: feature/loyalty-points}\n  payment: {use_ocp: true}\n"

func TestUpProvesItself(t *testing.T) {
	text := stack.screen.String()
	for _, want := range []string{`X-SDP-Route: gateway=sandbox@`, `account +sandbox demo[0-9a-z-]* +[0-9a-f]{12}`, `payment +ocp +[0-9a-f]{12}`} {
		if !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("`sdp up` did not print %q:\n%s", want, text)
		}
	}
}

func TestBranchAnswersAndTheRestIsOCP(t *testing.T) {
	t.Parallel()
	box := newSandbox(t, fromBranch)
	a := wantAnswer(t, box.URL+"/account/version", 200, "gateway=sandbox@")
	account := serviceOf(t, box, "account")
	if account.Serving == nil || !strings.Contains(a.body, sdp.ShortSHA(account.Serving.SHA)) {
		t.Errorf("account serves %+v, but /account/version answers %s", account.Serving, a.body)
	}
	wantAnswer(t, box.URL+"/payment/version", 200, "gateway=sandbox@", `"ocp"`)

	trace := sdpJSON[rest.Trace](t, "trace", box.Name, "/account/accounts")
	var sources []string
	for _, hop := range trace.Hops {
		sources = append(sources, hop.Service+"="+hop.Source)
	}
	if got := strings.Join(sources, " "); !strings.Contains(got, "gateway=sandbox") || !strings.Contains(got, "account=sandbox") {
		t.Errorf("trace of /account/accounts shows %q", got)
	}
}

func serviceOf(t *testing.T, box rest.Sandbox, name string) rest.Service {
	t.Helper()
	for _, s := range box.Services {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("sandbox %s has no service %s", box.Name, name)
	return rest.Service{}
}

func TestSandboxWithoutGatewayRoutesByPath(t *testing.T) {
	t.Parallel()
	box := newSandbox(t, "services:\n  account: {branch: main}\n")
	wantAnswer(t, box.URL+"/account/version", 200, "account=sandbox@", `"account"`)
	wantAnswer(t, box.URL+"/payment/version", 200, "payment=ocp", `"ocp"`)
	wantAnswer(t, box.URL+"/no-such-service/", 404, "")
}

func TestRouteIsFlippedLive(t *testing.T) {
	t.Parallel()
	box := newSandbox(t, "services:\n  account: {branch: main}\n")
	sdpOK(t, "route", box.Name, "account", "ocp", "--wait")
	wantAnswer(t, box.URL+"/account/version", 200, "account=ocp", `"ocp"`)
	sdpOK(t, "route", box.Name, "account", "sandbox", "--wait")
	wantAnswer(t, box.URL+"/account/version", 200, "account=sandbox@")
	sdpFails(t, 1, []string{"payment", "deploy"}, "route", box.Name, "payment", "sandbox", "--wait")
}

func TestStopRestartAndHistory(t *testing.T) {
	t.Parallel()
	box := newSandbox(t, "services:\n  account: {branch: main}\n")
	sdpOK(t, "stop", box.Name, "account", "--wait")
	a := wantAnswer(t, box.URL+"/account/version", 503, "account=none")
	if !strings.Contains(a.body, "stopped") {
		t.Errorf("the 503 does not say that the service is stopped: %s", a.body)
	}
	sdpOK(t, "restart", box.Name, "account", "--wait")
	wantAnswer(t, box.URL+"/account/version", 200, "account=sandbox@")
	list := history(t, box.Name)
	if len(list) != 2 || list[0].State != sdp.Running || list[1].State != sdp.DeployStopped {
		t.Errorf("history: %+v", list)
	}
	for _, step := range list[0].Steps {
		if step.Name == sdp.StepBuild && step.State != string(sdp.StepCached) {
			t.Errorf("a restart built again: %+v", step)
		}
	}
}

// A sandbox is marked as used while something else is under way in it: nothing waits, and the audit knows who did it.
func TestTouch(t *testing.T) {
	t.Parallel()
	box := newSandbox(t, "")
	before := sandbox(t, box.Name).LastActivity
	if !before.IsZero() {
		t.Fatalf("a sandbox nobody used was last used at %s", before)
	}
	under := deployInBackground(t, box.Name, "account@feature/never-healthy")
	waitState(t, box.Name, under.ID, time.Minute, sdp.StartingContainer)
	if out := sdpOK(t, "sandbox", "touch", box.Name, "--wait"); !strings.Contains(out, "is marked as used") {
		t.Errorf("sdp sandbox touch says %q", out)
	}
	if now := sandbox(t, box.Name).LastActivity; now.IsZero() {
		t.Error("a touched sandbox was never used")
	}
	if d := history(t, box.Name)[0]; d.Settled {
		t.Errorf("the touch waited for the deployment, which is %s", d.State)
	}
	out := sdpOK(t, "audit", "--sandbox", box.Name)
	for _, action := range []string{"sandbox.touch ", "sandbox.touch.finish"} {
		if !strings.Contains(out, action) {
			t.Errorf("the audit does not know %q:\n%s", action, out)
		}
	}
	sdpOK(t, "cancel", under.ID, "--wait")
}

// Who waits for a deployment that a newer one takes the place of is told by which and whose.
func TestNewerDeploymentSupersedesTheOlder(t *testing.T) {
	t.Parallel()
	box := newSandbox(t, "")
	said := make(chan string, 1)
	go func() {
		out, _ := stack.cli("", "deploy", box.Name, "account@feature/never-healthy", "--wait")
		said <- out
	}()
	first := onlyDeployment(t, box.Name)
	waitState(t, box.Name, first.ID, time.Minute, sdp.StartingContainer)
	newer := deployInBackground(t, box.Name, "account@main")
	waitState(t, box.Name, newer.ID, time.Minute, sdp.Running)
	older := waitState(t, box.Name, first.ID, 10*time.Second, sdp.DeployCancelled)
	if by := older.SupersededBy; by == nil || by.ID != newer.ID || by.User != "alice" {
		t.Errorf("superseded by %+v, want %s of alice", by, newer.ID)
	}
	reason := "superseded by " + newer.ID + " of alice"
	if out := <-said; !strings.Contains(out, "cancelled: "+reason) {
		t.Errorf("who waits is told:\n%s", out)
	}
	for _, list := range [][]string{{"history", box.Name}, {"audit", "--sandbox", box.Name}} {
		if out := sdpOK(t, list...); !strings.Contains(out, reason) {
			t.Errorf("`sdp %s` does not say %q:\n%s", strings.Join(list, " "), reason, out)
		}
	}
	wantAnswer(t, box.URL+"/account/version", 200, "account=sandbox@")
	eventually(t, time.Minute, oneContainer(t, box.Name))
}

// onlyDeployment waits for the first deployment of a sandbox.
func onlyDeployment(t *testing.T, box string) rest.Deployment {
	t.Helper()
	var list []rest.Deployment
	eventually(t, time.Minute, func() error {
		if list = history(t, box); len(list) != 1 {
			return errorf("sandbox %s has %d deployments", box, len(list))
		}
		return nil
	})
	return list[0]
}

func oneContainer(t *testing.T, box string) func() error {
	return func() error {
		if left := containers(t, box); len(left) != 1 {
			return errorf("sandbox %s has containers %q, want one", box, left)
		}
		return nil
	}
}

// TestNewcomersRepository uses the newcomer's own repository, which prints its environment.
func TestNewcomersRepository(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "go.mod", "module hello\n\ngo 1.21\n")
	write(t, dir, "main.go", helloSource)
	command(t, dir, "git", "init", "-q", "-b", "main")
	command(t, dir, "git", "add", ".")
	command(t, dir, "git", "-c", "user.name=Eve", "-c", "user.email=eve@example.com", "commit", "-q", "-m", "Say hello")
	remote := strings.Replace(stack.git, "http://", "http://alice:alice-demo@", 1) + "/scm/team/hello.git"
	command(t, dir, "git", "push", "-q", remote, "main")
	clone := filepath.Join(stack.data, "demo", "home", "hello-clone")
	command(t, "", "git", "clone", "-q", remote, clone)
	command(t, clone, "git", "remote", "set-url", "origin", stack.git+"/scm/team/hello.git")

	config := filepath.Join(stack.data, "config", "micro-1.yaml")
	before, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`(?m)^repositories:`).Match(before) {
		t.Fatalf("no repositories in %s:\n%s", config, before)
	}
	added := strings.TrimRight(string(before), "\n") + "\n  - {name: hello, path: " + clone + ", kind: go, port: 9000, health: /}\n"
	if err := os.WriteFile(config, []byte(added), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, func() error {
		if out := sdpOK(t, "repos"); !strings.Contains(out, "hello") {
			return errorf("`sdp repos` does not list hello:\n%s", out)
		}
		return nil
	})
	box := newSandbox(t, "services:\n  hello: {branch: main}\n")
	sdpOK(t, "deploy", box.Name, "hello@main", "--env", "GREETING=bonjour", "--secret", "WORD=hush-4711", "--wait")
	wantAnswer(t, box.URL+"/hello/", 200, "hello=sandbox@", "bonjour", "secret of 9 characters", "uid 65532")
	if out := sdpOK(t, "sandbox", "show", box.Name, "-o", "json"); strings.Contains(out, "hush-4711") {
		t.Errorf("`sdp sandbox show` shows a secret:\n%s", out)
	}
}

const helloSource = `package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "%s, secret of %d characters, uid %d\n", os.Getenv("GREETING"), len(os.Getenv("WORD")), os.Getuid())
	})
	fmt.Println("hello listens, word is", os.Getenv("WORD"))
	if err := http.ListenAndServe(":"+os.Getenv("PORT"), nil); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
`

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestLogsAreCompleteAndTagged(t *testing.T) {
	t.Parallel()
	box := newSandbox(t, "services:\n  user: {branch: feature/profile-v2}\n")
	d := history(t, box.Name)[0]
	out := sdpOK(t, "logs", d.ID)
	for _, tag := range []string{"[FETCH]", "[START]", "[ROUTE]"} {
		if !strings.Contains(out, tag) {
			t.Errorf("the log lacks %s:\n%s", tag, out)
		}
	}
	eventually(t, 20*time.Second, func() error {
		if out := sdpOK(t, "logs", box.Name+"/user"); !strings.Contains(out, "20") {
			return errorf("the container's log is empty: %q", out)
		}
		return nil
	})
}

func TestAuditSaysWhoDidWhat(t *testing.T) {
	t.Parallel()
	box := newSandbox(t, "services:\n  account: {branch: main}\n")
	events := sdpJSON[[]rest.AuditEvent](t, "audit", "--sandbox", box.Name)
	var finished bool
	for _, e := range events {
		if e.Action == "deployment.finish" && e.Outcome == "succeeded" && e.User == "alice" && e.Branch == "main" && len(e.SHA) == 40 {
			finished = true
		}
	}
	if !finished {
		t.Errorf("no event says that alice deployed main: %+v", events)
	}
}
