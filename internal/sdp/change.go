package sdp

import "time"

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
	Service    string     `json:"service"`
	Kind       ActionKind `json:"kind"`
	Deployment string     `json:"deployment"` // ID of the deployment, for deploy and restart
	Source     Source     `json:"source"`     // for route
	URL        string     `json:"url"`        // for route to a URL
}

// TakesOut reports whether the service's container stops answering, and no other one takes over.
func (a Action) TakesOut() bool {
	return a.Kind == ActionRemove || a.Kind == ActionRoute && a.Source != SourceSandbox
}

// Snapshot is a frozen sandbox to go back to: commits, images, environment version, routes, limits and, sealed, the
// secrets it had. While it exists its images are never cleaned away.
type Snapshot struct {
	ID          string // "s-..."
	Sandbox     string // it was taken of
	Name        string // unique within the sandbox
	Description string
	Author      string
	CreatedAt   time.Time
	Spec        SandboxSpec     // every deployed service pinned to its commit, the environment to its version
	Images      []SnapshotImage // one for each deployed service
	// SecretKeys are the names of the secrets it holds, by service; "" for the sandbox's own.
	SecretKeys map[string][]string
	Gone       bool // the sandbox was deleted since
}

// SnapshotImage is the image a service of a snapshot ran.
type SnapshotImage struct {
	Service string
	Node    string
	Image   string
	SHA     string
}

// SnapshotImages are the images a sandbox's services run; of a stopped one, what it ran last.
func SnapshotImages(sandbox Sandbox) []SnapshotImage {
	var images []SnapshotImage
	for _, v := range sandbox.Services {
		switch c, d := v.Serving, v.Latest; {
		case v.Source != SourceSandbox:
		case c != nil:
			images = append(images, SnapshotImage{Service: v.Name, Node: c.Node, Image: c.Image, SHA: c.SHA})
		case d != nil && d.State == DeployStopped && d.Image != "":
			images = append(images, SnapshotImage{Service: v.Name, Node: d.Node, Image: d.Image, SHA: d.SHA})
		}
	}
	return images
}
