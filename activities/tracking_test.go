package activities

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"sdp/internal/control"
	"sdp/internal/postgres"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

const newer = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

func contains(text string, any ...string) bool {
	for _, s := range any {
		if strings.Contains(text, s) {
			return true
		}
	}
	return false
}

// tracking is a platform whose service account of sandbox "box" runs feature/x and follows it.
type tracking struct {
	*platform
	engine *submissions
}

// submissions is an Engine that takes operations, or is away.
type submissions struct {
	control.Engine
	taken []sdp.OperationRef
	err   error
}

func (s *submissions) Submit(_ context.Context, ref sdp.OperationRef) error {
	if s.err == nil {
		s.taken = append(s.taken, ref)
	}
	return s.err
}

func newTracking(t *testing.T) *tracking {
	t.Helper()
	p := &tracking{platform: newPlatform(t), engine: &submissions{}}
	p.UseCases = control.New(control.Config{DB: p.DB, Keys: p.Keys, Engine: p.engine, LivenessGrace: time.Nanosecond})
	p.must(p.DB.SetOperation(t.Context(), "o-create", sdp.OpSucceeded, "", nil))
	p.run()
	p.must(p.DB.SetTrack(t.Context(), "box", "account", true))
	p.store("right")
	return p
}

func (p *tracking) store(password string) {
	p.t.Helper()
	plain := fmt.Appendf(nil, `{"user":"ann","password":%q}`, password)
	sealed, err := p.Keys.Seal(sdp.SecretPurpose, plain, sdp.TrackingContext("ann"))
	p.must(err)
	_, err = p.DB.StoreCredential(p.t.Context(), "ann", sealed)
	p.must(err)
}

func (p *tracking) begin() wire.TrackRound {
	p.t.Helper()
	round, err := p.BeginTracking(p.t.Context(), "track-1")
	p.must(err)
	return round
}

// look is one round in which the git server says where feature/x is.
func (p *tracking) look(head string) {
	p.t.Helper()
	p.answer(func(a wire.WatchAsk) wire.WatchAnswer {
		return wire.WatchAnswer{Owner: a.Owner, StoredAt: a.StoredAt, Repository: a.Repository, Heads: map[string]string{"feature/x": head}}
	})
}

func (p *tracking) answer(how func(wire.WatchAsk) wire.WatchAnswer) {
	p.t.Helper()
	var answers []wire.WatchAnswer
	for _, in := range p.begin().First {
		for _, a := range in.Asks {
			answers = append(answers, how(a))
		}
	}
	p.done(p.FinishTracking(p.t.Context(), answers))
}

func (p *tracking) service() sdp.Watched {
	p.t.Helper()
	list, err := p.DB.Watched(p.t.Context())
	p.must(err)
	equal(p.t, "watched", len(list), 1)
	return list[0]
}

func (p *tracking) count(action sdp.AuditAction) int {
	p.t.Helper()
	events, _, err := p.DB.AuditEvents(p.t.Context(), postgres.AuditFilter{Action: action}, postgres.Page{})
	p.must(err)
	return len(events)
}

func TestTrackingSealsCredentialsToTheNode(t *testing.T) {
	t.Parallel()
	p := newTracking(t)
	round := p.begin()
	if len(round.First) != 1 || len(round.Rest) != 0 || len(round.First[0].Asks) != 1 {
		t.Fatalf("round %+v", round)
	}
	ask := round.First[0].Asks[0]
	equal(t, "asked", round.First[0].Node+" "+ask.Owner+" "+ask.Repository+" "+strings.Join(ask.Branches, ","), "micro-1 ann account feature/x")
	plain, err := p.node.Open(ask.Credentials, "micro-1", "track-1", time.Now())
	p.must(err)
	equal(t, "credentials", string(plain), `{"user":"ann","password":"right"}`)
	if strings.Contains(fmt.Sprintf("%+v", round), "right") {
		t.Error("the round shows the password")
	}
}

func TestMovedBranchIsDeployed(t *testing.T) {
	t.Parallel()
	p := newTracking(t)
	p.look(commit)
	equal(t, "submitted", len(p.engine.taken), 0)
	equal(t, "checked", p.service().Credential.CheckedAt.IsZero(), false)
	for range 2 { // the second is a retry
		p.look(newer)
	}
	equal(t, "submitted", len(p.engine.taken), 1)
	d := p.deployment(p.engine.taken[0].ID)
	equal(t, "deployment", d.Branch+" "+d.SHA+" "+d.RequestedBy, "feature/x "+newer+" ann")
	job, err := p.DB.Job(t.Context(), d.ID)
	p.must(err)
	plain, err := p.node.Open(job.Credentials, "micro-1", d.ID, time.Now())
	p.must(err)
	equal(t, "credentials", string(plain), `{"user":"ann","password":"right"}`)
	events := p.audited(d.ID)
	equal(t, "audit", strings.Join(events, "; "),
		"deployment.create accepted: tracking: feature/x moved from 3f2a9c1d0b7e to bbbbbbbbbbbb; fetched with the credentials ann stored")
	lost, err := p.DB.Unsubmitted(t.Context(), 0)
	p.must(err)
	equal(t, "left for the reconciler", len(lost), 0)
}

func TestUnsubmittedDeploymentIsLeftToTheReconciler(t *testing.T) {
	t.Parallel()
	p := newTracking(t)
	p.engine.err = errors.New("Temporal is away")
	p.look(newer)
	lost, err := p.DB.Unsubmitted(t.Context(), 0)
	p.must(err)
	equal(t, "left for the reconciler", len(lost), 1)
}

func TestRefusedCredentialsAreNotUsedAgain(t *testing.T) {
	t.Parallel()
	p := newTracking(t)
	p.answer(func(a wire.WatchAsk) wire.WatchAnswer {
		return a.Failed(sdp.Failure{Kind: sdp.Unauthenticated, Code: "wrong-credentials", Detail: "the git server refused them"})
	})
	equal(t, "questions of the next round", len(p.begin().First), 0)
	equal(t, "problem", p.service().Credential.Problem, "the git server refused them")
	equal(t, "events", p.count("tracking.stop"), 1)
	p.store("changed")
	equal(t, "questions once stored anew", len(p.begin().First), 1)
}

func TestGoneBranchIsMarked(t *testing.T) {
	t.Parallel()
	p := newTracking(t)
	p.look("")
	p.look("")
	equal(t, "gone", p.service().BranchGone.IsZero(), false)
	equal(t, "events", p.count("branch.gone"), 1)
	p.look(commit)
	equal(t, "gone", p.service().BranchGone.IsZero(), true)
	equal(t, "submitted", len(p.engine.taken), 0)
}

func TestFailedDeploymentMarksAMissingBranch(t *testing.T) {
	t.Parallel()
	p := newTracking(t)
	id := p.queue(postgres.NewDeployment{})
	p.done(p.SettleDeployment(t.Context(), wire.Progress{Deployment: id, State: sdp.DeployFailed,
		Failure: &sdp.Failure{Kind: sdp.NotFound, Code: "branch-not-found", Detail: "no branch feature/x"}}))
	equal(t, "gone", p.service().BranchGone.IsZero(), false)
}

// What keeps a branch from being watched is shown, and no more once it has passed.
func TestWatchProblemComesAndGoes(t *testing.T) {
	t.Parallel()
	p := newTracking(t)
	p.answer(func(a wire.WatchAsk) wire.WatchAnswer {
		return a.Failed(sdp.Failure{Kind: sdp.Unavailable, Code: "git-unreachable", Detail: "the git server did not answer"})
	})
	equal(t, "problem", p.service().Problem, "the git server did not answer")
	p.look(commit)
	equal(t, "problem", p.service().Problem, "")
	p.sql(`UPDATE nodes SET last_seen = now() - interval '1 hour'`)
	equal(t, "questions", len(p.begin().First), 0)
	equal(t, "problem", p.service().Problem, "node micro-1 has no worker now")
}

func TestUnreadableCredentialsAreMarked(t *testing.T) {
	t.Parallel()
	p := newTracking(t)
	sealed, err := p.Keys.Seal(sdp.SecretPurpose, []byte("{}"), sdp.TrackingContext("bob"))
	p.must(err)
	_, err = p.DB.StoreCredential(t.Context(), "ann", sealed) // a row that was copied
	p.must(err)
	equal(t, "questions", len(p.begin().First), 0)
	equal(t, "usable", p.service().Credential.Usable(), false)
}
