package rest

import (
	"cmp"

	"sdp/internal/sdp"
	"sdp/internal/sdp/planning"
)

// Plan says what an apply would do. It is true for the moment; apply it with its hash to be sure that nothing changed
// meanwhile.
type Plan struct {
	Sandbox     string           `json:"sandbox"`
	New         bool             `json:"new,omitempty" doc:"the sandbox would be made"`
	Hash        string           `json:"hash"`
	Changes     bool             `json:"changes" doc:"whether applying it would change anything"`
	Services    []PlannedService `json:"services"`
	Settings    []Difference     `json:"settings" doc:"of the sandbox itself"`
	Environment []Difference     `json:"environment" doc:"entries of the environment that differ from what running services have"`
	Port        PlannedPort      `json:"port"`
	Nodes       []PlannedNode    `json:"nodes"`
	Problems    []PlanProblem    `json:"problems" doc:"why it cannot be applied now; empty = it can"`
}

// PlannedService is what becomes of one service.
type PlannedService struct {
	Service   string       `json:"service"`
	Action    string       `json:"action" enum:"none,deploy,restart,route,remove"`
	Why       []string     `json:"why"`
	Node      string       `json:"node,omitempty"`
	Branch    string       `json:"branch,omitempty"`
	FromSHA   string       `json:"fromSHA,omitempty" doc:"what runs now"`
	SHA       string       `json:"sha,omitempty" doc:"what would run"`
	FromRoute string       `json:"fromRoute,omitempty" doc:"sandbox, ocp or a URL"`
	Route     string       `json:"route,omitempty"`
	Image     string       `json:"image,omitempty"`
	Cached    bool         `json:"cached,omitempty" doc:"the image is on the node: nothing is built"`
	Vanished  bool         `json:"vanished,omitempty" doc:"the repository does not have the commit any more; only its cached image works"`
	Settings  []Difference `json:"settings,omitempty"`
	Limits    sdp.Limits   `json:"limits,omitzero" doc:"effective limits of the container"`
}

// Difference is one entry in which two things differ. Of secrets and files only that they differ is told.
type Difference struct {
	What   string `json:"what" example:"variable"`
	Key    string `json:"key,omitempty"`
	Kind   string `json:"kind" enum:"added,removed,changed"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// PlannedPort is the sandbox's public port.
type PlannedPort struct {
	Node string `json:"node,omitempty"`
	Port int    `json:"port,omitempty" doc:"absent = the next free one"`
	Free int    `json:"free" doc:"free ports of the node's range"`
}

// PlannedNode is a node the plan needs.
type PlannedNode struct {
	Node       string          `json:"node"`
	Alive      bool            `json:"alive"`
	DiskNeeded int64           `json:"diskNeeded" doc:"bytes, estimated"`
	DiskFree   int64           `json:"diskFree" doc:"bytes"`
	GitMillis  float64         `json:"gitMillis,omitempty" doc:"how long the slowest answer of the git server took, in milliseconds"`
	Images     []RequiredImage `json:"images" doc:"base images of what is built"`
}

// RequiredImage is an image that builds start from.
type RequiredImage struct {
	Ref     string `json:"ref"`
	Present bool   `json:"present"`
	Unknown bool   `json:"unknown,omitempty" doc:"known only once the commit's Dockerfile is on the node"`
	Remedy  string `json:"remedy,omitempty" doc:"the commands that bring it there"`
}

// PlanProblem is why a plan cannot be applied.
type PlanProblem struct {
	Service string `json:"service,omitempty"`
	Kind    string `json:"kind" doc:"what can be done about it: invalid, conflict, unavailable, ..."`
	Code    string `json:"code"`
	Detail  string `json:"detail"`
	Remedy  string `json:"remedy,omitempty"`
	Command string `json:"command,omitempty" doc:"the command line of the remedy, to be run as it is"`
}

// ApplySandbox is the body of PUT /sandboxes/{name}.
type ApplySandbox struct {
	Spec   sdp.SandboxSpec `json:"spec"`
	Plan   string          `json:"plan,omitempty" doc:"hash of the plan that was looked at: refused if anything changed since"`
	Atomic bool            `json:"atomic,omitempty" doc:"all or nothing; else services that succeed stay"`
	From   string          `json:"from,omitempty" maxLength:"200" doc:"where the definition comes from, for the audit"`
}

// Applied is the answer to what is carried out as a change: apply, clone and restore. Operation is absent where there is
// nothing to do.
type Applied struct {
	Plan        Plan         `json:"plan"`
	Operation   *Operation   `json:"operation,omitempty"`
	Deployments []Deployment `json:"deployments"`
}

// FromPlan is the view of a plan.
func FromPlan(p planning.Plan) Plan {
	return Plan{
		Sandbox: p.Sandbox, New: p.New, Hash: p.Hash, Changes: p.Changes(), Services: List(p.Services, fromPlannedService),
		Settings: List(p.Settings, FromDifference), Environment: List(p.Environment, FromDifference),
		Port: PlannedPort(p.Port), Nodes: List(p.Nodes, fromPlannedNode), Problems: List(p.Problems, fromProblem),
	}
}

func fromPlannedService(v planning.Service) PlannedService {
	out := PlannedService{
		Service: v.Service, Action: cmp.Or(string(v.Action), "none"), Why: List(v.Why, func(s string) string { return s }),
		Node: v.Node, Branch: v.Branch, FromSHA: v.FromSHA, SHA: v.SHA, FromRoute: v.FromRoute, Route: v.Route, Image: v.Image,
		Cached: v.Cached, Vanished: v.Vanished, Limits: v.Limits,
	}
	if len(v.Settings) > 0 {
		out.Settings = List(v.Settings, FromDifference)
	}
	return out
}

// FromDifference is the view of one difference.
func FromDifference(d sdp.Difference) Difference {
	return Difference{What: d.What, Key: d.Key, Kind: string(d.Kind), Before: d.Before, After: d.After}
}

func fromPlannedNode(n planning.Node) PlannedNode {
	return PlannedNode{Node: n.Node, Alive: n.Alive, DiskNeeded: n.DiskNeeded, DiskFree: n.DiskFree,
		GitMillis: millis(n.Asked),
		Images: List(n.Images, func(i planning.RequiredImage) RequiredImage {
			return RequiredImage{Ref: i.Ref, Present: i.Present, Unknown: i.Unknown, Remedy: i.Remedy}
		})}
}

func fromProblem(p planning.Problem) PlanProblem {
	return PlanProblem{Service: p.Service, Kind: string(p.Kind), Code: p.Code, Detail: p.Detail, Remedy: p.Remedy,
		Command: p.Command}
}
