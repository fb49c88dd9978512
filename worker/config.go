// Package worker builds the Temporal workers and registers the workflows and activities with them, and runs what a
// node needs besides: registration, heartbeat, log shipping and the reconciler.
package worker

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"sdp/internal/config"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// NodeConfig is a node's configuration file, the same for `sdp worker` and `sdp router`. It is written by hand: SDP
// discovers nothing.
type NodeConfig struct {
	Node          string         `yaml:"node"`     // name, unique in the instance
	Type          sdp.NodeType   `yaml:"type"`     // MICRO, GATEWAY or INFRA
	Instance      string         `yaml:"instance"` // which SDP installation; part of every container's labels
	Address       string         `yaml:"address"`  // host name or IP at which other nodes and browsers reach this one
	Data          string         `yaml:"data"`     // spool, checkouts, node keys, router socket and state
	Server        ServerConfig   `yaml:"server"`
	Temporal      TemporalConfig `yaml:"temporal"`
	CodecKeys     string         `yaml:"codecKeys"` // key file of the payload codec, the same on all machines
	Docker        string         `yaml:"docker"`    // address of the Docker daemon
	MeshPort      int            `yaml:"meshPort"`  // where this node's router listens for other nodes' routers
	Ports         PortRange      `yaml:"ports"`     // public ports of sandboxes, GATEWAY nodes only
	Networks      string         `yaml:"networks"`  // IPv4 prefix the sandboxes' networks are cut from
	Builds        BuildConfig    `yaml:"builds"`
	Drain         time.Duration  `yaml:"drain"`         // how long a replaced container may finish its requests
	HealthTimeout time.Duration  `yaml:"healthTimeout"` // how long a new container may take to become healthy
	// ProbeEvery is how often serving containers are asked whether they are well, in the way a deployment asks before it
	// switches the route to them.
	ProbeEvery time.Duration `yaml:"probeEvery"`
	// ReconcileEvery is how often what runs is compared with what should run when no event of Docker's asks for it.
	ReconcileEvery time.Duration `yaml:"reconcileEvery"`

	Limits       LimitConfig             `yaml:"limits"`
	Routes       RouteConfig             `yaml:"routes"`
	Images       ImageConfig             `yaml:"images"`
	Repositories []wire.RepositoryConfig `yaml:"repositories"`

	problems map[string]string // why repositories cannot be used, by name
}

// ServerConfig says where the server is and how this node proves who it is.
type ServerConfig struct {
	URL       string `yaml:"url"`
	TokenFile string `yaml:"tokenFile"` // written by `sdp node token NODE` on the server
}

// TemporalConfig says where Temporal is.
type TemporalConfig struct {
	Address   string    `yaml:"address"` // host:port of its frontend
	Namespace string    `yaml:"namespace"`
	UI        string    `yaml:"ui"` // base URL of its Web UI, for links
	TLS       TLSConfig `yaml:"tls"`
}

// TLSConfig names PEM files; all empty means no TLS.
type TLSConfig struct {
	CA   string `yaml:"ca"`
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
}

// BuildConfig limits builds, so that they cannot take the machine down.
type BuildConfig struct {
	Concurrency int           `yaml:"concurrency"` // builds at once on this node
	Timeout     time.Duration `yaml:"timeout"`
	Online      bool          `yaml:"online"` // may `go build` download modules? No by default
	Cache       string        `yaml:"cache"`  // GOCACHE; default: the user's own
	Memory      int64         `yaml:"memory"` // bytes each RUN step of a Dockerfile may use

	Pressure PressureConfig `yaml:"pressure"`
}

// PressureConfig says under how much pressure of the machine no further build begins; one always may. 0 = it is not looked at.
type PressureConfig struct {
	CPU    float64 `yaml:"cpu"`    // percent of the last 10 s in which processes waited for a processor
	Memory float64 `yaml:"memory"` // the same for memory
	Free   int64   `yaml:"free"`   // bytes of memory that must be available
}

// LimitConfig bounds one container.
type LimitConfig struct {
	Memory int64   `yaml:"memory"` // bytes
	CPUs   float64 `yaml:"cpus"`
	PIDs   int64   `yaml:"pids"`
}

// RouteConfig bounds where routes to URLs and to the shared environment lead from this node.
type RouteConfig struct {
	// Allow lists exceptions ("host:port", IP address or prefix): without one no route leads to this machine, to the
	// sandboxes' networks or to the machines of the server and of Temporal.
	Allow []string `yaml:"allow"`
	// Deny lists prefixes to which no route leads either.
	Deny []string `yaml:"deny"`
}

// ImageConfig says when the node removes images by itself.
type ImageConfig struct {
	Watermark int `yaml:"watermark"` // percent of the disk's use above which images nothing needs are removed; 0 = never
}

// PortRange is an inclusive range of ports, written "8080-8119".
type PortRange string

// Bounds returns the range's first and last port, 0 and 0 for an empty one.
func (r PortRange) Bounds() (first, last int, err error) {
	if r == "" {
		return 0, 0, nil
	}
	a, b, found := strings.Cut(string(r), "-")
	if !found {
		b = a
	}
	first, err1 := strconv.Atoi(strings.TrimSpace(a))
	last, err2 := strconv.Atoi(strings.TrimSpace(b))
	if err1 != nil || err2 != nil || first < 1 || last > 65535 || first > last {
		return 0, 0, fmt.Errorf("%q is not a range of ports", string(r))
	}
	return first, last, nil
}

// LoadNodeConfig reads a node's configuration. Errors name the file, the line and what to do.
func LoadNodeConfig(path string) (NodeConfig, error) {
	c := defaults()
	err := config.Load(path, &c)
	return c, err
}

func defaults() NodeConfig {
	return NodeConfig{
		Instance: "default", Docker: "unix:///var/run/docker.sock", Networks: "10.213.0.0/16", MeshPort: 7711,
		Temporal: TemporalConfig{Address: "127.0.0.1:7233", Namespace: "sdp"},
		Builds: BuildConfig{Concurrency: 2, Timeout: 15 * time.Minute, Memory: 2 << 30,
			Pressure: PressureConfig{CPU: 90, Memory: 10, Free: 512 << 20}},
		Drain: 30 * time.Second, HealthTimeout: time.Minute, ProbeEvery: 10 * time.Second, ReconcileEvery: 10 * time.Second,
		Limits: LimitConfig{Memory: 512 << 20, CPUs: 1, PIDs: 512},
		Images: ImageConfig{Watermark: 85},
	}
}

// LoadRouterConfig reads a node's configuration for its router, which must come up whatever became of the repositories.
func LoadRouterConfig(path string) (NodeConfig, error) {
	c := routerConfig{defaults()}
	err := config.Load(path, &c)
	return c.NodeConfig, err
}

// routerConfig is a NodeConfig of which only what a router needs is checked.
type routerConfig struct {
	NodeConfig `yaml:",inline"`
}

// Validate implements config.Validator.
func (c *routerConfig) Validate(f *config.File) error {
	return c.checkAll(f, c.checkIdentity, c.checkPlaces, c.checkPorts, c.checkRoutes)
}

// Token reads the node's token.
func (c *NodeConfig) Token() (string, error) {
	raw, err := os.ReadFile(c.Server.TokenFile)
	if err != nil {
		return "", sdp.Errorf(sdp.Invalid, "no-node-token", "the node's token cannot be read: %w", err).
			WithRemedy("make one with `sdp node token %s` on the server and name its file in server.tokenFile", c.Node)
	}
	return strings.TrimSpace(string(raw)), nil
}

// RouterSocket is where the node's router takes commands.
func (c *NodeConfig) RouterSocket() string { return filepath.Join(c.Data, "router.sock") }
