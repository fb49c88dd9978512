package postgres_test

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"sdp/internal/postgres"
	"sdp/internal/postgres/postgrestest"
	"sdp/internal/sdp"
)

// changeFixture is a sandbox "box" whose services account and payment run, with settings worth remembering.
type changeFixture struct {
	*postgres.DB
	t   testing.TB
	url string
}

func newChangeFixture(t *testing.T) changeFixture {
	t.Helper()
	url := postgrestest.URL(t)
	db := got(postgres.Open(t.Context(), url, ""))(t)
	t.Cleanup(db.Close)
	must(t, db.RegisterNode(t.Context(), micro()))
	must(t, db.RegisterNode(t.Context(), gatewayNode(8080, 8199)))
	create(t, db, "box")
	run(t, db, "box", "account", 2)
	run(t, db, "box", "payment", 3)
	sql(t, url, `UPDATE sandboxes SET description = 'before', secrets = '{"S": "c2VhbGVk"}', variables = '{"A": "1"}',
			idle_after = '1 hour', gateway = 'gateway' WHERE name = 'box'`,
		`UPDATE operations SET state = 'SUCCEEDED', finished_at = now() WHERE kind = 'create'`,
		`UPDATE sandbox_services SET env = '{"OLD": "1"}', secrets = '{"KEY": "c2VhbGVk"}' WHERE name = 'account'`)
	return changeFixture{DB: db, t: t, url: url}
}

// change is one that deploys account from another branch, adds ledger, sends payment to OCP, or whatever actions say.
func (f changeFixture) change(atomic bool, actions ...sdp.Action) postgres.NewChange {
	f.t.Helper()
	spec := sdp.SandboxSpec{Name: "box", Description: "after", Labels: map[string]string{"team": "qa"},
		Variables: map[string]string{"B": "2", "S": "plain now"}, Expiry: sdp.Expiry{DeleteAfter: "48h0m0s"},
		Services: map[string]sdp.ServiceSpec{}}
	n := postgres.NewChange{RouteVersion: f.sandbox().RouteVersion,
		Operation: sdp.Operation{ID: sdp.NewID("o-"), Kind: sdp.OpApply, RequestedBy: "ann"}}
	for i, a := range actions {
		switch {
		case a.Kind.Deploys():
			d := newDeployment("box", a.Service, "feature/new")
			d.ID = sdp.NewID("d-")
			actions[i].Deployment = d.ID
			n.Deployments = append(n.Deployments, d)
			spec.Services[a.Service] = sdp.ServiceSpec{Branch: "feature/new", Track: true,
				Variables: map[string]string{"NEW": "1"}, Limits: sdp.Limits{PIDs: 100}}
		case a.Kind == sdp.ActionRoute:
			spec.Services[a.Service] = sdp.ServiceSpec{UseOCP: a.Source == sdp.SourceOCP, URL: a.URL}
		}
	}
	n.Operation.Change = &sdp.Change{Atomic: atomic, Spec: spec, Actions: actions}
	return n
}

func (f changeFixture) accept(n postgres.NewChange) string {
	f.t.Helper()
	_, _, err := f.AcceptChange(f.t.Context(), n)
	must(f.t, err)
	return n.Operation.ID
}

func (f changeFixture) begin(id string) {
	f.t.Helper()
	_, _, err := f.BeginChange(f.t.Context(), id)
	must(f.t, err)
}

func (f changeFixture) sandbox() sdp.Sandbox {
	f.t.Helper()
	return got(f.Sandbox(f.t.Context(), "box"))(f.t)
}

func (f changeFixture) service(name string) (sdp.Service, bool) {
	f.t.Helper()
	for _, v := range f.sandbox().Services {
		if v.Name == name {
			return v, true
		}
	}
	return sdp.Service{}, false
}

// start stores the container a deployment has started.
func (f changeFixture) start(n postgres.NewChange, service string, at int) sdp.Container {
	f.t.Helper()
	for _, d := range n.Deployments {
		if d.Service == service {
			c := container(d.ID, "box", service, at)
			must(f.t, f.SetState(f.t.Context(), d.ID, sdp.StartingContainer, postgres.StateChange{SHA: c.SHA}))
			must(f.t, f.PutContainer(f.t.Context(), c))
			return c
		}
	}
	f.t.Fatalf("no deployment of %s", service)
	return sdp.Container{}
}

func (f changeFixture) settle(id string, state sdp.OperationState) {
	f.t.Helper()
	var failure *sdp.Failure
	if state == sdp.OpFailed {
		failure = &sdp.Failure{Kind: sdp.Failed, Code: "nothing-changed", Detail: "account failed"}
	}
	got(f.SettleChange(f.t.Context(), id, state, failure))(f.t)
}

// picture is everything people see of the sandbox, without what counts up.
func (f changeFixture) picture() string {
	f.t.Helper()
	s := f.sandbox()
	var b strings.Builder
	line := func(parts ...string) { b.WriteString(strings.Join(parts, " ") + "\n") }
	line(s.Description, s.Environment, s.Gateway, string(s.Expiry.IdleAfter), string(s.Expiry.DeleteAfter))
	line(pairs(s.Labels), pairs(s.Variables), strings.Join(s.SecretKeys, ","))
	for _, v := range s.Services {
		serving := "nothing"
		if v.Serving != nil {
			serving = v.Serving.Deployment
		}
		line(v.Name, v.Branch, v.Commit, string(v.Source), v.URL, pairs(v.Env), strings.Join(v.SecretKeys, ","), serving)
	}
	table, nodes := tableOf(f.t, f.DB, "box")
	for _, r := range table.Services {
		target := "-"
		if r.Target != nil {
			target = r.Target.Deployment
		}
		line(r.Service, string(r.Source), r.URL, target)
	}
	line(table.Gateway, nodes)
	return b.String()
}

func pairs(m map[string]string) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, k+"="+m[k])
	}
	return strings.Join(out, ",")
}

var (
	deployAccount = sdp.Action{Service: "account", Kind: sdp.ActionDeploy}
	deployLedger  = sdp.Action{Service: "ledger", Kind: sdp.ActionDeploy}
	routePayment  = sdp.Action{Service: "payment", Kind: sdp.ActionRoute, Source: sdp.SourceOCP}
	removePayment = sdp.Action{Service: "payment", Kind: sdp.ActionRemove}
)

func TestAcceptedChangeChangesNothingYet(t *testing.T) {
	t.Parallel()
	f := newChangeFixture(t)
	before := f.picture()
	n := f.change(true, deployAccount, deployLedger, routePayment)
	sandbox, deployments, err := f.AcceptChange(t.Context(), n)
	must(t, err)
	equal(t, "deployments", len(deployments), 2)
	equal(t, "state", deployments[0].State, sdp.Queued)
	equal(t, "operation", deployments[0].Operation, n.Operation.ID)
	equal(t, "picture", f.picture(), before)
	if sandbox.RouteVersion <= n.RouteVersion {
		t.Error("the route version did not grow: two plans for one sandbox would both be accepted")
	}
	op := got(f.Operation(t.Context(), n.Operation.ID))(t)
	equal(t, "actions", len(op.Change.Actions), 3)
	refs := got(f.Unsubmitted(t.Context(), 0))(t)
	if len(refs) != 1 || refs[0].ID != n.Operation.ID || refs[0].Kind != sdp.OpApply {
		t.Errorf("to be submitted: %+v, want the operation alone", refs)
	}
}

func TestChangeIsRefused(t *testing.T) {
	t.Parallel()
	f := newChangeFixture(t)
	accept := func(n postgres.NewChange) error {
		_, _, err := f.AcceptChange(t.Context(), n)
		return err
	}
	stale := f.change(true, deployAccount)
	stale.RouteVersion--
	wantCode(t, accept(stale), sdp.Conflict, "plan-stale")
	missing := f.change(true, deployAccount)
	missing.Deployments = nil
	wantCode(t, accept(missing), sdp.Internal, "bad-change")
	unasked := f.change(true, deployAccount)
	unasked.Operation.Change.Actions = nil
	wantCode(t, accept(unasked), sdp.Internal, "bad-change")
	elsewhere := f.change(true)
	elsewhere.Operation.Change.Spec.Name = "nope"
	wantCode(t, accept(elsewhere), sdp.NotFound, "sandbox-not-found")
	taken := f.change(true)
	taken.Operation.Change.New, taken.New = true, &postgres.NewSandbox{Owner: "ann", GatewayNode: "gateway-1"}
	wantCode(t, accept(taken), sdp.Conflict, "sandbox-exists")

	waiting := queue(t, f.DB, "box", "ledger")
	wantCode(t, accept(f.change(true, deployAccount)), sdp.Conflict, "sandbox-busy")
	must(t, f.SetState(t.Context(), waiting, sdp.DeployCancelled, postgres.StateChange{}))

	first := f.change(true, deployAccount)
	must(t, accept(first))
	err := accept(f.change(false, routePayment))
	wantCode(t, err, sdp.Conflict, "change-running")
	for _, want := range []string{first.Operation.ID, "ann", "since", "apply"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
	_, err = f.CreateDeployments(t.Context(), []postgres.NewDeployment{newDeployment("box", "payment", "x")})
	wantCode(t, err, sdp.Conflict, "change-running")

	must(t, f.BeginDelete(t.Context(), "box", sdp.Operation{ID: "o-x", RequestedBy: "ann"}))
	wantCode(t, accept(f.change(true, deployAccount)), sdp.Conflict, "sandbox-deleting")
	_, _, err = f.BeginChange(t.Context(), first.Operation.ID)
	wantCode(t, err, sdp.Conflict, "sandbox-deleting")
}

func TestOfTwoChangesAtOnceOneIsAccepted(t *testing.T) {
	t.Parallel()
	f := newChangeFixture(t)
	changes := make([]postgres.NewChange, 8)
	for i := range changes {
		changes[i] = f.change(i%2 == 0, deployAccount, routePayment)
	}
	errs := make([]error, len(changes))
	var group sync.WaitGroup
	for i := range changes {
		group.Go(func() { _, _, errs[i] = f.AcceptChange(t.Context(), changes[i]) })
	}
	group.Wait()
	accepted := 0
	for _, err := range errs {
		if err == nil {
			accepted++
		} else {
			wantCode(t, err, sdp.Conflict, "change-running")
		}
	}
	equal(t, "accepted", accepted, 1)
	deployments, _, err := f.Deployments(t.Context(), postgres.DeploymentFilter{States: []sdp.DeploymentState{sdp.Queued}}, postgres.Page{})
	must(t, err)
	equal(t, "queued", len(deployments), 1)
}

func TestOfTwoNewSandboxesAtOnceOneIsMade(t *testing.T) {
	t.Parallel()
	f := newChangeFixture(t)
	errs := make([]error, 6)
	var group sync.WaitGroup
	for i := range errs {
		n := f.newSandbox("copy")
		group.Go(func() { _, _, errs[i] = f.AcceptChange(t.Context(), n) })
	}
	group.Wait()
	made := 0
	for _, err := range errs {
		if err == nil {
			made++
		} else {
			wantCode(t, err, sdp.Conflict, "sandbox-exists")
		}
	}
	equal(t, "made", made, 1)
	equal(t, "port", got(f.Sandbox(t.Context(), "copy"))(t).Port, 8081)
}

// newSandbox is a change that makes a sandbox with account in it.
func (f changeFixture) newSandbox(name string) postgres.NewChange {
	f.t.Helper()
	d := newDeployment(name, "account", "main")
	d.ID = sdp.NewID("d-")
	return postgres.NewChange{
		Operation: sdp.Operation{ID: sdp.NewID("o-"), Kind: sdp.OpClone, RequestedBy: "ann", Change: &sdp.Change{
			New: true, Atomic: true, From: "clone of box",
			Spec:    sdp.SandboxSpec{Name: name, Services: map[string]sdp.ServiceSpec{"account": {Branch: "main"}}},
			Actions: []sdp.Action{{Service: "account", Kind: sdp.ActionDeploy, Deployment: d.ID}}}},
		New:         &postgres.NewSandbox{Owner: "ann", GatewayNode: "gateway-1"},
		Deployments: []postgres.NewDeployment{d},
		Secrets:     map[string]map[string][]byte{"": {"S": []byte("sealed")}, "account": {"KEY": []byte("sealed")}},
	}
}
