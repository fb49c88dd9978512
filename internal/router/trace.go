package router

import (
	"time"

	"sdp/internal/router/tracing"
	"sdp/internal/wire"
)

// trace is the stage that finds out whether the request belongs to a trace. A container that does not pass the trace header
// on gives itself away by its address, as long as it works on one traced request only.
func trace(x *exchange) (answered bool) {
	if values := x.in.Header[canonicalTrace]; len(values) > 0 {
		x.trace = tracing.ID(values[0])
	}
	if x.side == mesh {
		x.from, x.inferred = x.in.Header.Get(meshFrom), x.in.Header.Get(meshInferred) != ""
		return false
	}
	if x.trace == "" && !x.r.traces.Active() {
		return false
	}
	sender := x.r.pools.ByIP(remoteIP(x.in))
	if x.trace == "" && sender != nil {
		x.trace = x.r.traces.Only(sender)
		x.inferred = x.trace != ""
	}
	switch {
	case sender != nil:
		x.from = sender.Owner().Service
	case x.side == public:
		x.from = "client"
	default:
		x.from = clientIP(x.in.RemoteAddr)
	}
	return false
}

func untrace(x *exchange) {
	if x.hopDone != nil {
		x.hopDone()
	}
}

// beginTrace notes which container works on a traced request.
func (x *exchange) beginTrace() {
	if x.trace != "" && x.target.pool.Address() != "" {
		x.r.traces.Begin(x.target.pool, x.trace)
	}
}

func (x *exchange) endTrace() {
	if x.trace != "" && x.target.pool.Address() != "" {
		x.r.traces.End(x.target.pool, x.trace)
	}
}

// recordHop remembers what answered a traced request. rt and tg may be nil.
func (x *exchange) recordHop(rt *route, tg *target, status int) {
	if x.trace == "" {
		return
	}
	hop := wire.Hop{
		Node: x.r.cfg.Node, From: x.from, Service: x.service, Method: x.in.Method, Path: x.in.URL.Path, Status: status,
		StartedAt: x.started.UnixMicro(), Duration: time.Since(x.started).Microseconds(), Inferred: x.inferred,
	}
	if rt != nil {
		hop.Source = rt.Source
	}
	if tg != nil {
		hop.Target, hop.SHA, hop.Deployment = tg.name, tg.SHA, tg.Deployment
	}
	x.hopDone = x.r.traces.Record(x.trace, hop)
}

// Hops returns what was seen of a traced request.
func (r *Router) Hops(traceID string) []wire.Hop { return r.traces.Hops(traceID) }
