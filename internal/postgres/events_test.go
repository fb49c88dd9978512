package postgres_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
)

// happened is what the events of a deployment or an operation say, in order.
func happened(t *testing.T, db *postgres.DB, id string) string {
	t.Helper()
	var words []string
	for _, e := range got(db.Events(t.Context(), 0, postgres.EventFilter{}, 1000))(t) {
		if e.Deployment != id && e.Operation != id {
			continue
		}
		if !slices.Contains(sdp.EventTypes(), e.Type) {
			t.Errorf("the domain does not know %s", e.Type)
		}
		if e.Sandbox != "box" || e.User != "ann" || e.At.IsZero() {
			t.Errorf("event is %+v", e)
		}
		word := strings.ToLower(string(e.Type))
		if e.Cached {
			word += "(cached)"
		}
		if e.Code != "" {
			word += "(" + e.Code + ")"
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

func steps(states ...sdp.StepState) []sdp.Step {
	var list []sdp.Step
	for i, s := range states {
		list = append(list, sdp.Step{Name: sdp.Steps[i], State: s})
	}
	return list
}

func TestEventsOfADeployment(t *testing.T) {
	t.Parallel()
	db := platform(t)
	create(t, db, "box")
	const pending, running, done, cached = sdp.StepPending, sdp.StepRunning, sdp.StepDone, sdp.StepCached
	id := queue(t, db, "box", "account")
	equal(t, "events of what waits", happened(t, db, id), "")
	publish := func(state sdp.DeploymentState, list []sdp.Step) {
		for range 2 { // activities are repeated
			must(t, db.Publish(t.Context(), id, state, postgres.StateChange{SHA: shaA}, list))
		}
	}
	publish(sdp.Fetching, steps(running, running, pending))
	publish(sdp.StartingContainer, steps(done, done, cached, cached, cached, running, pending))
	must(t, db.PutContainer(t.Context(), container(id, "box", "account", 2)))
	got(db.Serve(t.Context(), id))(t)
	publish(sdp.StartingContainer, steps(done, done, cached, cached, cached, done, running))
	must(t, db.SetSteps(t.Context(), id, steps(done, done, cached, cached, cached, done, done)))
	must(t, db.Confirm(t.Context(), id))
	must(t, db.Confirm(t.Context(), id))
	equal(t, "events", happened(t, db, id), "deploy_started fetch_started fetch_completed checkout_completed(cached) "+
		"build_completed(cached) image_completed(cached) start_started start_completed route_started route_completed deploy_completed")
	e := got(db.Events(t.Context(), 0, postgres.EventFilter{Deployment: id, Type: "DEPLOY_COMPLETED"}, 10))(t)
	if len(e) != 1 || e[0].SHA != shaA || e[0].Service != "account" {
		t.Errorf("the end is %+v", e)
	}
}

func TestEventsOfFailuresAndCancels(t *testing.T) {
	t.Parallel()
	db := platform(t)
	create(t, db, "box")
	failure := &sdp.Failure{Kind: sdp.Failed, Code: "compile-error", Detail: "it does not compile"}
	failed := queue(t, db, "box", "account")
	must(t, db.Publish(t.Context(), failed, sdp.Building, postgres.StateChange{SHA: shaA},
		steps(sdp.StepDone, sdp.StepDone, sdp.StepDone, sdp.StepRunning)))
	must(t, db.Publish(t.Context(), failed, sdp.DeployFailed, postgres.StateChange{Failure: failure},
		steps(sdp.StepDone, sdp.StepDone, sdp.StepDone, sdp.StepFailed)))
	equal(t, "events", happened(t, db, failed), "deploy_started fetch_started fetch_completed checkout_started checkout_completed "+
		"build_started build_failed(compile-error) deploy_failed(compile-error)")
	nowhere := queue(t, db, "box", "account")
	must(t, db.Publish(t.Context(), nowhere, sdp.Fetching, postgres.StateChange{}, steps(sdp.StepRunning, sdp.StepRunning)))
	must(t, db.Publish(t.Context(), nowhere, sdp.DeployFailed, postgres.StateChange{Failure: failure},
		steps(sdp.StepFailed, sdp.StepPending)))
	equal(t, "events", happened(t, db, nowhere), "deploy_started fetch_started fetch_failed(compile-error) deploy_failed(compile-error)")
	waited := queue(t, db, "box", "payment")
	must(t, db.SetState(t.Context(), waited, sdp.DeployCancelled, postgres.StateChange{}))
	equal(t, "events", happened(t, db, waited), "deploy_cancelled")
	for _, kind := range sdp.OperationKinds() {
		if r := kind.Rules(); kind == sdp.OpDeploy || kind == sdp.OpRoute || r.Changes || r.Scope != sdp.ScopeService {
			continue
		}
		op := sdp.Operation{ID: sdp.NewID("o"), Kind: kind, Sandbox: "box", Service: "account", RequestedBy: "ann"}
		must(t, db.CreateOperation(t.Context(), op))
		must(t, db.SetOperation(t.Context(), op.ID, sdp.OpRunning, "", nil))
		must(t, db.SetOperation(t.Context(), op.ID, sdp.OpFailed, "", failure))
		equal(t, "events", happened(t, db, op.ID), fmt.Sprintf("%s_started %s_failed(compile-error)", kind, kind))
	}
}

// TestEventsMissNothingUnderConcurrency reads as the hub tells it to while many transactions of different lengths commit.
func TestEventsMissNothingUnderConcurrency(t *testing.T) {
	t.Parallel()
	db := platform(t)
	hub := got(db.Listen(t.Context()))(t)
	news, cancel := hub.Subscribe("events")
	defer cancel()
	const sandboxes, each = 6, 8
	var writers sync.WaitGroup
	for n := range sandboxes {
		name := fmt.Sprint("box-", n)
		create(t, db, name)
		writers.Go(func() {
			for range each {
				id := queue(t, db, name, "ledger")
				for _, state := range []sdp.DeploymentState{sdp.Fetching, sdp.Building, sdp.DeployCancelled} {
					if err := db.Publish(t.Context(), id, state, postgres.StateChange{}, steps(sdp.StepDone, sdp.StepRunning)); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	seen := map[string]string{}
	after, count := int64(0), 0
	deadline := time.After(time.Minute)
	for count < sandboxes*each*3 {
		list := got(db.Events(t.Context(), after, postgres.EventFilter{}, 7))(t)
		for _, e := range list {
			seen[e.Deployment] += string(e.Type) + " "
			after, count = e.Seq, count+1
		}
		if len(list) > 0 {
			continue
		}
		select {
		case <-news:
		case <-deadline:
			t.Fatalf("%d events were read", count)
		}
	}
	writers.Wait()
	for id, events := range seen {
		equal(t, "events of "+id, events, "DEPLOY_STARTED FETCH_STARTED DEPLOY_CANCELLED ")
	}
}
