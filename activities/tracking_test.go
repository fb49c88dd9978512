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

// begin begins a look and returns it with its first questions.
func (p *tracking) begin() (wire.Look, []wire.WatchAsk) {
	p.t.Helper()
	l, err := p.PlanLook(p.t.Context(), "track-1")
	p.must(err)
	var asks []wire.WatchAsk
	for _, node := range l.First {
		asks = append(asks, p.pages(part(l, node, false))...)
	}
	return l, asks
}

// asks is how many questions a look begins with.
func (p *tracking) asks() int {
	p.t.Helper()
	_, asks := p.begin()
	return len(asks)
}

func part(l wire.Look, node string, rest bool) wire.LookInput {
	return wire.LookInput{ID: l.ID, Ticket: l.Ticket, Node: node, Rest: rest}
}

// pages returns all questions of a node.
func (p *tracking) pages(in wire.LookInput) (asks []wire.WatchAsk) {
	p.t.Helper()
	for r := (wire.AsksRequest{LookInput: in}); ; {
		page, err := p.UseCases.Asks(p.t.Context(), looking(), r)
		p.must(err)
		asks = append(asks, page.Asks...)
		if len(page.Asks) > wire.MaxWatchAsks {
			p.t.Fatalf("a page has %d questions", len(page.Asks))
		}
		if r.After = page.Next; r.After == "" {
			return asks
		}
	}
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
	l, asks := p.begin()
	for _, a := range asks {
		answers = append(answers, how(a))
	}
	p.must(p.UseCases.TakeAnswers(p.t.Context(), looking(), wire.AnswersReport{LookInput: part(l, "micro-1", false), Answers: answers}))
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
	l, asks := p.begin()
	if len(l.First) != 1 || len(l.Rest) != 0 || len(asks) != 1 {
		t.Fatalf("look %+v, questions %+v", l, asks)
	}
	ask := asks[0]
	equal(t, "asked", l.First[0]+" "+ask.Owner+" "+ask.Repository+" "+strings.Join(ask.Branches, ","), "micro-1 ann account feature/x")
	plain, err := p.node.Open(ask.Credentials, "micro-1", "track-1", time.Now())
	p.must(err)
	equal(t, "credentials", string(plain), `{"user":"ann","password":"right"}`)
	if strings.Contains(fmt.Sprintf("%+v%+v", l, asks), "right") {
		t.Error("the look shows the password")
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
	equal(t, "questions of the next round", p.asks(), 0)
	equal(t, "problem", p.service().Credential.Problem, "the git server refused them")
	equal(t, "events", p.count("tracking.stop"), 1)
	p.store("changed")
	equal(t, "questions once stored anew", p.asks(), 1)
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
	equal(t, "questions", p.asks(), 0)
	equal(t, "problem", p.service().Problem, "node micro-1 has no worker now")
}

func TestUnreadableCredentialsAreMarked(t *testing.T) {
	t.Parallel()
	p := newTracking(t)
	sealed, err := p.Keys.Seal(sdp.SecretPurpose, []byte("{}"), sdp.TrackingContext("bob"))
	p.must(err)
	_, err = p.DB.StoreCredential(t.Context(), "ann", sealed) // a row that was copied
	p.must(err)
	equal(t, "questions", p.asks(), 0)
	equal(t, "usable", p.service().Credential.Usable(), false)
}

// A node gets its own questions of a look that the server began, and what it says of others is not taken.
func TestLookIsTheServersAndTheNodes(t *testing.T) {
	t.Parallel()
	p := newTracking(t)
	l, asks := p.begin()
	equal(t, "questions of another node", len(p.pages(part(l, "gateway-1", false))), 0)
	forged := part(l, "micro-1", false)
	forged.ID = "track-2"
	_, err := p.UseCases.Asks(t.Context(), looking(), wire.AsksRequest{LookInput: forged})
	equal(t, "a look nobody began", sdp.AsError(err).Code, "no-look")
	refused := asks[0].Failed(sdp.Failure{Kind: sdp.Unauthenticated, Code: "wrong-credentials", Detail: "refused"})
	p.must(p.UseCases.TakeAnswers(t.Context(), looking(), wire.AnswersReport{LookInput: part(l, "gateway-1", false),
		Answers: []wire.WatchAnswer{refused}}))
	equal(t, "usable", p.service().Credential.Usable(), true)
	p.store("changed") // nobody has tried these
	equal(t, "questions with newer credentials", len(p.pages(part(l, "micro-1", false))), 0)
	p.UseCases = control.New(control.Config{DB: p.DB, Keys: p.Keys, LivenessGrace: time.Nanosecond})
	equal(t, "the same from another server", len(p.pages(part(l, "micro-1", false))), 0)
	equal(t, "questions of the next look", p.asks(), 1)
}

func TestNodeThatDoesNotLookIsNoted(t *testing.T) {
	t.Parallel()
	p := newTracking(t)
	l, _ := p.begin()
	p.done(p.MissLook(t.Context(), wire.MissedLook{LookInput: part(l, "micro-1", false), Failure: sdp.Failure{Kind: sdp.Unavailable,
		Code: "no-worker", Detail: "node micro-1 did not take the task up"}}))
	equal(t, "problem", p.service().Problem, "node micro-1 did not take the task up")
	p.look(commit)
	equal(t, "problem", p.service().Problem, "")
}

// A look that began when questions and answers went through Temporal ends as it began.
func TestLookOfYesterday(t *testing.T) {
	t.Parallel()
	p := newTracking(t)
	round, err := p.BeginTracking(t.Context(), "track-1")
	p.must(err)
	ask := round.First[0].Asks[0]
	_, err = p.node.Open(ask.Credentials, round.First[0].Node, "track-1", time.Now())
	p.must(err)
	p.done(p.FinishTracking(t.Context(), []wire.WatchAnswer{{Owner: ask.Owner, StoredAt: ask.StoredAt, Repository: ask.Repository,
		Heads: map[string]string{"feature/x": newer}}}))
	equal(t, "submitted", len(p.engine.taken), 1)
}

// manyPairs has 50 people follow a branch of 100 repositories each, on ten nodes.
func (p *tracking) manyPairs() {
	p.t.Helper()
	p.sql(`DELETE FROM tracking_credentials`)
	p.sql(`INSERT INTO nodes (name, type, address, mesh_port, key_id, public_key)
		SELECT 'many-' || n, 'MICRO'::node_type, '10.1.0.' || n, 7711, key_id, public_key FROM nodes, generate_series(0, 9) n WHERE name = 'micro-1'`)
	p.sql(`INSERT INTO repositories (name, node, kind, port) SELECT 'service-' || n, 'many-' || n % 10, 'go'::repository_kind, 8080
		FROM generate_series(1, 100) n`)
	p.sql(`INSERT INTO sandboxes (name, owner) SELECT 'many-' || n, 'user-' || n FROM generate_series(1, 50) n`)
	p.sql(`INSERT INTO sandbox_services (sandbox_id, name, branch, source)
		SELECT s.id, r.name, 'feature/' || repeat('x', 40), 'sandbox'::route_source FROM sandboxes s, repositories r
		WHERE s.name LIKE 'many-%' AND r.name LIKE 'service-%'`)
	for n := range 50 {
		user := fmt.Sprint("user-", n+1)
		sealed, err := p.Keys.Seal(sdp.SecretPurpose, []byte(`{"user":"u","password":"p"}`), sdp.TrackingContext(user))
		p.must(err)
		_, err = p.DB.StoreCredential(p.t.Context(), user, sealed)
		p.must(err)
	}
}

// historyLimit is what of 50 MB a day is one look's at one look a minute, eventBytes what the events of an activity, and of the
// workflow task behind it, are long beside their payloads (measured: 4.2 kB are a look with two).
const (
	historyLimit = 50 << 20 / (24 * 60)
	eventBytes   = 1500
)

// Five thousand questions, of fifty people to a hundred repositories, are asked once each, and the history of the look stays
// small: it has neither questions nor answers.
func TestLookAtFiveThousandBranches(t *testing.T) {
	t.Parallel()
	p := newTracking(t)
	p.manyPairs()
	l, err := p.PlanLook(t.Context(), "track-1")
	p.must(err)
	history := len(jsonOf(t, l)) + eventBytes
	asked, first := map[string]int{}, map[string]bool{}
	for _, rest := range []bool{false, true} {
		for _, node := range map[bool][]string{false: l.First, true: l.Rest}[rest] {
			in := part(l, node, rest)
			history += len(jsonOf(t, in)) + eventBytes
			var answers []wire.WatchAnswer
			for _, ask := range p.pages(in) {
				asked[ask.Key()]++
				if !rest && first[ask.Owner] {
					t.Fatalf("the credentials of %s are tried twice at first", ask.Owner)
				}
				first[ask.Owner] = true
				a := wire.WatchAnswer{Owner: ask.Owner, StoredAt: ask.StoredAt, Repository: ask.Repository, Heads: map[string]string{ask.Branches[0]: commit}}
				if ask.Owner == "user-7" {
					a = ask.Failed(sdp.Failure{Kind: sdp.Unauthenticated, Code: "wrong-credentials", Detail: "refused"})
				}
				answers = append(answers, a)
			}
			p.must(p.UseCases.TakeAnswers(t.Context(), looking(), wire.AnswersReport{LookInput: in, Answers: answers}))
		}
	}
	equal(t, "owners asked for at first", len(first), 50)
	equal(t, "questions", len(asked), 49*100+1) // one person's password was refused, once
	for key, times := range asked {
		if times != 1 {
			t.Fatalf("%q was asked %d times", key, times)
		}
	}
	t.Logf("the history of a look at 5,000 branches on ten nodes has about %d bytes", history)
	if history > historyLimit {
		t.Errorf("the history has about %d bytes, of at most %d", history, historyLimit)
	}
}
