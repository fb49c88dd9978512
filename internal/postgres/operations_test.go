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

func TestOperationTransitions(t *testing.T) {
	t.Parallel()
	db := platform(t)
	create(t, db, "box")
	allowed := map[sdp.OperationState][]sdp.OperationState{
		sdp.OpQueued:    {sdp.OpQueued, sdp.OpRunning, sdp.OpSucceeded, sdp.OpFailed, sdp.OpCancelled},
		sdp.OpRunning:   {sdp.OpRunning, sdp.OpSucceeded, sdp.OpFailed, sdp.OpCancelled},
		sdp.OpSucceeded: {sdp.OpSucceeded},
		sdp.OpFailed:    {sdp.OpFailed},
		sdp.OpCancelled: {sdp.OpCancelled},
	}
	for from, next := range allowed {
		for _, to := range allowed[sdp.OpQueued] {
			op := sdp.Operation{ID: sdp.NewID("o"), Kind: sdp.OpRestart, Sandbox: "box", Service: "account", RequestedBy: "ann"}
			must(t, db.CreateOperation(t.Context(), op))
			must(t, db.SetOperation(t.Context(), op.ID, from, "", nil))
			err := db.SetOperation(t.Context(), op.ID, to, "", nil)
			if slices.Contains(next, to) {
				must(t, err)
			} else {
				wantCode(t, err, sdp.Conflict, "operation-state")
			}
		}
	}
	wantCode(t, db.SetOperation(t.Context(), "nope", sdp.OpRunning, "", nil), sdp.NotFound, "operation-not-found")
}

// The note that something is to be cancelled is taken exactly where the table of kinds allows a cancel.
func TestCancelIsNotedWhereItsKindAllowsIt(t *testing.T) {
	t.Parallel()
	db := platform(t)
	create(t, db, "box")
	for _, kind := range sdp.OperationKinds() {
		if kind == sdp.OpDeploy {
			continue // its record is a deployment
		}
		for _, state := range []sdp.OperationState{sdp.OpQueued, sdp.OpRunning, sdp.OpSucceeded, sdp.OpFailed, sdp.OpCancelled} {
			op := sdp.Operation{ID: sdp.NewID("o-"), Kind: kind, Sandbox: "box", RequestedBy: "ann"}
			if kind.Rules().Scope == sdp.ScopeService {
				op.Service = "account"
			}
			if kind == sdp.OpRoute {
				op.Source = sdp.SourceOCP
			}
			if kind.Changes() {
				op.Change = &sdp.Change{Spec: sdp.SandboxSpec{Name: "box"}}
			}
			must(t, db.CreateOperation(t.Context(), op))
			must(t, db.SetOperation(t.Context(), op.ID, state, "", nil))
			at, err := db.MarkCancelled(t.Context(), op.ID, "bob")
			if !kind.Rules().CancellableIn(state) {
				wantCode(t, err, sdp.Conflict, "too-late")
			} else if must(t, err); at.IsZero() {
				t.Errorf("%s %s: no time is noted", kind, state)
			}
			if !state.Settled() {
				must(t, db.SetOperation(t.Context(), op.ID, sdp.OpFailed, "", nil))
			}
		}
	}
}

func TestOperationKeepsWhatItIsTold(t *testing.T) {
	t.Parallel()
	db := platform(t)
	create(t, db, "box")
	op := sdp.Operation{ID: sdp.NewID("o"), Kind: sdp.OpRoute, Sandbox: "box", Service: "account", Source: sdp.SourceURL,
		URL: "http://x/", RequestedBy: "bob"}
	must(t, db.CreateOperation(t.Context(), op))
	must(t, db.SetOperation(t.Context(), op.ID, sdp.OpQueued, "a deploy", nil))
	equal(t, "waits for", got(db.Operation(t.Context(), op.ID))(t).WaitingFor, "a deploy")
	must(t, db.SetOperation(t.Context(), op.ID, sdp.OpFailed, "", &sdp.Failure{Kind: sdp.Unavailable, Code: "no-worker"}))
	stored := got(db.Operation(t.Context(), op.ID))(t)
	equal(t, "failure", stored.Failure.Code, "no-worker")
	if stored.FinishedAt.IsZero() {
		t.Fatal("a failed operation is not finished")
	}
	stored.CreatedAt, stored.FinishedAt, stored.Failure, stored.State = time.Time{}, time.Time{}, nil, ""
	equal(t, "operation", stored, op)
	list, next, err := db.Operations(t.Context(), postgres.OperationFilter{Sandbox: "box"}, postgres.Page{Limit: 1})
	must(t, err)
	equal(t, "newest", list[0].ID, op.ID)
	list, _, err = db.Operations(t.Context(), postgres.OperationFilter{}, postgres.Page{Limit: 1, Cursor: next})
	must(t, err)
	equal(t, "the one before", list[0].Kind, sdp.OpCreate)
	err = db.CreateOperation(t.Context(), sdp.Operation{ID: "x", Kind: sdp.OpStop, Sandbox: "nope", Service: "account"})
	wantCode(t, err, sdp.NotFound, "sandbox-not-found")
}

func TestUnsubmittedFindsWhatWasLost(t *testing.T) {
	t.Parallel()
	db := platform(t)
	n := newSandbox("box")
	n.Deployments = []postgres.NewDeployment{newDeployment("", "account", "main")}
	got(db.CreateSandbox(t.Context(), n))(t)
	lost := got(db.Unsubmitted(t.Context(), 0))(t)
	equal(t, "lost", len(lost), 2)
	if !slices.Contains(lost, sdp.OperationRef{ID: n.Deployments[0].ID, Kind: sdp.OpDeploy, Sandbox: "box", Service: "account", User: "ann", Seq: 1}) ||
		!slices.Contains(lost, sdp.OperationRef{ID: n.Operation.ID, Kind: sdp.OpCreate, Sandbox: "box", User: "ann"}) {
		t.Fatalf("lost are %+v", lost)
	}
	equal(t, "lost for an hour", len(got(db.Unsubmitted(t.Context(), time.Hour))(t)), 0)
	for _, ref := range lost {
		must(t, db.MarkSubmitted(t.Context(), ref.ID))
	}
	equal(t, "lost after the hand-over", len(got(db.Unsubmitted(t.Context(), 0))(t)), 0)
}

func TestDeleteAtOnceIsAcceptedOnce(t *testing.T) {
	t.Parallel()
	db := platform(t)
	create(t, db, "box")
	var wg sync.WaitGroup
	errs := make([]error, 10)
	for i := range errs {
		wg.Go(func() {
			errs[i] = db.BeginDelete(t.Context(), "box", sdp.Operation{ID: sdp.NewID("o"), RequestedBy: "ann"})
		})
	}
	wg.Wait()
	accepted := 0
	for _, err := range errs {
		if err == nil {
			accepted++
		} else {
			wantCode(t, err, sdp.Conflict, "sandbox-deleting")
		}
	}
	equal(t, "accepted", accepted, 1)
}

func TestIdempotencyKeys(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db := postgrestest.Open(t, url)
	var wg sync.WaitGroup
	errs := make([]error, 20)
	for i := range errs {
		wg.Go(func() { _, errs[i] = db.ClaimKey(t.Context(), "ann", "k", "POST /x") })
	}
	wg.Wait()
	first := 0
	for _, err := range errs {
		if err == nil {
			first++
		} else {
			wantCode(t, err, sdp.Conflict, "request-in-progress")
		}
	}
	equal(t, "claims", first, 1)
	_, err := db.ClaimKey(t.Context(), "ann", "k", "POST /y")
	wantCode(t, err, sdp.Invalid, "idempotency-key-reused")
	if r := got(db.ClaimKey(t.Context(), "bob", "k", "POST /y"))(t); r != nil {
		t.Fatal("one user's key is another's")
	}
	answer := postgres.StoredResponse{Status: 202, Header: map[string][]string{"Location": {"/api/v1/x"}}, Body: []byte("{}\x00")}
	must(t, db.StoreResponse(t.Context(), "ann", "k", answer))
	must(t, db.ReleaseKey(t.Context(), "ann", "k")) // too late: it has an answer
	r := got(db.ClaimKey(t.Context(), "ann", "k", "POST /x"))(t)
	equal(t, "status", r.Status, 202)
	equal(t, "location", r.Header["Location"][0], "/api/v1/x")
	equal(t, "body", string(r.Body), "{}\x00")

	must(t, db.ReleaseKey(t.Context(), "bob", "k"))
	if r := got(db.ClaimKey(t.Context(), "bob", "k", "POST /z"))(t); r != nil {
		t.Fatal("a released key is not free")
	}
	sql(t, url, `UPDATE idempotency_keys SET claimed_at = now() - interval '5 minutes'`)
	if r := got(db.ClaimKey(t.Context(), "bob", "k", "POST /z"))(t); r != nil {
		t.Fatal("the claim of a crashed server holds for ever")
	}
	if r := got(db.ClaimKey(t.Context(), "ann", "k", "POST /x"))(t); r == nil {
		t.Fatal("an answer was forgotten after five minutes")
	}
}

// What a request has started is noted in the transaction that starts it: its key is not free any more.
func TestKeyKnowsWhatWasStarted(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db := postgrestest.Open(t, url)
	must(t, errors.Join(db.RegisterNode(t.Context(), micro()), db.RegisterNode(t.Context(), gatewayNode(8080, 8199))))
	n := newSandbox("box")
	for _, key := range []string{"starts", "does not"} {
		start := key == "starts"
		if r := got(db.ClaimKey(t.Context(), "ann", key, "POST /x"))(t); r != nil {
			t.Fatal("the key is not free")
		}
		ctx, _ := postgres.WithAudit(t.Context(), func() []sdp.AuditEvent {
			return []sdp.AuditEvent{{User: "ann", Action: sdp.AuditSandboxCreate, Operation: n.Operation.ID}}
		})
		db.NoteStarted(ctx, "ann", key)
		if start {
			got(db.CreateSandbox(ctx, n))(t)
		} else {
			_, err := db.CreateSandbox(ctx, n) // there is one
			wantCode(t, err, sdp.Conflict, "sandbox-exists")
		}
		if start {
			must(t, db.ReleaseKey(t.Context(), "ann", key)) // too late
			sql(t, url, `UPDATE idempotency_keys SET claimed_at = now() - interval '5 minutes'`)
		}
	}
	r := got(db.ClaimKey(t.Context(), "ann", "starts", "POST /x"))(t)
	if r == nil || r.Status != 0 || !slices.Equal(r.Started, []string{n.Operation.ID}) {
		t.Errorf("the key has %+v", r)
	}
}

func TestRevokedSessions(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	equal(t, "revoked", got(db.SessionRevoked(t.Context(), "s1"))(t), false)
	must(t, errors.Join(db.RevokeSession(t.Context(), "s1", time.Now().Add(time.Hour)),
		db.RevokeSession(t.Context(), "s1", time.Now().Add(time.Hour)),
		db.RevokeSession(t.Context(), "s2", time.Now().Add(-time.Hour)),
		db.RevokeSession(t.Context(), "s3", time.Now().Add(time.Hour))))
	equal(t, "revoked", got(db.SessionRevoked(t.Context(), "s1"))(t), true)
	equal(t, "expired one is kept", got(db.SessionRevoked(t.Context(), "s2"))(t), false)
}

// A cancel without an effect is sent again, and twice as late as before each time.
func TestCancelIsSentAgainLessAndLessOften(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db := postgrestest.Open(t, url)
	must(t, errors.Join(db.RegisterNode(t.Context(), micro()), db.RegisterNode(t.Context(), gatewayNode(8080, 8199))))
	create(t, db, "box")
	id := queue(t, db, "box", "account")
	got(db.MarkCancelled(t.Context(), id, "ann"))(t)
	sent := func(again time.Duration) int { return len(got(db.CancelsToSend(t.Context(), 0, again))(t)) }
	equal(t, "not sent yet", sent(time.Hour), 1)
	must(t, db.MarkCancelSent(t.Context(), id))
	for _, c := range []struct {
		ago, before string // it was sent then, so long after it was asked for
		again       time.Duration
		want        int
	}{
		{"10 minutes", "0", time.Hour, 0},
		{"10 minutes", "0", time.Minute, 1},
		{"10 minutes", "20 minutes", time.Minute, 0},
		{"30 minutes", "20 minutes", time.Minute, 1},
		{"61 minutes", "1 day", time.Minute, 1},
	} {
		sql(t, url, `UPDATE deployments SET cancel_sent_at = now() - interval '`+c.ago+`', cancel_requested_at = now() - interval '`+c.ago+
			`' - interval '`+c.before+`'`)
		equal(t, fmt.Sprintf("sent %+v", c), sent(c.again), c.want)
	}
}
