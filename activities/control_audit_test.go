package activities

import (
	"strings"
	"testing"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// A local activity is run again if the worker dies before Temporal knows that it has ended. The record of who did what
// must not say twice that something ended.
func TestRetriedEndIsAuditedOnce(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	id := p.queue(postgres.NewDeployment{})
	failed := wire.Progress{Deployment: id, State: sdp.DeployFailed, Failure: &sdp.Failure{Kind: sdp.Failed, Code: "compile-error", Detail: "main.go:3"}}
	stop := p.operation(sdp.OpStop, nil)
	stopped := wire.SettleInput{Operation: stop, State: sdp.OpFailed, Failure: &sdp.Failure{Kind: sdp.Failed, Code: "x", Detail: "y"}}
	for range 2 {
		p.done(p.SettleDeployment(t.Context(), failed))
		p.done(p.Settle(t.Context(), stopped))
	}
	equal(t, "audit", strings.Join(p.audited(id), "; "), "deployment.finish failed: compile-error: main.go:3")
	equal(t, "audit", strings.Join(p.audited(stop.ID), "; "), "service.stop.finish failed: x: y")
}

func TestRetriedPortReassignmentIsAuditedOnce(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	table, _, err := p.DB.Table(t.Context(), "box")
	p.must(err)
	for range 2 {
		_, err := p.ReassignPort(t.Context(), table)
		p.must(err)
	}
	events, _, err := p.DB.AuditEvents(t.Context(), postgres.AuditFilter{Action: "port.reassign"}, postgres.Page{})
	p.must(err)
	equal(t, "events", len(events), 1)
}
