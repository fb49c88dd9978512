package sdp

import (
	"strings"
	"time"
)

// Change is what an apply, a clone or a restore does, fixed when it was accepted.
type Change struct {
	New     bool // the sandbox is made by it, and goes again if it fails and Atomic is set
	Atomic  bool // all or nothing
	Spec    SandboxSpec
	Actions []Action // by service, one each; services that stay as they are have none
	From    string   // what it goes by, for people: "sandbox.yaml", "clone of checkout", "snapshot before-release"
	Plan    string   // hash of the plan it was accepted with
}

// ActionKind says what is done to one service.
type ActionKind string

const (
	ActionDeploy  ActionKind = "deploy"  // another commit, or one that does not run here yet
	ActionRestart ActionKind = "restart" // the same commit with other variables, files or limits
	ActionRoute   ActionKind = "route"   // OCP or a URL answers; a container it had is removed
	ActionRemove  ActionKind = "remove"  // no longer part of the sandbox: as if it was never mentioned
)

// Deploys reports whether the action starts a container.
func (k ActionKind) Deploys() bool { return k == ActionDeploy || k == ActionRestart }

// Action is what is done to one service. Actions run side by side.
type Action struct {
	Service    string
	Kind       ActionKind
	Deployment string // ID of the deployment, for deploy and restart
	Source     Source // for route
	URL        string // for route to a URL
}

// Plan says what an apply would do. Two plans with one Hash do the same to the same: the hash covers the sandbox as it
// is (its route version), what is asked for, the resolved commits and the environment's version, but not what comes and
// goes by itself: free disk, cached images, liveness.
type Plan struct {
	Sandbox      string
	New          bool
	Hash         string // 12 hexadecimal digits
	RouteVersion int64  // of the sandbox it was made for; 0 = new
	Services     []PlannedService
	Settings     []Difference // of the sandbox itself: description, labels, limits, expiry, variables, environment
	Environment  []Difference // entries of the environment that differ from what running services have
	Port         PlannedPort
	Nodes        []PlannedNode
	Problems     []PlanProblem // why it cannot be applied now; none = it can
}

// PlannedService is what becomes of one service. Action "" means that nothing is done to it.
type PlannedService struct {
	Service string
	Action  ActionKind
	Why     []string // for people: "branch moved", "environment dev 3 -> 4"
	Node    string
	Branch  string
	// FromSHA runs now, SHA would run; "" = none.
	FromSHA, SHA string
	// FromRoute answers now, Route would: "sandbox", "ocp", or a URL.
	FromRoute, Route string
	Image            string
	Cached           bool // Image is on the node: nothing is built
	// Vanished is set where the repository no longer has SHA: only its cached image works.
	Vanished bool
	Settings []Difference // variables and limits of the service
	Limits   Limits       // effective
}

// PlannedPort is the sandbox's public port. A new sandbox gets one when it is applied.
type PlannedPort struct {
	Node string
	Port int // 0 = the next free one
	Free int // free ports of the node's range
}

// PlannedNode is a node the plan needs.
type PlannedNode struct {
	Node       string
	Alive      bool
	DiskNeeded int64 // bytes, estimated from what is built
	DiskFree   int64
	Asked      time.Duration   // how long the slowest answer of the git server took
	Images     []RequiredImage // base images of what is built
}

// RequiredImage is an image that builds start from.
type RequiredImage struct {
	Ref     string
	Present bool
	Unknown bool   // a Dockerfile whose images are known only once its commit is fetched; Ref says which
	Remedy  string // the commands that bring it there, where it is missing
}

// PlanProblem is why a plan cannot be applied.
type PlanProblem struct {
	Service string // "" = all of it
	Kind    Kind
	Code    string
	Detail  string
	Remedy  string
}

// Text is the detail with the service it is about, unless it names that itself.
func (p PlanProblem) Text() string {
	if p.Service == "" || strings.Contains(p.Detail, p.Service) {
		return p.Detail
	}
	return p.Service + ": " + p.Detail
}

// ProblemOf is err as a plan shows it.
func ProblemOf(service string, err error) PlanProblem {
	e := AsError(err)
	return PlanProblem{Service: service, Kind: e.Kind, Code: e.Code, Detail: e.Detail, Remedy: e.Remedy}
}

// PreflightItem asks a node about one service of a plan.
type PreflightItem struct {
	Service    string
	Repository string
	Branch     string // resolved by asking the git server, unless SHA is given
	SHA        string
	// Image is one that is known to hold SHA, as a snapshot says. It is taken where it is still there.
	Image string
}

// PreflightResult is a node's answer about one service.
type PreflightResult struct {
	Service  string
	SHA      string
	Image    string
	Cached   bool
	Vanished bool            // neither the clone nor the git server has SHA any more
	Base     []RequiredImage // what building it starts from; none where nothing is built
	Need     int64           // bytes of disk a build needs, estimated
	Asked    time.Duration   // how long the git server took
	Problem  *PlanProblem    // why it cannot be deployed
}

// PreflightReport is a node's answer to all its items.
type PreflightReport struct {
	Node     string
	DiskFree int64 // bytes
	Results  []PreflightResult
}
