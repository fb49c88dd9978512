package settings

import "time"

// Environment is a named, versioned set of variables, secrets and files that sandboxes give their services. Values of
// secrets and contents of files are write-only: a domain value never holds them.
type Environment struct {
	Name        string
	Description string
	Owner       string
	Version     int // the newest
	CreatedAt   time.Time
	UpdatedAt   time.Time
	Current     EnvironmentVersion
}

// EnvironmentVersion is one state of an environment. Versions count from 1 and never change.
type EnvironmentVersion struct {
	Version    int
	Variables  map[string]string
	SecretKeys []string          // sorted
	Files      []EnvironmentFile // sorted by path
	Author     string
	Note       string
	CreatedAt  time.Time
}

// EnvironmentFile is a file each container finds at Path, read-only.
type EnvironmentFile struct {
	Path string // absolute and clean
	Size int    // bytes
}

// LayerName says where a value comes from. Later layers win.
type LayerName string

const (
	LayerPlatform    LayerName = "sdp"         // PORT, SDP_*, addresses of the other services
	LayerRepository  LayerName = "repository"  // the repository's defaults in node.yaml
	LayerEnvironment LayerName = "environment" // the sandbox's environment
	LayerSandbox     LayerName = "sandbox"     // the sandbox's own variables and secrets
	LayerService     LayerName = "service"     // the service's own variables and secrets
)

// Layer is one source of variables. A key is either a variable or a secret of it.
type Layer struct {
	Name       LayerName
	Of         string // which environment ("dev@3"), repository, sandbox or service
	Variables  map[string]string
	SecretKeys []string
}

// EffectiveValue is a variable as a service finds it, and where that comes from.
type EffectiveValue struct {
	Key       string
	Value     string // "" for a secret
	Secret    bool
	Layer     LayerName
	Of        string
	Overrides []Origin // the lower layers that have the key too, nearest first
}

// Origin names a layer.
type Origin struct {
	Layer  LayerName
	Of     string
	Secret bool
}
