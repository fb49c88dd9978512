package wire

import "sdp/internal/sdp"

// What a node's worker and the server say to each other below /node/v1/.

// Registration is what a worker sends when it starts.
type Registration struct {
	Speaks Versions `json:"speaks"`
	sdp.NodeRegistration
}

// Heartbeat is what a worker sends every sdp.HeartbeatEvery.
type Heartbeat struct {
	Speaks Versions `json:"speaks"`
	sdp.Heartbeat
}

// Welcome is the answer to both.
type Welcome struct {
	Speaks Versions `json:"speaks"`
}

// LogOffset is the answer to appended log bytes: where the next byte goes. With 409 the bytes did not fit there.
type LogOffset struct {
	Offset int64 `json:"offset"`
}

// Desired is what the control plane wants a node to run: the other half of the reconciler's comparison.
type Desired struct {
	Speaks     Versions         `json:"speaks"`
	Tables     []RoutingTable   `json:"tables"`
	Containers []sdp.Container  `json:"containers"`
	Busy       []sdp.ServiceRef `json:"busy"`      // services with an operation in progress: leave them alone
	MeshToken  string           `json:"meshToken"` // shared by the instance's routers
}

// RepositoryConfig is an entry under repositories: in a node's configuration file, which people write, and `sdp up`: a git
// clone on the node that SDP may deploy from. Its name is also its service's name.
type RepositoryConfig struct {
	Name       string             `yaml:"name"`
	Path       string             `yaml:"path"`                 // the clone; its working tree is never touched
	Kind       sdp.RepositoryKind `yaml:"kind"`                 // go or dockerfile
	Build      string             `yaml:"build,omitempty"`      // go: package to build, relative to the clone
	Dockerfile string             `yaml:"dockerfile,omitempty"` // dockerfile: path of the Dockerfile, relative to the clone
	Port       int                `yaml:"port"`                 // port the service listens on
	Health     string             `yaml:"health,omitempty"`     // path that answers 2xx or 3xx once healthy; empty: the port accepts connections
	BaseImage  string             `yaml:"baseImage,omitempty"`  // go: image the binary is put on; default: SDP's own
	OCP        string             `yaml:"ocp,omitempty"`        // URL at which the shared environment serves it
	Env        EnvConfig          `yaml:"env,omitempty"`
	User       string             `yaml:"user,omitempty"` // user inside the container; default: the image's, never root
}

// EnvConfig says what is put into the service's environment besides PORT and the SDP_* variables.
type EnvConfig struct {
	// Upstreams is a pattern such as "{{SERVICE}}_URL": for each other service a variable that holds its address.
	Upstreams string            `yaml:"upstreams,omitempty"`
	Vars      map[string]string `yaml:"vars,omitempty"`
}
