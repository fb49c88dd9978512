package postgres_test

import (
	"slices"
	"testing"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
)

func TestBegunChangeHasItsSettingsButNotItsRoutes(t *testing.T) {
	t.Parallel()
	f := newChangeFixture(t)
	n := f.change(true, deployAccount, deployLedger, routePayment)
	id := f.accept(n)
	f.begin(id)
	f.begin(id) // a retry
	s := f.sandbox()
	equal(t, "description", s.Description, "after")
	equal(t, "variables", pairs(s.Variables), "B=2,S=plain now")
	equal(t, "secrets", len(s.SecretKeys), 0) // S is a variable now
	equal(t, "expiry", s.Expiry, sdp.Expiry{DeleteAfter: "48h0m0s"})
	account, _ := f.service("account")
	equal(t, "branch", account.Branch, "feature/new")
	equal(t, "tracked", account.Track, true)
	equal(t, "variables", pairs(account.Env), "NEW=1")
	equal(t, "pids", account.Limits.PIDs, 100)
	if !slices.Equal(account.SecretKeys, []string{"KEY"}) {
		t.Errorf("secrets of account: %q, want them kept", account.SecretKeys)
	}
	ledger, _ := f.service("ledger")
	equal(t, "a service OCP does not have", ledger.Source, sdp.SourceSandbox)
	payment, _ := f.service("payment")
	equal(t, "payment", payment.Source, sdp.SourceSandbox)
	equal(t, "payment's branch", payment.Branch, "feature/x")
	equal(t, "gateway", s.Gateway, "gateway")
}

func TestChangeBringsSecrets(t *testing.T) {
	t.Parallel()
	f := newChangeFixture(t)
	n := f.change(true, deployAccount)
	n.Secrets = map[string]map[string][]byte{"": {"T": []byte("sealed")}}
	id := f.accept(n)
	f.begin(id)
	if got := f.sandbox().SecretKeys; !slices.Equal(got, []string{"T"}) {
		t.Errorf("secrets of the sandbox: %q", got)
	}
	account, _ := f.service("account")
	equal(t, "secrets of account", len(account.SecretKeys), 0)
	f.settle(id, sdp.OpFailed)
	account, _ = f.service("account")
	equal(t, "secrets of account put back", len(account.SecretKeys), 1)
}

func TestCommitSwitchesEverythingAtOnce(t *testing.T) {
	t.Parallel()
	f := newChangeFixture(t)
	n := f.change(true, deployAccount, deployLedger, removePayment)
	id := f.accept(n)
	f.begin(id)
	account, ledger := f.start(n, "account", 4), f.start(n, "ledger", 5)
	version := f.sandbox().RouteVersion
	all := []string{"account", "ledger", "payment"}
	s := got(f.CommitChange(t.Context(), id, all, true))(t)
	equal(t, "versions", s.Table.Version, version+1)
	equal(t, "account", route(t, s.Table, "account").Target.Deployment, account.Deployment)
	equal(t, "ledger", route(t, s.Table, "ledger").Target.Deployment, ledger.Deployment)
	equal(t, "payment", route(t, s.Table, "payment").Source, sdp.SourceOCP)
	equal(t, "gateway", s.Table.Gateway, "")
	equal(t, "previous", len(s.Previous), 2)
	again := got(f.CommitChange(t.Context(), id, all, true))(t)
	equal(t, "version of a retry", again.Table.Version, s.Table.Version)
	equal(t, "previous of a retry", again.Replaced("payment").Deployment, s.Replaced("payment").Deployment)
	if _, there := f.service("payment"); there {
		t.Error("payment is still a service of the sandbox")
	}

	must(t, f.Confirm(t.Context(), account.Deployment))
	must(t, f.Confirm(t.Context(), ledger.Deployment))
	f.settle(id, sdp.OpSucceeded)
	removed := got(f.Deployment(t.Context(), s.Replaced("payment").Deployment))(t)
	equal(t, "payment's deployment", removed.State, sdp.DeployStopped)
	equal(t, "settings stay", f.sandbox().Description, "after")
	if settled := got(f.SettleChange(t.Context(), id, sdp.OpFailed, nil))(t); settled {
		t.Error("a settled change was settled again")
	}
}

// A container that answers again was running all the time.
func TestRouteBackToTheSandboxStopsNothing(t *testing.T) {
	t.Parallel()
	f := newChangeFixture(t)
	got(f.SetRoute(t.Context(), "box", "payment", sdp.SourceOCP, ""))(t)
	back := sdp.Action{Service: "payment", Kind: sdp.ActionRoute, Source: sdp.SourceSandbox}
	id := f.accept(f.change(false, back))
	f.begin(id)
	s := got(f.CommitChange(t.Context(), id, []string{"payment"}, false))(t)
	f.settle(id, sdp.OpSucceeded)
	payment := got(f.Deployment(t.Context(), route(t, s.Table, "payment").Target.Deployment))(t)
	equal(t, "payment's deployment", payment.State, sdp.Running)
}

func TestRemovedServiceCanBeDeployedAgain(t *testing.T) {
	t.Parallel()
	f := newChangeFixture(t)
	id := f.accept(f.change(false, removePayment))
	f.begin(id)
	got(f.CommitChange(t.Context(), id, []string{"payment"}, false))(t)
	f.settle(id, sdp.OpSucceeded)
	run(t, f.DB, "box", "payment", 7)
	payment, _ := f.service("payment")
	equal(t, "source", payment.Source, sdp.SourceSandbox)
	equal(t, "history", len(got(f.Containers(t.Context(), postgres.ContainerFilter{Service: "payment"}))(t)), 2)
}

// A container that is not gone yet keeps its name from another sandbox, though its service left the sandbox.
func TestNameOfARemovedServiceIsFreeWhenItsContainerIsGone(t *testing.T) {
	t.Parallel()
	f := newChangeFixture(t)
	create(t, f.DB, "shop-pay")
	old := run(t, f.DB, "shop-pay", "ledger", 8)
	rival := newDeployment("shop", "pay-ledger", "main")
	rival.Repository = "ledger"
	create(t, f.DB, "shop")
	n := f.change(false)
	n.Operation.Change.Spec = sdp.SandboxSpec{Name: "shop-pay"}
	n.Operation.Change.Actions = []sdp.Action{{Service: "ledger", Kind: sdp.ActionRemove}}
	n.RouteVersion = got(f.Sandbox(t.Context(), "shop-pay"))(t).RouteVersion
	sql(t, f.url, `UPDATE operations SET state = 'SUCCEEDED', finished_at = now() WHERE kind = 'create'`)
	id := f.accept(n)
	f.begin(id)
	got(f.CommitChange(t.Context(), id, []string{"ledger"}, false))(t)
	f.settle(id, sdp.OpSucceeded)
	_, err := f.CreateDeployments(t.Context(), []postgres.NewDeployment{rival})
	wantCode(t, err, sdp.Conflict, "container-name-taken")
	must(t, f.SetContainerState(t.Context(), old, sdp.Removed))
	_, err = f.CreateDeployments(t.Context(), []postgres.NewDeployment{rival})
	must(t, err)
}

func TestRevertedAtomicChangeLeavesNoTrace(t *testing.T) {
	t.Parallel()
	for name, actions := range map[string][]sdp.Action{
		"deployments, a route":   {deployAccount, deployLedger, routePayment},
		"deployments, a removal": {deployAccount, deployLedger, removePayment},
		"a URL for a new one": {deployAccount, {Service: "ledger", Kind: sdp.ActionRoute, Source: sdp.SourceURL,
			URL: "http://elsewhere:9000"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newChangeFixture(t)
			before := f.picture()
			n := f.change(true, slices.Clone(actions)...)
			id := f.accept(n)
			f.begin(id)
			var services []string
			for _, d := range n.Deployments {
				f.start(n, d.Service, 10+len(d.Service))
			}
			for _, a := range actions {
				services = append(services, a.Service)
			}
			committed := got(f.CommitChange(t.Context(), id, services, true))(t)
			back := got(f.RevertChange(t.Context(), id, services, true))(t)
			equal(t, "version", back.Table.Version, committed.Table.Version+1)
			again := got(f.RevertChange(t.Context(), id, services, true))(t)
			equal(t, "version of a retry", again.Table.Version, back.Table.Version)
			for _, d := range n.Deployments {
				must(t, f.SetState(t.Context(), d.ID, sdp.DeployCancelled, postgres.StateChange{}))
			}
			f.settle(id, sdp.OpFailed)
			equal(t, "picture", f.picture(), before)
			op := got(f.Operation(t.Context(), id))(t)
			equal(t, "state", op.State, sdp.OpFailed)
			equal(t, "failure", op.Failure.Detail, "account failed")
		})
	}
}

func TestChangeThatNeverBeganLeavesNoTrace(t *testing.T) {
	t.Parallel()
	f := newChangeFixture(t)
	before := f.picture()
	n := f.change(false, deployAccount, routePayment)
	id := f.accept(n)
	f.settle(id, sdp.OpCancelled)
	equal(t, "picture", f.picture(), before)
	equal(t, "deployment", got(f.Deployment(t.Context(), n.Deployments[0].ID))(t).State, sdp.DeployCancelled)
	must(t, f.BeginDelete(t.Context(), "box", sdp.Operation{ID: "o-x", RequestedBy: "ann"}))
}

// What was asked for stays written down where something failed, as with a deployment that fails.
func TestSettingsOfAFailedChangeStayUnlessItIsAtomic(t *testing.T) {
	t.Parallel()
	f := newChangeFixture(t)
	n := f.change(false, deployAccount, routePayment)
	id := f.accept(n)
	f.begin(id)
	got(f.CommitChange(t.Context(), id, []string{"payment"}, false))(t)
	must(t, f.SetState(t.Context(), n.Deployments[0].ID, sdp.DeployFailed, postgres.StateChange{}))
	f.settle(id, sdp.OpFailed)
	account, _ := f.service("account")
	equal(t, "branch", account.Branch, "feature/new")
	if account.Serving == nil {
		t.Error("what served before does not serve any more")
	}
	payment, _ := f.service("payment")
	equal(t, "payment", payment.Source, sdp.SourceOCP)
}

func TestCommitIsRefused(t *testing.T) {
	t.Parallel()
	f := newChangeFixture(t)
	n := f.change(true, deployAccount)
	id := f.accept(n)
	_, err := f.CommitChange(t.Context(), id, []string{"account"}, false)
	wantCode(t, err, sdp.Conflict, "not-begun")
	f.begin(id)
	_, err = f.CommitChange(t.Context(), id, []string{"account"}, false)
	wantCode(t, err, sdp.NotFound, "container-gone")
	f.start(n, "account", 4)
	must(t, f.BeginDelete(t.Context(), "box", sdp.Operation{ID: "o-x", RequestedBy: "ann"}))
	_, err = f.CommitChange(t.Context(), id, []string{"account"}, false)
	wantCode(t, err, sdp.Conflict, "sandbox-deleting")
	f.settle(id, sdp.OpCancelled)
	_, err = f.RevertChange(t.Context(), "o-none", nil, false)
	wantCode(t, err, sdp.NotFound, "operation-not-found")
}

func TestFailedNewSandboxIsHistory(t *testing.T) {
	t.Parallel()
	f := newChangeFixture(t)
	n := f.newSandbox("copy")
	id := f.accept(n)
	f.begin(id)
	copied := got(f.Sandbox(t.Context(), "copy"))(t)
	if !slices.Equal(copied.SecretKeys, []string{"S"}) || !slices.Equal(copied.Services[0].SecretKeys, []string{"KEY"}) {
		t.Errorf("secrets: %q, %q", copied.SecretKeys, copied.Services[0].SecretKeys)
	}
	nodes, left, err := f.AbandonChange(t.Context(), id)
	must(t, err)
	if left || !slices.Equal(nodes, []string{"gateway-1", "micro-1"}) {
		t.Errorf("left %t, nodes %q", left, nodes)
	}
	_, left, err = f.AbandonChange(t.Context(), id) // a retry
	must(t, err)
	equal(t, "left to somebody else", left, false)
	err = f.BeginDelete(t.Context(), "copy", sdp.Operation{ID: "o-x", RequestedBy: "ann"})
	wantCode(t, err, sdp.Conflict, "sandbox-deleting")
	f.settle(id, sdp.OpFailed)
	_, err = f.Sandbox(t.Context(), "copy")
	wantCode(t, err, sdp.NotFound, "sandbox-not-found")
	op := got(f.Operation(t.Context(), id))(t)
	equal(t, "state", op.State, sdp.OpFailed)
	equal(t, "failure", op.Failure.Code, "nothing-changed")
	equal(t, "port", got(f.Sandbox(t.Context(), f.make("copy")))(t).Port, copied.Port)
}

func (f changeFixture) make(name string) string {
	f.t.Helper()
	f.accept(f.newSandbox(name))
	return name
}

func TestDeleteTakesOverTheTearDownOfANewSandbox(t *testing.T) {
	t.Parallel()
	f := newChangeFixture(t)
	id := f.accept(f.newSandbox("copy"))
	f.begin(id)
	must(t, f.BeginDelete(t.Context(), "copy", sdp.Operation{ID: "o-x", RequestedBy: "ann"}))
	_, left, err := f.AbandonChange(t.Context(), id)
	must(t, err)
	equal(t, "left to the delete", left, true)
	f.settle(id, sdp.OpCancelled)
	there, nodes, err := f.DeleteTarget(t.Context(), "o-x", "copy")
	must(t, err)
	if !there || len(nodes) != 2 {
		t.Errorf("there %t, nodes %q", there, nodes)
	}
	must(t, f.FinishDelete(t.Context(), "o-x", "copy"))
	must(t, f.SetOperation(t.Context(), "o-x", sdp.OpSucceeded, "", nil))
	f.make("copy")
	there, _, err = f.DeleteTarget(t.Context(), "o-x", "copy") // late, and the name is taken again
	must(t, err)
	equal(t, "there", there, false)
}

func TestBusyServicesOfAChange(t *testing.T) {
	t.Parallel()
	f := newChangeFixture(t)
	id := f.accept(f.change(true, deployAccount, removePayment))
	f.accept(f.newSandbox("copy"))
	desired := got(f.Desired(t.Context(), "micro-1"))(t)
	want := []sdp.ServiceRef{{Sandbox: "box", Service: "account"}, {Sandbox: "box", Service: "payment"},
		{Sandbox: "copy"}, {Sandbox: "copy", Service: "account"}}
	if !slices.Equal(desired.Busy, want) {
		t.Errorf("busy: %v, want %v", desired.Busy, want)
	}
	f.settle(id, sdp.OpCancelled)
	if busy := got(f.Desired(t.Context(), "micro-1"))(t).Busy; slices.Contains(busy, want[0]) {
		t.Errorf("busy after the end: %v", busy)
	}
}
