package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sdp/api/rest"
	"sdp/internal/sdp"
)

// actions are what a plan does, by service.
func actions(p rest.Plan) map[string]string {
	out := map[string]string{}
	for _, v := range p.Services {
		out[v.Service] = v.Action
	}
	return out
}

func (s *site) plan(t *testing.T, file string) rest.Plan {
	t.Helper()
	return askJSON[rest.Plan](t, s.installation, "plan", "-f", file)
}

// deleteAtEnd deletes a sandbox that a test made itself.
func (s *site) deleteAtEnd(t *testing.T, name string) {
	t.Helper()
	t.Cleanup(func() {
		s.ok(t, "sandbox", "delete", name, "--wait")
		if left := s.containers(t, name); len(left) > 0 {
			t.Errorf("deleted sandbox %s left containers %q", name, left)
		}
	})
}

// What a plan says is what an apply does, from the first line of a sandbox to its last service.
func TestPlanIsWhatApplyDoes(t *testing.T) {
	s := lab(t)
	name, moving := newName(), s.newBranch(t, "probe")
	file := define(t, "sandbox: "+name+"\nservices:\n  probe: {branch: "+moving.name+"}\n  plain: {branch: main}\n")
	first := s.plan(t, file)
	if a := actions(first); !first.New || !first.Changes || a["probe"] != "deploy" || a["plain"] != "deploy" || len(first.Hash) != 12 {
		t.Errorf("the plan of a new sandbox: %+v", first)
	}
	text := s.ok(t, "plan", "-f", file)
	for _, want := range []string{"new sandbox " + name, moving.name + " @ ", "--plan " + first.Hash, "next free port", "micro-1"} {
		if !strings.Contains(text, want) {
			t.Errorf("the plan lacks %q:\n%s", want, text)
		}
	}
	s.ok(t, "apply", "-f", file, "--plan", first.Hash)
	s.deleteAtEnd(t, name)
	box := s.sandbox(t, name)
	before := probe(t, box.URL, "")
	wantAnswer(t, box.URL+"/plain/", 200, "plain=sandbox@")

	for _, args := range [][]string{{"plan", "-f", file}, {"apply", "-f", file}} {
		if out := s.ok(t, args...); !strings.Contains(out, "Nothing changes") {
			t.Errorf("sdp %q of what is there says:\n%s", args, out)
		}
	}
	if n := len(s.history(t, name)); n != 2 {
		t.Errorf("%d deployments after an apply with nothing to do, want 2", n)
	}

	unmoved := s.plan(t, file)
	sha := moving.push(t, files{"note.go": "package main\n\nvar _ = \"moved\"\n"})
	moved := s.plan(t, file)
	if a := actions(moved); a["probe"] != "deploy" || a["plain"] != "none" || moved.Hash == unmoved.Hash {
		t.Errorf("after the branch moved: %+v", moved)
	}
	running := s.containerIDs(t, name)
	s.fails(t, 1, []string{unmoved.Hash, "sdp plan", "->"}, "apply", "-f", file, "--plan", unmoved.Hash)
	if now := s.containerIDs(t, name); now != running {
		t.Errorf("a stale plan changed containers:\n%s\n%s", running, now)
	}
	s.ok(t, "apply", "-f", file, "--plan", moved.Hash)
	if p := probe(t, box.URL, ""); p.SHA != sha || p.SHA == before.SHA {
		t.Errorf("probe runs %s, want %s", p.SHA, sha)
	}
	eventually(t, time.Minute, s.containersAre(t, name, 2)) // the one that was replaced has drained
	s.settingsPlanned(t, box)

	s.ok(t, "sandbox", "export", name, "--file", file+".exported")
	without := define(t, "sandbox: "+name+"\nservices:\n  probe: {branch: "+moving.name+"}\n")
	if a := actions(s.plan(t, without)); a["plain"] != "remove" {
		t.Errorf("without plain in the file: %v", a)
	}
	s.ok(t, "apply", "-f", without)
	wantAnswer(t, box.URL+"/plain/", 503, "plain=none", "the shared environment does not provide plain")
	eventually(t, time.Minute, s.containersAre(t, name, 1))
}

func (s *site) containersAre(t *testing.T, box string, n int) func() error {
	return func() error {
		if left := s.containers(t, box); len(left) != n {
			return errorf("sandbox %s has containers %q, want %d", box, left, n)
		}
		return nil
	}
}

func (s *site) containerIDs(t *testing.T, name string) string {
	t.Helper()
	ids := strings.Fields(s.docker(t, "ps", "-q", "--no-trunc", "--filter", "label="+sdp.LabelSandbox+"="+name,
		"--filter", "label="+sdp.LabelInstance+"="+s.instance(t)))
	slices.Sort(ids)
	return strings.Join(ids, "\n")
}

// settingsPlanned changes settings without restarting anything: the plan says what a restart would bring.
func (s *site) settingsPlanned(t *testing.T, box rest.Sandbox) {
	t.Helper()
	running := s.containerIDs(t, box.Name)
	out := s.ok(t, "sandbox", "set", box.Name, "--env", "MOOD=good", "--memory", "64M")
	if !strings.Contains(out, "probe") || !strings.Contains(out, "plain") || s.containerIDs(t, box.Name) != running {
		t.Errorf("`sdp sandbox set` restarted something, or does not say what is behind:\n%s", out)
	}
	exported := define(t, s.ok(t, "sandbox", "export", box.Name))
	plan := s.plan(t, exported)
	if a := actions(plan); a["probe"] != "restart" || a["plain"] != "restart" {
		t.Errorf("after `sdp sandbox set`: %+v", plan)
	}
	s.ok(t, "apply", "-f", exported, "--atomic")
	probe(t, box.URL, "").wantEnv(t, map[string]string{"MOOD": "good"})
	eventually(t, time.Minute, s.containersAre(t, box.Name, 2)) // those before drain for a while
	for _, id := range strings.Fields(s.containerIDs(t, box.Name)) {
		if limit := strings.TrimSpace(s.docker(t, "inspect", "--format", "{{.HostConfig.Memory}}", id)); limit != "67108864" {
			t.Errorf("container %s may use %s bytes, want 64M", id, limit)
		}
	}
	if plan := s.plan(t, exported); plan.Changes {
		t.Errorf("after the apply: %+v", plan)
	}
}

// What cannot be planned is said with its line, its service and what to do.
func TestPlansThatCannotBe(t *testing.T) {
	s := lab(t)
	name := newName()
	for what, c := range map[string]struct {
		code  int
		yaml  string
		texts []string
	}{
		"duplicate key":       {2, "services:\n  plain: {branch: main}\n  plain: {branch: other}\n", []string{"sandbox.yaml:4", "services.plain", "line 3"}},
		"unknown key":         {2, "servces:\n  plain: {branch: main}\n", []string{"sandbox.yaml:2", `"servces"`, `"services"`}},
		"above the node":      {1, "services:\n  plain: {branch: main, limits: {memory: 4000G}}\n", []string{"plain", "node micro-1 has", "limits.memory"}},
		"more than the total": {1, "limits: {container: {cpus: 1}, total: {cpus: 1.5}}\nservices:\n  plain: {branch: main}\n  probe: {branch: main}\n", []string{"plain 1 + probe 1", "1.5"}},
		"unknown environment": {1, "environment: nosuch\n", []string{`"nosuch"`, "sdp env list"}},
		"unknown repository":  {1, "services:\n  plian: {branch: main}\n", []string{`"plian"`, `"plain"`}},
		"unknown branch":      {1, "services:\n  plain: {branch: mian}\n", []string{"plain", `"mian"`, "main"}},
		"nothing to run":      {2, "services:\n  plain: {}\n", []string{"sandbox.yaml:3", "services.plain", "branch"}},
	} {
		t.Run(what, func(t *testing.T) {
			file := define(t, "sandbox: "+name+"\n"+c.yaml)
			for _, verb := range []string{"plan", "apply"} {
				t.Logf("what the user sees:\n%s", s.fails(t, c.code, append(c.texts, "->"), verb, "-f", file))
			}
		})
	}
	s.fails(t, 1, []string{name}, "sandbox", "show", name)
	t.Run("dead node", s.planWithoutNode)
}

// A node whose worker is away is a problem of the plan, which comes at once.
func (s *site) planWithoutNode(t *testing.T) {
	file := define(t, "sandbox: "+newName()+"\nservices:\n  plain: {branch: main}\n")
	config := filepath.Join(s.data, "config", "micro-1.yaml")
	good, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	restore := func() {
		if err := os.WriteFile(config, good, 0o600); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(func() {
		restore()
		s.awaitNode(t, "micro-1", "")
	})
	if err := os.WriteFile(config, append(good, []byte("\nnosuchkey: 1\n")...), 0o600); err != nil {
		t.Fatal(err)
	}
	s.kill(t, "worker", "micro-1")
	s.awaitNode(t, "micro-1", "no worker since")
	began := time.Now()
	var plan rest.Plan
	out, err := s.cli("", "plan", "-f", file, "-o", "json")
	if e := json.NewDecoder(strings.NewReader(out)).Decode(&plan); err == nil || e != nil { // the reason follows, on standard error
		t.Fatalf("ended with %v, %v:\n%s", err, e, out)
	}
	if len(plan.Problems) != 1 || !strings.Contains(plan.Problems[0].Detail, "micro-1: no worker since") || plan.Problems[0].Remedy == "" {
		t.Errorf("problems: %+v", plan.Problems)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("the plan took %s", took)
	}
	t.Logf("what the user sees:\n%s", s.fails(t, 1, []string{"In the way", "no worker since", "->"}, "plan", "-f", file))
	s.fails(t, 1, []string{"no worker since", "->"}, "apply", "-f", file)
}

// boxState is everything of a sandbox that a failed atomic apply must not change.
type boxState struct{ containers, settings, routes, probe, plain string }

func (s *site) state(t *testing.T, box rest.Sandbox) boxState {
	t.Helper()
	now := boxState{containers: s.containerIDs(t, box.Name), settings: s.ok(t, "sandbox", "export", box.Name)}
	var routes []string
	for _, r := range askJSON[rest.Routes](t, s.installation, "routes", box.Name).Routes {
		routes = append(routes, r.Service+" "+r.Source+" "+r.Address+" "+r.SHA)
	}
	now.routes = strings.Join(routes, "\n")
	now.probe = probe(t, box.URL, "").SHA
	now.plain = wantAnswer(t, box.URL+"/plain/", 200, "plain=sandbox@").header.Get("X-SDP-Route")
	return now
}

// With --atomic one service that cannot be built leaves all as it was; without, it alone stays behind.
func TestApplyAllOrNothing(t *testing.T) {
	s := lab(t)
	box := s.newSandbox(t, "description: as it was\nvariables: {MOOD: good}\nservices:\n  probe: {branch: main}\n  plain: {branch: main}\n")
	before := s.state(t, box)
	file := define(t, "sandbox: "+box.Name+"\ndescription: as it should be\nvariables: {MOOD: better}\n"+
		"services:\n  probe: {branch: feature/other}\n  plain: {branch: feature/needs-mod}\n")
	out := s.fails(t, 1, []string{"plain", "failed at build", "go mod tidy", "->"}, "apply", "-f", file, "--atomic")
	t.Logf("what the user sees:\n%s", out)
	if after := s.state(t, box); after != before {
		t.Errorf("the atomic apply failed and left\n%+v, before it was\n%+v", after, before)
	}
	if out := s.fails(t, 1, []string{"plain", "->"}, "apply", "-f", file); !strings.Contains(out, "probe") {
		t.Errorf("the failed apply does not mention probe:\n%s", out)
	}
	after := s.state(t, box)
	if after.plain != before.plain || after.probe == before.probe {
		t.Errorf("the apply failed for plain and left\n%+v, before it was\n%+v", after, before)
	}
	probe(t, box.URL, "").wantEnv(t, map[string]string{"MOOD": "better"})
	eventually(t, time.Minute, s.containersAre(t, box.Name, 2))
}

// A sandbox takes one change at a time; the second is told which is in the way, and how to be rid of it.
func TestApplyWhileAnotherRuns(t *testing.T) {
	s := lab(t)
	box := s.newSandbox(t, "services:\n  probe: {branch: main}\n")
	before := s.containerIDs(t, box.Name)
	slow := define(t, "sandbox: "+box.Name+"\nservices:\n  probe: {branch: main}\n  plain: {branch: "+s.slowBranch(t, "plain")+"}\n")
	first := askJSON[rest.Applied](t, s.installation, "apply", "-f", slow, "--wait=false")
	if first.Operation == nil || len(first.Deployments) != 1 {
		t.Fatalf("accepted as %+v", first)
	}
	other := define(t, "sandbox: "+box.Name+"\nservices:\n  probe: {branch: feature/other}\n")
	for _, verb := range []string{"apply", "plan"} {
		out := s.fails(t, 1, []string{first.Operation.ID, "alice", box.Name, "sdp cancel " + first.Operation.ID}, verb, "-f", other)
		t.Logf("what the user sees:\n%s", out)
	}
	s.ok(t, "cancel", first.Operation.ID, "--wait")
	if now := s.containerIDs(t, box.Name); now != before {
		t.Errorf("containers before the cancelled apply:\n%s\nand after:\n%s", before, now)
	}
	s.ok(t, "apply", "-f", other)
	probe(t, box.URL, "")
}
