package sdp

import "time"

// NodeType says what a node is for.
type NodeType string

const (
	Micro   NodeType = "MICRO"   // runs Go services
	Gateway NodeType = "GATEWAY" // runs the API gateway and owns the sandboxes' public ports
	Infra   NodeType = "INFRA"   // databases and brokers
)

// Node is a machine with a worker and a router, as its worker last registered it.
type Node struct {
	Name          string
	Type          NodeType
	Address       string // host name or IP at which other nodes and browsers reach it
	MeshPort      int    // port of its router's listener for other nodes' routers
	PortFirst     int    // first public port of the range its router may own; 0 = none
	PortLast      int    // last public port of that range, inclusive
	KeyID         string // which of the node's key pairs PublicKey is
	PublicKey     []byte // HPKE public key that credentials and secrets are sealed to
	Builds        int    // how many builds may run at once
	Limits        Limits // of a container for which nothing else is said
	Version       string // version of the worker
	DockerVersion string
	RegisteredAt  time.Time
	LastSeen      time.Time // last heartbeat, by the database's clock
	Health        NodeHealth
}

// NodeHealth is what a worker reports with each heartbeat.
type NodeHealth struct {
	DockerError   string // "" while the Docker daemon answers
	RouterError   string // "" while the router answers
	DiskFree      int64  // bytes free where checkouts and images live
	DiskTotal     int64  // bytes
	MemoryFree    int64  // bytes available
	MemoryTotal   int64  // bytes
	CPUs          int
	Load1         float64 // one-minute load average
	RunningBuilds int
	ImagesUsed    int // percent of the disk that is used where Docker keeps its images; 0 = unknown
	Watermark     int // percent of that above which the node removes images nothing needs; 0 = never
}

// AboveWatermark reports whether the disk with the node's images is fuller than its configuration allows.
func (h NodeHealth) AboveWatermark() bool { return h.Watermark > 0 && h.ImagesUsed > h.Watermark }

// LivenessLimit is how old a node's last heartbeat may be before the node counts as down. Workers beat every
// HeartbeatEvery, so a node is given several chances.
const (
	LivenessLimit  = 12 * time.Second
	HeartbeatEvery = 2 * time.Second
)

// Alive reports whether the node's worker was heard of within LivenessLimit.
func (n Node) Alive(now time.Time) bool { return now.Sub(n.LastSeen) <= LivenessLimit }

// RepositoryKind says how a repository becomes an image.
type RepositoryKind string

const (
	GoRepository         RepositoryKind = "go"         // `go build` on the host, the binary on a base image
	DockerfileRepository RepositoryKind = "dockerfile" // the repository's own Dockerfile
)

// Repository is a git clone configured on a node. Its name is also the name of the service it provides.
type Repository struct {
	Name       string
	Node       string
	NodeType   NodeType
	Kind       RepositoryKind
	RemoteURL  string // of "origin", without any user information
	Port       int    // port the service listens on inside its container
	HealthPath string // "" = healthy when the port accepts connections
	OCP        string // URL at which the shared environment serves it; "" = it does not
	// Variables are the repository's defaults: the lowest layer of what its service finds in its environment.
	Variables   map[string]string
	UpstreamEnv string // pattern such as "{{SERVICE}}_URL": for each other service, a variable that holds its address
}

// IsGateway reports whether the repository provides the API gateway: it is one configured on a GATEWAY node.
func (r Repository) IsGateway() bool { return r.NodeType == Gateway }

// Branch is a branch of a repository as its git server has it now.
type Branch struct {
	Name string
	SHA  string
	// Subject, Author and CommittedAt describe the commit. They are zero where the node's clone does not have it and the git
	// server does not give out commits alone.
	Subject     string
	Author      string
	CommittedAt time.Time
}

// NodeRegistration is what a worker sends when it starts.
type NodeRegistration struct {
	Node         Node
	Repositories []Repository
}

// Desired is what the control plane wants a node to run: the other half of the reconciler's comparison.
type Desired struct {
	Tables     []RoutingTable
	Containers []Container
	Busy       []ServiceRef // services with an operation in progress: leave them alone
	MeshToken  string       // shared by the instance's routers
}

// ServiceRef names a service of a sandbox.
type ServiceRef struct{ Sandbox, Service string }

// Correction is one thing the reconciler found different from the database and what it did about it.
type Correction struct {
	Sandbox string
	Service string
	// Deployment is the generation concerned, "" where there is none.
	Deployment string
	What       string // past tense, for the audit: "started stopped container sandbox-x-account"
	// Address is the container's address if it changed; State its new state if that changed. Both may be empty.
	Address string
	State   ContainerState
}
