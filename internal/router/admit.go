package router

import (
	"net/http"
)

// meshLimit is how many routers may pass a request on. Two are normal; more happen for a moment while nodes get a new
// table one after the other.
const meshLimit = 4

// admit is the stage that refuses what the router passes on to nobody.
func admit(x *exchange) (answered bool) {
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
