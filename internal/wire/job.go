package wire

import (
	"time"

	"sdp/internal/sdp"
)

// Job is a deployment on its way: what is deployed, from where, and with what. The workflow loads it once and gives each
// step what that needs of it. Credentials and Secrets are sealed to the node, for this deployment only.
type Job struct {
	Deployment  string             `json:"deployment"`
	Sandbox     string             `json:"sandbox"`
	Service     string             `json:"service"`
	Repository  string             `json:"repository"`
	Node        string             `json:"node"`
	Kind        sdp.RepositoryKind `json:"kind"`
	Branch      string             `json:"branch"` // "" = SHA is given
	SHA         string             `json:"sha"`    // what was asked for; from the fetch on what is deployed
	Image       string             `json:"image"`  // of SHA: known beforehand, or what the fetch found or named; "" = none is known
	Credentials sdp.SealedBox      `json:"credentials,omitzero"`
	Env         map[string]string  `json:"env,omitempty"`
	Secrets     sdp.SealedBox      `json:"secrets,omitzero"` // Confidential as JSON; empty box = none
	Limits      sdp.Limits         `json:"limits,omitzero"`  // of the container; zero members = the node's
	// Table is for the start only: the sandbox's as it is by then. It is applied first, so that the new container finds its
	// neighbours.
	Table RoutingTable `json:"table,omitzero"`
}

// ToFetch is what the fetch needs of the job: no settings.
func (j Job) ToFetch() Job {
	j.Env, j.Secrets, j.Limits = nil, sdp.SealedBox{}, sdp.Limits{}
	return j
}

// ToBuild is what checkout, build and image need of the job of the commit that was fetched: secrets only, to mask what a
// build prints.
func (j Job) ToBuild(f Fetched) Job {
	j.SHA, j.Image = f.SHA, f.Image
	j.Credentials, j.Env, j.Limits = sdp.SealedBox{}, nil, sdp.Limits{}
	return j
}

// ToStart is what the start needs of the job of the commit that was fetched: all but the credentials.
func (j Job) ToStart(f Fetched, table RoutingTable) Job {
	j.SHA, j.Image, j.Table = f.SHA, f.Image, table
	j.Credentials = sdp.SealedBox{}
	return j
}

// Fetched says which commit is deployed and whether its image exists already.
type Fetched struct {
	SHA    string `json:"sha"`
	Image  string `json:"image"`  // content-addressed name
	Cached bool   `json:"cached"` // Image exists on the node: checkout, build and image are skipped
	Detail string `json:"detail"` // one line for the step
	// Resolved is how long it took to learn the commit, the first part of the whole.
	Resolved time.Duration `json:"resolved"`
}

// Begun says how far a deployment is with the step that has just begun, in a question to the database that the step has anyway.
type Begun struct {
	Progress  Progress      `json:"progress"`
	Sandbox   string        `json:"sandbox,omitempty"`
	Container sdp.Container `json:"container,omitzero"` // that is to serve
}

// Progress is how far a deployment is: what its workflow publishes and what its "progress" query answers.
type Progress struct {
	Deployment string              `json:"deployment"`
	State      sdp.DeploymentState `json:"state"`
	SHA        string              `json:"sha"`
	Image      string              `json:"image"`
	Steps      []sdp.Step          `json:"steps"`
	Failure    *sdp.Failure        `json:"failure"`
	Cancelling bool                `json:"cancelling"` // a cancel was accepted and the node has not confirmed it yet
}
