package sdp

import "time"

// SandboxState is where a sandbox is in its life.
type SandboxState string

const (
	Active    SandboxState = "ACTIVE"    // serves, and can be changed
	Suspended SandboxState = "SUSPENDED" // containers stopped, everything kept
	Expired   SandboxState = "EXPIRED"   // suspended for good, kept until it is deleted
	Deleted   SandboxState = "DELETED"   // gone; the row is kept for history
)

// Sandbox is an isolated set of services with one public URL.
type Sandbox struct {
	Name        string
	State       SandboxState
	Owner       string
	Description string
	Labels      map[string]string
	Environment string // name of the environment injected into its services; "" = none
	// EnvironmentVersion pins a version of the environment, as restoring a snapshot does; 0 = always the newest.
	EnvironmentVersion int
	// Variables and SecretKeys are the sandbox's own layer: they win over the environment's, a service's win over them.
	Variables    map[string]string
	SecretKeys   []string
	Limits       SandboxLimits
	Expiry       Expiry
	Gateway      string // service (repository) that is the gateway; "" = the router routes by path prefix
	GatewayNode  string // node that owns Port
	Port         int    // public port on GatewayNode
	PortHeld     bool   // another program holds Port
	RouteVersion int64  // grows with each change of routes
	Deleting     bool   // a delete was accepted and is not finished
	CreatedAt    time.Time
	DeletedAt    time.Time
	TouchedAt    time.Time // when somebody last marked it as used; zero = nobody did
	Services     []Service // sorted by name
	// Tracking is what the owner stored to have branches watched.
	Tracking TrackingCredential
	// Traffic is what the nodes' routers counted, each for itself; see TrafficOf.
	Traffic []SandboxTraffic
}

// LastUsed is when the sandbox last had a request, by what routers counted, or was touched; zero = never.
func (s Sandbox) LastUsed(counted SandboxTraffic) time.Time {
	if s.TouchedAt.After(counted.LastActivity) {
		return s.TouchedAt
	}
	return counted.LastActivity
}

// Service is one service of a sandbox: what it should run and who answers for it now.
type Service struct {
	Sandbox string
	Name    string
	Branch  string // branch last asked for; "" if the service never had one here
	Commit  string // commit it is pinned to; "" = the branch decides
	Track   bool   // deploy again whenever the branch moves
	// BranchGone is since when the git server is known not to have Branch any more; zero = it has it.
	BranchGone time.Time
	// WatchProblem is why the branch could not be looked at when that was last tried; "" = it could.
	WatchProblem string

	Limits Limits // of the service's container; zero members = the sandbox's, else the node's
	Source Source // who answers
	URL    string // for SourceURL
	// Env holds variables set with a deployment; SecretKeys the names of secrets set with it.
	Env        map[string]string
	SecretKeys []string
	// Serving is the container that answers, nil if none does.
	Serving *Container
	// Behind is whether a restart would give what serves another version of the environment.
	Behind bool
	// Latest is the newest deployment, nil if there was none.
	Latest *Deployment
}

// Source says who answers for a service in a sandbox.
type Source string

const (
	SourceSandbox Source = "sandbox" // the sandbox's own container; with none running the router answers 503, never OCP
	SourceOCP     Source = "ocp"     // the shared environment
	SourceURL     Source = "url"     // any URL
)

// ContainerState is where a container is in its life.
type ContainerState string

const (
	Starting ContainerState = "STARTING" // created, not yet answering for anything
	Serving  ContainerState = "SERVING"  // the route's target
	Retiring ContainerState = "RETIRING" // replaced; finishes the requests it has
	Stopped  ContainerState = "STOPPED"  // stopped on purpose, kept
	Removed  ContainerState = "REMOVED"
)

// Container is one generation of a service: what one deployment started.
type Container struct {
	Deployment string         `json:"deployment"` // also its generation
	Sandbox    string         `json:"sandbox"`
	Service    string         `json:"service"`
	Node       string         `json:"node"`
	DockerID   string         `json:"dockerID"`
	Address    string         `json:"address"` // "ip:port" on its node
	Branch     string         `json:"branch"`  // it was deployed from; read with a sandbox only
	SHA        string         `json:"sha"`
	Image      string         `json:"image"`
	State      ContainerState `json:"state"`
}
