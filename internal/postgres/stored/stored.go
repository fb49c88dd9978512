// Package stored has the stored form of domain values kept as JSON documents: read and written as a whole, never searched.
// Their names are part of the database; the domain's may change.
package stored

import (
	"time"

	"sdp/internal/postgres/pg"
	"sdp/internal/sdp"
)

type Failure struct {
	Step    sdp.StepName `json:"step,omitempty"`
	Kind    sdp.Kind     `json:"kind"`
	Code    string       `json:"code"`
	Detail  string       `json:"detail"`
	Remedy  string       `json:"remedy,omitempty"`
	Command string       `json:"command,omitempty"`
	Output  string       `json:"output,omitempty"`
}

type Step struct {
	Name       sdp.StepName  `json:"name"`
	State      sdp.StepState `json:"state"`
	StartedAt  time.Time     `json:"startedAt,omitzero"`
	FinishedAt time.Time     `json:"finishedAt,omitzero"`
	Detail     string        `json:"detail,omitempty"`
}

type Box struct {
	Node       string    `json:"node"`
	KeyID      string    `json:"keyId"`
	Operation  string    `json:"operation"`
	ExpiresAt  time.Time `json:"expiresAt"`
	Ciphertext []byte    `json:"ciphertext"`
}

type Health struct {
	DockerError   string        `json:"dockerError"`
	RouterError   string        `json:"routerError"`
	ConfigError   string        `json:"configError,omitempty"`
	DiskFree      int64         `json:"diskFree"`
	DiskTotal     int64         `json:"diskTotal"`
	MemoryFree    int64         `json:"memoryFree"`
	MemoryTotal   int64         `json:"memoryTotal"`
	CPUs          int           `json:"cpus"`
	Load1         float64       `json:"load1"`
	RunningBuilds int           `json:"runningBuilds"`
	ImagesUsed    int           `json:"imagesUsed,omitempty"`
	Watermark     int           `json:"watermark,omitempty"`
	PortHeld      []string      `json:"portHeld,omitempty"`
	Refused       string        `json:"refused,omitempty"`
	ClockAhead    time.Duration `json:"clockAhead,omitempty"`
}

func FailureDocument(f *sdp.Failure) []byte {
	if f == nil {
		return nil
	}
	return pg.Document(Failure{Step: f.Step, Kind: f.Kind, Code: f.Code, Detail: pg.Clean(f.Detail), Remedy: pg.Clean(f.Remedy),
		Command: f.Command, Output: pg.Clean(f.Output)})
}

func (d *Failure) Domain() *sdp.Failure {
	if d == nil {
		return nil
	}
	return &sdp.Failure{Step: d.Step, Kind: d.Kind, Code: d.Code, Detail: d.Detail, Remedy: d.Remedy,
		Command: d.Command, Output: d.Output}
}

func StepsDocument(steps []sdp.Step) []byte {
	docs := make([]Step, len(steps))
	for i, s := range steps {
		s.Detail = pg.Clean(s.Detail)
		docs[i] = Step(s)
	}
	return pg.Document(docs)
}

func StepsOf(docs []Step) []sdp.Step {
	var steps []sdp.Step
	for _, d := range docs {
		steps = append(steps, sdp.Step(d))
	}
	return steps
}

func BoxDocument(b sdp.SealedBox) []byte {
	if b.Empty() {
		return nil
	}
	return pg.Document(Box(b))
}

func (d *Box) Domain() sdp.SealedBox {
	if d == nil {
		return sdp.SealedBox{}
	}
	return sdp.SealedBox(*d)
}
