package postgres

import (
	"time"

	"sdp/internal/postgres/pg"
	"sdp/internal/sdp"
)

// specDoc is a sandbox's specification as changes and snapshots keep it.
type specDoc struct {
	sdp.SandboxSpec
	// Documents of before have these two, in nanoseconds, in place of the specification's own expiry.
	IdleAfter   time.Duration `json:"idleAfter,omitempty"`
	DeleteAfter time.Duration `json:"deleteAfter,omitempty"`
}

func specDocument(s sdp.SandboxSpec) specDoc {
	s.Description = pg.Clean(s.Description)
	return specDoc{SandboxSpec: s}
}

func (d specDoc) spec() sdp.SandboxSpec {
	if d.Expiry == (sdp.Expiry{}) {
		d.Expiry = sdp.Expiry{IdleAfter: sdp.SpanOf(d.IdleAfter), DeleteAfter: sdp.SpanOf(d.DeleteAfter)}
	}
	return d.SandboxSpec
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
	d := changeDoc{New: c.New, Atomic: c.Atomic, Spec: specDocument(c.Spec), From: pg.Clean(c.From), Plan: c.Plan,
		Actions: []actionDoc{}}
	for _, a := range c.Actions {
		d.Actions = append(d.Actions, actionDoc(a))
	}
	return pg.Document(d)
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
