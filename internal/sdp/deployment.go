package sdp

import (
	"slices"
	"time"
)

// DeploymentState is where a deployment is in the pipeline.
type DeploymentState string

const (
	Queued            DeploymentState = "QUEUED"             // accepted; WaitingFor says behind what
	Fetching          DeploymentState = "FETCHING"           // branch -> commit, commit -> clone
	Checkout          DeploymentState = "CHECKOUT"           // commit -> a directory of its own
	Building          DeploymentState = "BUILDING"           // `go build`
	CreatingImage     DeploymentState = "CREATING_IMAGE"     // binary or Dockerfile -> image
	StartingContainer DeploymentState = "STARTING_CONTAINER" // image -> healthy container, then the route
	Running           DeploymentState = "RUNNING"            // the route points to it
	DeployFailed      DeploymentState = "FAILED"             // a step failed; what served before still serves
	DeployStopped     DeploymentState = "STOPPED"            // it ran and was stopped, replaced or deleted
	DeployCancelled   DeploymentState = "CANCELLED"          // the host confirmed that nothing of it runs
)

// deploymentOrder lists the states a deployment walks through. Steps whose result is cached are skipped, so any later
// state of the pipeline may follow an earlier one.
var deploymentOrder = []DeploymentState{Queued, Fetching, Checkout, Building, CreatingImage, StartingContainer, Running}

// CanBecome reports whether a deployment in state s may be put into next. Setting a state again is allowed, because
// the activity that does it may be retried.
func (s DeploymentState) CanBecome(next DeploymentState) bool {
	if s == next {
		return true
	}
	if s.Terminal() {
		return false
	}
	switch next {
	case DeployFailed, DeployCancelled:
		return s != Running
	case DeployStopped:
		return s == Running
	}
	return slices.Index(deploymentOrder, s) < slices.Index(deploymentOrder, next)
}

// From lists the states from which s may be reached, s included: the allowed states of a guarded UPDATE.
func (s DeploymentState) From() []DeploymentState {
	var from []DeploymentState
	for _, c := range append(slices.Clone(deploymentOrder), DeployFailed, DeployStopped, DeployCancelled) {
		if c.CanBecome(s) {
			from = append(from, c)
		}
	}
	return from
}

// Terminal reports whether no other state follows s.
func (s DeploymentState) Terminal() bool {
	return s == DeployFailed || s == DeployStopped || s == DeployCancelled
}

// Settled reports whether the pipeline has ended: nothing more happens without a new operation.
func (s DeploymentState) Settled() bool { return s.Terminal() || s == Running }

// Deployment is one run of the pipeline for one service of one sandbox.
type Deployment struct {
	ID          string
	Sandbox     string
	Service     string
	Repository  string
	Node        string
	Environment string
	// EnvironmentVersion is the version it runs with: 0 until it starts, and where there is no environment.
	EnvironmentVersion int
	// SettingsDigest identifies everything a container gets besides its image: layers of variables, secrets, files and
	// limits. It differs from the service's present one where a restart would change something.
	SettingsDigest string
	Operation      string // the apply, clone or restore it is a part of; "" = it was asked for by itself
	Branch         string // "" if only a commit was asked for
	SHA            string // "" until resolved, unless a commit was asked for
	Image          string
	State          DeploymentState
	WaitingFor     string // while QUEUED: what it waits behind, for people
	Failure        *Failure
	RequestedBy    string
	CreatedAt      time.Time
	StartedAt      time.Time // left the queue
	FinishedAt     time.Time // settled
	Steps          []Step
	// CancelRequestedAt is when somebody asked for it to be cancelled; it is cancelled only once State says so.
	CancelRequestedAt time.Time
}

// Cancelling reports whether a cancel was accepted and is not confirmed yet.
func (d Deployment) Cancelling() bool { return !d.CancelRequestedAt.IsZero() && !d.State.Settled() }

// Waits says, for people, what the deployment waits for; "" = for nobody.
func (d Deployment) Waits() string {
	switch {
	case !d.Cancelling():
		return d.WaitingFor
	case d.State == Queued:
		return "the cancel to take effect; nothing of it has begun"
	}
	return "node " + d.Node + " to confirm that nothing of it runs any more"
}

// Failure says why a deployment or an operation failed.
type Failure struct {
	Step   StepName // the step that failed; "" for an operation without steps
	Kind   Kind
	Code   string
	Detail string
	Remedy string
	Output string // the last lines of the compiler's, or the container's, output; secrets masked
}

// StepName names a step of the pipeline.
type StepName string

const (
	StepResolve  StepName = "resolve"
	StepFetch    StepName = "fetch"
	StepCheckout StepName = "checkout"
	StepBuild    StepName = "build"
	StepImage    StepName = "image"
	StepStart    StepName = "start"
	StepRoute    StepName = "route"
)

// Steps lists the pipeline's steps in order.
var Steps = []StepName{StepResolve, StepFetch, StepCheckout, StepBuild, StepImage, StepStart, StepRoute}

// State is the state a deployment is in while the step runs.
func (s StepName) State() DeploymentState {
	switch s {
	case StepResolve, StepFetch:
		return Fetching
	case StepCheckout:
		return Checkout
	case StepBuild:
		return Building
	case StepImage:
		return CreatingImage
	default:
		return StartingContainer
	}
}

// StepState says how a step went.
type StepState string

const (
	StepPending   StepState = "pending"
	StepRunning   StepState = "running"
	StepDone      StepState = "done"
	StepCached    StepState = "cached" // skipped: its result was there already
	StepFailed    StepState = "failed"
	StepCancelled StepState = "cancelled"
)

// Step is one step of a deployment.
type Step struct {
	Name       StepName
	State      StepState
	StartedAt  time.Time
	FinishedAt time.Time
	Detail     string // one line: "feature/login -> 3f2a9c1d0b7e", "sdp/account:3f2a..."
}

// Progress is what the deploy workflow's "progress" query answers.
type Progress struct {
	Deployment string
	State      DeploymentState
	SHA        string
	Steps      []Step
	Failure    *Failure
	Cancelling bool // a cancel was accepted and the host has not confirmed it yet
}

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
)

// Exclusive reports whether the operation runs alone in its sandbox. Others exclude only the same service.
func (k OperationKind) Exclusive() bool { return k == OpCreate || k == OpDelete || k.Changes() }

// Changes reports whether the operation carries a Change out. A sandbox has at most one such at a time.
func (k OperationKind) Changes() bool { return k == OpApply || k == OpClone || k == OpRestore }

// Cancellable reports whether the operation may be cancelled once it runs. The others are over in a moment, or leave
// something half done: while they wait they can be.
func (k OperationKind) Cancellable() bool { return k == OpDeploy || k == OpRestart || k.Changes() }

// OperationState is where an operation is.
type OperationState string

const (
	OpQueued    OperationState = "QUEUED"
	OpRunning   OperationState = "RUNNING"
	OpSucceeded OperationState = "SUCCEEDED"
	OpFailed    OperationState = "FAILED"
	OpCancelled OperationState = "CANCELLED"
)

// Settled reports whether nothing more happens to the operation.
func (s OperationState) Settled() bool { return s == OpSucceeded || s == OpFailed || s == OpCancelled }

// Operation is a change of a sandbox other than a deployment.
type Operation struct {
	ID          string
	Kind        OperationKind
	Sandbox     string
	Service     string  // "" where the whole sandbox is meant
	Source      Source  // for OpRoute
	URL         string  // for OpRoute with SourceURL
	Change      *Change // for the kinds that carry one out
	State       OperationState
	WaitingFor  string
	Failure     *Failure
	RequestedBy string
	CreatedAt   time.Time
	FinishedAt  time.Time
	// CancelRequestedAt is when somebody asked for it to be cancelled; it is cancelled only once State says so.
	CancelRequestedAt time.Time
}

// Cancelling reports whether a cancel was accepted and is not confirmed yet.
func (o Operation) Cancelling() bool { return !o.CancelRequestedAt.IsZero() && !o.State.Settled() }

// Waits says, for people, what the operation waits for; "" = for nobody.
func (o Operation) Waits() string {
	switch {
	case !o.Cancelling():
		return o.WaitingFor
	case o.State == OpQueued:
		return "the cancel to take effect; nothing of it has begun"
	case o.Kind.Changes():
		return "its parts to end, each of which says what it waits for"
	}
	return "its node to confirm that nothing of it runs any more"
}

// OperationRef is what a sandbox's entity workflow needs to know of an operation.
type OperationRef struct {
	ID      string
	Kind    OperationKind
	Sandbox string
	Service string
	User    string
	// Hold is set for a deployment that is a part of an atomic change: once healthy it waits for the change's word.
	Hold bool
}

// SealedBox is a secret only one node can open, and only for one operation: HPKE ciphertext bound to both.
type SealedBox struct {
	Node       string
	KeyID      string
	Operation  string
	ExpiresAt  time.Time
	Ciphertext []byte // encapsulated key, then ciphertext
}

// Empty reports whether there is nothing in the box.
func (b SealedBox) Empty() bool { return len(b.Ciphertext) == 0 }
