package router

import (
	"time"

	"sdp/internal/wire"
)

// count is the stage that counts what enters. What comes from another router was counted there, and is activity here.
// Nothing a client can say keeps a request from being counted: health checks of the platform go to containers directly.
func count(x *exchange) (answered bool) {
	x.sb.touch(x.started)
	switch x.side {
	case public:
		x.sb.public.Begin()
		fallthrough
	case inside:
		x.sb.total.Begin()
	case mesh:
	}
	return false
}

func uncount(x *exchange) {
	took, failed := x.ended.Sub(x.started), x.failed()
	x.sb.touch(x.ended)
	switch x.side {
	case public:
		x.sb.public.End(took, failed, x.upgraded)
		fallthrough
	case inside:
		x.sb.total.End(took, failed, x.upgraded)
	case mesh:
	}
	if x.counted != nil {
		x.counted.End(took, failed, x.upgraded)
	}
}

func (x *exchange) failed() bool { return x.cut || x.status >= 500 }

func (sb *sandbox) touch(now time.Time) { sb.activity.Store(now.UnixNano()) }

func (sb *sandbox) lastActivity() time.Time {
	if ns := sb.activity.Load(); ns != 0 {
		return time.Unix(0, ns)
	}
	return time.Time{}
}

// activeSince reports whether a request began or ended, or is under way, or the table was replaced since then.
func (sb *sandbox) activeSince(t time.Time) bool {
	return sb.total.InFlight() > 0 || sb.lastActivity().After(t) || time.Unix(0, sb.replaced.Load()).After(t)
}

// stats is what was counted for a sandbox.
func (sb *sandbox) stats() wire.RouterStats {
	s := wire.RouterStats{Sandbox: sb.name, Since: sb.since, LastActivity: sb.lastActivity(), Entered: sb.public.Traffic(),
		RouterTraffic: sb.total.Traffic(), Services: map[string]wire.RouterServiceTraffic{}}
	for service, c := range *sb.former.Load() {
		s.Services[service] = wire.RouterServiceTraffic{RouterTraffic: c.Traffic()}
	}
	for service, rt := range sb.table.Load().routes {
		traffic := wire.RouterServiceTraffic{RouterTraffic: rt.counters.Traffic()}
		rt.describe(&traffic)
		s.Services[service] = traffic
	}
	return s
}

// describe adds what is known of the present targets.
func (rt *route) describe(t *wire.RouterServiceTraffic) {
	missed, why := rt.counters.Unanswered()
	for _, tg := range rt.targets {
		if tg.name == missed {
			t.Unanswered = why
		}
		t.Targets = append(t.Targets, wire.TargetTraffic{RouterTraffic: tg.counters.Traffic(), Target: tg.name,
			Deployment: tg.Deployment, Weight: tg.Weight})
	}
	if tg := rt.down(); tg != nil {
		t.Down, t.Deployment = tg.down.Down, tg.Deployment
	}
}

// rotate begins a new window of the percentiles.
func (sb *sandbox) rotate() {
	sb.total.Rotate()
	sb.public.Rotate()
	for _, c := range *sb.former.Load() {
		c.Rotate()
	}
	for _, rt := range sb.table.Load().routes {
		rt.counters.Rotate()
		for _, tg := range rt.targets {
			tg.counters.Rotate()
		}
	}
}
