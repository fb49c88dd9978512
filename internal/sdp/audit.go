package sdp

import (
	"slices"
	"time"
)

// AuditEvent says who did what to which sandbox, when, and how it ended. Refused and failed attempts are recorded too.
type AuditEvent struct {
	ID          int64
	At          time.Time
	User        string // "system" for the reconciler
	Action      AuditAction
	Sandbox     string
	Service     string
	Repository  string
	Branch      string
	SHA         string
	Environment string
	Operation   string // deployment or operation ID
	Outcome     Outcome
	Detail      string // why it was refused or failed; never a secret
	Once        string // of several events with the same one only the first is kept; "" = each is
}

// AuditAction names what was done. An action that starts an operation has a second one, ".finish", for its end.
type AuditAction string

// What is no operation, and of the table of kinds what others name too; what only the table names stands there alone.
const (
	AuditBranchBack               AuditAction = "branch.back" // the git server has a watched branch again
	AuditBranchGone               AuditAction = "branch.gone" // the git server has a watched branch no more
	AuditDeploymentCancel         AuditAction = "deployment.cancel"
	AuditDeploymentCreate         AuditAction = "deployment.create"
	AuditDeploymentFinish         AuditAction = "deployment.finish"
	AuditEnvironmentCreate        AuditAction = "environment.create"
	AuditEnvironmentDelete        AuditAction = "environment.delete"
	AuditEnvironmentRedeploy      AuditAction = "environment.redeploy"
	AuditEnvironmentUpdate        AuditAction = "environment.update"
	AuditImagesPrune              AuditAction = "images.prune"
	AuditKeysReseal               AuditAction = "keys.reseal"
	AuditNodeCordon               AuditAction = "node.cordon"   // nothing new is placed on it
	AuditNodeDrain                AuditAction = "node.drain"    // cordoned, and what runs there is stopped
	AuditNodeRegister             AuditAction = "node.register" // also of one that was removed, and is refused
	AuditNodeRemove               AuditAction = "node.remove"
	AuditNodeUncordon             AuditAction = "node.uncordon"
	AuditOperationCancel          AuditAction = "operation.cancel"
	AuditPortReassign             AuditAction = "port.reassign" // something foreign holds the port a sandbox had
	AuditReconcile                AuditAction = "reconcile"     // a node found something different from what it should be
	AuditRouteSet                 AuditAction = "route.set"
	AuditSandboxApply             AuditAction = "sandbox.apply"
	AuditSandboxClone             AuditAction = "sandbox.clone"
	AuditSandboxCreate            AuditAction = "sandbox.create"
	AuditSandboxDelete            AuditAction = "sandbox.delete"
	AuditSandboxTrace             AuditAction = "sandbox.trace"
	AuditSandboxUpdate            AuditAction = "sandbox.update"
	AuditServiceRestart           AuditAction = "service.restart"
	AuditServiceTrack             AuditAction = "service.track"
	AuditSessionCreate            AuditAction = "session.create"
	AuditSessionDelete            AuditAction = "session.delete"
	AuditSnapshotCreate           AuditAction = "snapshot.create"
	AuditSnapshotDelete           AuditAction = "snapshot.delete"
	AuditSnapshotRestore          AuditAction = "snapshot.restore"
	AuditTemplateCreate           AuditAction = "template.create"
	AuditTemplateDelete           AuditAction = "template.delete"
	AuditTemplateUpdate           AuditAction = "template.update"
	AuditTrackingCredentialDelete AuditAction = "tracking.credential.delete"
	AuditTrackingStop             AuditAction = "tracking.stop" // stored credentials are not used any more
	AuditTrackingCredentialStore  AuditAction = "tracking.credential.store"
)

// What is asked of the seam of the use cases as well, and leaves no event: it looks, and what follows from it has its own.
const (
	LookBranches AuditAction = "repository.branches"
	LookImages   AuditAction = "images.list"
	LookPlan     AuditAction = "sandbox.plan"
	LookTracking AuditAction = "tracking.look" // at all watched branches
)

// Teardown is how the audit calls that what a failed change of this kind made could not be taken down yet.
func (k OperationKind) Teardown() AuditAction { return AuditAction("sandbox." + k + ".teardown") }

// AuditActions lists all there are, sorted: those of the table of kinds, and what is no operation.
func AuditActions() []AuditAction {
	all := slices.Clone(otherActions)
	for kind, rules := range kinds {
		all = append(all, rules.Asked, rules.Ended)
		if rules.Changes {
			all = append(all, kind.Teardown())
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

var otherActions = []AuditAction{
	AuditBranchBack,
	AuditBranchGone,
	AuditDeploymentCancel,
	AuditEnvironmentCreate,
	AuditEnvironmentDelete,
	AuditEnvironmentRedeploy,
	AuditEnvironmentUpdate,
	AuditImagesPrune,
	AuditKeysReseal,
	AuditNodeCordon,
	AuditNodeDrain,
	AuditNodeRegister,
	AuditNodeRemove,
	AuditNodeUncordon,
	AuditOperationCancel,
	AuditPortReassign,
	AuditReconcile,
	AuditSandboxTrace,
	AuditSandboxUpdate,
	AuditServiceTrack,
	AuditSessionCreate,
	AuditSessionDelete,
	AuditSnapshotCreate,
	AuditSnapshotDelete,
	AuditTemplateCreate,
	AuditTemplateDelete,
	AuditTemplateUpdate,
	AuditTrackingCredentialDelete,
	AuditTrackingCredentialStore,
	AuditTrackingStop,
}

// Outcome says how an audited action ended.
type Outcome string

const (
	Accepted      Outcome = "accepted" // a durable operation was started; its end is an event of its own
	Succeeded     Outcome = "succeeded"
	Refused       Outcome = "refused" // not started: invalid, forbidden or in conflict
	OutcomeFailed Outcome = "failed"
	Cancelled     Outcome = "cancelled"
)
