package e2e

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sdp/api/rest"
	"sdp/internal/sdp"
)

// gatedBox is a sandbox with everything a sandbox can have: a gateway, a gated service, a service on the shared
// environment, one at a URL, an environment with variable, secret and file, and secrets of its own.
type gatedBox struct {
	rest.Sandbox
	gate *gate
	env  string
	spec string // its sandbox.yaml, without the name
}

func newGatedBox(t *testing.T) gatedBox {
	t.Helper()
	g := newGate(t)
	url := serveElsewhere(t)
	env := "e2e-" + strings.ToLower(sdp.NewID("")[:8])
	sdpOK(t, "env", "create", env, "PLAIN=plain", "--secret", "ENV_SECRET=@"+given(t, "secret of the environment"),
		"--file", gateFile+"="+given(t, "content of the file"))
	t.Cleanup(func() { sdpOK(t, "env", "delete", env) })
	box := gatedBox{gate: g, env: env, spec: "environment: " + env + "\nvariables: {GATE: '" + g.url + "'}\ngateway: {branch: main}\nservices:\n" +
		"  account: {branch: " + gateBranch(t) + "}\n  payment: {use_ocp: true}\n  user: {url: '" + url + "'}\n"}
	box.Sandbox = newSandbox(t, box.spec)
	sdpOK(t, "sandbox", "set", box.Name, "--secret", "BOX_SECRET=@"+given(t, "secret of the sandbox"))
	sdpOK(t, "deploy", box.Name, "account@"+gateBranch(t), "--secret", "OWN_SECRET=@"+given(t, "secret of the service"), "--wait")
	box.Sandbox = stack.sound(t, box.Name)
	return box
}

// serveElsewhere answers "elsewhere" where routes of tests may lead.
func serveElsewhere(t *testing.T) (url string) {
	t.Helper()
	ln, err := net.Listen("tcp", elsewhere+":0")
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "elsewhere") }))
	s.Listener.Close()
	s.Listener = ln
	s.Start()
	t.Cleanup(s.Close)
	return s.URL
}

// given writes a value into a file and returns its path.
func given(t *testing.T, value string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "given", value)
	return filepath.Join(dir, "given")
}

// withVariable is the box's sandbox.yaml with one more variable for all services, which has them start anew.
func (b gatedBox) withVariable(value string) string {
	return strings.Replace(b.spec, "variables: {", "variables: {NOTE: "+value+", ", 1)
}

// cloneTo starts a clone and returns its operation.
func (b gatedBox) cloneTo(t *testing.T, name string) string {
	t.Helper()
	stack.atEndDelete(t, name)
	return stack.change(t, "POST", "/api/v1/sandboxes/"+b.Name+"/clone", `{"name":"`+name+`"}`)
}

// wantGiven wants a container of account to have been given everything there is.
func (b gatedBox) wantGiven(t *testing.T, box string) {
	t.Helper()
	for key, value := range map[string]string{"PLAIN": "plain", "ENV_SECRET": "secret of the environment", "file": "content of the file",
		"BOX_SECRET": "secret of the sandbox", "OWN_SECRET": "secret of the service"} {
		if got := b.gate.told(box, "account", key); got != value {
			t.Errorf("account of %s was given %s=%q, want %q", box, key, got, value)
		}
	}
}

// same fails the test unless the box is served by the very containers that served it before.
func (b gatedBox) same(t *testing.T) {
	t.Helper()
	now := stack.sound(t, b.Name)
	for i, s := range b.Services {
		if n := now.Services[i]; n.Name != s.Name || n.Source != s.Source || (n.Serving == nil) != (s.Serving == nil) ||
			s.Serving != nil && n.Serving.DockerID != s.Serving.DockerID {
			t.Errorf("%s was %+v, now it is %+v", s.Name, s, n)
		}
	}
	if now.Port != b.Port || now.Environment != b.Environment {
		t.Errorf("the sandbox was %+v, now it is %+v", b.Sandbox, now)
	}
}

func TestClone(t *testing.T) {
	t.Parallel()
	box := newGatedBox(t)
	t.Run("contract", box.contract)
	t.Run("answers by itself", box.cloned)
	t.Run("follows branches", box.follows)
	t.Run("cancelled in the middle", box.cloneCancelled)
	t.Run("a service fails", box.cloneFails)
}

// The contract says of each part what becomes of it; nothing is made by asking for it.
func (b gatedBox) contract(t *testing.T) {
	c := sdpJSON[rest.CloneContract](t, "sandbox", "clone", b.Name, b.Name+"-c", "--dry-run")
	for _, w := range []struct{ what, service, key, disposition string }{
		{"owner", "", "alice", "regenerated"}, {"port", "", "", "regenerated"}, {"environment", "", b.env, "shared"},
		{"variable", "", "PLAIN", "shared"}, {"secret", "", "ENV_SECRET", "shared"}, {"file", "", gateFile, "shared"},
		{"variable", "", "GATE", "copied"}, {"secret", "", "BOX_SECRET", "copied"}, {"secret", "account", "OWN_SECRET", "copied"},
		{"container", "account", sdp.ContainerName(b.Name+"-c", "account"), "regenerated"}, {"route", "account", "account", "regenerated"},
		{"container", "gateway", sdp.ContainerName(b.Name+"-c", "gateway"), "regenerated"}, {"route", "payment", "payment", "shared"},
		{"route", "user", "user", "shared"}, {"network", "", sdp.NetworkName(b.Name+"-c", "micro-1"), "regenerated"},
	} {
		if !slices.ContainsFunc(c.Items, func(i rest.ContractItem) bool {
			return i.What == w.what && i.Service == w.service && i.Key == w.key && i.Disposition == w.disposition
		}) {
			t.Errorf("the contract lacks %+v: %+v", w, c.Items)
		}
	}
	stack.gone(t, b.Name+"-c")
}

func (b gatedBox) cloned(t *testing.T) {
	name := b.Name + "-c"
	stack.atEndDelete(t, name)
	out := sdpOK(t, "sandbox", "clone", b.Name, name, "--wait")
	if contract, _, found := strings.Cut(out, "\nPlan "); !found || !strings.Contains(contract, "Clone of "+b.Name+" as "+name) {
		t.Errorf("the contract is not told before the plan:\n%s", out)
	}
	clone := stack.sound(t, name)
	if clone.Port == b.Port || clone.Environment != b.env || clone.Gateway != b.Gateway {
		t.Errorf("the clone of %+v is %+v", b.Sandbox, clone)
	}
	for i, s := range b.Services {
		c := clone.Services[i]
		if c.Name != s.Name || c.Source != s.Source || c.URL != s.URL {
			t.Errorf("%s is %+v, the clone's %+v", s.Name, s, c)
		}
		if s.Serving != nil && (c.Serving.SHA != s.Serving.SHA || c.Serving.Image != s.Serving.Image || c.Serving.DockerID == s.Serving.DockerID) {
			t.Errorf("%s is served by %+v, the clone's by %+v", s.Name, *s.Serving, *c.Serving)
		}
	}
	b.wantGiven(t, name)
	wantAnswer(t, clone.URL+"/payment/version", 200, "gateway=sandbox@", `"ocp"`)
	wantAnswer(t, clone.URL+"/user/version", 200, "gateway=sandbox@", "elsewhere")
	b.same(t)
	sdpFails(t, 1, []string{"there is a sandbox " + name + " already", "choose another name"}, "sandbox", "clone", b.Name, name)
	sdpOK(t, "sandbox", "delete", name, "--wait")
	stack.gone(t, name)
	b.same(t)
}

// A clone stays at the commits that run, unless it is to follow: then it takes the branches' newest.
func (b gatedBox) follows(t *testing.T) {
	old := serviceOf(t, b.Sandbox, "account").Serving.SHA
	moved := files{"cmd/account/gate.go": gateSource, "cmd/account/moved.go": "package main\n\nvar _ = \"moved\"\n"}
	if err := pushBranch("account", gateBranch(t), moved); err != nil {
		t.Fatal(err)
	}
	name := b.Name + "-f"
	stack.atEndDelete(t, name)
	sdpOK(t, "sandbox", "clone", b.Name, name, "--follow", "--wait")
	if now := serviceOf(t, stack.sound(t, name), "account"); now.Serving.SHA == old || now.Commit != "" {
		t.Errorf("the clone that follows runs %+v, the sandbox %s", now, old)
	}
	b.same(t)
}

// A clone that is cancelled while one of its services starts leaves nothing.
func (b gatedBox) cloneCancelled(t *testing.T) {
	name := b.Name + "-x"
	b.gate.close(name)
	id := b.cloneTo(t, name)
	b.gate.arrived(t, name)
	sdpOK(t, "cancel", id, "--wait")
	if op := stack.ended(t, id); op.State != sdp.OpCancelled {
		t.Errorf("the cancelled clone is %s: %+v", op.State, op.Failure)
	}
	stack.gone(t, name)
	b.same(t)
}

// A commit that does not become healthy with the environment as it is by now fails the clone, which leaves nothing.
func (b gatedBox) cloneFails(t *testing.T) {
	name := b.Name + "-y"
	sdpOK(t, "env", "set", b.env, "REFUSE=1")
	op := stack.ended(t, b.cloneTo(t, name))
	if f := op.Failure; op.State != sdp.OpFailed || f == nil || !strings.Contains(f.Detail, "account (start): ") ||
		!strings.Contains(f.Output, "refusing to start with REFUSE set") || f.Remedy == "" {
		t.Errorf("the clone is %s: %+v", op.State, op.Failure)
	}
	stack.gone(t, name)
	b.same(t)
	sdpOK(t, "env", "unset", b.env, "REFUSE")
	stack.succeeds(t, b.cloneTo(t, name))
	stack.sound(t, name)
}
