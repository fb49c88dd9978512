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
	Name         string
	State        SandboxState
	Owner        string
	Description  string
	Environment  string // name of the environment injected into its services; "" = none
	Gateway      string // service (repository) that is the gateway; "" = the router routes by path prefix
	GatewayNode  string // node that owns Port
	Port         int    // public port on GatewayNode
	RouteVersion int64  // grows with each change of routes
	Deleting     bool   // a delete was accepted and is not finished
	CreatedAt    time.Time
	DeletedAt    time.Time
	Services     []Service // sorted by name
}

// Service is one service of a sandbox: what it should run and who answers for it now.
type Service struct {
	Sandbox string
	Name    string
	Branch  string // branch last asked for; "" if the service never had one here
	Source  Source // who answers
	URL     string // for SourceURL
	// Env holds variables set with a deployment; SecretKeys the names of secrets set with it.
	Env        map[string]string
	SecretKeys []string
	// Serving is the container that answers, nil if none does.
	Serving *Container
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

// SandboxSpec is a sandbox as a person asks for it (sandbox.yaml, and the body of a create request).
type SandboxSpec struct {
	Name        string
	Description string
	Environment string
	Gateway     *ServiceSpec // nil = no gateway container
	Services    map[string]ServiceSpec
}

// ServiceSpec says what one service should be. Exactly one of Branch, UseOCP and URL is set.
type ServiceSpec struct {
	Repository string // for the gateway only: which repository; "" = the only one configured
	Branch     string
	UseOCP     bool
	URL        string
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
	SHA        string
	Image      string
	State      ContainerState
}
