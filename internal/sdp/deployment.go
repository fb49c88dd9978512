package sdp

import (
	"strings"
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

// Deployment is one run of the pipeline for one service of one sandbox.
type Deployment struct {
	ID          string
	Seq         int64 // grows in the order of acceptance
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
	ChangeWaits    bool   // Operation has not begun: only all of it can be cancelled
	Branch         string // "" if only a commit was asked for
	SHA            string // "" until resolved, unless a commit was asked for
	Image          string
	State          DeploymentState
	WaitingFor     string // while QUEUED: what it waits behind, while it builds: what for; for people
	Failure        *Failure
	SupersededBy   Superseder // of one that is CANCELLED: what took its place
	RequestedBy    string
	CreatedAt      time.Time
	StartedAt      time.Time // left the queue
	FinishedAt     time.Time // settled
	Steps          []Step
	// CancelRequestedAt is when somebody asked for it to be cancelled; it is cancelled only once State says so.
	CancelRequestedAt time.Time
	CancelRequestedBy string // "alice", or "alice, who drains node micro-1"
}

// Cancelling reports whether a cancel was accepted and is not confirmed yet.
func (d Deployment) Cancelling() bool { return !d.CancelRequestedAt.IsZero() && !d.State.Settled() }

// Cancellable reports whether a cancel would be accepted now. Nobody knows a part of a change before the change begins.
func (d Deployment) Cancellable() bool { return !d.State.Settled() && !d.ChangeWaits }

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
	Step    StepName `json:"step"` // the step that failed; "" for an operation without steps
	Kind    Kind     `json:"kind"`
	Code    string   `json:"code"`
	Detail  string   `json:"detail"`
	Remedy  string   `json:"remedy"`
	Command string   `json:"command,omitempty"` // the command line of the remedy, see Error
	Output  string   `json:"output"`            // the last lines of the compiler's, or the container's, output; secrets masked
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
	Name       StepName  `json:"name"`
	State      StepState `json:"state"`
	StartedAt  time.Time `json:"startedAt"`
	FinishedAt time.Time `json:"finishedAt"`
	Detail     string    `json:"detail"` // one line: "feature/login -> 3f2a9c1d0b7e", "sdp/account:3f2a..."
}

// Progress is what the deploy workflow's "progress" query answers.
type Progress struct {
	Deployment string          `json:"deployment"`
	State      DeploymentState `json:"state"`
	SHA        string          `json:"sha"`
	Steps      []Step          `json:"steps"`
	Failure    *Failure        `json:"failure"`
	Cancelling bool            `json:"cancelling"` // a cancel was accepted and the host has not confirmed it yet
}

// CodeCancelled is the code of what somebody cancelled before it began.
const CodeCancelled = "cancelled"

// CodeCancelUnconfirmed is the code of what was cancelled and of which a node has not confirmed that nothing is left.
const CodeCancelUnconfirmed = "cancel-unconfirmed"

// CodeSettled is the code of what has ended already and must not begin again.
const CodeSettled = "already-settled"

// CodeSuperseded is the code of the failure of a deployment that something newer took the place of.
const CodeSuperseded = "superseded"

// Superseder is what took a deployment's place before it was done: a newer deployment of the same service, or the delete
// of its sandbox. The zero value is nothing.
type Superseder struct {
	ID   string // of the deployment or the operation
	User string // who asked for it
}

// IsDeployment reports whether a deployment is what superseded, and not a delete.
func (s Superseder) IsDeployment() bool { return strings.HasPrefix(s.ID, "d-") }

// Failure says why a deployment ended that s took the place of.
func (s Superseder) Failure() *Failure {
	f := &Failure{Kind: Conflict, Code: CodeSuperseded, Detail: "superseded by " + s.ID + " of " + s.User}
	if !s.IsDeployment() {
		f.Detail += ", which deletes the sandbox"
		return f
	}
	f.Remedy = "`sdp logs " + s.ID + " -f` follows the newer one; whoever deploys again supersedes it in turn"
	return f
}
