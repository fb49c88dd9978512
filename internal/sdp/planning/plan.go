package planning

import (
	"strings"
	"time"

	"sdp/internal/sdp"
)

// Plan says what an apply would do. Two plans with one Hash do the same to the same: the hash covers the sandbox as it
// is (its route version), what is asked for, the resolved commits and the environment's version, but not what comes and
// goes by itself: free disk, cached images, liveness.
type Plan struct {
	Sandbox      string
	New          bool
	Hash         string // 12 hexadecimal digits
	RouteVersion int64  // of the sandbox it was made for; 0 = new
	Services     []Service
	Settings     []sdp.Difference // of the sandbox itself: description, labels, limits, expiry, variables, environment
	Environment  []sdp.Difference // entries of the environment that differ from what running services have
	Port         Port
	Nodes        []Node
	Problems     []Problem // why it cannot be applied now; none = it can
}

// Service is what becomes of one service. Action "" means that nothing is done to it.
type Service struct {
	Service string
	Action  sdp.ActionKind
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
	Settings []sdp.Difference // variables and limits of the service
	Limits   sdp.Limits       // effective
}

// Port is the sandbox's public port. A new sandbox gets one when it is applied.
type Port struct {
	Node string
	Port int // 0 = the next free one
	Free int // free ports of the node's range
}

// Node is a node the plan needs.
type Node struct {
	Node       string
	Alive      bool
	DiskNeeded int64 // bytes, estimated from what is built
	DiskFree   int64
	Asked      time.Duration   // how long the slowest answer of the git server took
	Images     []RequiredImage // base images of what is built
}

// RequiredImage is an image that builds start from.
type RequiredImage struct {
	Ref     string `json:"ref"`
	Present bool   `json:"present"`
	Unknown bool   `json:"unknown"` // a Dockerfile whose images are known only once its commit is fetched; Ref says which
	Remedy  string `json:"remedy"`  // the commands that bring it there, where it is missing
}

// Problem is why a plan cannot be applied.
type Problem struct {
	Service string   `json:"service"` // "" = all of it
	Kind    sdp.Kind `json:"kind"`
	Code    string   `json:"code"`
	Detail  string   `json:"detail"`
	Remedy  string   `json:"remedy"`
	Command string   `json:"command,omitempty"`
}

// Text is the detail with the service it is about, unless it names that itself.
func (p Problem) Text() string {
	if p.Service == "" || strings.Contains(p.Detail, p.Service) {
		return p.Detail
	}
	return p.Service + ": " + p.Detail
}

// ProblemOf is err as a plan shows it.
func ProblemOf(service string, err error) Problem {
	e := sdp.AsError(err)
	return Problem{Service: service, Kind: e.Kind, Code: e.Code, Detail: e.Detail, Remedy: e.Remedy, Command: e.Command}
}

// PreflightItem asks a node about one service of a plan.
type PreflightItem struct {
	Service    string `json:"service"`
	Repository string `json:"repository"`
	Branch     string `json:"branch"` // resolved by asking the git server, unless SHA is given
	SHA        string `json:"sha"`
	// Image is one that is known to hold SHA, as a snapshot says. It is taken where it is still there.
	Image string `json:"image"`
}

// PreflightResult is a node's answer about one service.
type PreflightResult struct {
	Service  string          `json:"service"`
	SHA      string          `json:"sha"`
	Image    string          `json:"image"`
	Cached   bool            `json:"cached"`
	Vanished bool            `json:"vanished"` // neither the clone nor the git server has SHA any more
	Base     []RequiredImage `json:"base"`     // what building it starts from; none where nothing is built
	Need     int64           `json:"need"`     // bytes of disk a build needs, estimated
	Asked    time.Duration   `json:"asked"`    // how long the git server took
	Problem  *Problem        `json:"problem"`  // why it cannot be deployed
}

// PreflightReport is a node's answer to all its items.
type PreflightReport struct {
	Node     string            `json:"node"`
	DiskFree int64             `json:"diskFree"` // bytes
	Results  []PreflightResult `json:"results"`
}
