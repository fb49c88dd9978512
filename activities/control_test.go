package activities

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"sdp/internal/control"
	"sdp/internal/failure"
	"sdp/internal/postgres"
	"sdp/internal/postgres/postgrestest"
	"sdp/internal/sdp"
	"sdp/internal/secret"
	"sdp/internal/wire"
)

const commit = "3f2a9c1d0b7e3f2a9c1d0b7e3f2a9c1d0b7e3f2a"

// platform is a Control on a database of its own with two nodes, one sandbox and the key the node micro-1 opens boxes
// with.
type platform struct {
	*Control
	t    *testing.T
	url  string
	node *secret.NodeKeys
}

func newPlatform(t *testing.T) *platform {
	t.Helper()
	p := &platform{Control: &Control{}, t: t, url: postgrestest.URL(t)}
	p.DB = postgrestest.Open(t, p.url)
	var err error
	if p.Keys, err = secret.LoadKeyring(filepath.Join(t.TempDir(), "master.keys")); err != nil {
		t.Fatal(err)
	}
	if p.node, err = secret.OpenNodeKeys(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	p.UseCases = control.New(control.Config{DB: p.DB, Keys: p.Keys, LivenessGrace: time.Nanosecond})
	keyID, public := p.node.Public()
	p.must(p.DB.RegisterNode(t.Context(), sdp.NodeRegistration{
		Node: sdp.Node{Name: "micro-1", Type: sdp.Micro, Address: "10.0.0.1", MeshPort: 7711, KeyID: keyID, PublicKey: public, Builds: 2},
		Repositories: []sdp.Repository{
			{Name: "account", Kind: sdp.GoRepository, Port: 8080, OCP: "http://ocp/account"},
			{Name: "payment", Kind: sdp.GoRepository, Port: 8080, OCP: "http://ocp/payment"},
		}}))
	p.must(p.DB.RegisterNode(t.Context(), sdp.NodeRegistration{
		Node: sdp.Node{Name: "gateway-1", Type: sdp.Gateway, Address: "10.0.0.2", MeshPort: 7712, PortFirst: 8080, PortLast: 8082}}))
	_, err = p.DB.CreateSandbox(t.Context(), postgres.NewSandbox{Spec: sdp.SandboxSpec{Name: "box"}, Owner: "ann", GatewayNode: "gateway-1",
		Operation: sdp.Operation{ID: "o-create", Kind: sdp.OpCreate, RequestedBy: "ann"}})
	p.must(err)
	return p
}

func (p *platform) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// done wants an activity to have done what it was asked.
func (p *platform) done(_ wire.Done, err error) {
	p.t.Helper()
	p.must(err)
}

// queue records a deployment of account and returns its ID.
func (p *platform) queue(n postgres.NewDeployment) string {
	p.t.Helper()
	n.ID, n.Sandbox, n.Service, n.RequestedBy = sdp.NewID("d-"), "box", "account", "ann"
	if n.Branch == "" {
		n.Branch = "feature/x"
	}
	_, err := p.DB.CreateDeployments(p.t.Context(), []postgres.NewDeployment{n})
	p.must(err)
	return n.ID
}

// run takes a new deployment to RUNNING, as its workflow would, and returns its ID.
func (p *platform) run() string {
	p.t.Helper()
	id := p.queue(postgres.NewDeployment{})
	p.done(p.Publish(p.t.Context(), wire.Progress{Deployment: id, State: sdp.StartingContainer, SHA: commit, Image: "sdp/account:x"}))
	p.serve(id)
	p.done(p.SettleDeployment(p.t.Context(), wire.Progress{Deployment: id, State: sdp.Running, SHA: commit}))
	return id
}

func (p *platform) serve(id string) wire.Switch {
	p.t.Helper()
	s, err := p.Serve(p.t.Context(), sdp.Container{Deployment: id, Sandbox: "box", Service: "account", Node: "micro-1",
		DockerID: "docker-" + id, Address: "10.1.0.2:8080", SHA: commit, Image: "sdp/account:x"})
	p.must(err)
	return s
}

func (p *platform) deployment(id string) sdp.Deployment {
	p.t.Helper()
	d, err := p.DB.Deployment(p.t.Context(), id)
	p.must(err)
	return d
}

// operation records an operation and returns what its workflow is started with.
func (p *platform) operation(kind sdp.OperationKind, change func(*sdp.Operation)) sdp.OperationRef {
	p.t.Helper()
	o := sdp.Operation{ID: sdp.NewID("o-"), Kind: kind, Sandbox: "box", Service: "account", RequestedBy: "ann"}
	if change != nil {
		change(&o)
	}
	p.must(p.DB.CreateOperation(p.t.Context(), o))
	return sdp.OperationRef{ID: o.ID, Kind: kind, Sandbox: "box", Service: o.Service, User: "ann"}
}

// audited lists "action outcome: detail" of an operation's or a deployment's audit events, oldest first.
func (p *platform) audited(operation string) []string {
	p.t.Helper()
	events, _, err := p.DB.AuditEvents(p.t.Context(), postgres.AuditFilter{Operation: operation}, postgres.Page{Limit: 50})
	p.must(err)
	var out []string
	for _, e := range slices.Backward(events) {
		out = append(out, strings.TrimSuffix(fmt.Sprintf("%s %s: %s", e.Action, e.Outcome, e.Detail), ": "))
	}
	return out
}

func (p *platform) sql(statement string) {
	p.t.Helper()
	conn, err := pgx.Connect(p.t.Context(), p.url)
	p.must(err)
	defer conn.Close(p.t.Context())
	_, err = conn.Exec(p.t.Context(), statement)
	p.must(err)
}

// wantFailure wants err to be what a workflow reads a failure from.
func wantFailure(t *testing.T, err error, kind sdp.Kind, code string) sdp.Failure {
	t.Helper()
	f, ok := failure.Of(err)
	if !ok || f.Kind != kind || f.Code != code {
		t.Fatalf("got %v, want a failure %s/%s", err, kind, code)
	}
	return f.Failure
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// What a step looks up in the database it also says there, once or again.
func TestStepsBeginWithTheirQuestion(t *testing.T) {
	p := newPlatform(t)
	id := p.queue(postgres.NewDeployment{})
	at := func(state sdp.DeploymentState) wire.Begun {
		return wire.Begun{Progress: wire.Progress{Deployment: id, State: state, SHA: commit}, Sandbox: "box"}
	}
	for range 2 {
		job, err := p.BeginDeploy(t.Context(), at(sdp.Fetching))
		p.must(err)
		if state := p.deployment(id).State; job.Node != "micro-1" || state != sdp.Fetching {
			t.Errorf("the job is %+v and the deployment %s", job, state)
		}
	}
	table, err := p.BeginStart(t.Context(), at(sdp.StartingContainer))
	p.must(err)
	if state := p.deployment(id).State; !table.Named || table.Sandbox != "box" || state != sdp.StartingContainer {
		t.Errorf("the table is %+v and the deployment %s", table, state)
	}
	in := at(sdp.StartingContainer)
	in.Container = sdp.Container{Deployment: id, Sandbox: "box", Service: "account", Node: "micro-1", DockerID: "docker-1",
		Address: "10.1.0.2:8080", SHA: commit, Image: "sdp/account:x"}
	for range 2 {
		s, err := p.BeginRoute(t.Context(), in)
		p.must(err)
		if s.Table.Version <= table.Version || !slices.Contains(s.Nodes, "micro-1") {
			t.Errorf("the switch is %+v", s)
		}
	}
	p.done(p.SettleDeployment(t.Context(), wire.Progress{Deployment: id, State: sdp.DeployCancelled}))
	for _, begin := range []func() error{
		func() error { _, err := p.BeginDeploy(t.Context(), at(sdp.Fetching)); return err },
		func() error { _, err := p.BeginStart(t.Context(), at(sdp.StartingContainer)); return err },
		func() error { _, err := p.BeginRoute(t.Context(), in); return err },
	} {
		if f, _ := failure.Of(begin()); f == nil || f.Code != sdp.CodeSettled {
			t.Errorf("what has ended begins with %v", f)
		}
	}
}

// What is built for a sandbox whose port is on a node that is away could not be switched to; that is not waited for.
func TestDeploymentNeedsTheNodeWithThePort(t *testing.T) {
	p := newPlatform(t)
	id := p.queue(postgres.NewDeployment{})
	p.sql(`UPDATE nodes SET last_seen = now() - interval '1 hour' WHERE name = 'gateway-1'`)
	_, err := p.LoadJob(t.Context(), id)
	f, reported := failure.Of(err)
	if !reported || f.Code != "node-without-worker" || !strings.Contains(f.Detail, "gateway-1") || retried(err) {
		t.Errorf("it begins with %v", err)
	}
}

func TestLoadJobOfNothingIsNotRetried(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	_, err := p.LoadJob(t.Context(), "d-none")
	wantFailure(t, err, sdp.NotFound, "deployment-not-found")
	equal(t, "retried", retried(err), false)
}

func TestSettledDeploymentIsAudited(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	for _, c := range []struct {
		state   sdp.DeploymentState
		failure *sdp.Failure
		want    string
	}{
		{sdp.DeployFailed, &sdp.Failure{Kind: sdp.Failed, Code: "compile-error", Detail: "main.go:3"}, "deployment.finish failed: compile-error: main.go:3"},
		{sdp.DeployCancelled, nil, "deployment.finish cancelled"},
	} {
		id := p.queue(postgres.NewDeployment{})
		p.done(p.SettleDeployment(t.Context(), wire.Progress{Deployment: id, State: c.state, Failure: c.failure}))
		equal(t, "state", p.deployment(id).State, c.state)
		equal(t, "audit", strings.Join(p.audited(id), "; "), c.want)
	}
	id := p.run()
	equal(t, "state", p.deployment(id).State, sdp.Running)
	equal(t, "audit", strings.Join(p.audited(id), "; "), "deployment.finish succeeded")
}

func TestEndedDeploymentCannotGoOn(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	id := p.queue(postgres.NewDeployment{})
	p.done(p.SettleDeployment(t.Context(), wire.Progress{Deployment: id, State: sdp.DeployCancelled}))
	_, err := p.Publish(t.Context(), wire.Progress{Deployment: id, State: sdp.Building})
	wantFailure(t, err, sdp.Conflict, sdp.CodeSettled)
	equal(t, "retried", retried(err), false)
}

// route is where a switch that has just been made leads the requests for account: it names a table.
func (p *platform) route(s wire.Switch) wire.ServiceRoute {
	p.t.Helper()
	equal(p.t, "named", fmt.Sprint(s.Table.Named, s.Table.Services), "true []")
	table, _, err := p.DB.Table(p.t.Context(), "box")
	p.must(err)
	equal(p.t, "version", s.Table.Version, table.Version)
	r, _ := table.Route("account")
	return r
}

// However many services there are, what a workflow passes on of a table is small.
func TestTablesAreNamedInHistories(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	services := map[string]postgres.SharedService{}
	for n := range 500 {
		services[fmt.Sprint("service-", n)] = postgres.SharedService{URL: fmt.Sprintf("http://service-%d.apps.ocp.example.com", n), Port: 80}
	}
	p.must(p.DB.SetSharedServices(t.Context(), services))
	p.run()
	s, err := p.CurrentTable(t.Context(), "box")
	p.must(err)
	if raw := jsonOf(t, s); len(raw) > 1000 {
		t.Errorf("%d bytes", len(raw))
	}
}

func TestServeAndUnserve(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	first := p.run()
	second := p.queue(postgres.NewDeployment{})
	p.done(p.Publish(t.Context(), wire.Progress{Deployment: second, State: sdp.StartingContainer, SHA: commit}))
	s := p.serve(second)
	again := p.serve(second) // a retry
	equal(t, "version of the retry", again.Table.Version, s.Table.Version)
	if len(s.Previous) != 1 || s.Previous[0].Deployment != first || len(again.Previous) != 1 || again.Previous[0].Deployment != first {
		t.Fatalf("replaced %+v, then %+v, want the container of %s", s.Previous, again.Previous, first)
	}
	if r := p.route(s); r.Target == nil || r.Target.Deployment != second {
		t.Errorf("the table has %+v", r)
	}
	back, err := p.Unserve(t.Context(), second)
	p.must(err)
	if r := p.route(back); r.Target == nil || r.Target.Deployment != first {
		t.Errorf("after taking it back the table has %+v", r)
	}
	if back.Table.Version <= s.Table.Version {
		t.Errorf("version went from %d to %d: routers would refuse it", s.Table.Version, back.Table.Version)
	}
}

func TestContainerOfAnotherCommitNeverServes(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	id := p.queue(postgres.NewDeployment{})
	p.done(p.Publish(t.Context(), wire.Progress{Deployment: id, State: sdp.StartingContainer, SHA: commit}))
	_, err := p.Serve(t.Context(), sdp.Container{Deployment: id, Sandbox: "box", Service: "account", Node: "micro-1",
		DockerID: "x", Address: "10.1.0.2:8080", SHA: strings.Repeat("0", 40), Image: "sdp/account:y"})
	if f, ok := failure.Of(err); !ok || f.Kind != sdp.Conflict {
		t.Errorf("got %v, want a conflict", err)
	}
}

func TestContainerRemovedMayBeRepeated(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	id := p.run()
	_, err := p.StopService(t.Context(), p.operation(sdp.OpStop, nil))
	p.must(err)
	p.done(p.ContainerRemoved(t.Context(), id))
	p.done(p.ContainerRemoved(t.Context(), id))
}

func TestNodeStatusTellsSinceWhen(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	alive, err := p.NodeAlive(t.Context(), "micro-1")
	p.must(err)
	equal(t, "alive", alive, true)
	status, err := p.NodeStatus(t.Context(), "micro-1")
	p.must(err)
	equal(t, "status", status, "node micro-1: its worker did not take the task up in time")

	p.sql(`UPDATE nodes SET last_seen = '2026-01-02T14:02:00' WHERE name = 'micro-1'`)
	alive, err = p.NodeAlive(t.Context(), "micro-1")
	p.must(err)
	equal(t, "alive", alive, false)
	status, err = p.NodeStatus(t.Context(), "micro-1")
	p.must(err)
	if !strings.HasPrefix(status, "node micro-1: no worker since ") {
		t.Errorf("status %q", status)
	}
	_, err = p.NodeAlive(t.Context(), "nowhere")
	wantFailure(t, err, sdp.NotFound, "node-not-found")
}

func TestWaitSaysBehindWhat(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	id := p.queue(postgres.NewDeployment{})
	ref := sdp.OperationRef{ID: id, Kind: sdp.OpDeploy, Sandbox: "box", Service: "account"}
	p.done(p.Wait(t.Context(), wire.WaitingInput{Operation: ref, Behind: "stop of account (o1)"}))
	equal(t, "deployment waits for", p.deployment(id).WaitingFor, "stop of account (o1)")

	op := p.operation(sdp.OpStop, nil)
	p.done(p.Wait(t.Context(), wire.WaitingInput{Operation: op, Behind: "deploy of account (d1)"}))
	stored, err := p.DB.Operation(t.Context(), op.ID)
	p.must(err)
	equal(t, "operation waits for", stored.WaitingFor, "deploy of account (d1)")

	// What has moved on, or is gone, needs no such news.
	p.done(p.Publish(t.Context(), wire.Progress{Deployment: id, State: sdp.Fetching}))
	p.done(p.Wait(t.Context(), wire.WaitingInput{Operation: ref, Behind: "late"}))
	equal(t, "state", p.deployment(id).State, sdp.Fetching)
	p.done(p.Wait(t.Context(), wire.WaitingInput{Operation: sdp.OperationRef{ID: "gone", Kind: sdp.OpStop}, Behind: "late"}))
}

func TestSettleEndsAnOperationOnce(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	op := p.operation(sdp.OpStop, nil)
	p.done(p.Settle(t.Context(), wire.SettleInput{Operation: op, State: sdp.OpRunning}))
	equal(t, "audit events of one that runs", len(p.audited(op.ID)), 0)
	failure := &sdp.Failure{Kind: sdp.Unavailable, Code: "no-worker", Detail: "node micro-1"}
	p.done(p.Settle(t.Context(), wire.SettleInput{Operation: op, State: sdp.OpFailed, Failure: failure}))
	// The entity writes an end too if it believes that there was none.
	p.done(p.Settle(t.Context(), wire.SettleInput{Operation: op, State: sdp.OpCancelled}))
	stored, err := p.DB.Operation(t.Context(), op.ID)
	p.must(err)
	equal(t, "state", stored.State, sdp.OpFailed)
	equal(t, "audit", strings.Join(p.audited(op.ID), "; "), "service.stop.finish failed: no-worker: node micro-1")
}

// What is cancelled before it was handed over, or while it waits, must not run, whatever it is.
func TestCancelledOperationDoesNotBegin(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.run()
	begin := func(op sdp.OperationRef) error {
		_, err := p.Settle(t.Context(), wire.SettleInput{Operation: op, State: sdp.OpRunning})
		return err
	}
	for _, kind := range sdp.CancellableKinds(sdp.OpQueued) {
		if kind == sdp.OpDeploy {
			continue // see TestACancelledOrSettledDeploymentDoesNotBegin
		}
		op := p.operation(kind, func(o *sdp.Operation) {
			if kind == sdp.OpRoute {
				o.Source = sdp.SourceOCP
			}
			if kind.Rules().Scope == sdp.ScopeSandbox {
				o.Service = ""
			}
			if kind.Changes() {
				o.Change = &sdp.Change{Spec: sdp.SandboxSpec{Name: "box"}}
			}
		})
		_, err := p.DB.MarkCancelled(t.Context(), op.ID, "bob")
		p.must(err)
		for range 2 { // the activity may be repeated
			wantFailure(t, begin(op), sdp.Conflict, sdp.CodeCancelled)
		}
		equal(t, "audit", strings.Join(p.audited(op.ID), "; "), string(kind.Rules().Ended)+" cancelled: cancelled by bob")
		stored, err := p.DB.Operation(t.Context(), op.ID)
		p.must(err)
		equal(t, string(kind), stored.State, sdp.OpCancelled)
	}
	op := p.operation(sdp.OpStop, nil)
	p.must(begin(op))
	_, err := p.DB.MarkCancelled(t.Context(), op.ID, "bob")
	equal(t, "a stop that runs", sdp.AsError(err).Code, "too-late")
	p.done(p.Settle(t.Context(), wire.SettleInput{Operation: op, State: sdp.OpSucceeded}))
	wantFailure(t, begin(op), sdp.Conflict, "operation-state")
}

// A newer server has put the kind into the database; this one settles what it cannot carry out, and that is all.
func TestSettleOfAnUnknownKindTouchesNothing(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	serving := p.run()
	p.sql(`INSERT INTO operation_kinds (kind, of_service, changes) VALUES ('suspend', true, false)`)
	op := p.operation("suspend", nil)
	failure := &sdp.Failure{Kind: sdp.Internal, Code: "unknown-operation", Detail: "nothing was done"}
	p.done(p.Settle(t.Context(), wire.SettleInput{Operation: op, State: sdp.OpFailed, Failure: failure, Late: true}))
	stored, err := p.DB.Operation(t.Context(), op.ID)
	p.must(err)
	equal(t, "state", stored.State, sdp.OpFailed)
	equal(t, "code", stored.Failure.Code, "unknown-operation")
	equal(t, "audit", strings.Join(p.audited(op.ID), "; "), "service.suspend.finish failed: unknown-operation: nothing was done")
	_, err = p.BeginTeardown(t.Context(), op)
	wantFailure(t, err, sdp.Conflict, "not-a-delete")
	_, err = p.FinishDelete(t.Context(), op)
	wantFailure(t, err, sdp.Conflict, "not-a-delete")
	equal(t, "what ran", p.deployment(serving).State, sdp.Running)
	_, err = p.CurrentTable(t.Context(), "box")
	p.must(err)
}

// Who only saw an operation's workflow end must not overwrite what that had written.
func TestALateSettleChangesNothing(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	op := sdp.OperationRef{ID: "o-create", Kind: sdp.OpCreate, Sandbox: "box", User: "ann"}
	p.done(p.Settle(t.Context(), wire.SettleInput{Operation: op, State: sdp.OpFailed, Failure: &sdp.Failure{Kind: sdp.Unavailable, Code: "docker-down"}}))
	p.done(p.Settle(t.Context(), wire.SettleInput{Operation: op, State: sdp.OpFailed, Failure: &sdp.Failure{Code: "workflow-ended"}, Late: true}))
	got, err := p.DB.Operation(t.Context(), op.ID)
	if err != nil || got.Failure == nil || got.Failure.Code != "docker-down" {
		t.Errorf("the operation is %+v, %v", got, err)
	}
}

func TestSettleGivesADeploymentTheEndItsWorkflowCouldNotWrite(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	failure := &sdp.Failure{Kind: sdp.Conflict, Code: "superseded", Detail: "replaced"}
	for state, want := range map[sdp.OperationState]sdp.DeploymentState{
		sdp.OpCancelled: sdp.DeployCancelled,
		sdp.OpFailed:    sdp.DeployFailed,
	} {
		ref := sdp.OperationRef{ID: p.queue(postgres.NewDeployment{}), Kind: sdp.OpDeploy, Sandbox: "box", Service: "account", User: "ann"}
		p.done(p.Settle(t.Context(), wire.SettleInput{Operation: ref, State: state, Failure: failure}))
		d := p.deployment(ref.ID)
		equal(t, "state", d.State, want)
		equal(t, "failure", d.Failure.Code, "superseded")
		// One that has ended keeps the end it has.
		p.done(p.Settle(t.Context(), wire.SettleInput{Operation: ref, State: sdp.OpFailed, Failure: &sdp.Failure{Code: "late"}}))
		equal(t, "failure after a second end", p.deployment(ref.ID).Failure.Code, "superseded")
	}
}

func TestSetRoute(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	to := func(source sdp.Source, url string) (wire.Switch, error) {
		return p.SetRoute(t.Context(), p.operation(sdp.OpRoute, func(o *sdp.Operation) { o.Source, o.URL = source, url }))
	}
	_, err := to(sdp.SourceSandbox, "")
	f := wantFailure(t, err, sdp.Conflict, "not-running")
	equal(t, "remedy", f.Remedy, "deploy it first: `sdp deploy box account@BRANCH`")

	s, err := to(sdp.SourceURL, "http://elsewhere/x")
	p.must(err)
	r := p.route(s)
	equal(t, "route", r.URL, "http://elsewhere/x")
	if !slices.Contains(s.Nodes, "gateway-1") {
		t.Errorf("the table goes to %q", s.Nodes)
	}
	p.run()
	_, err = to(sdp.SourceOCP, "")
	p.must(err)
	s, err = to(sdp.SourceSandbox, "")
	p.must(err)
	if r := p.route(s); r.Target == nil {
		t.Errorf("the route is %+v, want the container that still runs", r)
	}
}

func TestRestartIsOneDeploymentHoweverOftenItIsAskedFor(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	op := p.operation(sdp.OpRestart, nil)
	_, err := p.NewRestart(t.Context(), op)
	wantFailure(t, err, sdp.Conflict, "never-ran")

	p.run()
	ref, err := p.NewRestart(t.Context(), op)
	p.must(err)
	again, err := p.NewRestart(t.Context(), op)
	p.must(err)
	equal(t, "the retry's deployment", again, ref)
	d := p.deployment(ref.ID)
	equal(t, "commit", d.SHA, commit)
	equal(t, "image", d.Image, "sdp/account:x")
	equal(t, "branch", d.Branch, "feature/x")
	equal(t, "requested by", d.RequestedBy, "ann")
	lost, err := p.DB.Unsubmitted(t.Context(), 0)
	p.must(err)
	if slices.ContainsFunc(lost, func(r sdp.OperationRef) bool { return r.ID == ref.ID }) {
		t.Error("the reconciler would start the restart's deployment a second time")
	}
}

func TestReassignedPortIsReported(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	s, err := p.CurrentTable(t.Context(), "box")
	p.must(err)
	held := s.Table.PublicPort
	moved, err := p.ReassignPort(t.Context(), s.Table)
	p.must(err)
	if moved.Table.PublicPort == held || moved.Table.PublicPort < 8080 || moved.Table.PublicPort > 8082 {
		t.Errorf("the port went from %d to %d", held, moved.Table.PublicPort)
	}
	again, err := p.ReassignPort(t.Context(), s.Table)
	p.must(err)
	equal(t, "the retry's port", again.Table.PublicPort, moved.Table.PublicPort)
	events, _, err := p.DB.AuditEvents(t.Context(), postgres.AuditFilter{Sandbox: "box", Action: "port.reassign"}, postgres.Page{Limit: 9})
	p.must(err)
	if len(events) == 0 || !strings.Contains(events[0].Detail, fmt.Sprintf("holds port %d on gateway-1; the sandbox got %d", held, moved.Table.PublicPort)) {
		t.Errorf("audited %+v", events)
	}
}

func TestReassignPortSaysWhenNoneIsLeft(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	var err error
	for range 3 {
		var s wire.Switch
		if s, err = p.CurrentTable(t.Context(), "box"); err == nil {
			_, err = p.ReassignPort(t.Context(), s.Table)
		}
	}
	wantFailure(t, err, sdp.Exhausted, "no-free-port")
	equal(t, "retried", retried(err), false)
}

func TestTeardownAndDelete(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.run()
	op := sdp.OperationRef{ID: "o-delete", Kind: sdp.OpDelete, Sandbox: "box", User: "ann"}
	p.must(p.DB.BeginDelete(t.Context(), "box", sdp.Operation{ID: op.ID, RequestedBy: "ann"}))
	in, err := p.BeginTeardown(t.Context(), op)
	p.must(err)
	if slices.Sort(in.Nodes); !slices.Equal(in.Nodes, []string{"gateway-1", "micro-1"}) {
		t.Errorf("torn down on %q", in.Nodes)
	}
	p.done(p.FinishDelete(t.Context(), op))
	p.done(p.FinishDelete(t.Context(), op)) // a retry
	p.done(p.Settle(t.Context(), wire.SettleInput{Operation: op, State: sdp.OpSucceeded}))
	equal(t, "audit", strings.Join(p.audited(op.ID), "; "), "sandbox.delete.finish succeeded")
	_, err = p.CurrentTable(t.Context(), "box")
	wantFailure(t, err, sdp.NotFound, "sandbox-not-found")
}
