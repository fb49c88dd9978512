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
	RouteVersion int64  // grows with each change of routes
	Deleting     bool   // a delete was accepted and is not finished
	CreatedAt    time.Time
	DeletedAt    time.Time
	Services     []Service // sorted by name
	// Tracking is what the owner stored to have branches watched.
	Tracking TrackingCredential
	// Traffic is what the nodes' routers counted, each for itself; see TrafficOf.
	Traffic []SandboxTraffic
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

// SandboxSpec is a sandbox as a person asks for it: sandbox.yaml, the body of a create or apply request, and what
// templates, clones and snapshots come down to. It holds no secrets. It is the whole truth about the sandbox: what it
// does not mention is not, or no longer, part of it; only secrets and the owner stay as they are.
type SandboxSpec struct {
	Name        string
	Description string
	Labels      map[string]string
	Environment string
	// EnvironmentVersion pins a version; 0 = the newest at each deployment.
	EnvironmentVersion int
	Variables          map[string]string
	Limits             SandboxLimits
	Expiry             Expiry
	Gateway            *ServiceSpec // nil = no gateway container
	Services           map[string]ServiceSpec
}

// ServiceSpec says what one service should be. Exactly one of Branch or Commit, UseOCP, and URL is set; Branch beside
// Commit says where the commit is from.
type ServiceSpec struct {
	Repository string // for the gateway only: which repository; "" = the only one configured
	Branch     string
	Commit     string // full commit to stay at; "" = the branch's newest
	Track      bool   // with Branch and without Commit: deploy again whenever the branch moves
	UseOCP     bool
	URL        string
	Variables  map[string]string
	Limits     Limits
}

// Expiry says when a sandbox nobody uses is suspended and deleted. Zero members mean the installation's defaults.
type Expiry struct {
	IdleAfter   time.Duration // suspend after so long without a request
	DeleteAfter time.Duration // delete so long after it was suspended
}

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
	Deployment string // also its generation
	Sandbox    string
	Service    string
	Node       string
	DockerID   string
	Address    string // "ip:port" on its node
	Branch     string // it was deployed from; read with a sandbox only
	SHA        string
	Image      string
	State      ContainerState
}
