package postgres_test

import (
	"testing"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
)

// tracked is a sandbox "box" whose service account follows feature/x, with the commit shaA serving.
func tracked(t *testing.T) *postgres.DB {
	t.Helper()
	db := platform(t)
	spec := newSandbox("box")
	got(db.CreateSandbox(t.Context(), spec))(t)
	must(t, db.SetOperation(t.Context(), spec.Operation.ID, sdp.OpSucceeded, "", nil))
	run(t, db, "box", "account", 2)
	must(t, db.SetTrack(t.Context(), "box", "account", true))
	return db
}

func watched(t *testing.T, db *postgres.DB) sdp.Watched {
	t.Helper()
	list := got(db.Watched(t.Context()))(t)
	if len(list) != 1 {
		t.Fatalf("watched are %+v, want one", list)
	}
	return list[0]
}

func moved(t *testing.T, db *postgres.DB, sha string) bool {
	t.Helper()
	d := newDeployment("box", "account", "feature/x")
	d.SHA = sha
	return len(got(db.DeployMoved(t.Context(), d, "feature/x moved"))(t)) > 0
}

func audited(t *testing.T, db *postgres.DB, action sdp.AuditAction) []sdp.AuditEvent {
	t.Helper()
	events, _, err := db.AuditEvents(t.Context(), postgres.AuditFilter{Action: action}, postgres.Page{})
	must(t, err)
	return events
}

func TestWatchedSaysWhatServes(t *testing.T) {
	t.Parallel()
	db := tracked(t)
	w := watched(t, db)
	equal(t, "what is watched", w.Sandbox+" "+w.Service+" "+w.Branch+" "+w.Node+" "+w.Owner, "box account feature/x micro-1 ann")
	equal(t, "serving", w.Serving, shaA)
	equal(t, "idle", w.Idle(), "")
	equal(t, "usable", w.Credential.Usable(), false)
	got(db.StoreCredential(t.Context(), "ann", []byte("sealed")))(t)
	equal(t, "usable", watched(t, db).Credential.Usable(), true)
	must(t, db.SetTrack(t.Context(), "box", "account", false))
	equal(t, "tracked", watched(t, db).Track, false) // a branch that is gone concerns it all the same
	got(db.SetRoute(t.Context(), "box", "account", sdp.SourceOCP, ""))(t)
	equal(t, "watched", len(got(db.Watched(t.Context()))(t)), 0)
}

func TestMovedBranchIsDeployedOnce(t *testing.T) {
	t.Parallel()
	db := tracked(t)
	equal(t, "deployed what serves", moved(t, db, shaA), false)
	equal(t, "deployed", moved(t, db, shaB), true)
	equal(t, "deployed again", moved(t, db, shaB), false)
	events := audited(t, db, "deployment.create")
	equal(t, "events", len(events), 1)
	e := events[0]
	equal(t, "event", e.User+" "+e.Service+" "+e.SHA+" "+string(e.Outcome), "system account "+shaB+" accepted")
	d := got(db.Deployment(t.Context(), e.Operation))(t)
	equal(t, "deployment", d.Branch+" "+d.SHA+" "+string(d.State), "feature/x "+shaB+" QUEUED")
}

func TestFailedCommitIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	db := tracked(t)
	equal(t, "deployed", moved(t, db, shaB), true)
	w := watched(t, db)
	must(t, db.SetState(t.Context(), w.Latest, sdp.DeployFailed, postgres.StateChange{}))
	equal(t, "deployed again", moved(t, db, shaB), false)
	equal(t, "deployed the next commit", moved(t, db, "cccccccccccccccccccccccccccccccccccccccc"), true)
}

// What a person did last counts: a commit by hand, a stop, or a route elsewhere.
func TestTrackingLeavesAlone(t *testing.T) {
	t.Parallel()
	for what, do := range map[string]func(t *testing.T, db *postgres.DB){
		"another deployment runs": func(t *testing.T, db *postgres.DB) { queue(t, db, "box", "account") },
		"a commit by hand": func(t *testing.T, db *postgres.DB) {
			d := newDeployment("box", "account", "")
			d.SHA = "cccccccccccccccccccccccccccccccccccccccc"
			got(db.CreateDeployments(t.Context(), []postgres.NewDeployment{d}))(t)
			must(t, db.SetState(t.Context(), d.ID, sdp.DeployFailed, postgres.StateChange{}))
		},
		"stopped":     func(t *testing.T, db *postgres.DB) { got(db.StopService(t.Context(), "box", "account"))(t) },
		"not tracked": func(t *testing.T, db *postgres.DB) { must(t, db.SetTrack(t.Context(), "box", "account", false)) },
		"an operation runs": func(t *testing.T, db *postgres.DB) {
			must(t, db.CreateOperation(t.Context(), sdp.Operation{ID: "o-1", Kind: sdp.OpStop, Sandbox: "box", Service: "account"}))
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			db := tracked(t)
			do(t, db)
			equal(t, "deployed", moved(t, db, shaB), false)
		})
	}
}

func TestGoneBranchIsMarkedOnce(t *testing.T) {
	t.Parallel()
	db := tracked(t)
	for range 2 {
		must(t, db.MarkBranch(t.Context(), "box", "account", "feature/x", true))
	}
	equal(t, "events", len(audited(t, db, "branch.gone")), 1)
	if watched(t, db).BranchGone.IsZero() {
		t.Error("it is not marked")
	}
	must(t, db.MarkBranch(t.Context(), "box", "account", "other", false)) // of a branch it no longer has
	equal(t, "events", len(audited(t, db, "branch.back")), 0)
	for range 2 {
		must(t, db.MarkBranch(t.Context(), "box", "account", "feature/x", false))
	}
	equal(t, "events", len(audited(t, db, "branch.back")), 1)
	equal(t, "marked", watched(t, db).BranchGone.IsZero(), true)
}

func TestAnotherBranchForgetsThatTheOldOneIsGone(t *testing.T) {
	t.Parallel()
	db := tracked(t)
	must(t, db.MarkBranch(t.Context(), "box", "account", "feature/x", true))
	d := newDeployment("box", "account", "main")
	got(db.CreateDeployments(t.Context(), []postgres.NewDeployment{d}))(t)
	equal(t, "marked", watched(t, db).BranchGone.IsZero(), true)
}

// A commit found for the branch proves that it is there; a commit that was asked for proves nothing.
func TestResolvedBranchIsThere(t *testing.T) {
	t.Parallel()
	db := tracked(t)
	must(t, db.MarkBranch(t.Context(), "box", "account", "feature/x", true))
	restart := newDeployment("box", "account", "feature/x")
	restart.SHA = shaA
	got(db.CreateDeployments(t.Context(), []postgres.NewDeployment{restart}))(t)
	must(t, db.Publish(t.Context(), restart.ID, sdp.StartingContainer, postgres.StateChange{SHA: shaA}, nil))
	equal(t, "marked after a restart", watched(t, db).BranchGone.IsZero(), false)
	id := queue(t, db, "box", "account")
	must(t, db.Publish(t.Context(), id, sdp.Fetching, postgres.StateChange{SHA: shaB}, nil))
	equal(t, "marked after a deployment", watched(t, db).BranchGone.IsZero(), true)
}

func TestCredentialsAreKeptUntilRefused(t *testing.T) {
	t.Parallel()
	db := tracked(t)
	first := got(db.StoreCredential(t.Context(), "ann", []byte("first")))(t)
	must(t, db.AcceptCredentials(t.Context(), []string{"ann"}))
	must(t, db.RefuseCredential(t.Context(), "ann", first.StoredAt, "wrong password"))
	must(t, db.RefuseCredential(t.Context(), "ann", first.StoredAt, "wrong password"))
	equal(t, "events", len(audited(t, db, "tracking.stop")), 1)
	now := got(db.Credentials(t.Context(), "ann", "nobody"))(t)
	equal(t, "known", len(now), 1)
	equal(t, "problem", now["ann"].Problem, "wrong password")
	equal(t, "shown with the sandbox", got(db.Sandbox(t.Context(), "box"))(t).Tracking.Problem, "wrong password")

	second := got(db.StoreCredential(t.Context(), "ann", []byte("second")))(t)
	if !second.StoredAt.After(first.StoredAt) || !second.Usable() {
		t.Fatalf("stored anew it is %+v", second)
	}
	must(t, db.RefuseCredential(t.Context(), "ann", first.StoredAt, "late news of the first"))
	equal(t, "problem", got(db.Credentials(t.Context(), "ann"))(t)["ann"].Problem, "")
	equal(t, "value", string(got(db.Credentials(t.Context(), "ann"))(t)["ann"].Sealed), "second")

	must(t, db.ForgetCredential(t.Context(), "ann"))
	wantCode(t, db.ForgetCredential(t.Context(), "ann"), sdp.NotFound, "no-credential")
}

func TestOnlyBranchesAreTracked(t *testing.T) {
	t.Parallel()
	db := platform(t)
	spec := newSandbox("box")
	spec.Spec.Services = map[string]sdp.ServiceSpec{"account": {UseOCP: true}}
	got(db.CreateSandbox(t.Context(), spec))(t)
	wantCode(t, db.SetTrack(t.Context(), "box", "account", true), sdp.Conflict, "no-branch")
	must(t, db.SetTrack(t.Context(), "box", "account", false))
}

func TestWatchProblemIsToldOnChangeOnly(t *testing.T) {
	t.Parallel()
	db := tracked(t)
	events, cancel := listen(t, db).Subscribe("sandbox/box", "sandbox/end")
	defer cancel()
	for range 2 {
		must(t, db.SetWatchProblem(t.Context(), "box", "account", "feature/x", "the git server does not answer"))
	}
	must(t, db.SetWatchProblem(t.Context(), "other", "account", "feature/x", "x")) // no such sandbox
	equal(t, "problem", watched(t, db).Problem, "the git server does not answer")
	equal(t, "told of", next(t, events).ID, "box")
	create(t, db, "end")
	equal(t, "told of", next(t, events).ID, "end")
}
