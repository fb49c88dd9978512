package sdp_test

import (
	"testing"

	"sdp/internal/sdp"
)

func ref(kind sdp.OperationKind, service string) sdp.OperationRef {
	return sdp.OperationRef{ID: "o-1", Kind: kind, Sandbox: "box", Service: service}
}

func TestEveryKindIsDescribed(t *testing.T) {
	asked := map[sdp.AuditAction]sdp.OperationKind{}
	for _, kind := range sdp.OperationKinds() {
		r := kind.Rules()
		if !kind.Known() || r.Scope == "" || r.Lane == "" || r.Cancel == "" || r.Permission == "" || r.Asked == "" || r.Ended == "" ||
			r.Title == "" || r.Order == "" || r.Doing == "" || r.Done == "" {
			t.Errorf("the row of %s has gaps: %+v", kind, r)
		}
		if r.Changes && r.Scope != sdp.ScopeSandbox {
			t.Errorf("%s changes a whole sandbox and names a service", kind)
		}
		if r.Lane == sdp.LaneService && r.Scope != sdp.ScopeService {
			t.Errorf("%s waits for those of its service and has none", kind)
		}
		if other, twice := asked[r.Asked]; twice {
			t.Errorf("%s and %s are asked for by the same name in the audit", kind, other)
		}
		asked[r.Asked] = kind
	}
}

func TestOperationsAreNamedForPeople(t *testing.T) {
	for _, c := range []struct {
		op                 sdp.Operation
		title, doing, done string
	}{
		{sdp.Operation{Kind: sdp.OpRestart, Sandbox: "box", Service: "account"},
			"Restart account in box", "Restarting account", "account restarted"},
		{sdp.Operation{Kind: sdp.OpRoute, Sandbox: "box", Service: "account", Source: sdp.SourceOCP},
			"Switch route of account in box", "Switching the route of account", "account: route switched to OCP"},
		{sdp.Operation{Kind: sdp.OpRoute, Sandbox: "box", Service: "account", Source: sdp.SourceURL, URL: "http://a:1"},
			"Switch route of account in box", "Switching the route of account", "account: route switched to http://a:1"},
		{sdp.Operation{Kind: sdp.OpCreate, Sandbox: "box"}, "Create box", "Creating the sandbox", "sandbox made"},
		{sdp.Operation{Kind: "hibernate", Sandbox: "box"}, "hibernate box", "hibernate", "hibernate"},
	} {
		if title, doing, done := c.op.Title(), c.op.Doing(), c.op.Done(); title != c.title || doing != c.doing || done != c.done {
			t.Errorf("%s is named %q, %q, %q", c.op.Kind, title, doing, done)
		}
	}
}

func TestUnknownKindIsPermittedNothing(t *testing.T) {
	kind := sdp.OperationKind("hibernate")
	if kind.Known() || kind.Changes() {
		t.Fatalf("%s is known or changes something", kind)
	}
	for _, state := range sdp.OperationStates() {
		if kind.Rules().CancellableIn(state) {
			t.Errorf("it can be cancelled while %s", state)
		}
	}
	for _, older := range sdp.OperationKinds() {
		if ref(kind, "").Supersedes(ref(older, "account")) || ref(older, "account").Supersedes(ref(kind, "")) {
			t.Errorf("it and %s supersede each other", older)
		}
		if older.Rules().Lane == sdp.LaneService && ref(older, "account").WaitsFor(ref(kind, "")) {
			t.Errorf("%s waits for it", older)
		}
	}
}

func TestWhoSupersedesWhom(t *testing.T) {
	for _, c := range []struct {
		op, older sdp.OperationRef
		want      bool
	}{
		{ref(sdp.OpDeploy, "account"), ref(sdp.OpDeploy, "account"), true},
		{ref(sdp.OpDeploy, "account"), ref(sdp.OpDeploy, "user"), false},
		{ref(sdp.OpDeploy, "account"), ref(sdp.OpRestart, "account"), false},
		{ref(sdp.OpRestart, "account"), ref(sdp.OpRestart, "account"), false},
		{ref(sdp.OpDelete, ""), ref(sdp.OpDeploy, "account"), true},
		{ref(sdp.OpDelete, ""), ref(sdp.OpApply, ""), true},
		{ref(sdp.OpDelete, ""), ref(sdp.OpCreate, ""), false},
		{ref(sdp.OpDelete, ""), ref(sdp.OpDelete, ""), false},
		{ref(sdp.OpApply, ""), ref(sdp.OpDeploy, "account"), false},
	} {
		if got := c.op.Supersedes(c.older); got != c.want {
			t.Errorf("%s supersedes %s: %t", c.op.Title(), c.older.Title(), got)
		}
	}
}

func TestWhatWaitsForWhat(t *testing.T) {
	for _, c := range []struct {
		a, b sdp.OperationRef
		want bool
	}{
		{ref(sdp.OpDeploy, "account"), ref(sdp.OpDeploy, "user"), false},
		{ref(sdp.OpDeploy, "account"), ref(sdp.OpStop, "account"), true},
		{ref(sdp.OpRoute, "account"), ref(sdp.OpCreate, ""), true},
		{ref(sdp.OpDelete, ""), ref(sdp.OpDeploy, "user"), true},
		{ref(sdp.OpApply, ""), ref(sdp.OpApply, ""), true},
		{ref(sdp.OpTouch, ""), ref(sdp.OpApply, ""), false},
		{ref(sdp.OpTouch, ""), ref(sdp.OpDelete, ""), false},
	} {
		if c.a.WaitsFor(c.b) != c.want || c.b.WaitsFor(c.a) != c.want {
			t.Errorf("%s and %s wait for each other: want %t", c.a.Title(), c.b.Title(), c.want)
		}
	}
}

func TestUntilWhenItCanBeCancelled(t *testing.T) {
	for _, c := range []struct {
		kind            sdp.OperationKind
		queued, running bool
	}{
		{sdp.OpDeploy, true, true}, {sdp.OpRestart, true, true}, {sdp.OpApply, true, true},
		{sdp.OpCreate, true, false}, {sdp.OpStop, true, false}, {sdp.OpRoute, true, false},
		{sdp.OpDelete, false, false},
	} {
		r := c.kind.Rules()
		if r.CancellableIn(sdp.OpQueued) != c.queued || r.CancellableIn(sdp.OpRunning) != c.running || r.CancellableIn(sdp.OpSucceeded) {
			t.Errorf("%s: %s", c.kind, r.Cancel)
		}
	}
}

// What was accepted later counts, whichever arrives first; where that is not known, what arrives.
func TestNewerSupersedesOlder(t *testing.T) {
	numbered := func(seq int64) sdp.OperationRef { r := ref(sdp.OpDeploy, "account"); r.Seq = seq; return r }
	for _, c := range []struct {
		op, other int64
		want      bool
	}{{2, 1, true}, {1, 2, false}, {0, 2, true}, {2, 0, true}, {0, 0, true}} {
		if got := numbered(c.op).Supersedes(numbered(c.other)); got != c.want {
			t.Errorf("%d supersedes %d: %v", c.op, c.other, got)
		}
	}
}
