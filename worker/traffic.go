package worker

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"time"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// traffic turns what the node's router counts into what the server is told: totals with rates, of those sandboxes only
// that are not quiet or changed since the server last took a report. It belongs to the goroutine that sends heartbeats.
type traffic struct {
	before map[string]reading
	taken  map[string]sdp.SandboxTraffic
	whole  time.Time // when the router last said all it has
}

// wholeEvery is how often the router is asked for all it has counted, and not only for what may have changed. Until then a
// sandbox that it has forgotten is taken to be quiet.
const wholeEvery = time.Minute

// reading is what the router had counted at a time.
type reading struct {
	at    time.Time
	stats wire.RouterStats
}

// report returns what to tell the server. bad are the containers of this node that do not answer.
func (t *traffic) report(now time.Time, all []wire.RouterStats, bad unhealthy) []sdp.SandboxTraffic {
	before := t.before
	t.before = map[string]reading{}
	var out []sdp.SandboxTraffic
	for _, s := range all {
		t.before[s.Sandbox] = reading{now, s}
		report := reportOf(before[s.Sandbox], now, s, bad[s.Sandbox])
		last, known := t.taken[s.Sandbox]
		report.Turned = troubled(last) != troubled(report)
		last.Turned = report.Turned
		unused := !known && report.LastActivity.IsZero() && len(report.Services) == 0
		if !unused && (!report.Quiet() || !reflect.DeepEqual(last, report)) {
			out = append(out, report)
		}
	}
	return out
}

// took remembers that the server has a report, so that it is not sent again.
func (t *traffic) took(report []sdp.SandboxTraffic) {
	if t.taken == nil {
		t.taken = map[string]sdp.SandboxTraffic{}
	}
	for _, r := range report {
		t.taken[r.Sandbox] = r
	}
	maps.DeleteFunc(t.taken, func(name string, _ sdp.SandboxTraffic) bool { _, there := t.before[name]; return !there })
}

// forget makes the next report say everything: the server does not know the node any more.
func (t *traffic) forget() { t.taken = nil }

// troubled names the services that do not answer.
func troubled(t sdp.SandboxTraffic) string {
	var names string
	for _, name := range slices.Sorted(maps.Keys(t.Services)) {
		if t.Services[name].Trouble != "" {
			names += name + " "
		}
	}
	return names
}

func reportOf(before reading, now time.Time, s wire.RouterStats, bad map[string]probeFailure) sdp.SandboxTraffic {
	per := 0.0 // without an earlier reading there is no interval
	switch {
	case before.at.IsZero():
	case before.stats.Since.Equal(s.Since):
		per = now.Sub(before.at).Seconds()
	default: // the router was restarted: it counted from 0
		before, per = reading{}, now.Sub(s.Since).Seconds()
	}
	out := sdp.SandboxTraffic{Sandbox: s.Sandbox, Since: s.Since, LastActivity: s.LastActivity,
		Public: counted(s.Entered, before.stats.Entered, per), Services: map[string]sdp.ServiceTraffic{}}
	for name, v := range s.Services {
		service := sdp.ServiceTraffic{Traffic: counted(v.RouterTraffic, before.stats.Services[name].RouterTraffic, per), Trouble: v.Unanswered}
		if f, ok := bad[name]; ok {
			service.Trouble, service.Deployment = f.why, f.deployment
		}
		if v.Down != "" {
			service.Trouble, service.Deployment = "it "+v.Down, v.Deployment
		}
		if service != (sdp.ServiceTraffic{}) {
			out.Services[name] = service
		}
	}
	return out
}

func counted(t, before wire.RouterTraffic, seconds float64) sdp.Traffic {
	out := sdp.Traffic{Requests: t.Requests, Errors: t.Errors, InFlight: t.InFlight, P50: t.P50, P95: t.P95}
	if seconds > 0 {
		out.PerSecond = float64(t.Requests-before.Requests) / seconds
	}
	return out
}

// counted asks the router what it counted. Without an answer there is nothing to report; the heartbeat says that the
// router is down.
func (a *agent) counted(ctx context.Context) []sdp.SandboxTraffic {
	now, ask := time.Now(), a.router.RecentStats
	whole := now.Sub(a.traffic.whole) >= wholeEvery
	if whole {
		ask = a.router.Stats
	}
	ctx, done := context.WithTimeout(ctx, healthLimit)
	defer done()
	stats, err := ask(ctx)
	if err != nil {
		return nil
	}
	if whole {
		a.traffic.whole = now
	} else {
		stats = a.traffic.complete(stats)
	}
	return a.traffic.report(now, stats, a.monitor.unhealthy())
}

// complete adds what the router said before of sandboxes that it leaves out now.
func (t *traffic) complete(recent []wire.RouterStats) []wire.RouterStats {
	said := make(map[string]bool, len(recent))
	for _, s := range recent {
		said[s.Sandbox] = true
	}
	for _, name := range slices.Sorted(maps.Keys(t.before)) {
		if !said[name] {
			recent = append(recent, t.before[name].stats)
		}
	}
	return recent
}
