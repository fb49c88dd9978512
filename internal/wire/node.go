package wire

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"sdp/internal/sdp"
)

// What a node's worker and the server say to each other below /node/v1/.

// Registration is what a worker sends when it starts.
type Registration struct {
	Speaks Versions `json:"speaks"`
	sdp.NodeRegistration
}

// Heartbeat is what a worker sends every sdp.HeartbeatEvery.
type Heartbeat struct {
	Speaks Versions  `json:"speaks"`
	Clock  time.Time `json:"clock,omitzero"` // the node's, when this was sent
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
	Tables     TableVersions    `json:"tables"`         // that the router should have; the worker asks for those it has not
	Same       bool             `json:"same,omitempty"` // it has just these, as the worker said: Tables is left out
	Containers []sdp.Container  `json:"containers"`
	Busy       []sdp.ServiceRef `json:"busy"`      // services with an operation in progress that concerns the node: leave them alone
	MeshToken  string           `json:"meshToken"` // shared by the instance's routers
}

// TableVersion names a version of a sandbox's routing table.
type TableVersion struct {
	Sandbox string `json:"sandbox"`
	Version int64  `json:"version"`
}

// TableVersions is one for each sandbox.
type TableVersions []TableVersion

// Digest is the same for the same versions, whatever their order.
func (v TableVersions) Digest() string {
	lines := make([]string, len(v))
	for i, t := range v {
		lines[i] = fmt.Sprintf("%s %d\n", t.Sandbox, t.Version)
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "")))
	return hex.EncodeToString(sum[:16])
}

// TablesRequest asks for the present routing tables of sandboxes.
type TablesRequest struct {
	Sandboxes []string `json:"sandboxes"`
}

// MaxTablesBytes bounds an answer to that: it ends with the table that makes it longer.
const MaxTablesBytes = 1 << 20

// TablesAnswer has the tables in the order of the request, without those of sandboxes that do not concern the node.
type TablesAnswer struct {
	Speaks Versions       `json:"speaks"`
	Tables []RoutingTable `json:"tables"`
	Rest   []string       `json:"rest,omitempty"` // the sandboxes it had no room for
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
