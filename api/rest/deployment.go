package rest

import (
	"time"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// Deployment is one run of the pipeline for one service of one sandbox.
type Deployment struct {
	ID                 string              `json:"id"`
	Sandbox            string              `json:"sandbox"`
	Service            string              `json:"service"`
	Repository         string              `json:"repository"`
	Node               string              `json:"node"`
	Environment        string              `json:"environment,omitempty"`
	EnvironmentVersion int                 `json:"environmentVersion,omitempty" doc:"version of the environment it runs with"`
	Operation          string              `json:"operation,omitempty" doc:"the apply, clone or restore it is a part of"`
	Branch             string              `json:"branch,omitempty"`
	SHA                string              `json:"sha,omitempty"`
	Image              string              `json:"image,omitempty"`
	State              sdp.DeploymentState `json:"state"`
	Settled            bool                `json:"settled" doc:"nothing more happens without a new operation"`
	Cancellable        bool                `json:"cancellable" doc:"a cancel would be accepted now"`
	WaitingFor         string              `json:"waitingFor,omitempty" doc:"while QUEUED: what it waits behind; while it builds: whose build or which slot it waits for; while it is cancelled: who must confirm that"`
	Cancelling         bool                `json:"cancelling,omitempty" doc:"a cancel was accepted, the node has not confirmed it yet"`
	CancelRequestedAt  time.Time           `json:"cancelRequestedAt,omitzero" doc:"when somebody asked for it to be cancelled"`
	TemporalURL        string              `json:"temporalURL,omitempty" doc:"its run in the Temporal Web UI; absent where there is none"`
	Failure            *Failure            `json:"failure,omitempty"`
	SupersededBy       *Superseder         `json:"supersededBy,omitempty" doc:"of one that is CANCELLED: what took its place before it was done"`
	RequestedBy        string              `json:"requestedBy"`
	CreatedAt          time.Time           `json:"createdAt"`
	StartedAt          time.Time           `json:"startedAt,omitzero"`
	FinishedAt         time.Time           `json:"finishedAt,omitzero"`
	Steps              []Step              `json:"steps,omitempty"`
}

// Superseder is what took a deployment's place before it was done: a newer deployment of the same service, or the delete of
// its sandbox.
type Superseder struct {
	ID   string `json:"id" doc:"of the deployment (d-...) or of the delete (o-...)"`
	User string `json:"user" doc:"who asked for it"`
}

// Step is one step of a deployment.
type Step struct {
	Name       sdp.StepName `json:"name"`
	State      string       `json:"state" enum:"pending,running,done,cached,failed,cancelled"`
	StartedAt  time.Time    `json:"startedAt,omitzero"`
	FinishedAt time.Time    `json:"finishedAt,omitzero"`
	Detail     string       `json:"detail,omitempty"`
}

// Failure says why a deployment or an operation failed.
type Failure struct {
	Step    sdp.StepName `json:"step,omitempty"`
	Kind    string       `json:"kind"`
	Code    string       `json:"code"`
	Detail  string       `json:"detail"`
	Remedy  string       `json:"remedy,omitempty"`
	Command string       `json:"command,omitempty" doc:"the command line of the remedy, to be run as it is"`
	Output  string       `json:"output,omitempty" doc:"last lines of the compiler's or the container's output"`
}

// Progress is what the deployment's workflow itself says, straight from Temporal.
type Progress struct {
	Deployment string              `json:"deployment"`
	State      sdp.DeploymentState `json:"state"`
	Settled    bool                `json:"settled" doc:"nothing more happens in it"`
	SHA        string              `json:"sha,omitempty"`
	Steps      []Step              `json:"steps"`
	Failure    *Failure            `json:"failure,omitempty"`
	Cancelling bool                `json:"cancelling,omitempty" doc:"a cancel was accepted, the host has not confirmed it yet"`
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

// FromDeployment is the view of a deployment.
func FromDeployment(d sdp.Deployment, runs Runs) Deployment {
	return Deployment{
		ID: d.ID, Sandbox: d.Sandbox, Service: d.Service, Repository: d.Repository, Node: d.Node,
		Environment: d.Environment, EnvironmentVersion: d.EnvironmentVersion, Operation: d.Operation, Branch: d.Branch,
		SHA: d.SHA, Image: d.Image, State: d.State,
		Settled: d.State.Settled(), Cancellable: d.Cancellable(), WaitingFor: d.Waits(), Failure: fromFailure(d.Failure),
		SupersededBy: fromSuperseder(d.SupersededBy),
		RequestedBy:  d.RequestedBy, CreatedAt: utc(d.CreatedAt), StartedAt: utc(d.StartedAt),
		FinishedAt: utc(d.FinishedAt), Steps: List(d.Steps, fromStep),
		Cancelling: d.Cancelling(), CancelRequestedAt: utc(d.CancelRequestedAt),
		TemporalURL: runs.URL(sdp.OpDeploy, d.ID),
	}
}

// FromProgress is the view of how far a deployment is: by its workflow, or by the database once that is gone. What the
// deployment waits for, the caller knows.
func FromProgress(d sdp.Deployment, p wire.Progress, fromWorkflow bool, waitingFor string, runs Runs) Progress {
	source := "database"
	if fromWorkflow {
		source = "workflow"
	}
	return Progress{
		Deployment: d.ID, State: p.State, Settled: p.State.Settled(), SHA: p.SHA, Steps: List(p.Steps, fromStep),
		Failure: fromFailure(p.Failure), Cancelling: p.Cancelling || d.Cancelling(), Source: source,
		CancelRequestedAt: utc(d.CancelRequestedAt), WaitingFor: waitingFor, TemporalURL: runs.URL(sdp.OpDeploy, d.ID),
	}
}

func fromStep(p sdp.Step) Step {
	return Step{
		Name: p.Name, State: string(p.State), StartedAt: utc(p.StartedAt), FinishedAt: utc(p.FinishedAt),
		Detail: p.Detail,
	}
}

func fromSuperseder(s sdp.Superseder) *Superseder {
	if s.ID == "" {
		return nil
	}
	return &Superseder{ID: s.ID, User: s.User}
}

func fromFailure(f *sdp.Failure) *Failure {
	if f == nil {
		return nil
	}
	return &Failure{
		Step: f.Step, Kind: string(f.Kind), Code: f.Code, Detail: f.Detail, Remedy: f.Remedy, Command: f.Command, Output: f.Output,
	}
}
