package e2e

import (
	"syscall"
	"testing"
	"time"

	"sdp/api/rest"
	"sdp/internal/sdp"
)

// killAll ends everything of the installation, as a power cut does, and starts it again.
func killAll(t *testing.T) {
	t.Helper()
	if err := stack.stop(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for _, pid := range stack.pids("sdp") {
		syscall.Kill(pid, syscall.SIGKILL) // some have ended with `sdp up`
	}
	if err := stack.start(); err != nil {
		t.Fatal(err)
	}
}

// victims are what may be killed while a change runs.
var victims = map[string]func(*testing.T){
	"a worker":   func(t *testing.T) { killOne(t, "worker", "micro-1") },
	"the server": func(t *testing.T) { killOne(t, "sdp server") },
	"Temporal":   func(t *testing.T) { killOne(t, "temporald") },
	"PostgreSQL": func(t *testing.T) { killOne(t, "postgres", "-D") },
	"everything": killAll,
}

// A clone ends by itself whatever is killed under it: there is all of it or nothing, and the sandbox serves as before.
func TestKilledDuringClone(t *testing.T) {
	box := newGatedBox(t)
	for _, victim := range []string{"a worker", "Temporal", "PostgreSQL"} {
		t.Run(victim, func(t *testing.T) {
			name := box.Name + "-c"
			box.gate.close(name)
			id := box.cloneTo(t, name)
			box.gate.arrived(t, name)
			victims[victim](t)
			box.gate.open(name)
			op := stack.ended(t, id)
			eventually(t, changeLimit, stack.ready)
			t.Logf("the clone is %s: %+v", op.State, op.Failure)
			if op.State == sdp.OpSucceeded {
				stack.sound(t, name)
				box.wantGiven(t, name)
				sdpOK(t, "sandbox", "delete", name, "--wait")
			}
			stack.gone(t, name)
			box.same(t)
		})
	}
	id := box.cloneTo(t, box.Name+"-c") // nothing of those before is in its way
	stack.succeeds(t, id)
	stack.sound(t, box.Name+"-c")
}

// An apply that is all or nothing is that as well if something is killed while its parts hold.
func TestKilledDuringAtomicApply(t *testing.T) { killedDuringApply(t, true, "a worker", "everything") }

func TestKilledDuringApply(t *testing.T) { killedDuringApply(t, false, "the server") }

// killedDuringApply kills each victim while one part of an apply starts; another has begun and is healthy by then or
// soon.
func killedDuringApply(t *testing.T, atomic bool, list ...string) {
	t.Helper()
	box := newGatedBox(t)
	for _, victim := range list {
		t.Run(victim, func(t *testing.T) {
			before := stack.sandbox(t, box.Name)
			box.gate.close(box.Name)
			id := box.apply(t, sdp.NewID("v-"), atomic)
			box.gate.arrived(t, box.Name)
			if atomic {
				eventually(t, time.Minute, func() error { return holds(stack.history(t, box.Name), id, "gateway") })
			}
			victims[victim](t)
			box.gate.open(box.Name)
			op := stack.ended(t, id)
			eventually(t, changeLimit, stack.ready)
			t.Logf("the apply is %s: %+v", op.State, op.Failure)
			changed := changedServices(before, stack.sound(t, box.Name))
			if all := op.State == sdp.OpSucceeded; all && len(changed) != 2 || !all && atomic && len(changed) != 0 {
				t.Errorf("the apply is %s, and %q run anew", op.State, changed)
			}
			stack.succeeds(t, box.apply(t, sdp.NewID("v-"), atomic))
			stack.sound(t, box.Name)
		})
	}
}

// apply starts an apply that gives both services another variable, and returns its operation.
func (b gatedBox) apply(t *testing.T, value string, atomic bool) string {
	t.Helper()
	flags := []string{"apply", "-f", given(t, "sandbox: "+b.Name+"\n"+b.withVariable(value)), "--wait=false"}
	if atomic {
		flags = append(flags, "--atomic")
	}
	a := askJSON[rest.Applied](t, stack, flags...)
	if a.Operation == nil {
		t.Fatalf("there is nothing to apply: %+v", a.Plan)
	}
	return a.Operation.ID
}

// holds is nil once the part of a change that deploys service waits for the others.
func holds(list []rest.Deployment, operation, service string) error {
	for _, d := range list {
		if d.Operation != operation || d.Service != service {
			continue
		}
		for _, step := range d.Steps {
			if step.Name == sdp.StepRoute && step.State == string(sdp.StepRunning) {
				return nil
			}
		}
		return errorf("the deployment of %s is %s: %+v", service, d.State, d.Steps)
	}
	return errorf("operation %s does not deploy %s", operation, service)
}

// changedServices names the services that another container serves.
func changedServices(before, after rest.Sandbox) (names []string) {
	for i, s := range before.Services {
		if n := after.Services[i]; s.Serving != nil && (n.Serving == nil || n.Serving.DockerID != s.Serving.DockerID) {
			names = append(names, s.Name)
		}
	}
	return names
}

// A delete goes on where it was when the worker that does it is killed.
func TestKilledDuringDelete(t *testing.T) {
	box := newGatedBox(t)
	for _, victim := range []string{"a worker", "the server"} {
		name := box.Name + "-d"
		stack.succeeds(t, box.cloneTo(t, name))
		op := ask[rest.Operation](t, stack, 202, "DELETE", "/api/v1/sandboxes/"+name, "")
		victims[victim](t)
		if got := stack.ended(t, op.ID); got.State != sdp.OpSucceeded {
			t.Errorf("with %s killed the delete is %s: %+v", victim, got.State, got.Failure)
			sdpOK(t, "sandbox", "delete", name, "--wait")
		}
		eventually(t, changeLimit, stack.ready)
		stack.gone(t, name)
		box.same(t)
	}
}

// Deleting a sandbox cancels what runs in it before anything is taken away.
func TestDeleteDuringApply(t *testing.T) {
	box := newGatedBox(t)
	for _, atomic := range []bool{true, false} {
		name := box.Name + "-d"
		stack.succeeds(t, box.cloneTo(t, name))
		copied := box
		copied.Sandbox = stack.sound(t, name)
		box.gate.close(name)
		id := copied.apply(t, "other", atomic)
		box.gate.arrived(t, name)
		sdpOK(t, "sandbox", "delete", name, "--wait")
		if op := stack.ended(t, id); op.State != sdp.OpCancelled {
			t.Errorf("the apply is %s: %+v", op.State, op.Failure)
		}
		stack.gone(t, name)
		box.gate.open(name) // for the next one of that name
		box.same(t)
	}
}
