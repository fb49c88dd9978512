package rest

import (
	"strings"
	"time"

	"sdp/internal/sdp"
)

// Sandbox is an isolated set of services with one public URL.
type Sandbox struct {
	Name               string            `json:"name"`
	State              sdp.SandboxState  `json:"state"`
	Deleting           bool              `json:"deleting,omitempty"`
	Owner              string            `json:"owner"`
	Description        string            `json:"description,omitempty"`
	Labels             map[string]string `json:"labels,omitempty"`
	Environment        string            `json:"environment,omitempty"`
	EnvironmentVersion int               `json:"environmentVersion,omitempty" doc:"version it is pinned to; absent = the newest at each deployment"`
	Variables          map[string]string `json:"variables,omitempty" doc:"the sandbox's own; they win over the environment's"`
	SecretKeys         []string          `json:"secretKeys,omitempty" doc:"names of the sandbox's own secrets"`
	Limits             sdp.SandboxLimits `json:"limits,omitzero"`
	Expiry             sdp.Expiry        `json:"expiry,omitzero"`
	Gateway            string            `json:"gateway,omitempty" doc:"service that answers at the URL; absent = /<service>/... is routed by path"`
	GatewayNode        string            `json:"gatewayNode"`
	Port               int               `json:"port"`
	PortNote           string            `json:"portNote,omitempty" doc:"why it is not the port that was given first; in the answer to one sandbox only"`
	URL                string            `json:"url" doc:"where phones and browsers reach the sandbox"`
	Health             string            `json:"health" enum:"ok,degraded,down,idle" doc:"ok: what it should run answers; degraded: some of it does not, or nobody knows; down: its URL does not answer, or nothing of its own does; idle: nothing of its own runs, and nothing is wrong with that"`
	HealthReasons      []string          `json:"healthReasons,omitempty" doc:"what the health rests on, for people"`
	LastActivity       time.Time         `json:"lastActivity,omitzero" doc:"start or end of the last request that a router remembers, or when it was last touched; absent if there was neither"`
	RouteVersion       int64             `json:"routeVersion"`
	CreatedAt          time.Time         `json:"createdAt"`
	DeletedAt          time.Time         `json:"deletedAt,omitzero"`
	Services           []Service         `json:"services"`
	Attention          []Attention       `json:"attention,omitempty" doc:"what somebody should know, and do something about"`
}

// Service is one service of a sandbox: what it should run and who answers for it now.
type Service struct {
	Name       string            `json:"name"`
	Branch     string            `json:"branch,omitempty"`
	Commit     string            `json:"commit,omitempty" doc:"commit it is pinned to"`
	Track      bool              `json:"track,omitempty" doc:"deployed again whenever the branch moves"`
	BranchGone time.Time         `json:"branchGone,omitzero" doc:"since when the git server does not have the branch any more"`
	Limits     sdp.Limits        `json:"limits,omitzero"`
	Source     string            `json:"source" enum:"sandbox,ocp,url"`
	URL        string            `json:"url,omitempty"`
	Env        map[string]string `json:"env,omitempty"`
	SecretKeys []string          `json:"secretKeys,omitempty" doc:"names of the secrets set; their values are never shown"`
	Serving    *Container        `json:"serving,omitempty"`
	Health     string            `json:"health" enum:"healthy,degraded,down,starting,stopped,external,unknown" doc:"healthy: its container answers; degraded: it answers, but the newest deployment failed; down: it should answer and does not; starting: its first container is on the way; stopped: nothing answers, and nothing was asked to; external: the shared environment or a URL serves it; unknown: its node does not report"`
	Reason     string            `json:"healthReason,omitempty" doc:"why it is not healthy, for people"`
	Behind     bool              `json:"behind,omitempty" doc:"a restart would give it another version of the environment"`
	Latest     *Deployment       `json:"latest,omitempty"`
}

// Container is one generation of a service.
type Container struct {
	Deployment string `json:"deployment"`
	Name       string `json:"name"`
	Node       string `json:"node"`
	DockerID   string `json:"dockerID,omitempty"`
	Address    string `json:"address,omitempty"`
	Branch     string `json:"branch,omitempty" doc:"it was deployed from; the service's own branch is what was asked for last"`
	SHA        string `json:"sha"`
	Image      string `json:"image"`
	State      string `json:"state" enum:"STARTING,SERVING,RETIRING,STOPPED,REMOVED"`
}

// Attention is something about a sandbox that somebody should know, and what to do about it.
type Attention struct {
	Service string `json:"service,omitempty"`
	Code    string `json:"code"`
	Detail  string `json:"detail"`
	Remedy  string `json:"remedy"`
}

// CreatedSandbox is the answer to POST /sandboxes.
type CreatedSandbox struct {
	Sandbox     Sandbox      `json:"sandbox"`
	Operation   Operation    `json:"operation"`
	Deployments []Deployment `json:"deployments"`
}

// UpdateSandbox is the body of PATCH /sandboxes/{name}. What is absent stays as it is; labels, variables and secrets are
// added to those there are.
type UpdateSandbox struct {
	Description        *string            `json:"description,omitempty" maxLength:"500"`
	Labels             map[string]string  `json:"labels,omitempty" maxProperties:"50"`
	Environment        *string            `json:"environment,omitempty" maxLength:"60" doc:"empty = none"`
	EnvironmentVersion *int               `json:"environmentVersion,omitempty" minimum:"0" doc:"0 = the newest at each deployment"`
	Variables          map[string]string  `json:"variables,omitempty" maxProperties:"200"`
	Secrets            map[string]string  `json:"secrets,omitempty" maxProperties:"200" doc:"never shown again"`
	Unset              []string           `json:"unset,omitempty" maxItems:"400" doc:"names of variables and secrets to remove"`
	UnsetLabels        []string           `json:"unsetLabels,omitempty" maxItems:"50"`
	Limits             *sdp.SandboxLimits `json:"limits,omitempty" doc:"replaces all limits of the sandbox"`
	Expiry             *sdp.Expiry        `json:"expiry,omitempty" doc:"replaces both"`
}

// UpdatedSandbox is the answer to PATCH /sandboxes/{name}.
type UpdatedSandbox struct {
	Sandbox Sandbox  `json:"sandbox"`
	Behind  []string `json:"behind" doc:"services that run with other settings than a restart would give them"`
}

// FromSandbox is the view of a sandbox as it is now, which depends on its nodes.
func FromSandbox(b sdp.Sandbox, nodes Nodes) Sandbox {
	traffic := sdp.TrafficOf(b.Traffic, nodes.Now)
	judged, services := b.Judge(traffic, nodes.Trouble)
	return Sandbox{
		Name: b.Name, State: b.State, Deleting: b.Deleting, Owner: b.Owner, Description: b.Description,
		Labels: b.Labels, Environment: b.Environment, EnvironmentVersion: b.EnvironmentVersion, Variables: b.Variables,
		SecretKeys: b.SecretKeys, Limits: b.Limits, Expiry: b.Expiry, Gateway: b.Gateway, GatewayNode: b.GatewayNode, Port: b.Port,
		URL: nodes.URL(b.GatewayNode, b.Port), RouteVersion: b.RouteVersion,
		CreatedAt: utc(b.CreatedAt), DeletedAt: utc(b.DeletedAt),
		Health: string(judged.Health), HealthReasons: judged.Reasons, LastActivity: utc(b.LastUsed(traffic)),
		Services:  List(b.Services, func(v sdp.Service) Service { return fromService(v, services[v.Name], nodes.Runs) }),
		Attention: List(b.Attention(), fromAttention),
	}
}

func fromService(v sdp.Service, judged sdp.Judged[sdp.ServiceHealth], runs Runs) Service {
	out := Service{
		Name: v.Name, Branch: v.Branch, Commit: v.Commit, Track: v.Track, BranchGone: utc(v.BranchGone),
		Limits: v.Limits, Source: string(v.Source), URL: v.URL, Env: v.Env, SecretKeys: v.SecretKeys,
		Behind: v.Behind, Health: string(judged.Health), Reason: strings.Join(judged.Reasons, "; "),
	}
	if v.Serving != nil {
		c := fromContainer(*v.Serving)
		out.Serving = &c
	}
	if v.Latest != nil {
		d := FromDeployment(*v.Latest, runs)
		out.Latest = &d
	}
	return out
}

func fromContainer(c sdp.Container) Container {
	return Container{
		Deployment: c.Deployment, Name: sdp.ContainerName(c.Sandbox, c.Service), Node: c.Node, DockerID: c.DockerID,
		Address: c.Address, Branch: c.Branch, SHA: c.SHA, Image: c.Image, State: string(c.State),
	}
}

func fromAttention(a sdp.Attention) Attention { return Attention(a) }
