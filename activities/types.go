package activities

import (
	"time"

	"sdp/internal/sdp"
)

// Job is everything a deploy workflow needs to know of its deployment. Credentials and Secrets are sealed to the node.
type Job struct {
	Deployment  sdp.Deployment
	Repository  sdp.Repository
	Credentials sdp.SealedBox
	Env         map[string]string
	Secrets     sdp.SealedBox // Confidential as JSON, empty box = none
	Limits      sdp.Limits    // effective
	Table       sdp.RoutingTable
	TableNodes  []string
}

// FetchInput asks a node to turn a branch into a commit and to have that commit in the clone.
type FetchInput struct {
	Sandbox     string // its network is made meanwhile
	Deployment  string
	Repository  string
	Branch      string // "" = SHA is given
	SHA         string
	Image       string // of SHA, known beforehand; taken where it is still there; "" = none is known
	Credentials sdp.SealedBox
}

// Fetched says which commit is deployed and whether its image exists already.
type Fetched struct {
	SHA    string
	Image  string // content-addressed name
	Cached bool   // Image exists on the node: checkout, build and image are skipped
	Detail string // one line for the step
	// Resolved is how long it took to learn the commit, the first part of the whole.
	Resolved time.Duration
}

// Resolving reports whether a failure came before the commit was known.
func Resolving(code string) bool {
	switch code {
	case "branch-not-found", "wrong-credentials", "git-unreachable", "repository-missing", "credentials-expired":
		return true
	}
	return false
}

// SourceInput names a commit to check out, build or make an image of.
type SourceInput struct {
	Deployment string
	Repository string
	SHA        string
	Image      string
	Secrets    sdp.SealedBox // to mask what the build prints
}

// StartInput asks a node to start a new generation beside the old one and to wait until it is healthy.
type StartInput struct {
	Deployment string
	Sandbox    string
	Service    string
	Repository string
	Branch     string
	SHA        string
	Image      string
	Env        map[string]string
	Secrets    sdp.SealedBox
	Limits     sdp.Limits       // of the container; zero members = the node's
	Table      sdp.RoutingTable // applied first, so that the new container finds its neighbours
}

// RouteInput asks a node's router to serve a table. Deployment, if set, gets the log line and its stream is finished.
//
// Container, if set, is the new container's Docker ID: from now on Docker keeps it running. More are further ones.
type RouteInput struct {
	Container  string
	Table      sdp.RoutingTable
	Deployment string
	More       []sdp.Container
}

// RetireInput asks a node to let a replaced container finish what it has and to remove it.
type RetireInput struct {
	Container sdp.Container
	// Successor, if set, takes over the canonical container name.
	Successor string
}

// DiscardInput asks a node to remove everything a failed or cancelled deployment left behind.
type DiscardInput struct {
	Deployment string
	Sandbox    string
	Service    string
	Reason     string // written to the log
}

// TeardownInput asks a node to remove all it has of a sandbox.
type TeardownInput struct {
	Sandbox string
	Nodes   []string
	Gone    bool // nothing is left to do, or somebody else does it
}

// LoginInput asks a node to prove credentials against a repository.
type LoginInput struct {
	ID          string
	Node        string
	Repository  string
	Credentials sdp.SealedBox
}

// BranchesInput asks the node that owns a repository for its branches.
type BranchesInput struct {
	ID          string
	Node        string
	Repository  string
	Credentials sdp.SealedBox
}

// TraceInput sends one tagged request through a sandbox's public port on Node and collects the hops from Nodes.
type TraceInput struct {
	ID      string
	Sandbox string
	Node    string
	Port    int
	Nodes   []string
	Method  string
	Path    string
}

// HopsInput asks a node's router for the hops it saw of a trace.
type HopsInput struct{ ID string }

// Progressed is one change of a deployment that is shown to people: its state, and its steps.
type Progressed struct {
	Deployment string
	State      sdp.DeploymentState
	SHA        string
	Image      string
	Steps      []sdp.Step
	Failure    *sdp.Failure
}

// Switch is a change of routes that was committed: the table to apply, where, and the container that lost its place.
type Switch struct {
	Table    sdp.RoutingTable
	Nodes    []string
	Previous *sdp.Container
}

// WaitingInput says what a queued deployment or operation waits behind.
type WaitingInput struct {
	Operation sdp.OperationRef
	Behind    string
}

// SettleInput ends an operation that has no deployment, or one whose workflow ended without saying how.
type SettleInput struct {
	Operation sdp.OperationRef
	State     sdp.OperationState
	Failure   *sdp.Failure
	// Late is set by whoever cannot know whether the operation's own workflow has written its end: that counts.
	Late bool
}
