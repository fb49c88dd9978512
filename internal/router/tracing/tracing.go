// Package tracing remembers what became of traced requests.
package tracing

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// Bounds of what is remembered of traced requests: a client can send any trace ID it likes.
const (
	maxTraces    = 256
	maxTraceHops = 256
	maxTraceID   = 64
)

// Traces remembers the hops of the last maxTraces traced requests, and which are in flight to whom.
type Traces struct {
	active atomic.Int64 // traced requests in flight; 0 spares everybody else the look-up
	mu     sync.Mutex
	byID   map[string][]*wire.Hop
	order  []string               // IDs, oldest first
	flying map[any]map[string]int // by who works on them, how many requests of each trace
}

// New returns what remembers nothing yet.
func New() *Traces { return &Traces{byID: map[string][]*wire.Hop{}, flying: map[any]map[string]int{}} }

// Record remembers hop, which is complete but for its duration, and returns what sets that. It is called before the
// response's first byte leaves, so whoever has read a traced response finds all its hops.
func (t *Traces) Record(id string, hop wire.Hop) (done func()) {
	started := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	hops, known := t.byID[id]
	if !known {
		t.makeRoom()
		t.order = append(t.order, id)
	}
	if len(hops) < maxTraceHops {
		t.byID[id] = append(hops, &hop)
	}
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		hop.Duration += time.Since(started).Microseconds()
	}
}

func (t *Traces) makeRoom() {
	if len(t.order) >= maxTraces {
		delete(t.byID, t.order[0])
		t.order = slices.Delete(t.order, 0, 1)
	}
}

// Hops returns a copy of what is known of a trace, in order of start.
func (t *Traces) Hops(id string) []wire.Hop {
	t.mu.Lock()
	defer t.mu.Unlock()
	hops := []wire.Hop{}
	for _, h := range t.byID[id] {
		hops = append(hops, *h)
	}
	slices.SortStableFunc(hops, func(a, b wire.Hop) int { return int(a.StartedAt - b.StartedAt) })
	return hops
}

// ID returns the ID of a traced request: the header's value, or a new one where it only asks for a trace. Values
// that cannot be an ID count as none.
func ID(header string) string {
	switch header {
	case "":
		return ""
	case "1", "new", "true":
		return sdp.NewID("t")
	}
	if len(header) > maxTraceID {
		return ""
	}
	for _, c := range []byte(header) {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.') {
			return ""
		}
	}
	return header
}

// Active reports whether any traced request is in flight.
func (t *Traces) Active() bool { return t.active.Load() > 0 }

// Begin notes that a worker, anything that can be a map's key, has got a request of a trace.
func (t *Traces) Begin(worker any, id string) {
	t.active.Add(1)
	t.fly(worker, id, 1)
}

// End notes that it is done with it.
func (t *Traces) End(worker any, id string) {
	t.fly(worker, id, -1)
	t.active.Add(-1)
}

func (t *Traces) fly(worker any, id string, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	ids := t.flying[worker]
	if ids == nil {
		ids = map[string]int{}
		t.flying[worker] = ids
	}
	if ids[id] += n; ids[id] <= 0 {
		delete(ids, id)
	}
	if len(ids) == 0 {
		delete(t.flying, worker)
	}
}

// Only returns the trace a worker works on if it is exactly one: what it sends belongs to that, then.
func (t *Traces) Only(worker any) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.flying[worker]) == 1 {
		for id := range t.flying[worker] {
			return id
		}
	}
	return ""
}
