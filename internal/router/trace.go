package router

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sdp/internal/sdp"
)

// Bounds of what is remembered of traced requests: a client can send any trace ID it likes.
const (
	maxTraces    = 256
	maxTraceHops = 256
	maxTraceID   = 64
)

// traces remembers the hops of the last maxTraces traced requests.
type traces struct {
	active atomic.Int64 // traced requests now in flight to containers; 0 spares everybody else the look-up
	mu     sync.Mutex
	byID   map[string][]*sdp.Hop
	order  []string // IDs, oldest first
}

func newTraces() *traces { return &traces{byID: map[string][]*sdp.Hop{}} }

// record remembers hop, which is complete but for its duration, and returns what sets that. It is called before the
// response's first byte leaves, so whoever has read a traced response finds all its hops.
func (t *traces) record(id string, hop sdp.Hop) (done func()) {
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

func (t *traces) makeRoom() {
	if len(t.order) >= maxTraces {
		delete(t.byID, t.order[0])
		t.order = slices.Delete(t.order, 0, 1)
	}
}

// hops returns a copy of what is known of a trace, in order of start.
func (t *traces) hops(id string) []sdp.Hop {
	t.mu.Lock()
	defer t.mu.Unlock()
	hops := []sdp.Hop{}
	for _, h := range t.byID[id] {
		hops = append(hops, *h)
	}
	slices.SortStableFunc(hops, func(a, b sdp.Hop) int { return int(a.StartedAt - b.StartedAt) })
	return hops
}

// traceID returns the ID of a traced request: the header's value, or a new one where it only asks for a trace. Values
// that cannot be an ID count as none.
func traceID(header string) string {
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

// tracedSet is the traced requests now in flight to one container.
type tracedSet struct {
	mu  sync.Mutex
	ids map[string]int
}

func (s *tracedSet) add(id string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ids == nil {
		s.ids = map[string]int{}
	}
	if s.ids[id] += n; s.ids[id] <= 0 {
		delete(s.ids, id)
	}
}

// only returns the trace in flight if there is exactly one.
func (s *tracedSet) only() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ids) != 1 {
		return ""
	}
	for id := range s.ids {
		return id
	}
	return ""
}

// identifyTrace finds out whether the request belongs to a trace. A container that does not pass the trace header on
// gives itself away by its address, as long as it works on one traced request only.
func (x *exchange) identifyTrace() {
	if values := x.in.Header[canonicalTrace]; len(values) > 0 {
		x.trace = traceID(values[0])
	}
	if x.side == mesh {
		x.from, x.inferred = x.in.Header.Get(meshFrom), x.in.Header.Get(meshInferred) != ""
		return
	}
	if x.trace == "" && x.r.traces.active.Load() == 0 {
		return
	}
	sender := x.r.pools.byIP(remoteIP(x.in))
	if x.trace == "" && sender != nil {
		x.trace = sender.traced.only()
		x.inferred = x.trace != ""
	}
	switch {
	case sender != nil:
		x.from = sender.owner.Load().service
	case x.side == public:
		x.from = "client"
	default:
		x.from = clientIP(x.in.RemoteAddr)
	}
}

func (x *exchange) beginTrace() {
	if x.trace != "" && x.route.pool.address != "" {
		x.r.traces.active.Add(1)
		x.route.pool.traced.add(x.trace, 1)
	}
}

func (x *exchange) endTrace() {
	if x.trace != "" && x.route.pool.address != "" {
		x.route.pool.traced.add(x.trace, -1)
		x.r.traces.active.Add(-1)
	}
}

// recordHop remembers what answered a traced request. rt may be nil.
func (x *exchange) recordHop(rt *route, status int) {
	if x.trace == "" {
		return
	}
	hop := sdp.Hop{
		Node: x.r.cfg.Node, From: x.from, Service: x.service, Method: x.in.Method, Path: x.in.URL.Path, Status: status,
		StartedAt: x.started.UnixMicro(), Duration: time.Since(x.started).Microseconds(), Inferred: x.inferred,
	}
	if rt != nil {
		hop.Source, hop.Target = rt.Source, rt.target
		if rt.Target != nil && rt.Source == sdp.SourceSandbox {
			hop.SHA, hop.Deployment = rt.Target.SHA, rt.Target.Deployment
		}
	}
	x.hopDone = x.r.traces.record(x.trace, hop)
}
