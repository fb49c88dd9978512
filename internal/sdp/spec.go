package sdp

import (
	"maps"
	"strconv"
	"time"
)

// The types of this file are a document that people write, so they are its one and only form: sandbox.yaml, the body of a
// create or apply request, what templates come down to, and what changes and snapshots store. That is the deliberate
// exception from keeping views, rows and domain types apart: three forms of it differed in nothing but their names, and each
// new member had to be added to all of them. Tags name the members: json on the wire and in the database, yaml in files,
// and for the API's description what it says of them. A member that is renamed or removed breaks files, templates and
// snapshots that exist.

// SandboxSpec is a sandbox as a person asks for it. It holds no secrets. It is the whole truth about the sandbox: what it
// does not mention is not, or no longer, part of it; only secrets and the owner stay as they are.
type SandboxSpec struct {
	Name               string                 `json:"name" yaml:"sandbox,omitempty" doc:"[a-z0-9-], up to 30 characters"`
	Description        string                 `json:"description,omitempty" yaml:"description,omitempty" maxLength:"500"`
	Labels             map[string]string      `json:"labels,omitempty" yaml:"labels,omitempty" maxProperties:"50"`
	Environment        string                 `json:"environment,omitempty" yaml:"environment,omitempty" maxLength:"60"`
	EnvironmentVersion int                    `json:"environmentVersion,omitempty" yaml:"environment_version,omitempty" minimum:"0" doc:"absent = the newest at each deployment"`
	Variables          map[string]string      `json:"variables,omitempty" yaml:"variables,omitempty" maxProperties:"200" doc:"for all services; they win over the environment's"`
	Limits             SandboxLimits          `json:"limits,omitzero" yaml:"limits,omitempty"`
	Expiry             Expiry                 `json:"expiry,omitzero" yaml:"expiry,omitempty"`
	Gateway            *GatewaySpec           `json:"gateway,omitempty" yaml:"gateway,omitempty" doc:"absent = no gateway container, requests are routed by path"`
	Services           map[string]ServiceSpec `json:"services,omitempty" yaml:"services,omitempty" maxProperties:"100"`
}

// GatewaySpec asks for a gateway from a branch, or pinned to a commit.
type GatewaySpec struct {
	Repository string            `json:"repository,omitempty" yaml:"repository,omitempty" doc:"absent = the only gateway repository there is"`
	Branch     string            `json:"branch,omitempty" yaml:"branch,omitempty"`
	Commit     string            `json:"commit,omitempty" yaml:"commit,omitempty" doc:"full commit to stay at"`
	Track      bool              `json:"track,omitempty" yaml:"track,omitempty" doc:"deploy again whenever the branch moves"`
	Variables  map[string]string `json:"variables,omitempty" yaml:"variables,omitempty" maxProperties:"200"`
	Limits     Limits            `json:"limits,omitzero" yaml:"limits,omitempty"`
}

// Service is what the specification says of the gateway as of any other service.
func (g GatewaySpec) Service() ServiceSpec {
	return ServiceSpec{Branch: g.Branch, Commit: g.Commit, Track: g.Track, Variables: g.Variables, Limits: g.Limits}
}

// ServiceSpec says what one service should be: exactly one of branch or commit, useOCP, and url. A branch beside a commit
// says where the commit is from.
type ServiceSpec struct {
	Branch    string            `json:"branch,omitempty" yaml:"branch,omitempty"`
	Commit    string            `json:"commit,omitempty" yaml:"commit,omitempty" doc:"full commit to stay at"`
	Track     bool              `json:"track,omitempty" yaml:"track,omitempty" doc:"deploy again whenever the branch moves"`
	UseOCP    bool              `json:"useOCP,omitempty" yaml:"use_ocp,omitempty"`
	URL       string            `json:"url,omitempty" yaml:"url,omitempty"`
	Variables map[string]string `json:"variables,omitempty" yaml:"variables,omitempty" maxProperties:"200" doc:"they win over the sandbox's"`
	Limits    Limits            `json:"limits,omitzero" yaml:"limits,omitempty"`
}

// Deployed reports whether the service runs a container of its own.
func (v ServiceSpec) Deployed() bool { return v.Branch != "" || v.Commit != "" }

// Expiry says when a sandbox nobody uses is to be suspended and deleted. It is taken and kept, because definitions have it,
// and has no effect yet.
type Expiry struct {
	IdleAfter   Span `json:"idleAfter,omitempty" yaml:"idle_after,omitempty" example:"72h" doc:"no effect yet: suspend after so long without a request"`
	DeleteAfter Span `json:"deleteAfter,omitempty" yaml:"delete_after,omitempty" example:"336h" doc:"no effect yet: delete so long after it was suspended"`
}

// Span is a duration as people write it, "72h"; "" is none. A template may hold a parameter in its place, so text that is
// no duration is kept as it is until a specification is checked.
type Span string

// SpanOf is d as a Span.
func SpanOf(d time.Duration) Span {
	if d == 0 {
		return ""
	}
	return Span(d.String())
}

// UnmarshalText gives durations one form, so that equal ones compare equal.
func (s *Span) UnmarshalText(text []byte) error {
	*s = Span(text)
	if d, err := time.ParseDuration(string(text)); err == nil {
		*s = SpanOf(d)
	}
	return nil
}

// Duration is 0 for none, and for what is no duration.
func (s Span) Duration() time.Duration {
	d, _ := time.ParseDuration(string(s))
	return d
}

// All are the services of the specification, the gateway among them.
func (s SandboxSpec) All() map[string]ServiceSpec {
	all := maps.Clone(s.Services)
	if all == nil {
		all = map[string]ServiceSpec{}
	}
	if s.Gateway != nil {
		all[s.Gateway.Repository] = s.Gateway.Service()
	}
	return all
}

// GatewayName is the service that answers at the sandbox's port; "" = the router does by path.
func (s SandboxSpec) GatewayName() string {
	if s.Gateway == nil {
		return ""
	}
	return s.Gateway.Repository
}

// Limits bound one container. A zero member means that the next outer one decides: service, sandbox, node.
type Limits struct {
	CPUs   float64 `json:"cpus,omitempty" yaml:"cpus,omitempty" minimum:"0"`
	Memory Bytes   `json:"memory,omitempty" yaml:"memory,omitempty" minimum:"0" doc:"bytes"`
	PIDs   int64   `json:"pids,omitempty" yaml:"pids,omitempty" minimum:"0"`
}

// SandboxLimits bound a sandbox: each container, and all of them together.
type SandboxLimits struct {
	Container Limits `json:"container,omitzero" yaml:"container,omitempty" doc:"default for each container"`
	Total     Limits `json:"total,omitzero" yaml:"total,omitempty" doc:"the containers' limits may not add up to more"`
}

// Or returns l with its zero members taken from outer.
func (l Limits) Or(outer Limits) Limits {
	if l.CPUs == 0 {
		l.CPUs = outer.CPUs
	}
	if l.Memory == 0 {
		l.Memory = outer.Memory
	}
	if l.PIDs == 0 {
		l.PIDs = outer.PIDs
	}
	return l
}

// Texts are the limits that are set, for people.
func (l Limits) Texts() map[string]string {
	texts := map[string]string{}
	if l.CPUs > 0 {
		texts["cpus"] = strconv.FormatFloat(l.CPUs, 'g', -1, 64)
	}
	if l.Memory > 0 {
		texts["memory"] = l.Memory.String()
	}
	if l.PIDs > 0 {
		texts["pids"] = strconv.FormatInt(l.PIDs, 10)
	}
	return texts
}

// MinDiskFree is how much of a node's disk must be free, in bytes, for a deployment to begin: for a checkout and a build.
const MinDiskFree = 512 << 20
