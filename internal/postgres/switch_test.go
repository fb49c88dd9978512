package postgres_test

import (
	"sync"
	"testing"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

func TestServeReplacesAndConfirmSettles(t *testing.T) {
	t.Parallel()
	db := platform(t)
	create(t, db, "box")
	first := run(t, db, "box", "account", 2)
	second := startNext(t, db, 3)
	version := got(db.Sandbox(t.Context(), "box"))(t).RouteVersion

	for range 2 { // the second call is a retry
		must(t, db.PutContainer(t.Context(), container(second, "box", "account", 3)))
		s := got(db.Serve(t.Context(), second))(t)
		equal(t, "version", s.Table.Version, version+1)
		equal(t, "previous", s.Previous[0].Deployment, first)
		equal(t, "previous state", s.Previous[0].State, sdp.Retiring)
		target := *route(t, s.Table, "account").Target
		equal(t, "target", target, wire.Target{Node: "micro-1", NodeAddress: "10.0.0.1:7711", Address: "172.18.0.3:8080",
			SHA: shaA, Deployment: second})
		equal(t, "old deployment", stateOf(t, db, first), sdp.Running)
		equal(t, "new deployment", stateOf(t, db, second), sdp.StartingContainer)
	}
	must(t, db.Confirm(t.Context(), second))
	must(t, db.Confirm(t.Context(), second))
	equal(t, "old deployment", stateOf(t, db, first), sdp.DeployStopped)
	equal(t, "new deployment", stateOf(t, db, second), sdp.Running)
	_, err := db.Unserve(t.Context(), second)
	wantCode(t, err, sdp.Conflict, "deployment-state")
	_, err = db.Serve(t.Context(), first) // a late retry does not switch back
	wantCode(t, err, sdp.Conflict, "container-state")
}

// startNext brings one more deployment of account to where its container is to serve.
func startNext(t *testing.T, db *postgres.DB, n int) string {
	t.Helper()
	id := queue(t, db, "box", "account")
	must(t, db.SetState(t.Context(), id, sdp.StartingContainer, postgres.StateChange{SHA: shaA}))
	must(t, db.PutContainer(t.Context(), container(id, "box", "account", n)))
	return id
}

func stateOf(t *testing.T, db *postgres.DB, id string) sdp.DeploymentState {
	t.Helper()
	return got(db.Deployment(t.Context(), id))(t).State
}

func TestUnserveRestoresTheContainer(t *testing.T) {
	t.Parallel()
	db := platform(t)
	create(t, db, "box")
	first := run(t, db, "box", "account", 2)
	second := startNext(t, db, 3)
	got(db.Serve(t.Context(), second))(t)
	for range 2 {
		s := got(db.Unserve(t.Context(), second))(t)
		equal(t, "target", route(t, s.Table, "account").Target.Deployment, first)
	}
	must(t, db.SetState(t.Context(), second, sdp.DeployFailed, postgres.StateChange{}))
	equal(t, "old deployment", stateOf(t, db, first), sdp.Running)
	left := got(db.Containers(t.Context(), postgres.ContainerFilter{Sandbox: "box"}))(t)
	equal(t, "containers left", len(left), 1)
	_, err := db.Serve(t.Context(), second)
	wantCode(t, err, sdp.Conflict, "container-state")
}

func TestUnserveRestoresOCP(t *testing.T) {
	t.Parallel()
	db := platform(t)
	create(t, db, "box")
	id := startNext(t, db, 2)
	s := got(db.Serve(t.Context(), id))(t)
	equal(t, "source", route(t, s.Table, "account").Source, sdp.SourceSandbox)
	if len(s.Previous) > 0 {
		t.Fatalf("replaced %+v, want nothing", s.Previous)
	}
	s = got(db.Unserve(t.Context(), id))(t)
	equal(t, "source", route(t, s.Table, "account").Source, sdp.SourceOCP)
}

func TestServeAtOnceLeavesOneServing(t *testing.T) {
	t.Parallel()
	db := platform(t)
	create(t, db, "box")
	ids := make([]string, 16)
	for i := range ids {
		ids[i] = startNext(t, db, i+2)
	}
	var wg sync.WaitGroup
	errs := make([]error, len(ids))
	for i, id := range ids {
		wg.Go(func() {
			if _, errs[i] = db.Serve(t.Context(), id); errs[i] == nil {
				errs[i] = db.Confirm(t.Context(), id)
			}
		})
	}
	wg.Wait()
	for _, err := range errs { // whoever was replaced before it could confirm is told so
		if err != nil {
			wantCode(t, err, sdp.Conflict, "container-state")
		}
	}
	serving := got(db.Containers(t.Context(), postgres.ContainerFilter{Sandbox: "box",
		States: []sdp.ContainerState{sdp.Serving}}))(t)
	equal(t, "serving containers", len(serving), 1)
	running, _, err := db.Deployments(t.Context(), postgres.DeploymentFilter{States: []sdp.DeploymentState{sdp.Running}},
		postgres.Page{})
	must(t, err)
	equal(t, "running deployments", len(running), 1)
	equal(t, "running deployment", running[0].ID, serving[0].Deployment)
	table, _ := tableOf(t, db, "box")
	equal(t, "target", route(t, table, "account").Target.Deployment, serving[0].Deployment)
}

func TestCancelBeatsServe(t *testing.T) {
	t.Parallel()
	db := platform(t)
	create(t, db, "box")
	id := startNext(t, db, 2)
	must(t, db.SetState(t.Context(), id, sdp.DeployCancelled, postgres.StateChange{}))
	wantCode(t, db.PutContainer(t.Context(), container(id, "box", "account", 2)), sdp.Conflict, sdp.CodeSettled)
	_, err := db.Serve(t.Context(), id)
	wantCode(t, err, sdp.Conflict, "container-state")
	_, err = db.Serve(t.Context(), "nope")
	wantCode(t, err, sdp.NotFound, "container-gone")
}

func TestOnlyTheDeploymentsCommitServes(t *testing.T) {
	t.Parallel()
	db := platform(t)
	create(t, db, "box")
	id := startNext(t, db, 2)
	c := container(id, "box", "account", 2)
	c.SHA = shaB
	must(t, db.PutContainer(t.Context(), c))
	_, err := db.Serve(t.Context(), id)
	wantCode(t, err, sdp.Conflict, "commit-fixed")
}

func TestStopService(t *testing.T) {
	t.Parallel()
	db := platform(t)
	create(t, db, "box")
	id := run(t, db, "box", "account", 2)
	for range 2 {
		s := got(db.StopService(t.Context(), "box", "account"))(t)
		equal(t, "previous", s.Previous[0].Deployment, id)
		r := route(t, s.Table, "account")
		equal(t, "source", r.Source, sdp.SourceSandbox) // never OCP silently
		equal(t, "reason", r.Reason, "account is stopped")
	}
	equal(t, "deployment", stateOf(t, db, id), sdp.DeployStopped)
	equal(t, "last deployment", got(db.LastDeployment(t.Context(), "box", "account"))(t).ID, id)
	_, err := db.StopService(t.Context(), "box", "payment")
	wantCode(t, err, sdp.Conflict, "not-running")
	_, err = db.LastDeployment(t.Context(), "box", "payment")
	wantCode(t, err, sdp.Conflict, "never-ran")

	next := startNext(t, db, 3)
	s := got(db.Serve(t.Context(), next))(t)
	equal(t, "previous", s.Previous[0].Deployment, id) // the stopped one is cleared away by the next
}

func TestSetContainerState(t *testing.T) {
	t.Parallel()
	db := platform(t)
	create(t, db, "box")
	id := run(t, db, "box", "account", 2)
	before := got(db.Sandbox(t.Context(), "box"))(t).RouteVersion
	must(t, db.SetContainerState(t.Context(), id, sdp.Retiring))
	table, _ := tableOf(t, db, "box")
	equal(t, "version", table.Version, before+1)
	if r := route(t, table, "account"); r.Target != nil {
		t.Fatalf("a retiring container is the target: %+v", r)
	}
	must(t, db.SetContainerState(t.Context(), id, sdp.Removed))
	must(t, db.SetContainerState(t.Context(), id, sdp.Removed))
	must(t, db.SetContainerState(t.Context(), "never-there", sdp.Removed))
	wantCode(t, db.SetContainerState(t.Context(), id, sdp.Stopped), sdp.Conflict, "container-gone")
	wantCode(t, db.SetContainerState(t.Context(), id, sdp.Serving), sdp.Invalid, "not-served")
	wantCode(t, db.PutContainer(t.Context(), container("dx", "box", "account", 4)), sdp.NotFound, "deployment-not-found")
	c := container(queue(t, db, "box", "account"), "box", "account", 4)
	c.State = sdp.Serving
	wantCode(t, db.PutContainer(t.Context(), c), sdp.Invalid, "not-served")
	c.State, c.Node = sdp.Starting, "nowhere"
	wantCode(t, db.PutContainer(t.Context(), c), sdp.Invalid, "node-not-found")
}

func TestReasonFollowsTheLastDeployment(t *testing.T) {
	t.Parallel()
	db := platform(t)
	create(t, db, "box")
	id := queue(t, db, "box", "ledger")
	table, _ := tableOf(t, db, "box")
	must(t, db.SetState(t.Context(), id, sdp.DeployFailed, postgres.StateChange{}))
	after, _ := tableOf(t, db, "box")
	equal(t, "reason", route(t, after, "ledger").Reason, "the last deployment of ledger, "+id+", failed")
	equal(t, "version", after.Version, table.Version+1) // else routers would not take the new reason
}
