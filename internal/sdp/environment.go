package sdp

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

// Bounds of an environment. All of it travels to the node in one sealed box, and through Temporal's 2 MB of payload.
const (
	MaxValue            = 32 << 10  // bytes of one variable or secret
	MaxFile             = 128 << 10 // bytes of one file
	MaxEnvironmentBytes = 512 << 10 // bytes of all keys, values, paths and contents of a version
	MaxEnvironmentKeys  = 500
)

// MaxEnvironmentName bounds an environment's, template's and snapshot's name.
const MaxEnvironmentName = 40

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

// DifferenceKind says how one entry of two versions differs.
type DifferenceKind string

const (
	Added        DifferenceKind = "added"
	RemovedEntry DifferenceKind = "removed"
	Changed      DifferenceKind = "changed"
)

// Difference is one entry in which two things differ. Before and After are empty for secrets and files: that they
// changed is all that is told.
type Difference struct {
	What   string // "variable", "secret", "file", "branch", "commit", "route", "limit", "environment", ...
	Key    string // variable name, path, service, ...
	Kind   DifferenceKind
	Before string
	After  string
}
