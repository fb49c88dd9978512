package postgres_test

import (
	"testing"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
)

var lostFailure = sdp.Failure{Kind: sdp.Internal, Code: "workflow-lost", Detail: "Temporal has no record of it"}

// lost settles an operation that nobody carries out any more and returns whether it came to a good end.
func (f changeFixture) lost(ref sdp.OperationRef) (good bool) {
	f.t.Helper()
	settle := func() bool {
		return got(f.SettleLost(f.t.Context(), ref, lostFailure, func(g bool) []sdp.AuditEvent {
			good = g
			return []sdp.AuditEvent{{User: "system", Action: sdp.AuditReconcile, Sandbox: ref.Sandbox, Operation: ref.ID}}
		}))(f.t)
	}
	equal(f.t, "settled", settle(), true)
	equal(f.t, "settled again", settle(), false)
	filter := postgres.AuditFilter{Operation: ref.ID, Action: sdp.AuditReconcile}
	events, _, err := f.AuditEvents(f.t.Context(), filter, postgres.Page{})
	must(f.t, err)
	equal(f.t, "events", len(events), 1)
	return good
}

func (f changeFixture) operation(id string) sdp.Operation {
	f.t.Helper()
	return got(f.Operation(f.t.Context(), id))(f.t)
}

// A lost change that is all or nothing and has switched nothing leaves its sandbox as it was, and free.
func TestLostChangeThatSwitchedNothingLeavesNoTrace(t *testing.T) {
	t.Parallel()
	f := newChangeFixture(t)
	before := f.picture()
	n := f.change(true, deployAccount, deployLedger, routePayment)
	id := f.accept(n)
	must(t, f.SetOperation(t.Context(), id, sdp.OpRunning, "", nil))
	f.begin(id)
	f.start(n, "account", 7)
	equal(t, "good", f.lost(sdp.OperationRef{ID: id, Kind: sdp.OpApply, Sandbox: "box"}), false)
	equal(t, "state", f.operation(id).State, sdp.OpFailed)
	equal(t, "why", f.operation(id).Failure.Code, "workflow-lost")
	equal(t, "the sandbox", f.picture(), before)
	for _, d := range n.Deployments {
		if d := got(f.Deployment(t.Context(), d.ID))(t); !d.State.Settled() {
			t.Errorf("%s is %s", d.ID, d.State)
		}
	}
	starting, err := f.Containers(t.Context(), postgres.ContainerFilter{States: []sdp.ContainerState{sdp.Starting}})
	must(t, err)
	equal(t, "containers the node would keep", len(starting), 0)
	f.accept(f.change(false, deployAccount)) // it is free
}

// What is committed counts: all of it answers requests, whoever was to say so.
func TestLostChangeThatHasSwitchedSucceeds(t *testing.T) {
	t.Parallel()
	f := newChangeFixture(t)
	n := f.change(true, deployAccount, removePayment)
	id := f.accept(n)
	f.begin(id)
	f.start(n, "account", 7)
	got(f.CommitChange(t.Context(), id, []string{"account", "payment"}, false))(t)
	equal(t, "good", f.lost(sdp.OperationRef{ID: id, Kind: sdp.OpApply, Sandbox: "box"}), true)
	equal(t, "state", f.operation(id).State, sdp.OpSucceeded)
	equal(t, "its part", got(f.Deployment(t.Context(), n.Deployments[0].ID))(t).State, sdp.Running)
	if _, there := f.service("payment"); there {
		t.Error("what was removed is back")
	}
}

// A sandbox that a lost change was to make can be deleted, so that nodes take down what they have of it.
func TestSandboxOfALostCloneCanBeDeleted(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(changeFixture, string){
		"before it began":  func(changeFixture, string) {},
		"begun":            func(f changeFixture, id string) { f.begin(id) },
		"being taken down": func(f changeFixture, id string) { f.begin(id); must(t, abandon(f, id)) },
	} {
		t.Run(name, func(t *testing.T) {
			f := newChangeFixture(t)
			n := f.newSandbox("copy")
			id := f.accept(n)
			prepare(f, id)
			f.lost(sdp.OperationRef{ID: id, Kind: sdp.OpClone, Sandbox: "copy"})
			equal(t, "state", f.operation(id).State, sdp.OpFailed)
			must(t, f.BeginDelete(t.Context(), "copy", sdp.Operation{ID: "o-delete", RequestedBy: "ann"}))
			must(t, f.FinishDelete(t.Context(), "o-delete", "copy"))
		})
	}
}

func abandon(f changeFixture, id string) error {
	_, _, err := f.AbandonChange(f.t.Context(), id)
	return err
}

// The parts of a change, and the deployment a restart makes, are looked at before the whole, and as old as it is.
func TestHandedOverNamesTheWhole(t *testing.T) {
	t.Parallel()
	f := newChangeFixture(t)
	alone := queue(t, f.DB, "box", "ledger")
	must(t, f.MarkSubmitted(t.Context(), alone))
	must(t, f.SetState(t.Context(), alone, sdp.Fetching, postgres.StateChange{}))
	restart := sdp.Operation{ID: "o-x", Kind: sdp.OpRestart, Sandbox: "box", Service: "account", RequestedBy: "ann"}
	must(t, f.CreateOperation(t.Context(), restart))
	must(t, f.MarkSubmitted(t.Context(), "o-x"))
	part := newDeployment("box", "account", "main")
	part.ID = "d-x"
	got(f.CreateDeployments(t.Context(), []postgres.NewDeployment{part}))(t)
	equal(t, "of the last hour", len(got(f.HandedOver(t.Context(), 0))(t)), 3)
	list := got(f.HandedOver(t.Context(), 0))(t)
	equal(t, "first", list[0].ID, "d-x")
	equal(t, "its whole", list[0].Whole, sdp.OperationRef{ID: "o-x", Kind: sdp.OpRestart, Sandbox: "box", User: "ann"})
	equal(t, "its whole began", list[0].WholeBegan, false)
	equal(t, "second", list[1].ID, alone)
	equal(t, "second began", list[1].Began, true)
	equal(t, "third", list[2].ID, "o-x")
	sql(t, f.url, `UPDATE deployments SET submitted_at = NULL`, `UPDATE operations SET submitted_at = now() - interval '1 hour'`)
	late := got(f.HandedOver(t.Context(), 0))(t)
	equal(t, "handed over, with the part of what was", len(late), 2)
}
