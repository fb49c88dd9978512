package router

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// choose is the stage that takes the service's route as it is now, and of its targets the one whose turn it is. The
// exchange counts as in flight to that until it is released. Where nobody serves, the stage answers.
//
// The table is looked at again after counting: either this sees a newer table and goes by that, or whoever stored the
// newer table sees the count when it drains. So no request slips to a target after its drain has ended.
func choose(x *exchange) (answered bool) {
	for {
		t := x.sb.table.Load()
		rt := t.routes[x.service]
		var tg *target
		if rt != nil {
			tg = rt.choose(x.wanted)
		}
		if x.unserved(t, rt, tg) {
			return true
		}
		tg.pool.Acquire()
		if x.sb.table.Load() != t {
			tg.pool.Release()
			continue
		}
		x.table, x.route, x.target = t, rt, tg
		x.countTarget()
		x.beginTrace()
		return false
	}
}

// countTarget counts the request for its service, once, and for its target.
func (x *exchange) countTarget() {
	if x.side == mesh {
		return
	}
	if x.counted == nil {
		x.counted = x.route.counters
		x.counted.Begin()
	}
	x.target.counters.Begin()
}

// release ends what choose has begun; there may be nothing.
func release(x *exchange) {
	if x.target == nil {
		return
	}
	x.endTrace()
	if x.side != mesh {
		x.target.counters.End(x.ended.Sub(x.sent), x.failed(), x.upgraded)
	}
	x.target.pool.Release()
	x.target = nil
}

// unserved answers for a service that nobody serves, and reports whether that is so.
func (x *exchange) unserved(t *table, rt *route, tg *target) bool {
	var status = http.StatusServiceUnavailable
	var code, why, remedy string
	switch {
	case t.inactive != "":
		code, why = "sandbox-inactive", t.inactive
	case rt == nil && x.service == t.Gateway:
		code, why = "no-gateway", "the gateway "+t.Gateway+" has no route"
	case rt == nil:
		status, code = http.StatusNotFound, "unknown-service"
		why = "sandbox " + x.sb.name + " has no service " + strings.ToValidUTF8(x.service, "?")
		remedy = "`sdp routes " + x.sb.name + "` lists its services"
	case tg == nil && rt.down() != nil:
		code, why = "container-down", sentence(*rt.down().down, x.service, time.Now())
		remedy = "`sdp logs " + x.sb.name + "/" + x.service + "` shows what it printed"
	case tg == nil:
		code, why = "not-serving", rt.reason
	case x.direct && rt.Source != sdp.SourceSandbox:
		code, why = "not-serving", x.service+" has no container in this sandbox: its route is "+string(rt.Source)
	default:
		return false
	}
	if tg == nil && rt != nil {
		tg = rt.down()
	}
	x.w.Header()[wire.RouteHeader] = []string{x.service + "=none"}
	x.recordHop(rt, tg, status)
	x.problem(status, code, why, remedy)
	return true
}

// sentence says of a service what became of its container.
func sentence(t wire.TargetState, service string, now time.Time) string {
	text := service + " " + t.Down
	if ago := now.Sub(t.Since); ago >= 0 && !t.Since.IsZero() {
		text += fmt.Sprintf(", %v ago", ago.Round(time.Second))
	}
	if t.Next != "" {
		text += "; " + t.Next
	}
	return text
}
