package router

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"sdp/internal/router/egress"
	"sdp/internal/router/forward"
	"sdp/internal/wire"
)

// forwardToTarget is the stage that sends the request to its target and the answer back. Where sending failed and may be
// done once more, a target is chosen once more: whose turn it is by then.
func forwardToTarget(x *exchange) (answered bool) {
	x.sent = x.started
	res, err := x.send() //nolint:bodyclose // respond does
	if err != nil && x.mayRepeat(err) {
		x.missed()
		if choose(x) {
			return true
		}
		res, err = x.send() //nolint:bodyclose // respond does
	}
	if err != nil {
		x.unanswered(err)
		return true
	}
	x.respond(res)
	return true
}

// missed releases a target that did not answer.
func (x *exchange) missed() {
	x.cut, x.ended = true, time.Now()
	release(x)
	x.cut, x.sent = false, x.ended
	x.out = newOutgoing() // who was asked may still have the first one
}

func (x *exchange) send() (*http.Response, error) {
	return x.target.pool.RoundTrip(x.outgoing())
}

// mayRepeat reports whether the request may be sent once more: nothing of it has reached a target, or it may be done
// twice and there is a new target to send it to.
func (x *exchange) mayRepeat(err error) bool {
	if x.in.Context().Err() != nil || !x.out.body.GiveUp() {
		return false
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return !op.Timeout()
	}
	return forward.Idempotent(x.in.Method) && x.sb.table.Load() != x.table
}

// unanswered tells the client that the target did not answer.
func (x *exchange) unanswered(err error) {
	if x.in.Context().Err() != nil {
		x.status = 499 // the client left; nobody reads an answer
		panic(http.ErrAbortHandler)
	}
	x.cut = true
	x.w.Header()[wire.RouteHeader] = x.target.header
	x.recordHop(x.route, x.target, http.StatusBadGateway)
	var forbidden *egress.Forbidden
	if errors.As(err, &forbidden) {
		x.forbidden(forbidden)
		return
	}
	who, remedy := x.culprit()
	var gone *forward.Unreachable
	if errors.As(err, &gone) {
		x.unreachable(gone, remedy)
		return
	}
	x.route.counters.Missed(x.target.name, reason(err))
	x.problem(http.StatusBadGateway, "target-unreachable", who+" did not answer: "+reason(err), remedy)
}

// unreachable tells the client that another node cannot be reached.
func (x *exchange) unreachable(gone *forward.Unreachable, remedy string) {
	why := fmt.Sprintf("node %s at %s cannot be reached from node %s since %s: %s", x.target.Node, x.target.address, x.r.cfg.Node,
		gone.Since.UTC().Format(time.RFC3339), reason(gone))
	x.route.counters.Missed(x.target.name, why)
	x.problem(http.StatusBadGateway, "node-unreachable", why, remedy)
}

// culprit names who did not answer, and says what to do about it.
func (x *exchange) culprit() (who, remedy string) {
	switch tg := x.target; {
	case tg.mesh:
		return fmt.Sprintf("the router of node %s at %s", tg.Node, tg.address),
			"check that `sdp router` runs on node " + tg.Node + " and that its mesh port can be reached from here"
	case tg.base != nil:
		return tg.name, "check the URL; `sdp routes " + x.sb.name + "` shows where each service is routed"
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

// forbidden tells the client that the route leads where none may.
func (x *exchange) forbidden(f *egress.Forbidden) {
	x.route.counters.Missed(x.target.name, f.Error())
	x.problem(http.StatusBadGateway, "target-forbidden",
		"the route of "+x.service+" is not followed: "+f.Error(),
		"route it elsewhere; or the operator adds "+x.target.address+" to `routes.allow` in the configuration of node "+f.Node+
			" and restarts its router")
}
