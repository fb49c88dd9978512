package router

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"sdp/internal/sdp"
)

// exchange is one request and its response on their way through the router.
type exchange struct {
	r       *Router
	sb      *sandbox
	w       http.ResponseWriter
	in      *http.Request
	side    side
	started time.Time
	probe   bool

	service string
	direct  bool   // the container itself is wanted, whatever the route says
	strip   string // prefix taken off the path
	passed  int    // routers the request has passed

	trace    string // "" = not traced
	inferred bool
	from     string // who sent it; only known of traced requests
	hopDone  func()

	counted  *counters // of the service, once one was found
	route    *route    // held: its pool counts this exchange
	table    *table    // the table route is from
	body     *guardedBody
	conn     net.Conn // to the target, where an upgrade was asked for
	status   int
	upgraded bool
	cut      bool // the target broke the response off
}

func (r *Router) newExchange(sb *sandbox, w http.ResponseWriter, in *http.Request, s side) *exchange {
	return &exchange{r: r, sb: sb, w: w, in: in, side: s, started: time.Now()}
}

// serve sends the request to who answers for service, and the answer back.
func (x *exchange) serve(service string) {
	x.service = service
	x.probe = isProbe(x.in.Header)
	x.begin()
	defer x.end()
	if x.refused() {
		return
	}
	x.identifyTrace()
	for first := true; x.acquire(); first = false {
		x.beginTrace()
		res, err := x.send()
		switch {
		case err == nil:
			x.respond(res)
		case first && x.mayRepeat(err):
			x.release()
			continue
		default:
			x.unanswered(err)
		}
		return
	}
}

func (x *exchange) begin() {
	if x.probe {
		return
	}
	x.sb.stats.touch(x.started)
	switch x.side { // what comes from another router was counted there
	case public:
		x.sb.stats.public.begin()
		fallthrough
	case inside:
		x.sb.stats.total.begin()
	}
}

func (x *exchange) end() {
	x.release()
	if x.hopDone != nil {
		x.hopDone()
	}
	if x.probe {
		return
	}
	now := time.Now()
	took, failed := now.Sub(x.started), x.cut || x.status >= 500
	x.sb.stats.touch(now)
	switch x.side {
	case public:
		x.sb.stats.public.end(took, failed, x.upgraded)
		fallthrough
	case inside:
		x.sb.stats.total.end(took, failed, x.upgraded)
	}
	if x.counted != nil {
		x.counted.end(took, failed, x.upgraded)
	}
}

// refused answers what the router passes on to nobody.
func (x *exchange) refused() bool {
	switch {
	case x.in.Method == http.MethodConnect:
		x.problem(http.StatusMethodNotAllowed, "no-tunnels", "the router does not open tunnels", "")
	case x.side == mesh && x.passed > meshLimit, x.side != mesh && viaCount(x.in.Header) >= viaLimit:
		x.problem(http.StatusLoopDetected, "routing-loop",
			"the routes of "+x.service+" in sandbox "+x.sb.name+" lead back to themselves",
			"look at `sdp routes "+x.sb.name+"`; if nodes disagree, the reconciler mends that within seconds")
	default:
		return false
	}
	return true
}

// acquire takes the current route of the service and counts the exchange into its pool. Where nobody serves, it
// answers and returns false.
//
// The table is looked at again after counting: either this sees a newer table and goes by that, or whoever stored the
// newer table sees the count when it drains. So no request slips to a target after its drain has ended.
func (x *exchange) acquire() bool {
	for {
		t := x.sb.table.Load()
		rt := t.routes[x.service]
		if x.unserved(t, rt) {
			return false
		}
		rt.pool.acquire()
		if x.sb.table.Load() != t {
			rt.pool.release()
			continue
		}
		if x.counted == nil && !x.probe && x.side != mesh {
			x.counted = rt.counters
			x.counted.begin()
		}
		x.table, x.route = t, rt
		return true
	}
}

// unserved answers for a service that nobody serves, and reports whether that is so.
func (x *exchange) unserved(t *table, rt *route) bool {
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
	case rt.pool == nil:
		code, why = "not-serving", rt.Reason
	case x.direct && rt.Source != sdp.SourceSandbox:
		code, why = "not-serving", x.service+" has no container in this sandbox: its route is "+string(rt.Source)
	default:
		return false
	}
	x.w.Header()[routeHeader] = []string{x.service + "=none"}
	x.recordHop(rt, status)
	x.problem(status, code, why, remedy)
	return true
}

func (x *exchange) release() {
	if x.route == nil {
		return
	}
	x.endTrace()
	x.route.pool.release()
	x.route = nil
}

// mayRepeat reports whether the request may be sent once more: nothing of it has reached a target, or it may be done
// twice and there is a new target to send it to.
func (x *exchange) mayRepeat(err error) bool {
	if x.in.Context().Err() != nil || !x.body.giveUp() {
		return false
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return !op.Timeout()
	}
	return idempotent(x.in.Method) && x.sb.table.Load() != x.table
}

func idempotent(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

// unanswered tells the client that the target did not answer.
func (x *exchange) unanswered(err error) {
	if x.in.Context().Err() != nil {
		x.status = 499 // the client left; nobody reads an answer
		panic(http.ErrAbortHandler)
	}
	x.cut = true
	x.w.Header()[routeHeader] = x.route.header
	x.recordHop(x.route, http.StatusBadGateway)
	who, remedy := x.culprit()
	x.route.counters.missed(x.route, reason(err))
	x.problem(http.StatusBadGateway, "target-unreachable", who+" did not answer: "+reason(err), remedy)
}

// culprit names who did not answer, and says what to do about it.
func (x *exchange) culprit() (who, remedy string) {
	switch rt := x.route; {
	case rt.mesh:
		return fmt.Sprintf("the router of node %s at %s", rt.Target.Node, rt.address),
			"check that `sdp router` runs on node " + rt.Target.Node + " and that its mesh port can be reached from here"
	case rt.base != nil:
		return rt.target, "check the URL; `sdp routes " + x.sb.name + "` shows where each service is routed"
	}
	return "the container of " + x.service, "`sdp logs " + x.sb.name + "/" + x.service + "` shows what it printed"
}

// reason is the innermost part of a network error that still says something, without addresses and URLs.
func reason(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
		return op.Op + ": " + op.Err.Error()
	}
	return err.Error()
}
