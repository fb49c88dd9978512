package sdp

import "time"

// Snapshot is a frozen sandbox to go back to: commits, images, environment version, routes, limits and, sealed, the
// secrets it had. While it exists its images are never cleaned away.
type Snapshot struct {
	ID          string // "s-..."
	Sandbox     string // it was taken of
	Name        string // unique within the sandbox
	Description string
	Author      string
	CreatedAt   time.Time
	Spec        SandboxSpec     // every deployed service pinned to its commit, the environment to its version
	Images      []SnapshotImage // one for each deployed service
	// SecretKeys are the names of the secrets it holds, by service; "" for the sandbox's own.
	SecretKeys map[string][]string
	Gone       bool // the sandbox was deleted since
}

// SnapshotImage is the image a service of a snapshot ran.
type SnapshotImage struct {
	Service string
	Node    string
	Image   string
	SHA     string
}

// CheckSnapshotName is CheckSandboxName for snapshots, up to MaxEnvironmentName.
func CheckSnapshotName(name string) error { return checkName("snapshot", name, MaxEnvironmentName) }

// SnapshotImages are the images a sandbox's services run; of a stopped one, what it ran last.
func SnapshotImages(sandbox Sandbox) []SnapshotImage {
	var images []SnapshotImage
	for _, v := range sandbox.Services {
		switch c, d := v.Serving, v.Latest; {
		case v.Source != SourceSandbox:
		case c != nil:
			images = append(images, SnapshotImage{Service: v.Name, Node: c.Node, Image: c.Image, SHA: c.SHA})
		case d != nil && d.State == DeployStopped && d.Image != "":
			images = append(images, SnapshotImage{Service: v.Name, Node: d.Node, Image: d.Image, SHA: d.SHA})
		}
	}
	return images
}

// Template is a reusable sandbox definition. Strings of its Spec may hold ${parameter}; $${ stands for ${.
type Template struct {
	Name        string
	Description string
	Owner       string
	Parameters  []TemplateParameter
	Spec        []byte // the specification as JSON of the API, with placeholders
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// TemplateParameter is a value given when a sandbox is made from a template.
type TemplateParameter struct {
	Name        string
	Description string
	Default     *string // nil = it must be given
	Pattern     string  // regular expression (RE2) the whole value must match; "" = any
	Choices     []string
}

// Disposition says what a clone does with something.
type Disposition string

const (
	Copied      Disposition = "copied"      // the clone has its own, equal one
	Regenerated Disposition = "regenerated" // the clone gets a new one
	Shared      Disposition = "shared"      // both use the same
)

// ContractItem is one line of a clone's contract.
type ContractItem struct {
	What        string // "variable", "secret", "file", "port", "route", "container", "network", "environment", ...
	Service     string // "" = of the sandbox
	Key         string
	Disposition Disposition
	Detail      string
}
