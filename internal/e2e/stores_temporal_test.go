package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"sdp/api/rest"
	"sdp/internal/sdp"
)

// temporalDatabases are what Temporal keeps everything in.
var temporalDatabases = []string{"temporal", "temporal_visibility"}

// withoutTemporal stops Temporal, which cannot start again until do returns.
func (s stores) withoutTemporal(t *testing.T, do func()) {
	t.Helper()
	s.sql(t, "postgres", "ALTER ROLE temporal NOLOGIN")
	s.kill(t, "temporald")
	s.sql(t, "postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'temporal'")
	defer eventually(t, 2*time.Minute, s.ready)
	defer s.sql(t, "postgres", "ALTER ROLE temporal LOGIN")
	do()
}

// temporalEmptied has Temporal lose all it has while everything there is is under way. Nothing else is started anew.
func (s stores) temporalEmptied(t *testing.T) {
	applied, deleted, cancelled, followed, fresh := s.newBox(t), s.newBox(t), s.newBox(t), s.newBox(t), s.newSandbox(t, "")
	own := s.followBranch(t, followed)
	serving := keepAsking(t, s.box.URL+"/held/", applied.URL+"/held/")

	deploy := s.atTheGate(t, s.box, "feature/next")
	restart := ask[rest.Operation](t, s.installation, 202, "POST", "/api/v1/sandboxes/"+s.box.Name+"/services/held/restart", "")
	s.inOperation(t, restart.ID, func(op rest.Operation) bool { return op.WaitingFor != "" })
	s.gate.close(applied.Name)
	apply := s.apply(t, applied)
	s.gate.arrived(t, applied.Name)
	toCancel := s.atTheGate(t, cancelled, "feature/next")
	remove, goOn := s.stuckDelete(t, deleted)
	var meanwhile, never rest.Deployment
	s.withoutTemporal(t, func() {
		s.ok(t, "cancel", toCancel.ID, "--wait=false")
		meanwhile = s.deployInBackground(t, fresh.Name, "held@main")
		never = s.deployInBackground(t, followed.Name, "held@"+own.name)
		s.ok(t, "cancel", never.ID, "--wait=false")
		for _, name := range temporalDatabases {
			s.sql(t, "postgres", "DROP DATABASE "+name, "CREATE DATABASE "+name+" OWNER temporal")
		}
	})
	goOn()

	s.lost(t, deploy)
	s.gate.open(s.box.Name)
	s.lost(t, toCancel)
	s.operationLost(t, apply)
	s.operationLost(t, remove)
	s.succeeds(t, restart.ID)
	s.waitState(t, fresh.Name, meanwhile.ID, time.Minute, sdp.Running)
	never = s.waitState(t, followed.Name, never.ID, time.Minute, sdp.DeployCancelled)
	if len(never.Steps) > 0 && never.Steps[0].State != string(sdp.StepPending) {
		t.Errorf("what was cancelled before it began has begun: %+v", never.Steps)
	}
	for _, box := range []rest.Sandbox{applied, deleted, cancelled} {
		s.gate.open(box.Name)
		s.sound(t, box.Name)
	}
	s.succeeds(t, s.apply(t, applied))
	s.goesOn(t, s.box)
	serving()
	s.found(t, s.box.Name)
	s.follows(t, followed, own)
}

// followBranch has a sandbox's service follow a branch of its own while nobody is signed in.
func (s stores) followBranch(t *testing.T, box rest.Sandbox) *branch {
	t.Helper()
	own := s.newBranch(t, "held")
	s.ok(t, "track", "credential", "store")
	s.ok(t, "deploy", box.Name, "held@"+own.name, "--wait")
	s.ok(t, "track", "on", box.Name, "held")
	s.follows(t, box, own)
	return own
}

// follows moves the branch and waits until the sandbox answers with its commit.
func (s stores) follows(t *testing.T, box rest.Sandbox, own *branch) {
	t.Helper()
	sha := own.push(t, files{"own.go": "package main\n\nvar _ = \"" + sdp.NewID("") + "\"\n"})
	eventually(t, watch, func() error {
		a, err := get(box.URL + "/held/")
		if err == nil && !strings.Contains(a.body, sha) {
			err = errorf("it answers %s, want commit %s", a.body, sha)
		}
		return err
	})
}

// apply starts an apply that has the service of a sandbox start anew, and returns its operation.
func (s stores) apply(t *testing.T, box rest.Sandbox) string {
	t.Helper()
	spec := "sandbox: " + box.Name + "\nvariables: {GATE: '" + s.gate.url + "', NOTE: " + sdp.NewID("n-") + "}\n" +
		"services:\n  held: {branch: main}\n"
	return askJSON[rest.Applied](t, s.installation, "apply", "-f", given(t, spec), "--wait=false").Operation.ID
}

// stuckDelete begins to delete a sandbox, which waits for the gateway's worker until that goes on.
func (s stores) stuckDelete(t *testing.T, box rest.Sandbox) (id string, goOn func()) {
	t.Helper()
	signal := func(which syscall.Signal) {
		for _, pid := range s.pids("worker", "gateway-1") {
			if err := syscall.Kill(pid, which); err != nil {
				t.Error(err)
			}
		}
	}
	signal(syscall.SIGSTOP)
	goOn = func() { signal(syscall.SIGCONT) }
	t.Cleanup(goOn)
	op := ask[rest.Operation](t, s.installation, 202, "DELETE", "/api/v1/sandboxes/"+box.Name, "")
	s.inOperation(t, op.ID, func(op rest.Operation) bool { return op.State == sdp.OpRunning })
	return op.ID, goOn
}

func (s stores) inOperation(t *testing.T, id string, is func(rest.Operation) bool) {
	t.Helper()
	eventually(t, time.Minute, func() error {
		if op := ask[rest.Operation](t, s.installation, 200, "GET", "/api/v1/operations/"+id, ""); !is(op) {
			return errorf("the %s is %s, waiting for %q", op.Kind, op.State, op.WaitingFor)
		}
		return nil
	})
}

func (s stores) operationLost(t *testing.T, id string) {
	t.Helper()
	if op := s.ended(t, id); op.State != sdp.OpFailed || !isLost(op.Failure) {
		t.Errorf("the %s is %s: %+v", op.Kind, op.State, op.Failure)
	}
}

// found wants the runs of a sandbox to be found in Temporal by name.
func (s stores) found(t *testing.T, box string) {
	t.Helper()
	s.inTemporal(t, func(c client.Client) {
		eventually(t, time.Minute, func() error {
			n, err := c.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{
				Query: "SdpSandbox = '" + box + "' AND SdpState = 'RUNNING'"})
			if err == nil && n.GetCount() == 0 {
				err = errorf("no run of %s is found", box)
			}
			return err
		})
	})
}

// temporalRestored gives Temporal databases that are older than SDP's: what has ended since comes back, and what has begun
// since is not there.
func (s stores) temporalRestored(t *testing.T) {
	other := s.newBox(t)
	serving := keepAsking(t, s.box.URL+"/held/", other.URL+"/held/")
	old := s.atTheGate(t, s.box, "feature/next")
	dumps := s.dumpTemporal(t)
	s.gate.open(s.box.Name)
	s.waitState(t, s.box.Name, old.ID, time.Minute, sdp.Running)
	s.ok(t, "deploy", s.box.Name, "held@main", "--wait")
	s.sound(t, s.box.Name)
	before := s.history(t, s.box.Name)
	begun := s.atTheGate(t, other, "feature/next")
	s.withoutTemporal(t, func() {
		for _, dump := range dumps {
			s.postgresTool(t, "pg_restore", "--create", "--clean", "--dbname=postgres", dump)
		}
	})

	s.lost(t, begun)
	s.closed(t, "deploy/"+old.ID)
	s.sound(t, s.box.Name)
	for i, d := range s.history(t, s.box.Name) {
		if b := before[i]; d.ID != b.ID || d.State != b.State || !d.FinishedAt.Equal(b.FinishedAt) {
			t.Errorf("deployment %s was %s of %s, and is %s of %s", b.ID, b.State, b.FinishedAt, d.State, d.FinishedAt)
		}
	}
	s.goesOn(t, s.box)
	s.goesOn(t, other)
	serving()
}

func (s stores) dumpTemporal(t *testing.T) (files []string) {
	t.Helper()
	for _, name := range temporalDatabases {
		file := filepath.Join(t.TempDir(), name+".dump")
		s.postgresTool(t, "pg_dump", "--format=custom", "--file="+file, name)
		files = append(files, file)
	}
	return files
}

// postgresTool runs a program of PostgreSQL against the site's.
func (s stores) postgresTool(t *testing.T, name string, args ...string) {
	t.Helper()
	p := s.places(t)
	at, err := p.database()
	if err != nil {
		t.Fatal(err)
	}
	program, err := postgresProgram(name)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, append([]string{"-h", at.Hostname(), "-p", at.Port(), "-U", "postgres", "-w"}, args...)...)
	cmd.Env = append(os.Environ(), "PGPASSWORD="+p.postgres)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}
