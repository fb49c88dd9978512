package control

import (
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// DeploymentEnded is what the audit says of a deployment's end, once.
func DeploymentEnded(d sdp.Deployment, p wire.Progress) sdp.AuditEvent {
	e := sdp.AuditEvent{User: d.RequestedBy, Action: sdp.AuditDeploymentFinish, Sandbox: d.Sandbox, Service: d.Service,
		Repository: d.Repository, Branch: d.Branch, SHA: d.SHA, Environment: d.Environment, Operation: d.ID,
		Once: d.ID + "/deployment.finish"}
	switch p.State {
	case sdp.DeployFailed:
		e.Outcome = sdp.OutcomeFailed
	case sdp.DeployCancelled:
		e.Outcome = sdp.Cancelled
	default:
		e.Outcome = sdp.Succeeded
	}
	switch {
	case p.Failure == nil:
	case d.SupersededBy.ID != "":
		e.Detail = p.Failure.Detail // which begins with that word
	default:
		e.Detail = p.Failure.Code + ": " + p.Failure.Detail
	}
	return e
}

// OperationEnded is what the audit says of an operation's end, once.
func OperationEnded(in wire.SettleInput) sdp.AuditEvent {
	op := in.Operation
	e := sdp.AuditEvent{User: op.User, Action: op.Kind.Rules().Ended, Sandbox: op.Sandbox, Service: op.Service,
		Operation: op.ID, Outcome: outcomeOf(in.State), Once: op.ID + "/" + string(op.Kind.Rules().Ended)}
	if in.Failure != nil {
		e.Detail = in.Failure.Code + ": " + in.Failure.Detail
	}
	return e
}

func outcomeOf(s sdp.OperationState) sdp.Outcome {
	switch s {
	case sdp.OpSucceeded:
		return sdp.Succeeded
	case sdp.OpCancelled:
		return sdp.Cancelled
	default:
		return sdp.OutcomeFailed
	}
}
