package sdp

import "strings"

// Ended is what the audit says of a deployment's end, once.
func (d Deployment) Ended(state DeploymentState, f *Failure) AuditEvent {
	e := AuditEvent{User: d.RequestedBy, Action: AuditDeploymentFinish, Sandbox: d.Sandbox, Service: d.Service,
		Repository: d.Repository, Branch: d.Branch, SHA: d.SHA, Environment: d.Environment, Operation: d.ID,
		Once: d.ID + "/deployment.finish", Detail: f.audited()}
	switch state {
	case DeployFailed:
		e.Outcome = OutcomeFailed
	case DeployCancelled:
		e.Outcome = Cancelled
	default:
		e.Outcome = Succeeded
	}
	return e
}

// Ended is what the audit says of an operation's end, once.
func (op OperationRef) Ended(state OperationState, f *Failure) AuditEvent {
	e := AuditEvent{User: op.User, Action: op.Kind.Rules().Ended, Sandbox: op.Sandbox, Service: op.Service,
		Operation: op.ID, Once: op.ID + "/" + string(op.Kind.Rules().Ended), Detail: f.audited()}
	switch state {
	case OpSucceeded:
		e.Outcome = Succeeded
	case OpCancelled:
		e.Outcome = Cancelled
	default:
		e.Outcome = OutcomeFailed
	}
	return e
}

// audited is what the audit says of a failure: its code, unless the detail begins with that word, and its detail.
func (f *Failure) audited() string {
	switch {
	case f == nil:
		return ""
	case strings.HasPrefix(f.Detail, f.Code+" "):
		return f.Detail
	}
	return f.Code + ": " + f.Detail
}

// CancelledBy says why something ended that somebody had cancelled, nil for "".
func CancelledBy(by string) *Failure {
	if by == "" {
		return nil
	}
	return &Failure{Kind: Conflict, Code: CodeCancelled, Detail: "cancelled by " + by}
}

// CancelledWith says why something ended that could not outlive an operation, which ended because of why.
func CancelledWith(operation string, why *Failure) *Failure {
	f := &Failure{Kind: Conflict, Code: CodeCancelled, Detail: "cancelled because " + operation + " ended"}
	if why != nil {
		f.Detail, f.Remedy = f.Detail+": "+why.Detail, why.Remedy
	}
	return f
}

// AlreadyEnded refuses to go on with a deployment that has ended, and says why it has.
func (d Deployment) AlreadyEnded() error {
	if d.Failure == nil {
		return Errorf(Conflict, CodeSettled, "deployment %s is %s already", d.ID, d.State)
	}
	return Errorf(Conflict, CodeSettled, "deployment %s is %s already: %s", d.ID, d.State, d.Failure.Detail)
}
