package activities

import (
	"strings"
	"testing"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// What ends because something else ended says so, to people and to the audit, whoever wrote its end.
func TestPartsOfATerminatedChangeSayWhyTheyEnded(t *testing.T) {
	t.Parallel()
	s := newAftermath(t)
	op, part := s.change()
	s.begin(op)
	s.done(s.Publish(t.Context(), wire.Progress{Deployment: part, State: sdp.Building, SHA: commit,
		Steps: []sdp.Step{{Name: sdp.StepBuild, State: sdp.StepRunning}}}))
	ended := wire.SettleInput{Operation: op, State: sdp.OpFailed, Late: true,
		Failure: &sdp.Failure{Kind: sdp.Internal, Code: "workflow-ended", Detail: "its workflow ended", Remedy: "try again"}}
	s.done(s.Settle(t.Context(), ended))
	s.done(s.Settle(t.Context(), ended))
	d := s.deployment(part)
	equal(t, "state", d.State, sdp.DeployCancelled)
	equal(t, "its step", d.Steps[0].State, sdp.StepCancelled)
	why := "cancelled because " + op.ID + " ended: its workflow ended"
	equal(t, "why", *d.Failure, sdp.Failure{Kind: sdp.Conflict, Code: sdp.CodeCancelled, Detail: why, Remedy: "try again"})
	s.wantAudit(part, "deployment.finish cancelled: "+why)
	s.wantAudit(op.ID, "sandbox.apply.finish failed: workflow-ended")
}

// A change that fails cancels the parts that would still run.
func TestPartThatItsChangeCancelsSaysSo(t *testing.T) {
	t.Parallel()
	s := newAftermath(t)
	op, part := s.change()
	s.begin(op)
	s.done(s.SettleDeployment(t.Context(), wire.Progress{Deployment: part, State: sdp.DeployCancelled}))
	s.wantAudit(part, "deployment.finish cancelled: cancelled because "+op.ID+" ended")
}

// Nobody cancels what the workflow of a sandbox does not know any more: the delete ends it.
func TestDeleteSaysWhatItEnded(t *testing.T) {
	t.Parallel()
	s := newAftermath(t)
	builds, stop := s.begun(), s.given(sdp.OpStop, sdp.OpRunning)
	stopped := s.queue(postgres.NewDeployment{})
	_, err := s.DB.MarkCancelled(t.Context(), stopped, "bob")
	s.must(err)
	op := sdp.OperationRef{ID: "o-delete", Kind: sdp.OpDelete, Sandbox: "box", User: "ann"}
	s.must(s.DB.BeginDelete(t.Context(), "box", sdp.Operation{ID: op.ID, RequestedBy: "ann"}))
	s.done(s.FinishDelete(t.Context(), op))
	s.done(s.FinishDelete(t.Context(), op))
	by := sdp.Superseder{ID: op.ID, User: "ann"}
	d := s.deployment(builds)
	equal(t, "state", d.State, sdp.DeployCancelled)
	equal(t, "superseded by", d.SupersededBy, by)
	equal(t, "why", *d.Failure, *by.Failure())
	s.wantAudit(builds, "deployment.finish cancelled: "+by.Failure().Detail)
	s.wantAudit(stop.ID, "service.stop.finish cancelled: "+by.Failure().Detail)
	equal(t, "what bob cancelled", s.deployment(stopped).Failure.Detail, "cancelled by bob")
	s.wantAudit(stopped, "deployment.finish cancelled: cancelled by bob")

	_, err = s.Publish(t.Context(), wire.Progress{Deployment: builds, State: sdp.CreatingImage})
	if f := wantFailure(t, err, sdp.Conflict, sdp.CodeSettled); !strings.HasSuffix(f.Detail, "already: "+by.Failure().Detail) {
		t.Errorf("its log ends with %q", f.Detail)
	}
}
