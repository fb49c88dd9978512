package api

// SandboxSpec is a sandbox as a person asks for it: the body of POST /sandboxes, of PUT /sandboxes/{name} and of plans.
// It is the whole truth about the sandbox, save for its secrets and its owner, which stay as they are.
type SandboxSpec struct {
	Name               string                 `json:"name" doc:"[a-z0-9-], up to 30 characters"`
	Description        string                 `json:"description,omitempty" maxLength:"500"`
	Labels             map[string]string      `json:"labels,omitempty" maxProperties:"50"`
	Environment        string                 `json:"environment,omitempty" maxLength:"60"`
	EnvironmentVersion int                    `json:"environmentVersion,omitempty" minimum:"0" doc:"absent = the newest at each deployment"`
	Variables          map[string]string      `json:"variables,omitempty" maxProperties:"200" doc:"for all services; they win over the environment's"`
	Limits             *SandboxLimits         `json:"limits,omitempty"`
	Expiry             *Expiry                `json:"expiry,omitempty"`
	Gateway            *GatewaySpec           `json:"gateway,omitempty" doc:"absent = no gateway container, requests are routed by path"`
	Services           map[string]ServiceSpec `json:"services,omitempty" maxProperties:"100"`
}

// GatewaySpec asks for a gateway from a branch, or pinned to a commit.
type GatewaySpec struct {
	Repository string            `json:"repository,omitempty" doc:"absent = the only gateway repository there is"`
	Branch     string            `json:"branch,omitempty"`
	Commit     string            `json:"commit,omitempty" doc:"full commit to stay at"`
	Track      bool              `json:"track,omitempty" doc:"deploy again whenever the branch moves"`
	Variables  map[string]string `json:"variables,omitempty" maxProperties:"200"`
	Limits     *Limits           `json:"limits,omitempty"`
}

// ServiceSpec says what one service should be: exactly one of branch or commit, useOCP, and url. A branch beside a commit
// says where the commit is from.
type ServiceSpec struct {
	Branch    string            `json:"branch,omitempty"`
	Commit    string            `json:"commit,omitempty" doc:"full commit to stay at"`
	Track     bool              `json:"track,omitempty" doc:"deploy again whenever the branch moves"`
	UseOCP    bool              `json:"useOCP,omitempty"`
	URL       string            `json:"url,omitempty"`
	Variables map[string]string `json:"variables,omitempty" maxProperties:"200" doc:"they win over the sandbox's"`
	Limits    *Limits           `json:"limits,omitempty"`
}

// Limits bound one container. What is absent is decided by the sandbox, then by the node.
type Limits struct {
	CPUs   float64 `json:"cpus,omitempty" minimum:"0"`
	Memory int64   `json:"memory,omitempty" minimum:"0" doc:"bytes"`
	PIDs   int64   `json:"pids,omitempty" minimum:"0"`
}

// SandboxLimits bound a sandbox: each container, and all of them together.
type SandboxLimits struct {
	Container *Limits `json:"container,omitempty" doc:"default for each container"`
	Total     *Limits `json:"total,omitempty" doc:"the containers' limits may not add up to more"`
}

// Expiry says when a sandbox nobody uses is suspended and deleted. Absent members mean the installation's defaults.
type Expiry struct {
	IdleAfter   string `json:"idleAfter,omitempty" example:"72h" doc:"suspend after so long without a request"`
	DeleteAfter string `json:"deleteAfter,omitempty" example:"336h" doc:"delete so long after it was suspended"`
}
