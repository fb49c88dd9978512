package activities

import (
	"strings"
	"testing"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// cancelled has a deployment end as its workflow does after a cancel: it knows of no reason.
func (p *platform) cancelled(id string) sdp.Deployment {
	p.t.Helper()
	p.done(p.SettleDeployment(p.t.Context(), wire.Progress{Deployment: id, State: sdp.DeployCancelled}))
	return p.deployment(id)
}

// queueOf records a deployment of account by somebody and returns its ID.
func (p *platform) queueOf(user string) string {
	p.t.Helper()
	d := postgres.NewDeployment{Deployment: sdp.Deployment{ID: sdp.NewID("d-"), Sandbox: "box", Service: "account",
		Branch: "feature/x", RequestedBy: user}}
	_, err := p.DB.CreateDeployments(p.t.Context(), []postgres.NewDeployment{d})
	p.must(err)
	return d.ID
}

func TestASupersededDeploymentNamesTheOneThatTookItsPlace(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	first, second, third := p.queueOf("ann"), p.queueOf("bob"), p.queueOf("cid")
	for range 2 { // the activity may be retried
		d := p.cancelled(first)
		equal(t, "superseded by", d.SupersededBy, sdp.Superseder{ID: second, User: "bob"})
		if d.Failure == nil {
			t.Fatal("it says nothing of why it ended")
		}
		equal(t, "code", d.Failure.Code, sdp.CodeSuperseded)
		equal(t, "detail", d.Failure.Detail, "superseded by "+second+" of bob")
	}
	equal(t, "audit", strings.Join(p.audited(first), "; "), "deployment.finish cancelled: superseded by "+second+" of bob")

	// One that waited is settled by its sandbox's workflow, with a reason that names nobody.
	ref := sdp.OperationRef{ID: second, Kind: sdp.OpDeploy, Sandbox: "box", Service: "account", User: "bob"}
	p.done(p.Settle(t.Context(), wire.SettleInput{Operation: ref, State: sdp.OpCancelled, Late: true,
		Failure: &sdp.Failure{Kind: sdp.Conflict, Code: "superseded", Detail: "replaced by deploy of account before it began"}}))
	equal(t, "superseded by", p.deployment(second).SupersededBy, sdp.Superseder{ID: third, User: "cid"})
	equal(t, "detail", p.deployment(second).Failure.Detail, "superseded by "+third+" of cid")
}

func TestACancelIsNotTakenForASupersession(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]func(p *platform) string{
		"nothing newer": func(p *platform) string { return p.queueOf("ann") },
		"somebody asked for it": func(p *platform) string {
			id := p.queueOf("ann")
			_, err := p.DB.MarkCancelled(p.t.Context(), id, "bob")
			p.must(err)
			p.queueOf("bob")
			return id
		},
		"another service's is newer": func(p *platform) string {
			id := p.queueOf("ann")
			d := postgres.NewDeployment{Deployment: sdp.Deployment{ID: sdp.NewID("d-"), Sandbox: "box", Service: "payment",
				Branch: "main", RequestedBy: "bob"}}
			_, err := p.DB.CreateDeployments(p.t.Context(), []postgres.NewDeployment{d})
			p.must(err)
			return id
		},
		"of a restart": func(p *platform) string {
			p.run()
			id := p.restarting()
			p.queueOf("bob")
			return id
		},
		"a restart is newer": func(p *platform) string {
			p.run()
			id := p.queueOf("ann")
			p.restarting()
			return id
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			d := p.cancelled(c(p))
			equal(t, "superseded by", d.SupersededBy, sdp.Superseder{})
			why := ""
			if d.Failure != nil {
				why = d.Failure.Detail
			}
			equal(t, "why", why, map[bool]string{true: "cancelled by bob"}[name == "somebody asked for it"])
		})
	}
}

// restarting begins a restart of what runs and returns the ID of its deployment.
func (p *platform) restarting() string {
	p.t.Helper()
	ref, err := p.NewRestart(p.t.Context(), p.operation(sdp.OpRestart, nil))
	p.must(err)
	return ref.ID
}

func TestADeploymentThatADeleteEndedNamesTheDelete(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	id := p.queueOf("ann")
	p.must(p.DB.BeginDelete(t.Context(), "box", sdp.Operation{ID: "o-delete", RequestedBy: "bob"}))
	d := p.cancelled(id)
	equal(t, "superseded by", d.SupersededBy, sdp.Superseder{ID: "o-delete", User: "bob"})
	equal(t, "detail", d.Failure.Detail, "superseded by o-delete of bob, which deletes the sandbox")
}

// A deployment whose hand-over was lost for a while reaches its sandbox after one that is newer, which goes on.
func TestALateHandOverIsSuperseded(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	late, newer := p.queueOf("ann"), p.queueOf("bob")
	_, err := p.LoadJob(t.Context(), late)
	wantFailure(t, err, sdp.Conflict, sdp.CodeSuperseded)
	equal(t, "superseded by", p.cancelled(late).SupersededBy, sdp.Superseder{ID: newer, User: "bob"})
	_, err = p.LoadJob(t.Context(), newer)
	p.must(err)
}

// A restart's deployment is stored when the restart begins, after deployments that wait behind it.
func TestARestartDoesNotSupersedeWhatWaitsBehindIt(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.run()
	waits := p.queueOf("ann")
	p.restarting()
	_, err := p.LoadJob(t.Context(), waits)
	p.must(err)
}

func TestACancelledOrSettledDeploymentDoesNotBegin(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	id := p.queueOf("ann")
	_, err := p.DB.MarkCancelled(t.Context(), id, "bob")
	p.must(err)
	_, err = p.LoadJob(t.Context(), id)
	wantFailure(t, err, sdp.Conflict, sdp.CodeCancelled)
	p.cancelled(id)
	_, err = p.LoadJob(t.Context(), id)
	wantFailure(t, err, sdp.Conflict, sdp.CodeSettled)
}
