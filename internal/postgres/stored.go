package postgres

import (
	"encoding/json"
	"strings"
	"time"

	"sdp/internal/sdp"
)

// The types below are the stored form of domain values kept as JSON documents: read and written as a whole, never
// searched. Their names are part of the database; the domain's may change.

type failureDoc struct {
	Step   sdp.StepName `json:"step,omitempty"`
	Kind   sdp.Kind     `json:"kind"`
	Code   string       `json:"code"`
	Detail string       `json:"detail"`
	Remedy string       `json:"remedy,omitempty"`
	Output string       `json:"output,omitempty"`
}

type stepDoc struct {
	Name       sdp.StepName  `json:"name"`
	State      sdp.StepState `json:"state"`
	StartedAt  time.Time     `json:"startedAt,omitzero"`
	FinishedAt time.Time     `json:"finishedAt,omitzero"`
	Detail     string        `json:"detail,omitempty"`
}

type boxDoc struct {
	Node       string    `json:"node"`
	KeyID      string    `json:"keyId"`
	Operation  string    `json:"operation"`
	ExpiresAt  time.Time `json:"expiresAt"`
	Ciphertext []byte    `json:"ciphertext"`
}

type healthDoc struct {
	DockerError   string  `json:"dockerError"`
	RouterError   string  `json:"routerError"`
	DiskFree      int64   `json:"diskFree"`
	DiskTotal     int64   `json:"diskTotal"`
	MemoryFree    int64   `json:"memoryFree"`
	MemoryTotal   int64   `json:"memoryTotal"`
	CPUs          int     `json:"cpus"`
	Load1         float64 `json:"load1"`
	RunningBuilds int     `json:"runningBuilds"`
	ImagesUsed    int     `json:"imagesUsed,omitempty"`
	Watermark     int     `json:"watermark,omitempty"`
}

type limitsDoc struct {
	CPUs   float64 `json:"cpus,omitempty"`
	Memory int64   `json:"memory,omitempty"`
	PIDs   int64   `json:"pids,omitempty"`
}

type sandboxLimitsDoc struct {
	Container limitsDoc `json:"container,omitzero"`
	Total     limitsDoc `json:"total,omitzero"`
}

func limitsDocument(l sdp.SandboxLimits) []byte {
	return document(sandboxLimitsDoc{limitsDoc(l.Container), limitsDoc(l.Total)})
}

func (d sandboxLimitsDoc) limits() sdp.SandboxLimits {
	return sdp.SandboxLimits{Container: sdp.Limits(d.Container), Total: sdp.Limits(d.Total)}
}

// specDoc is a sandbox's specification as changes and snapshots keep it.
type specDoc struct {
	Name               string                    `json:"name"`
	Description        string                    `json:"description,omitempty"`
	Labels             map[string]string         `json:"labels,omitempty"`
	Environment        string                    `json:"environment,omitempty"`
	EnvironmentVersion int                       `json:"environmentVersion,omitempty"`
	Variables          map[string]string         `json:"variables,omitempty"`
	Limits             sandboxLimitsDoc          `json:"limits,omitzero"`
	IdleAfter          time.Duration             `json:"idleAfter,omitempty"`   // nanoseconds
	DeleteAfter        time.Duration             `json:"deleteAfter,omitempty"` // nanoseconds
	Gateway            *serviceSpecDoc           `json:"gateway,omitempty"`
	Services           map[string]serviceSpecDoc `json:"services,omitempty"`
}

type serviceSpecDoc struct {
	Repository string            `json:"repository,omitempty"`
	Branch     string            `json:"branch,omitempty"`
	Commit     string            `json:"commit,omitempty"`
	Track      bool              `json:"track,omitempty"`
	UseOCP     bool              `json:"useOCP,omitempty"`
	URL        string            `json:"url,omitempty"`
	Variables  map[string]string `json:"variables,omitempty"`
	Limits     limitsDoc         `json:"limits,omitzero"`
}

func specDocument(s sdp.SandboxSpec) specDoc {
	d := specDoc{Name: s.Name, Description: clean(s.Description), Labels: s.Labels, Environment: s.Environment,
		EnvironmentVersion: s.EnvironmentVersion, Variables: s.Variables,
		Limits:    sandboxLimitsDoc{limitsDoc(s.Limits.Container), limitsDoc(s.Limits.Total)},
		IdleAfter: s.Expiry.IdleAfter, DeleteAfter: s.Expiry.DeleteAfter, Services: map[string]serviceSpecDoc{}}
	if s.Gateway != nil {
		g := serviceSpecDocument(*s.Gateway)
		d.Gateway = &g
	}
	for name, v := range s.Services {
		d.Services[name] = serviceSpecDocument(v)
	}
	return d
}

func serviceSpecDocument(v sdp.ServiceSpec) serviceSpecDoc {
	return serviceSpecDoc{Repository: v.Repository, Branch: v.Branch, Commit: v.Commit, Track: v.Track, UseOCP: v.UseOCP,
		URL: v.URL, Variables: v.Variables, Limits: limitsDoc(v.Limits)}
}

func (d specDoc) spec() sdp.SandboxSpec {
	s := sdp.SandboxSpec{Name: d.Name, Description: d.Description, Labels: d.Labels, Environment: d.Environment,
		EnvironmentVersion: d.EnvironmentVersion, Variables: d.Variables, Limits: d.Limits.limits(),
		Expiry: sdp.Expiry{IdleAfter: d.IdleAfter, DeleteAfter: d.DeleteAfter}, Services: map[string]sdp.ServiceSpec{}}
	if d.Gateway != nil {
		g := d.Gateway.spec()
		s.Gateway = &g
	}
	for name, v := range d.Services {
		s.Services[name] = v.spec()
	}
	return s
}

func (d serviceSpecDoc) spec() sdp.ServiceSpec {
	return sdp.ServiceSpec{Repository: d.Repository, Branch: d.Branch, Commit: d.Commit, Track: d.Track, UseOCP: d.UseOCP,
		URL: d.URL, Variables: d.Variables, Limits: sdp.Limits(d.Limits)}
}

type changeDoc struct {
	New     bool        `json:"new,omitempty"`
	Atomic  bool        `json:"atomic,omitempty"`
	Spec    specDoc     `json:"spec"`
	Actions []actionDoc `json:"actions"`
	From    string      `json:"from,omitempty"`
	Plan    string      `json:"plan,omitempty"`
	// Secrets are sealed, and there only until the change has ended.
	Secrets map[string]map[string][]byte `json:"secrets,omitempty"`
}

type actionDoc struct {
	Service    string         `json:"service"`
	Kind       sdp.ActionKind `json:"kind"`
	Deployment string         `json:"deployment,omitempty"`
	Source     sdp.Source     `json:"source,omitempty"`
	URL        string         `json:"url,omitempty"`
}

func changeDocument(c *sdp.Change) []byte {
	if c == nil {
		return nil
	}
	d := changeDoc{New: c.New, Atomic: c.Atomic, Spec: specDocument(c.Spec), From: clean(c.From), Plan: c.Plan,
		Actions: []actionDoc{}}
	for _, a := range c.Actions {
		d.Actions = append(d.Actions, actionDoc(a))
	}
	return document(d)
}

func (d *changeDoc) change() *sdp.Change {
	if d == nil {
		return nil
	}
	c := &sdp.Change{New: d.New, Atomic: d.Atomic, Spec: d.Spec.spec(), From: d.From, Plan: d.Plan}
	for _, a := range d.Actions {
		c.Actions = append(c.Actions, sdp.Action(a))
	}
	return c
}

// document marshals v for a jsonb parameter. None of the types stored here can fail to marshal.
func document(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

func failureDocument(f *sdp.Failure) []byte {
	if f == nil {
		return nil
	}
	return document(failureDoc{Step: f.Step, Kind: f.Kind, Code: f.Code, Detail: clean(f.Detail), Remedy: clean(f.Remedy),
		Output: clean(f.Output)})
}

func (d *failureDoc) failure() *sdp.Failure {
	if d == nil {
		return nil
	}
	return &sdp.Failure{Step: d.Step, Kind: d.Kind, Code: d.Code, Detail: d.Detail, Remedy: d.Remedy, Output: d.Output}
}

func stepsDocument(steps []sdp.Step) []byte {
	docs := make([]stepDoc, len(steps))
	for i, s := range steps {
		s.Detail = clean(s.Detail)
		docs[i] = stepDoc(s)
	}
	return document(docs)
}

func stepsOf(docs []stepDoc) []sdp.Step {
	var steps []sdp.Step
	for _, d := range docs {
		steps = append(steps, sdp.Step(d))
	}
	return steps
}

func boxDocument(b sdp.SealedBox) []byte {
	if b.Empty() {
		return nil
	}
	return document(boxDoc(b))
}

func (d *boxDoc) box() sdp.SealedBox {
	if d == nil {
		return sdp.SealedBox{}
	}
	return sdp.SealedBox(*d)
}

// orEmpty makes a nil map an empty JSON object.
func orEmpty[V any](m map[string]V) map[string]V {
	if m == nil {
		return map[string]V{}
	}
	return m
}

// clean drops what PostgreSQL cannot store as text: containers and compilers may print any bytes.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
}

// timeOf is the zero time for a NULL.
func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// durationOf is 0 for a NULL.
func durationOf(d *time.Duration) time.Duration {
	if d == nil {
		return 0
	}
	return *d
}

// intervalOf is NULL for 0.
func intervalOf(d time.Duration) *time.Duration {
	if d == 0 {
		return nil
	}
	return &d
}
