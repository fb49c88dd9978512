package postgres_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"sdp/internal/postgres"
	"sdp/internal/postgres/postgrestest"
	"sdp/internal/sdp"
)

func TestEveryTransitionIsGuarded(t *testing.T) {
	t.Parallel()
	db := platform(t)
	create(t, db, "box")
	states := []sdp.DeploymentState{sdp.Queued, sdp.Fetching, sdp.Checkout, sdp.Building, sdp.CreatingImage,
		sdp.StartingContainer, sdp.Running, sdp.DeployFailed, sdp.DeployStopped, sdp.DeployCancelled}
	for _, from := range states {
		for _, to := range states {
			id := queue(t, db, "box", "account")
			if from == sdp.DeployStopped { // reached through RUNNING only
				must(t, db.SetState(t.Context(), id, sdp.Running, postgres.StateChange{SHA: shaA}))
			}
			must(t, db.SetState(t.Context(), id, from, postgres.StateChange{SHA: shaA}))
			err := db.SetState(t.Context(), id, to, postgres.StateChange{SHA: shaA})
			if from.CanBecome(to) {
				must(t, err)
			} else {
				wantCode(t, err, sdp.Conflict, map[bool]string{false: "deployment-state", true: sdp.CodeSettled}[from.Settled()])
			}
			d := got(db.Deployment(t.Context(), id))(t)
			if want := map[bool]sdp.DeploymentState{true: to, false: from}[from.CanBecome(to)]; d.State != want {
				t.Fatalf("%s to %s left %s", from, to, d.State)
			}
			if d.State.Settled() == d.FinishedAt.IsZero() {
				t.Fatalf("a %s deployment finished at %v", d.State, d.FinishedAt)
			}
		}
	}
	wantCode(t, db.SetState(t.Context(), "nope", sdp.Running, postgres.StateChange{}), sdp.NotFound, "deployment-not-found")
}

func TestOneOfManyWritersSettles(t *testing.T) {
	t.Parallel()
	db := platform(t)
	create(t, db, "box")
	id := queue(t, db, "box", "account")
	var wg sync.WaitGroup
	errs := make([]error, 40)
	for i := range errs {
		to := []sdp.DeploymentState{sdp.DeployFailed, sdp.DeployCancelled}[i%2]
		wg.Go(func() { errs[i] = db.SetState(t.Context(), id, to, postgres.StateChange{}) })
	}
	wg.Wait()
	won := 0 // a state may be set again, so all writers of one of the two succeed, and none of the other
	for i := range errs {
		if errs[i] == nil {
			won++
			must(t, errs[i%2]) // the same state as the first of its kind
		} else {
			wantCode(t, errs[i], sdp.Conflict, sdp.CodeSettled)
		}
	}
	equal(t, "winners", won, 20)
}

func TestDeploymentKeepsWhatItIsTold(t *testing.T) {
	t.Parallel()
	db := platform(t)
	create(t, db, "box")
	id := queue(t, db, "box", "account")
	must(t, db.SetState(t.Context(), id, sdp.Queued, postgres.StateChange{WaitingFor: "deploy of payment"}))
	equal(t, "waits for", got(db.Deployment(t.Context(), id))(t).WaitingFor, "deploy of payment")
	steps := []sdp.Step{{Name: sdp.StepFetch, State: sdp.StepDone, StartedAt: time.Unix(1, 0).UTC(),
		FinishedAt: time.Unix(2, 0).UTC(), Detail: "x\x00\xff"}, {Name: sdp.StepBuild, State: sdp.StepPending}}
	must(t, db.Publish(t.Context(), id, sdp.Building, postgres.StateChange{SHA: shaA, Image: "sdp/account:a"}, steps))
	wantCode(t, db.SetState(t.Context(), id, sdp.Building, postgres.StateChange{SHA: shaB}), sdp.Conflict, "commit-fixed")
	failure := &sdp.Failure{Step: sdp.StepBuild, Kind: sdp.Failed, Code: "compile-error", Detail: "does not compile",
		Remedy: "fix it", Output: "main.go:1: \x00oops \xff"}
	must(t, db.SetState(t.Context(), id, sdp.DeployFailed, postgres.StateChange{Failure: failure}))

	d := got(db.Deployment(t.Context(), id))(t)
	equal(t, "waits for", d.WaitingFor, "")
	equal(t, "commit", d.SHA, shaA)
	equal(t, "image", d.Image, "sdp/account:a")
	equal(t, "output", d.Failure.Output, "main.go:1: oops \uFFFD")
	steps[0].Detail = "x\uFFFD"
	if !slices.Equal(d.Steps, steps) {
		t.Fatalf("steps are %+v", d.Steps)
	}
	if d.StartedAt.IsZero() || d.StartedAt.Before(d.CreatedAt) || d.FinishedAt.Before(d.StartedAt) {
		t.Fatalf("created %v, started %v, finished %v", d.CreatedAt, d.StartedAt, d.FinishedAt)
	}
	must(t, db.SetSteps(t.Context(), id, steps[:1]))
	equal(t, "steps", len(got(db.Deployment(t.Context(), id))(t).Steps), 1)
	wantCode(t, db.SetSteps(t.Context(), "nope", nil), sdp.NotFound, "deployment-not-found")
}

func TestCreateDeploymentsRefuses(t *testing.T) {
	t.Parallel()
	db := platform(t)
	create(t, db, "box")
	for _, c := range []struct {
		ds   []postgres.NewDeployment
		kind sdp.Kind
		code string
	}{
		{[]postgres.NewDeployment{newDeployment("nope", "account", "main")}, sdp.NotFound, "sandbox-not-found"},
		{[]postgres.NewDeployment{newDeployment("box", "nope", "main")}, sdp.NotFound, "repository-not-found"},
		{[]postgres.NewDeployment{newDeployment("box", "account", "a"), newDeployment("box", "account", "b")}, sdp.Invalid, "duplicate-service"},
		{[]postgres.NewDeployment{newDeployment("box", "account", "a\x00b")}, sdp.Invalid, "bad-text"},
	} {
		_, err := db.CreateDeployments(t.Context(), c.ds)
		wantCode(t, err, c.kind, c.code)
	}
	list, _, err := db.Deployments(t.Context(), postgres.DeploymentFilter{}, postgres.Page{})
	must(t, err)
	equal(t, "deployments", len(list), 0)
}

func TestJobHasAllThatADeployNeeds(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db := postgrestest.Open(t, url)
	must(t, db.RegisterNode(t.Context(), micro()))
	must(t, db.RegisterNode(t.Context(), gatewayNode(8080, 8090)))
	create(t, db, "box")
	run(t, db, "box", "account", 2)
	box := sdp.SealedBox{Node: "micro-1", KeyID: "k1", Operation: "d1", ExpiresAt: time.Unix(9, 0).UTC(), Ciphertext: []byte{0, 1, 2}}
	first := newDeployment("box", "account", "main")
	first.Env = map[string]string{"LEVEL": "debug", "PIN": "open"}
	first.Secrets = map[string][]byte{"TOKEN": {1}, "KEY": {2}}
	got(db.CreateDeployments(t.Context(), []postgres.NewDeployment{first}))(t)
	second := newDeployment("box", "account", "")
	second.SHA, second.Credentials = shaB, box
	second.Env = map[string]string{"TOKEN": "now open"}
	second.Secrets = map[string][]byte{"PIN": {3}}
	got(db.CreateDeployments(t.Context(), []postgres.NewDeployment{second}))(t)

	j := got(db.Job(t.Context(), second.ID))(t)
	equal(t, "commit", j.Deployment.SHA, shaB)
	equal(t, "repository", j.Repository.RemoteURL, "http://git/account.git")
	equal(t, "node's key", j.Node.KeyID, "k1")
	equal(t, "credentials", string(j.Credentials.Ciphertext), string(box.Ciphertext))
	equal(t, "env", fmt.Sprint(j.Settings.Variables()), "map[LEVEL:debug TOKEN:now open]")
	equal(t, "secrets", fmt.Sprint(j.Settings.Secrets()), "map[KEY:{[2] box/account/KEY} PIN:{[3] box/account/PIN}]")
	service := got(db.Sandbox(t.Context(), "box"))(t).Services[0]
	equal(t, "secret keys", fmt.Sprint(service.SecretKeys), "[KEY PIN]")
	equal(t, "branch", service.Branch, "main")

	must(t, db.SetState(t.Context(), second.ID, sdp.DeployCancelled, postgres.StateChange{}))
	j = got(db.Job(t.Context(), second.ID))(t)
	if !j.Credentials.Empty() {
		t.Fatal("credentials outlived the deployment")
	}
	_, err := db.Job(t.Context(), "nope")
	wantCode(t, err, sdp.NotFound, "deployment-not-found")
}

func TestServiceStaysWithOCPUntilItServes(t *testing.T) {
	t.Parallel()
	db := platform(t)
	create(t, db, "box")
	queue(t, db, "box", "account")
	queue(t, db, "box", "ledger")
	table, _ := tableOf(t, db, "box")
	equal(t, "account", route(t, table, "account").Source, sdp.SourceOCP)
	ledger := route(t, table, "ledger")
	equal(t, "ledger, which OCP does not have", ledger.Source, sdp.SourceSandbox)
	equal(t, "reason", ledger.Reason, "ledger is being deployed")
}

func TestDeploymentsArePagedNewestFirst(t *testing.T) {
	t.Parallel()
	db := platform(t)
	create(t, db, "box")
	create(t, db, "other")
	queue(t, db, "other", "account")
	var want []string
	for i := range 7 {
		id := queue(t, db, "box", []string{"account", "payment"}[i%2])
		want = slices.Insert(want, 0, id)
	}
	var seen []string
	page := postgres.Page{Limit: 3}
	for {
		list, next, err := db.Deployments(t.Context(), postgres.DeploymentFilter{Sandbox: "box"}, page)
		must(t, err)
		for _, d := range list {
			seen = append(seen, d.ID)
		}
		queue(t, db, "box", "account") // what is new does not shift the rest
		if page.Cursor = next; next == "" {
			break
		}
	}
	if !slices.Equal(seen, want) {
		t.Fatalf("listed %v, want %v", seen, want)
	}
	list, _, err := db.Deployments(t.Context(), postgres.DeploymentFilter{Sandbox: "box", Service: "payment",
		States: []sdp.DeploymentState{sdp.Queued, sdp.Fetching}}, postgres.Page{})
	must(t, err)
	equal(t, "payment's deployments", len(list), 3)
	_, _, err = db.Deployments(t.Context(), postgres.DeploymentFilter{}, postgres.Page{Cursor: "eA"})
	wantCode(t, err, sdp.Invalid, "bad-cursor")
}

func TestDeploymentsAtOnceKeepTheSandboxConsistent(t *testing.T) {
	t.Parallel()
	db := platform(t)
	before := create(t, db, "box").RouteVersion
	var wg sync.WaitGroup
	errs := make([]error, 30)
	for i := range errs {
		wg.Go(func() {
			service := []string{"account", "payment", "ledger"}[i%3]
			_, errs[i] = db.CreateDeployments(t.Context(), []postgres.NewDeployment{newDeployment("box", service, "main")})
		})
	}
	wg.Wait()
	must(t, errors.Join(errs...))
	equal(t, "version", got(db.Sandbox(t.Context(), "box"))(t).RouteVersion, before+30)
}
