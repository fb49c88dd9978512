package rest

import (
	"time"

	"sdp/internal/sdp"
	"sdp/internal/sdp/settings"
)

// Environment is a named, versioned set of variables, secrets and files. Of secrets the names are shown, of files path
// and size.
type Environment struct {
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	Owner       string            `json:"owner"`
	Version     int               `json:"version" doc:"the version shown"`
	Newest      int               `json:"newest" doc:"the newest version"`
	Variables   map[string]string `json:"variables"`
	SecretKeys  []string          `json:"secretKeys"`
	Files       []EnvironmentFile `json:"files"`
	Author      string            `json:"author" doc:"who made the version"`
	Note        string            `json:"note,omitempty" doc:"what its author said of it"`
	CreatedAt   time.Time         `json:"createdAt"`
	UpdatedAt   time.Time         `json:"updatedAt" doc:"when the version was made"`
}

// EnvironmentFile is a file that containers find at Path, read-only.
type EnvironmentFile struct {
	Path string `json:"path"`
	Size int    `json:"size" doc:"bytes"`
}

// EnvironmentSummary is an environment in a list.
type EnvironmentSummary struct {
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Owner       string    `json:"owner"`
	Version     int       `json:"version" doc:"the newest"`
	Variables   int       `json:"variables" doc:"how many"`
	Secrets     int       `json:"secrets" doc:"how many"`
	Files       int       `json:"files" doc:"how many"`
	Sandboxes   int       `json:"sandboxes" doc:"how many use it"`
	UpdatedAt   time.Time `json:"updatedAt"`
}

// EnvironmentVersion is a version in a list.
type EnvironmentVersion struct {
	Version   int       `json:"version"`
	Author    string    `json:"author"`
	Note      string    `json:"note,omitempty"`
	CreatedAt time.Time `json:"createdAt"`
	Variables int       `json:"variables" doc:"how many"`
	Secrets   int       `json:"secrets" doc:"how many"`
	Files     int       `json:"files" doc:"how many"`
}

// NewFile is a file to be put into an environment.
type NewFile struct {
	Path    string `json:"path" doc:"absolute path in the container"`
	Content []byte `json:"content" doc:"base64; never shown again"`
}

// EnvironmentEntries are entries to be put into an environment. Those of the same name are replaced.
type EnvironmentEntries struct {
	Variables map[string]string `json:"variables,omitempty" maxProperties:"500"`
	Secrets   map[string]string `json:"secrets,omitempty" maxProperties:"500" doc:"never shown again"`
	Files     []NewFile         `json:"files,omitempty" maxItems:"100"`
	Note      string            `json:"note,omitempty" maxLength:"500" doc:"why, for those who read the list of versions"`
}

// CreateEnvironment is the body of POST /environments.
type CreateEnvironment struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty" maxLength:"500"`
	EnvironmentEntries
}

// UpdateEnvironment is the body of PUT /environments/{environment}. What it does not mention stays. If anything changes,
// a version is made of it.
type UpdateEnvironment struct {
	Description *string `json:"description,omitempty" maxLength:"500"`
	EnvironmentEntries
	Unset       []string `json:"unset,omitempty" maxItems:"500" doc:"variables and secrets to remove; needed to make a secret a variable"`
	RemoveFiles []string `json:"removeFiles,omitempty" maxItems:"100" doc:"paths"`
	Version     int      `json:"version,omitempty" minimum:"0" doc:"newest version the caller knows of: refused if there is a newer one"`
}

// EnvironmentDiff says in what two versions differ.
type EnvironmentDiff struct {
	Name        string       `json:"name"`
	From        int          `json:"from"`
	To          int          `json:"to"`
	Differences []Difference `json:"differences"`
}

// EnvironmentUsage says who uses an environment.
type EnvironmentUsage struct {
	Name      string            `json:"name"`
	Version   int               `json:"version" doc:"the newest"`
	Sandboxes []string          `json:"sandboxes" doc:"all that use it"`
	Services  []EnvironmentUser `json:"services" doc:"what runs in them now"`
}

// EnvironmentUser is a running service of a sandbox that uses the environment.
type EnvironmentUser struct {
	Sandbox    string `json:"sandbox"`
	Service    string `json:"service"`
	Owner      string `json:"owner"`
	Deployment string `json:"deployment"`
	Runs       string `json:"runs" doc:"environment and version it was started with, as in dev@3; empty = none"`
	Version    int    `json:"version" doc:"what a restart would give it"`
	Pinned     bool   `json:"pinned,omitempty" doc:"the sandbox stays at that version"`
	Behind     bool   `json:"behind" doc:"a restart would give it another version"`
}

// RedeployEnvironment is the body of POST /environments/{environment}/redeploy.
type RedeployEnvironment struct {
	Sandboxes []string `json:"sandboxes,omitempty" maxItems:"200" doc:"restart only what is in these; absent = in all"`
}

// EnvironmentRedeployed says which services are restarted to get the newest version, and which cannot be.
type EnvironmentRedeployed struct {
	Name       string            `json:"name"`
	Version    int               `json:"version"`
	Operations []Operation       `json:"operations"`
	Refused    []RedeployRefused `json:"refused"`
}

// RedeployRefused is a service that is behind and cannot be restarted now.
type RedeployRefused struct {
	Sandbox string `json:"sandbox"`
	Service string `json:"service"`
	Code    string `json:"code"`
	Detail  string `json:"detail"`
	Remedy  string `json:"remedy,omitempty"`
}

// EffectiveEnvironment is what a service would find in its environment if it were started now, and where each value
// comes from.
type EffectiveEnvironment struct {
	Sandbox            string            `json:"sandbox"`
	Service            string            `json:"service"`
	Environment        string            `json:"environment,omitempty"`
	EnvironmentVersion int               `json:"environmentVersion,omitempty"`
	Values             []EffectiveValue  `json:"values"`
	Files              []EnvironmentFile `json:"files"`
	Limits             sdp.Limits        `json:"limits,omitzero" doc:"effective limits of the container"`
	Running            string            `json:"running,omitempty" doc:"deployment that runs now"`
	Behind             bool              `json:"behind" doc:"what runs was started with something else"`
}

// EffectiveValue is a variable as the service finds it.
type EffectiveValue struct {
	Key       string        `json:"key"`
	Value     string        `json:"value,omitempty" doc:"absent for a secret"`
	Secret    bool          `json:"secret,omitempty"`
	Layer     string        `json:"layer" enum:"sdp,repository,environment,sandbox,service"`
	Of        string        `json:"of,omitempty" doc:"which environment (dev@3), repository, sandbox or service"`
	Overrides []ValueOrigin `json:"overrides" doc:"lower layers that have it too, nearest first"`
}

// ValueOrigin is a layer that has a variable.
type ValueOrigin struct {
	Layer  string `json:"layer"`
	Of     string `json:"of,omitempty"`
	Secret bool   `json:"secret,omitempty"`
}

// SummarizeEnvironment is the view of an environment in a list; so many sandboxes use it.
func SummarizeEnvironment(e settings.Environment, sandboxes int) EnvironmentSummary {
	c := e.Current
	return EnvironmentSummary{Name: e.Name, Description: e.Description, Owner: e.Owner, Version: e.Version,
		Variables: len(c.Variables), Secrets: len(c.SecretKeys), Files: len(c.Files), Sandboxes: sandboxes,
		UpdatedAt: utc(e.UpdatedAt)}
}

// FromEnvironment is the view of an environment in its current version.
func FromEnvironment(e settings.Environment) Environment {
	c := e.Current
	return Environment{Name: e.Name, Description: e.Description, Owner: e.Owner, Version: c.Version, Newest: e.Version,
		Variables: c.Variables, SecretKeys: append([]string{}, c.SecretKeys...), Files: List(c.Files, fromFile),
		Author: c.Author, Note: c.Note, CreatedAt: utc(e.CreatedAt), UpdatedAt: utc(c.CreatedAt)}
}

func fromFile(f settings.EnvironmentFile) EnvironmentFile { return EnvironmentFile(f) }

// FromEnvironmentVersion is the view of a version in a list.
func FromEnvironmentVersion(v settings.EnvironmentVersion) EnvironmentVersion {
	return EnvironmentVersion{Version: v.Version, Author: v.Author, Note: v.Note, CreatedAt: utc(v.CreatedAt),
		Variables: len(v.Variables), Secrets: len(v.SecretKeys), Files: len(v.Files)}
}

// FromEffectiveValue is the view of a variable as a service finds it.
func FromEffectiveValue(v settings.EffectiveValue) EffectiveValue {
	return EffectiveValue{Key: v.Key, Value: v.Value, Secret: v.Secret, Layer: string(v.Layer), Of: v.Of,
		Overrides: List(v.Overrides, func(o settings.Origin) ValueOrigin {
			return ValueOrigin{Layer: string(o.Layer), Of: o.Of, Secret: o.Secret}
		})}
}
