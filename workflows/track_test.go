package workflows

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// look is one look at the branches: asked are "node: owner/repository", in order, answers what FinishTracking was told.
type look struct {
	env     *testsuite.TestWorkflowEnvironment
	lock    sync.Mutex // nodes answer at once
	asked   []string
	answers []wire.WatchAnswer
	ended   bool
}

func newLook(t *testing.T, round wire.TrackRound, answer func(node string, ask wire.WatchAsk) (wire.WatchAnswer, error)) *look {
	t.Helper()
	l := &look{env: newAsk(t)}
	l.env.OnGetVersion(lookByName.patch, workflow.DefaultVersion, 1).Return(workflow.DefaultVersion) // begun before
	l.env.OnActivity(control.BeginTracking, any_, any_).Return(round, nil)
	l.env.OnActivity(host.Watch, any_, any_).Return(func(_ context.Context, in wire.WatchInput) ([]wire.WatchAnswer, error) {
		var out []wire.WatchAnswer
		for _, ask := range in.Asks {
			l.lock.Lock()
			l.asked = append(l.asked, in.Node+": "+ask.Owner+"/"+ask.Repository)
			l.lock.Unlock()
			a, err := answer(in.Node, ask)
			if err != nil {
				return nil, err
			}
			out = append(out, a)
		}
		return out, nil
	})
	l.env.OnActivity(control.FinishTracking, any_, any_).Return(func(_ context.Context, answers []wire.WatchAnswer) (wire.Done, error) {
		l.answers, l.ended = answers, true
		return done(nil)
	})
	l.env.ExecuteWorkflow(Track)
	if err := l.env.GetWorkflowError(); err != nil {
		t.Fatal(err)
	}
	return l
}

func asking(owner, repository string) wire.WatchAsk {
	return wire.WatchAsk{Owner: owner, Repository: repository, Branches: []string{"main"}}
}

func heads(ask wire.WatchAsk) wire.WatchAnswer {
	return wire.WatchAnswer{Owner: ask.Owner, Repository: ask.Repository, Heads: map[string]string{"main": "aaaa"}}
}

func twoNodes() wire.TrackRound {
	return wire.TrackRound{
		First: []wire.WatchInput{{Node: "micro-1", Asks: []wire.WatchAsk{asking("ann", "account"), asking("bob", "account")}}},
		Rest: []wire.WatchInput{{Node: "gateway-1", Asks: []wire.WatchAsk{asking("ann", "gateway")}},
			{Node: "micro-1", Asks: []wire.WatchAsk{asking("bob", "user")}}},
	}
}

func TestTrackAsksEveryNode(t *testing.T) {
	l := newLook(t, twoNodes(), func(_ string, a wire.WatchAsk) (wire.WatchAnswer, error) { return heads(a), nil })
	slices.Sort(l.asked)
	want := []string{"gateway-1: ann/gateway", "micro-1: ann/account", "micro-1: bob/account", "micro-1: bob/user"}
	if !slices.Equal(l.asked, want) || len(l.answers) != 4 {
		t.Errorf("asked %q, answers %+v", l.asked, l.answers)
	}
}

// A git server that sees a wrong password several times may lock the account.
func TestRefusedCredentialsAreTriedOnce(t *testing.T) {
	l := newLook(t, twoNodes(), func(_ string, a wire.WatchAsk) (wire.WatchAnswer, error) {
		if a.Owner == "bob" {
			return a.Failed(sdp.Failure{Kind: sdp.Unauthenticated, Code: "wrong-credentials"}), nil
		}
		return heads(a), nil
	})
	if slices.Contains(l.asked, "micro-1: bob/user") || !slices.Contains(l.asked, "gateway-1: ann/gateway") {
		t.Errorf("asked %q", l.asked)
	}
	if len(l.answers) != 3 || !l.answers[1].Refused() {
		t.Errorf("answers %+v", l.answers)
	}
}

func TestSilentNodeFailsItsOwnQuestionsOnly(t *testing.T) {
	l := newLook(t, twoNodes(), func(node string, a wire.WatchAsk) (wire.WatchAnswer, error) {
		if node == "gateway-1" {
			return wire.WatchAnswer{}, temporal.NewTimeoutError(scheduleToStart, nil)
		}
		return heads(a), nil
	})
	for _, a := range l.answers {
		if failed := a.Failure != nil; failed != (a.Repository == "gateway") || failed && a.Failure.Code != "no-worker" {
			t.Errorf("answer %+v", a)
		}
	}
	if len(l.answers) != 4 {
		t.Errorf("%d answers", len(l.answers))
	}
}

func TestNothingToWatchEndsAtOnce(t *testing.T) {
	if l := newLook(t, wire.TrackRound{}, nil); l.ended || l.asked != nil {
		t.Errorf("asked %q", l.asked)
	}
}

// aLook runs a look at branches of two nodes. asked are the nodes that were asked, in the order of their answers, those of the
// first questions before those of the rest; missed are why which did not.
func aLook(t *testing.T, ask func(wire.LookInput) error) (asked []string, missed []wire.MissedLook) {
	t.Helper()
	env := newAsk(t)
	plan := wire.Look{ID: "track-1", Ticket: []byte("ticket"), First: []string{"micro-1"}, Rest: []string{"gateway-1", "micro-1"}}
	env.OnActivity(control.PlanLook, any_, any_).Return(plan, nil)
	var lock sync.Mutex
	env.OnActivity(host.Look, any_, any_).Return(func(_ context.Context, in wire.LookInput) (wire.Done, error) {
		lock.Lock()
		defer lock.Unlock()
		if in.ID != plan.ID || string(in.Ticket) != "ticket" {
			t.Errorf("asked with %+v", in)
		}
		asked = append(asked, fmt.Sprint(in.Node, " ", in.Rest))
		return done(ask(in))
	})
	env.OnActivity(control.MissLook, any_, any_).Return(func(_ context.Context, in wire.MissedLook) (wire.Done, error) {
		missed = append(missed, in)
		return done(nil)
	})
	env.ExecuteWorkflow(Track)
	if err := env.GetWorkflowError(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(asked[1:])
	return asked, missed
}

func TestLookTriesCredentialsFirst(t *testing.T) {
	asked, missed := aLook(t, func(wire.LookInput) error { return nil })
	if want := []string{"micro-1 false", "gateway-1 true", "micro-1 true"}; !slices.Equal(asked, want) || len(missed) != 0 {
		t.Errorf("asked %q, missed %+v", asked, missed)
	}
}

func TestNodeThatMissesALookHoldsUpNobody(t *testing.T) {
	asked, missed := aLook(t, func(in wire.LookInput) error {
		if in.Node == "gateway-1" {
			return temporal.NewTimeoutError(scheduleToStart, nil)
		}
		return nil
	})
	if len(asked) != 3 || len(missed) != 1 || missed[0].Node != "gateway-1" || !missed[0].Rest || missed[0].Failure.Code != "no-worker" {
		t.Errorf("asked %q, missed %+v", asked, missed)
	}
}
