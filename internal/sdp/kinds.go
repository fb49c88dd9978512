package sdp

import (
	"maps"
	"slices"
)

// OperationKind says what an operation does to a sandbox.
type OperationKind string

const (
	OpDeploy  OperationKind = "deploy"  // its record is a Deployment; all other kinds have an Operation
	OpCreate  OperationKind = "create"  // claims the public port
	OpRestart OperationKind = "restart" // a new container of the same image
	OpStop    OperationKind = "stop"
	OpRoute   OperationKind = "route"
	OpDelete  OperationKind = "delete"
	OpApply   OperationKind = "apply"   // carries a Change out
	OpClone   OperationKind = "clone"   // an apply that makes a new sandbox from another one
	OpRestore OperationKind = "restore" // an apply that goes back to a snapshot
	OpTouch   OperationKind = "touch"   // marks the sandbox as used, for now
)

// OperationRules is what is particular to a kind of operation: a row of the one table of kinds. Whoever treats kinds
// differently reads it here. The database's table operation_kinds, the API's enums and the sandbox's workflow follow
// from it; a new kind is a row here and a workflow.
type OperationRules struct {
	Scope      Scope
	Lane       Lane
	Cancel     Cancel
	Supersedes Supersedes  // which older operations of the sandbox become pointless by it
	Stays      bool        // nothing supersedes it, not even a delete
	Changes    bool        // it carries a Change out; a sandbox has at most one such at a time
	Plain      bool        // naming it and its sandbox, or service, says it all: API and use case follow from this row
	Workflow   string      // the workflow that carries it out
	Permission Permission  // what its actor must be permitted to do
	Asked      AuditAction // how the audit calls that it was asked for
	Ended      AuditAction // and that it ended
	Title      string      // what it is, in front of " of NAME": "restart"
	Order      string      // as an order, in front of the name: "Restart"
	Doing      string      // what is being done, in front of the service's name: "Restarting"
	Done       string      // what was done, after the service's name: "restarted"
}

// Scope says what an operation names.
type Scope string

const (
	ScopeSandbox Scope = "sandbox"
	ScopeService Scope = "service" // one service of the sandbox
)

// Lane says which operations of a sandbox wait for each other.
type Lane string

const (
	LaneExclusive Lane = "exclusive" // it runs alone in its sandbox
	LaneService   Lane = "service"   // those of one service run one after the other
	LaneFree      Lane = "free"      // it waits for nothing, and nothing waits for it
)

// Cancel says until when an operation may be cancelled.
type Cancel string

const (
	CancelNever   Cancel = "never"
	CancelQueued  Cancel = "queued"  // while it waits: it is over in a moment, or would leave something half done
	CancelRunning Cancel = "running" // also while it runs
)

// Supersedes says which older operations of the sandbox become pointless once an operation is accepted.
type Supersedes string

const (
	SupersedesNothing Supersedes = ""
	SupersedesOwnKind Supersedes = "own-kind" // those of its kind, of the same service
	SupersedesAll     Supersedes = "all"
)

// Permission names what an actor may be permitted to do to a sandbox. There are no roles yet that ask for it.
type Permission string

const (
	MayCreate Permission = "sandbox.create"
	MayChange Permission = "sandbox.change"
	MayDelete Permission = "sandbox.delete"
	MayUse    Permission = "sandbox.use"
)

// kinds is the table. Clones and creates make a sandbox: what they have begun they, or a delete after them, must end.
var kinds = map[OperationKind]OperationRules{
	OpDeploy: {Scope: ScopeService, Lane: LaneService, Cancel: CancelRunning, Supersedes: SupersedesOwnKind, Permission: MayChange,
		Workflow: "Deploy", Asked: AuditDeploymentCreate, Ended: AuditDeploymentFinish,
		Title: "deploy", Order: "Deploy", Doing: "Deploying", Done: "deployed"},
	OpCreate: {Scope: ScopeSandbox, Lane: LaneExclusive, Cancel: CancelQueued, Stays: true, Permission: MayCreate,
		Workflow: "Create", Asked: AuditSandboxCreate, Ended: "sandbox.create.finish",
		Title: "create", Order: "Create", Doing: "Creating the sandbox", Done: "sandbox made"},
	OpRestart: {Scope: ScopeService, Lane: LaneService, Cancel: CancelRunning, Permission: MayChange,
		Plain: true, Workflow: "Restart", Asked: AuditServiceRestart, Ended: "service.restart.finish",
		Title: "restart", Order: "Restart", Doing: "Restarting", Done: "restarted"},
	OpStop: {Scope: ScopeService, Lane: LaneService, Cancel: CancelQueued, Permission: MayChange,
		Plain: true, Workflow: "Stop", Asked: "service.stop", Ended: "service.stop.finish",
		Title: "stop", Order: "Stop", Doing: "Stopping", Done: "stopped"},
	OpRoute: {Scope: ScopeService, Lane: LaneService, Cancel: CancelQueued, Permission: MayChange,
		Workflow: "Route", Asked: AuditRouteSet, Ended: "route.set.finish",
		Title: "route", Order: "Switch route of", Doing: "Switching the route of", Done: "route switched"},
	OpDelete: {Scope: ScopeSandbox, Lane: LaneExclusive, Cancel: CancelNever, Supersedes: SupersedesAll, Stays: true, Permission: MayDelete,
		Workflow: "Delete", Asked: AuditSandboxDelete, Ended: "sandbox.delete.finish",
		Title: "delete", Order: "Delete", Doing: "Deleting the sandbox", Done: "sandbox deleted"},
	OpApply: {Scope: ScopeSandbox, Lane: LaneExclusive, Cancel: CancelRunning, Changes: true, Permission: MayChange,
		Workflow: "Apply", Asked: AuditSandboxApply, Ended: "sandbox.apply.finish",
		Title: "apply", Order: "Apply", Doing: "Applying a definition", Done: "definition applied"},
	OpClone: {Scope: ScopeSandbox, Lane: LaneExclusive, Cancel: CancelRunning, Changes: true, Permission: MayCreate,
		Workflow: "Apply", Asked: AuditSandboxClone, Ended: "sandbox.clone.finish",
		Title: "clone", Order: "Clone into", Doing: "Cloning into this sandbox", Done: "sandbox made as a clone"},
	OpRestore: {Scope: ScopeSandbox, Lane: LaneExclusive, Cancel: CancelRunning, Changes: true, Permission: MayChange,
		Workflow: "Apply", Asked: AuditSnapshotRestore, Ended: "sandbox.restore.finish",
		Title: "restore", Order: "Restore", Doing: "Restoring a snapshot", Done: "snapshot restored"},
	OpTouch: {Scope: ScopeSandbox, Lane: LaneFree, Cancel: CancelQueued, Permission: MayUse,
		Plain: true, Workflow: "Touch", Asked: "sandbox.touch", Ended: "sandbox.touch.finish",
		Title: "touch", Order: "Mark as used", Doing: "Marking the sandbox as used", Done: "sandbox marked as used"},
}

// OperationKinds lists all kinds there are, sorted.
func OperationKinds() []OperationKind { return slices.Sorted(maps.Keys(kinds)) }

// Rules returns the row of k. A kind that is not known, of a newer server, say, supersedes nothing, cannot be cancelled and
// holds nobody up: it is refused once it is its turn.
func (k OperationKind) Rules() OperationRules {
	if r, known := kinds[k]; known {
		return r
	}
	return OperationRules{Scope: ScopeSandbox, Lane: LaneService, Cancel: CancelNever, Stays: true,
		Asked: AuditAction("service." + k), Ended: AuditAction("service." + k + ".finish"), Title: string(k), Order: string(k), Doing: string(k), Done: string(k)}
}

// Known reports whether there is such a kind.
func (k OperationKind) Known() bool {
	_, known := kinds[k]
	return known
}

// Changes reports whether the operation carries a Change out. A sandbox has at most one such at a time.
func (k OperationKind) Changes() bool { return k.Rules().Changes }

// CancellableIn reports whether an operation in state s may be cancelled.
func (r OperationRules) CancellableIn(s OperationState) bool {
	switch s {
	case OpQueued:
		return r.Cancel != CancelNever
	case OpRunning:
		return r.Cancel == CancelRunning
	default:
		return false
	}
}

// CancellableKinds lists the kinds of which an operation in state s may be cancelled, sorted.
func CancellableKinds(s OperationState) []OperationKind {
	return slices.DeleteFunc(OperationKinds(), func(k OperationKind) bool { return !k.Rules().CancellableIn(s) })
}

// Supersedes reports whether op makes other, of its sandbox, pointless. Among those of one kind the one that was accepted later
// counts, whichever arrived first.
func (op OperationRef) Supersedes(other OperationRef) bool {
	if other.Kind.Rules().Stays {
		return false
	}
	switch op.Kind.Rules().Supersedes {
	case SupersedesAll:
		return true
	case SupersedesOwnKind:
		return op.Kind == other.Kind && op.Service == other.Service && !op.OlderThan(other)
	default:
		return false
	}
}

// OlderThan reports whether op is known to have been accepted before other, of the same kind.
func (op OperationRef) OlderThan(other OperationRef) bool { return op.Seq != 0 && op.Seq < other.Seq }

// WaitsFor reports whether op may not run while other, of the same sandbox, does.
func (op OperationRef) WaitsFor(other OperationRef) bool {
	if op.Kind.Rules().Lane == LaneFree || other.Kind.Rules().Lane == LaneFree {
		return false
	}
	if op.Kind.Rules().Lane == LaneExclusive || other.Kind.Rules().Lane == LaneExclusive {
		return true
	}
	return op.Service == other.Service
}

// Title names an operation for people: "deploy of account (d5x...)".
func (op OperationRef) Title() string {
	if op.Service == "" {
		return op.Kind.Rules().Title + " of the sandbox (" + op.ID + ")"
	}
	return op.Kind.Rules().Title + " of " + op.Service + " (" + op.ID + ")"
}
