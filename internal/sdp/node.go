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
	Name          string    `json:"name"`
	Type          NodeType  `json:"type"`
	Address       string    `json:"address"`   // host name or IP at which other nodes and browsers reach it
	MeshPort      int       `json:"meshPort"`  // port of its router's listener for other nodes' routers
	PortFirst     int       `json:"portFirst"` // first public port of the range its router may own; 0 = none
	PortLast      int       `json:"portLast"`  // last public port of that range, inclusive
	KeyID         string    `json:"keyID"`     // which of the node's key pairs PublicKey is
	PublicKey     []byte    `json:"publicKey"` // HPKE public key that credentials and secrets are sealed to
	Builds        int       `json:"builds"`    // how many builds may run at once
	Limits        Limits    `json:"limits"`    // of a container for which nothing else is said
	Version       string    `json:"version"`   // version of the worker
	DockerVersion string    `json:"dockerVersion"`
	RegisteredAt  time.Time `json:"-"`
	LastSeen      time.Time `json:"-"` // last heartbeat, by the database's clock
	// SilentFor is how long ago that was when the node was read, by the same clock: others may differ by minutes.
	SilentFor time.Duration `json:"-"`
	Health    NodeHealth    `json:"-"`
	Cordoned  Mark          `json:"-"` // since when nothing new is placed on it; zero = it takes work
	// TokenIssued is when the token was issued that its worker registered with; zero for one that does not say.
	TokenIssued time.Time `json:"-"`
}

// Mark says who did something to a node, and when. Zero = nobody did.
type Mark struct {
	By string
	At time.Time
}

// NodeWork is what a node has to do with: what keeps it from being removed.
type NodeWork struct {
	Containers  []Container
	Deployments []OperationRef // under way
	Ports       []TakenPort    // of sandboxes whose public port it has
}

// None reports whether there is nothing.
func (w NodeWork) None() bool { return len(w.Containers)+len(w.Deployments)+len(w.Ports) == 0 }

// NodeHealth is what a worker reports with each heartbeat.
type NodeHealth struct {
	DockerError   string  `json:"dockerError"`           // "" while the Docker daemon answers
	RouterError   string  `json:"routerError"`           // "" while the router answers
	ConfigError   string  `json:"configError,omitempty"` // why the node's changed configuration does not count; "" = it does
	DiskFree      int64   `json:"diskFree"`              // bytes free where checkouts and images live
	DiskTotal     int64   `json:"diskTotal"`             // bytes
	MemoryFree    int64   `json:"memoryFree"`            // bytes available
	MemoryTotal   int64   `json:"memoryTotal"`           // bytes
	CPUs          int     `json:"cpus"`
	Load1         float64 `json:"load1"` // one-minute load average
	RunningBuilds int     `json:"runningBuilds"`
	ImagesUsed    int     `json:"imagesUsed"` // percent of the disk that is used where Docker keeps its images; 0 = unknown
	Watermark     int     `json:"watermark"`  // percent of that above which the node removes images nothing needs; 0 = never
	// PortHeld names the sandboxes whose public port on this node its router cannot open.
	PortHeld []string `json:"portHeld,omitempty"`
	// Refused is why the server takes nothing from the worker; "" = it does. The server sets it, not the worker.
	Refused string `json:"-"`
	// ClockAhead is how much the node's clock is ahead of the server's, less than 0 = behind. The server measures it.
	ClockAhead time.Duration `json:"-"`
}

// LivenessLimit is how old a node's last heartbeat may be before the node counts as down. Workers beat every
// HeartbeatEvery, so a node is given several chances.
const (
	LivenessLimit  = 12 * time.Second
	HeartbeatEvery = 2 * time.Second
)

// MaxClockSkew is how much the clocks of node and server may differ before somebody should set them: what is sealed to a node
// expires by the node's clock.
const MaxClockSkew = 30 * time.Second

// Alive reports whether the node's worker was heard of within LivenessLimit and is not refused.
func (n Node) Alive() bool { return n.Health.Refused == "" && n.SilentFor <= LivenessLimit }

// RepositoryKind says how a repository becomes an image.
type RepositoryKind string

const (
	GoRepository         RepositoryKind = "go"         // `go build` on the host, the binary on a base image
	DockerfileRepository RepositoryKind = "dockerfile" // the repository's own Dockerfile
)

// Repository is a git clone configured on a node. Its name is also the name of the service it provides.
type Repository struct {
	Name       string         `json:"name"`
	Node       string         `json:"node"`
	NodeType   NodeType       `json:"nodeType"`
	Kind       RepositoryKind `json:"kind"`
	RemoteURL  string         `json:"remoteURL"`  // of "origin", without any user information
	Port       int            `json:"port"`       // port the service listens on inside its container
	HealthPath string         `json:"healthPath"` // "" = healthy when the port accepts connections
	OCP        string         `json:"ocp"`        // URL at which the shared environment serves it; "" = it does not
	// Variables are the repository's defaults: the lowest layer of what its service finds in its environment.
	Variables map[string]string `json:"variables"`
	// pattern such as "{{SERVICE}}_URL": for each other service, a variable that holds its address
	UpstreamEnv string `json:"upstreamEnv"`
	// Problem is why the node cannot use the repository; "" = it can. Of one that it cannot use only name and node are right.
	Problem string `json:"problem,omitempty"`
}

// IsGateway reports whether the repository provides the API gateway: it is one configured on a GATEWAY node.
func (r Repository) IsGateway() bool { return r.NodeType == Gateway }

// Branch is a branch of a repository as its git server has it now.
type Branch struct {
	Name string `json:"name"`
	SHA  string `json:"sha"`
	// Subject, Author and CommittedAt describe the commit. They are zero where the node's clone does not have it and the git
	// server does not give out commits alone, and where a list of branches would be too long with them.
	Subject     string    `json:"subject"`
	Author      string    `json:"author"`
	CommittedAt time.Time `json:"committedAt"`
}

// NodeRegistration is what a worker sends when it starts.
type NodeRegistration struct {
	Node         Node         `json:"node"`
	Repositories []Repository `json:"repositories"`
}

// ServiceRef names a service of a sandbox.
type ServiceRef struct {
	Sandbox string `json:"sandbox"`
	Service string `json:"service"`
}

// Correction is one thing the reconciler found different from the database and what it did about it.
type Correction struct {
	Sandbox string `json:"sandbox"`
	Service string `json:"service"`
	// Deployment is the generation concerned, "" where there is none.
	Deployment string `json:"deployment"`
	What       string `json:"what"` // past tense, for the audit: "started stopped container sandbox-x-account"
	// Address is the container's address if it changed; State its new state if that changed. Both may be empty.
	Address string         `json:"address"`
	State   ContainerState `json:"state"`
}

// NodePorts are the public ports of a node's range and who has them.
type NodePorts struct {
	Node    string
	First   int // of the range; 0 = the node has none any more
	Last    int // inclusive
	Taken   []TakenPort
	Foreign []ForeignPort
}

// TakenPort is a public port of a sandbox. It may lie outside the range if that was changed since.
type TakenPort struct {
	Port    int
	Sandbox string
	Owner   string
	State   SandboxState
}

// ForeignPort is a port that some other program was found to hold. It is not given out until Until.
type ForeignPort struct {
	Port  int
	Why   string
	Until time.Time
}

// Free is how many ports of the range can be given out.
func (p NodePorts) Free() int {
	if p.First == 0 {
		return 0
	}
	used := map[int]bool{}
	for _, t := range p.Taken {
		used[t.Port] = true
	}
	for _, f := range p.Foreign {
		used[f.Port] = true
	}
	free := p.Last - p.First + 1
	for port := range used {
		if port >= p.First && port <= p.Last {
			free--
		}
	}
	return free
}
