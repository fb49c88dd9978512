package cli

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"sdp/api/rest"
	"sdp/cmd/sdp/client/clitest"
	"sdp/internal/sdp"
)

func TestStepsOfADeployment(t *testing.T) {
	s, out := clitest.Screen()
	w := newWatcher(s)
	w.width = len("account")
	step := func(name sdp.StepName, state, detail string) rest.Step {
		return rest.Step{Name: name, State: state, Detail: detail, StartedAt: clitest.Now, FinishedAt: clitest.Now.Add(140 * time.Millisecond)}
	}
	d := clitest.Running
	d.Settled, d.State = false, "BUILDING"
	d.Steps = []rest.Step{step("resolve", "done", "feature/loyalty-points -> 3f2a9c1d0b7e"), step("fetch", "done", ""), {Name: "build", State: "running"}}
	w.update(clitest.Queued)
	w.update(d)
	w.update(d) // says nothing new
	d = clitest.Running
	d.Steps = []rest.Step{step("resolve", "done", ""), step("fetch", "done", ""), step("build", "cached", "image exists"), step("route", "done", "")}
	w.update(d)
	w.update(d)
	bad := clitest.Failed
	bad.Steps = []rest.Step{step("build", "failed", "it does not compile")}
	w.update(bad)
	w.progress.Close()
	var shown *Shown
	if err := Outcome(s, []rest.Deployment{d, bad}); !errors.As(err, &shown) || shown.Problem.Code != "compile-error" {
		t.Errorf("got %v", err)
	}
	clitest.Golden(t, out.Bytes())
}

func TestOutputOfAFailureIsBounded(t *testing.T) {
	s, out := clitest.Screen()
	long := clitest.Failed
	long.Failure = &rest.Failure{Detail: "x", Output: string(bytes.Repeat([]byte("line\n"), 1000))}
	explain(s, long)
	if n := bytes.Count(out.Bytes(), []byte("| line\n")); n != maxOutput {
		t.Errorf("%d lines", n)
	}
}

func TestFailureSaysOnceThatItWasCancelled(t *testing.T) {
	s, out := clitest.Screen()
	d := clitest.Failed
	d.State, d.Failure = sdp.DeployCancelled, &rest.Failure{Detail: "cancelled by alice, who drains node micro-1"}
	explain(s, d)
	if !bytes.Contains(out.Bytes(), []byte(") cancelled by alice, who drains node micro-1\n")) {
		t.Errorf("%s", out)
	}
}
