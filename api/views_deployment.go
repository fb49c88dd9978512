package api

import "time"

// Deployment is one run of the pipeline for one service of one sandbox.
type Deployment struct {
	ID                 string    `json:"id"`
	Sandbox            string    `json:"sandbox"`
	Service            string    `json:"service"`
	Repository         string    `json:"repository"`
	Node               string    `json:"node"`
	Environment        string    `json:"environment,omitempty"`
	EnvironmentVersion int       `json:"environmentVersion,omitempty" doc:"version of the environment it runs with"`
	Operation          string    `json:"operation,omitempty" doc:"the apply, clone or restore it is a part of"`
	Branch             string    `json:"branch,omitempty"`
	SHA                string    `json:"sha,omitempty"`
	Image              string    `json:"image,omitempty"`
	State              string    `json:"state" enum:"QUEUED,FETCHING,CHECKOUT,BUILDING,CREATING_IMAGE,STARTING_CONTAINER,RUNNING,FAILED,STOPPED,CANCELLED"`
	Settled            bool      `json:"settled" doc:"nothing more happens without a new operation"`
	WaitingFor         string    `json:"waitingFor,omitempty" doc:"while QUEUED: what it waits behind; while it is cancelled: who must confirm that"`
	Cancelling         bool      `json:"cancelling,omitempty" doc:"a cancel was accepted, the node has not confirmed it yet"`
	CancelRequestedAt  time.Time `json:"cancelRequestedAt,omitzero" doc:"when somebody asked for it to be cancelled"`
	TemporalURL        string    `json:"temporalURL,omitempty" doc:"its run in the Temporal Web UI; absent where there is none"`
	Failure            *Failure  `json:"failure,omitempty"`
	RequestedBy        string    `json:"requestedBy"`
	CreatedAt          time.Time `json:"createdAt"`
	StartedAt          time.Time `json:"startedAt,omitzero"`
	FinishedAt         time.Time `json:"finishedAt,omitzero"`
	Steps              []Step    `json:"steps,omitempty"`
}

// Step is one step of a deployment.
type Step struct {
	Name       string    `json:"name" enum:"resolve,fetch,checkout,build,image,start,route"`
	State      string    `json:"state" enum:"pending,running,done,cached,failed,cancelled"`
	StartedAt  time.Time `json:"startedAt,omitzero"`
	FinishedAt time.Time `json:"finishedAt,omitzero"`
	Detail     string    `json:"detail,omitempty"`
}

// Failure says why a deployment or an operation failed.
type Failure struct {
	Step   string `json:"step,omitempty"`
	Kind   string `json:"kind"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
	Remedy string `json:"remedy,omitempty"`
	Output string `json:"output,omitempty" doc:"last lines of the compiler's or the container's output"`
}

// Progress is what the deployment's workflow itself says, straight from Temporal.
type Progress struct {
	Deployment string   `json:"deployment"`
	State      string   `json:"state"`
	SHA        string   `json:"sha,omitempty"`
	Steps      []Step   `json:"steps"`
	Failure    *Failure `json:"failure,omitempty"`
	Cancelling bool     `json:"cancelling,omitempty" doc:"a cancel was accepted, the host has not confirmed it yet"`
	// These three are the database's, which hears of a cancel before the workflow does.
	CancelRequestedAt time.Time `json:"cancelRequestedAt,omitzero" doc:"when somebody asked for it to be cancelled"`
	WaitingFor        string    `json:"waitingFor,omitempty" doc:"what it waits for: as in Deployment"`
	TemporalURL       string    `json:"temporalURL,omitempty" doc:"its run in the Temporal Web UI"`
	Source            string    `json:"source" enum:"workflow,database" doc:"database once the workflow is gone from Temporal"`
}

// Deploy is the body of POST /sandboxes/{name}/deployments. Env and Secrets apply to each of the services and stay set
// for their later deployments.
type Deploy struct {
	Services []DeployService   `json:"services" minItems:"1" maxItems:"50"`
	Env      map[string]string `json:"env,omitempty" maxProperties:"200"`
	Secrets  map[string]string `json:"secrets,omitempty" maxProperties:"200"`
}

// DeployService asks for one service: exactly one of branch and commit.
type DeployService struct {
	Service string `json:"service"`
	Branch  string `json:"branch,omitempty"`
	Commit  string `json:"commit,omitempty" doc:"full commit"`
}

// Deployments is the answer to POST /sandboxes/{name}/deployments.
type Deployments struct {
	Deployments []Deployment `json:"deployments"`
}
