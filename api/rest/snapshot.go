package rest

import (
	"time"

	"sdp/internal/sdp"
	"sdp/internal/sdp/planning"
)

// CloneContract says beforehand what a clone does with each part of a sandbox.
type CloneContract struct {
	Sandbox string         `json:"sandbox"`
	Name    string         `json:"name" doc:"of the clone"`
	Follow  bool           `json:"follow,omitempty"`
	Items   []ContractItem `json:"items"`
}

// ContractItem is one line of a clone's contract.
type ContractItem struct {
	What        string `json:"what" example:"secret"`
	Service     string `json:"service,omitempty" doc:"absent = of the sandbox"`
	Key         string `json:"key,omitempty"`
	Disposition string `json:"disposition" enum:"copied,regenerated,shared"`
	Detail      string `json:"detail,omitempty"`
}

// CloneSandbox asks for a clone.
type CloneSandbox struct {
	Name   string `json:"name" doc:"of the clone"`
	Follow bool   `json:"follow,omitempty" doc:"take the branches' newest commits; absent = the commits that run in the sandbox"`
}

// Snapshot is a frozen sandbox to go back to.
type Snapshot struct {
	ID          string              `json:"id"`
	Sandbox     string              `json:"sandbox" doc:"it was taken of"`
	SandboxGone bool                `json:"sandboxGone,omitempty" doc:"that sandbox was deleted since"`
	Name        string              `json:"name"`
	Description string              `json:"description,omitempty"`
	Author      string              `json:"author"`
	CreatedAt   time.Time           `json:"createdAt"`
	Spec        sdp.SandboxSpec     `json:"spec" doc:"each deployed service at its commit, the environment at its version"`
	Images      []SnapshotImage     `json:"images" doc:"kept on their nodes while the snapshot exists"`
	SecretKeys  map[string][]string `json:"secretKeys" doc:"names of the secrets it holds, by service; those of the sandbox itself are below \"\""`
}

// SnapshotImage is the image a service of a snapshot ran.
type SnapshotImage struct {
	Service string `json:"service"`
	Node    string `json:"node"`
	Image   string `json:"image"`
	SHA     string `json:"sha"`
}

// CreateSnapshot asks for a snapshot of a sandbox.
type CreateSnapshot struct {
	Name        string `json:"name" doc:"[a-z0-9-], up to 40 characters; unique within the sandbox"`
	Description string `json:"description,omitempty" maxLength:"500"`
}

// SnapshotDiff says in what a sandbox differs from a snapshot of it.
type SnapshotDiff struct {
	Snapshot    string       `json:"snapshot"`
	Sandbox     string       `json:"sandbox"`
	Differences []Difference `json:"differences" doc:"before: in the snapshot; after: now"`
}

// RestoreSnapshot asks to go back to a snapshot.
type RestoreSnapshot struct {
	Sandbox string `json:"sandbox,omitempty" doc:"name of a new sandbox to restore into; absent = the one it was taken of"`
	Atomic  bool   `json:"atomic,omitempty" doc:"all or nothing; a new sandbox is always made all or not at all"`
	Plan    string `json:"plan,omitempty" doc:"hash of the plan that was looked at: refused if anything changed since"`
}

// FromContractItem is the view of one line of a clone's contract.
func FromContractItem(i planning.ContractItem) ContractItem {
	return ContractItem{What: i.What, Service: i.Service, Key: i.Key, Disposition: string(i.Disposition), Detail: i.Detail}
}

// FromSnapshot is the view of a snapshot.
func FromSnapshot(n sdp.Snapshot) Snapshot {
	return Snapshot{ID: n.ID, Sandbox: n.Sandbox, SandboxGone: n.Gone, Name: n.Name, Description: n.Description, Author: n.Author,
		CreatedAt: utc(n.CreatedAt), Spec: n.Spec, SecretKeys: n.SecretKeys,
		Images: List(n.Images, func(i sdp.SnapshotImage) SnapshotImage { return SnapshotImage(i) })}
}
