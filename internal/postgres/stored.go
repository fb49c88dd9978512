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
