package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.temporal.io/sdk/client"

	"sdp/api/rest"
	"sdp/internal/sdp"
)

// impatient has what is under way give its database up after a moment.
const impatient = "reconcile: {lostAfter: 4s, patience: 2s}\n"

// talkSource is a Go file for package main of a service: talk prints as many lines as its variable LINES says, none of which
// is like another.
const talkSource = `package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"strconv"
)

func talk() {
	lines, _ := strconv.Atoi(os.Getenv("LINES"))
	for i := range lines {
		fmt.Printf("line %d %x\n", i, sha256.Sum256([]byte(strconv.Itoa(i))))
	}
}
`

// stores is a site whose PostgreSQL and Temporal go away in ways that their next start does not mend.
type stores struct {
	*site
	gate *gate
	box  rest.Sandbox // serves held@main
}

// Whatever happens to where things are stored: what was under way ends, what serves goes on, and what comes next works.
func TestTemporalLosesItsDatabases(t *testing.T) {
	t.Parallel()
	s := newStores(t)
	t.Run("they are emptied", s.temporalEmptied)
	t.Run("they are older than SDP's", s.temporalRestored)
}

func TestPostgresGoesAway(t *testing.T) {
	t.Parallel()
	s := newStores(t)
	t.Run("the database is away for longer than anything waits", s.databaseAway)
	t.Run("all is away for longer than anything waits", s.postgresAway)
	t.Run("it takes no changes", s.readOnly)
	t.Run("its disk is full", s.diskFull)
}

func newStores(t *testing.T) stores {
	t.Helper()
	held := repository{name: "held", config: plainRepository.config,
		main: files{"go.mod": "module held\n\ngo 1.22\n", "main.go": plainSource("talk()", ":8080"), "gate.go": gateSource,
			"talk.go": talkSource + "\n// " + sdp.NewID("") + "\n"}, // no image in common with another site
		branches: map[string]files{"feature/next": {"note.go": "package main\n\nvar _ = 1\n"}}}
	site, err := newSite("", held)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := site.remove(); err != nil {
			t.Error(err)
		}
	})
	config := "login: {repository: held}\ntracking: {every: 2s}\n" + impatient
	if err := errors.Join(put(filepath.Join(site.data, "config", "server.yaml"), config), site.up()); err != nil {
		t.Fatal(err)
	}
	s := stores{site: site, gate: newGate(t)}
	s.box = s.newBox(t)
	return s
}

// newBox is a sandbox whose containers ask the gate and that serves held@main.
func (s stores) newBox(t *testing.T) rest.Sandbox {
	t.Helper()
	return s.newSandbox(t, "variables: {GATE: '"+s.gate.url+"'}\nservices:\n  held: {branch: main}\n")
}

// atTheGate deploys a branch up to where its container waits for the gate to be opened.
func (s stores) atTheGate(t *testing.T, box rest.Sandbox, branch string) rest.Deployment {
	t.Helper()
	s.gate.close(box.Name)
	d := s.deployInBackground(t, box.Name, "held@"+branch)
	s.gate.arrived(t, box.Name)
	return d
}

// goesOn wants a sandbox to be in order and to take the next deployment.
func (s stores) goesOn(t *testing.T, box rest.Sandbox) {
	t.Helper()
	s.gate.open(box.Name)
	s.sound(t, box.Name)
	s.ok(t, "deploy", box.Name, "held@feature/next", "--wait")
	s.ok(t, "deploy", box.Name, "held@main", "--wait")
	s.sound(t, box.Name)
}

// lost waits until a deployment has ended as one that nobody carries out any more.
func (s stores) lost(t *testing.T, d rest.Deployment) {
	t.Helper()
	if d = s.waitState(t, d.Sandbox, d.ID, time.Minute, sdp.DeployFailed); !isLost(d.Failure) {
		t.Errorf("deployment %s failed with %+v", d.ID, d.Failure)
	}
}

// isLost reports whether a failure says that nobody carries something out any more: the server's reconciler found that out, or
// the sandbox's workflow did.
func isLost(f *rest.Failure) bool {
	return f != nil && (f.Code == "workflow-lost" || f.Code == "workflow-ended")
}

// The database alone is away, so that Temporal has each step give up.
func (s stores) databaseAway(t *testing.T) {
	applied, deleted := s.newBox(t), s.newBox(t)
	d := s.atTheGate(t, s.box, "feature/next")
	s.gate.close(applied.Name)
	apply := s.apply(t, applied)
	s.gate.arrived(t, applied.Name)
	remove, goOn := s.stuckDelete(t, deleted)
	s.sql(t, "postgres", "ALTER DATABASE sdp ALLOW_CONNECTIONS false",
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'sdp'")
	goOn()
	s.gate.open(s.box.Name)
	s.gate.open(applied.Name)
	for _, workflow := range []string{"deploy/" + d.ID, "apply/" + apply, "delete/" + remove} {
		s.closed(t, workflow)
	}
	s.sql(t, "postgres", "ALTER DATABASE sdp ALLOW_CONNECTIONS true")
	s.lost(t, d)
	s.operationLost(t, apply)
	s.operationLost(t, remove)
	for _, box := range []rest.Sandbox{s.box, applied, deleted} {
		s.goesOn(t, box)
	}
}

// closed waits until a workflow has ended in Temporal.
func (s stores) closed(t *testing.T, workflow string) {
	t.Helper()
	s.inTemporal(t, func(c client.Client) {
		eventually(t, time.Minute, func() error {
			d, err := c.DescribeWorkflowExecution(t.Context(), workflow, "")
			if err == nil && d.GetWorkflowExecutionInfo().GetCloseTime() == nil {
				err = errorf("%s has not ended", workflow)
			}
			return err
		})
	})
}

func (s stores) inTemporal(t *testing.T, do func(client.Client)) {
	t.Helper()
	c, err := s.places(t).temporal()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	do(c)
}

// PostgreSQL is away in the middle of a build, and Temporal with it. That ends when it is told to all the same.
func (s stores) postgresAway(t *testing.T) {
	d := s.deployInBackground(t, s.box.Name, "held@"+s.slowBranch(t, "held"))
	s.waitState(t, s.box.Name, d.ID, time.Minute, sdp.Building)
	s.withoutPostgres(t, func() {
		began := time.Now()
		s.endTemporal(t)
		eventually(t, time.Minute, func() error {
			if err := s.ready(); err == nil {
				return errorf("the server is ready without PostgreSQL")
			}
			if away := time.Since(began); away < 5*time.Second {
				return errorf("it is away for %s only", away)
			}
			return nil
		})
	})
	d = s.waitState(t, s.box.Name, d.ID, 4*time.Minute, sdp.Running, sdp.DeployFailed)
	t.Logf("ended %s %+v", d.State, d.Failure)
	if d.State == sdp.DeployFailed && !isLost(d.Failure) {
		t.Errorf("it failed with %+v", d.Failure)
	}
	s.goesOn(t, s.box)
}

// endTemporal tells Temporal to end, as systemd does, and wants it to do so, with nothing to complain of.
func (s stores) endTemporal(t *testing.T) {
	t.Helper()
	running := s.pids("temporald")
	if len(running) != 1 {
		t.Fatalf("there are processes %v of temporald", running)
	}
	said := len(s.screen.String())
	if err := syscall.Kill(running[0], syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, func() error {
		if !strings.Contains(s.screen.String()[said:], "temporald ended by itself") {
			return errorf("temporald has not ended:\n%s", s.screen.String()[said:])
		}
		return nil
	})
}

// withoutPostgres stops PostgreSQL, which cannot start again until do returns.
func (s stores) withoutPostgres(t *testing.T, do func()) {
	t.Helper()
	unusable := filepath.Join(s.data, "postgres", "custom.conf")
	if err := os.WriteFile(unusable, []byte("nosuchsetting = 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	defer func() {
		eventually(t, 2*time.Minute, s.ready)
		for _, node := range []string{"micro-1", "gateway-1"} {
			s.awaitNode(t, node, "")
		}
	}()
	defer os.Remove(unusable)
	s.kill(t, "postgres", "-D")
	do()
}

func (s stores) places(t *testing.T) *places {
	t.Helper()
	p, err := newPlaces(s.site, nil, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// sql runs statements in one of the site's databases as its superuser.
func (s stores) sql(t *testing.T, database string, statements ...string) {
	t.Helper()
	conn, err := s.places(t).connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, statement := range statements {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}
