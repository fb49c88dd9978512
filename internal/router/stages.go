package router

import (
	"net/http"
	"sync"
	"time"

	"sdp/internal/router/forward"
	"sdp/internal/router/stats"
)

// stages is the way of every request, in this order. What is to be added to it (waking a sandbox, holding requests during a
// switch, faults, a guard) is one more line here and one file.
var stages = [...]stage{
	{identify, nil},        // which service of which sandbox is meant, by the listener it came to
	{count, uncount},       // it counts as traffic of the sandbox until it is over
	{admit, nil},           // no tunnels, no loops
	{trace, untrace},       // whether it belongs to a trace, and who sent it
	{choose, release},      // the target whose turn it is, which counts it as in flight until it is over
	{forwardToTarget, nil}, // send it there, once more if that is safe, and pass the answer on
}

// stage is one thing the router does with a request.
type stage struct {
	// enter does it, and reports whether the client has its answer: then no stage after this one sees the request.
	enter func(*exchange) (answered bool)
	// leave, where there is something to end, is called once the response is over, however it ended, if the stage was
	// entered; of several stages the last one's first.
	leave func(*exchange)
}

// exchange is one request and its response on their way through the stages. A stage keeps here what it, or one after it,
// needs later.
type exchange struct {
	r       *Router
	w       http.ResponseWriter
	in      *http.Request
	side    side
	started time.Time
	ended   time.Time
	entered int // stages

	// identify
	sb      *sandbox
	service string
	direct  bool   // the container itself is wanted, whatever the route says
	strip   string // prefix taken off the path
	passed  int    // routers the request has passed
	wanted  string // deployment that another router has chosen; "" = none has

	// count
	counted *stats.Counters // of the service, once one was found

	// trace
	trace    string // "" = not traced
	inferred bool
	from     string // who sent it; only known of traced requests
	hopDone  func()

	// choose
	table  *table // the table route is from
	route  *route
	target *target // its pool counts this exchange; nil once released
	sent   time.Time

	// forward
	out      *outgoing
	status   int
	upgraded bool
	cut      bool // the target broke the response off
}

// exchanges are used again, if nobody else can have kept them.
var exchanges = sync.Pool{New: func() any { return &exchange{out: newOutgoing()} }}

// handler serves a listener; sb is nil for the mesh, where the request says which sandbox it is for.
func (r *Router) handler(s side, sb *sandbox) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, in *http.Request) {
		x := exchanges.Get().(*exchange)
		x.r, x.sb, x.w, x.in, x.side, x.started = r, sb, w, in, s, time.Now()
		defer x.leave()
		for i := range stages {
			x.entered++
			if stages[i].enter(x) {
				return
			}
		}
	})
}

// leave ends what the stages have begun. It runs, too, where a response is broken off, which net/http wants as a panic.
func (x *exchange) leave() {
	x.ended = time.Now()
	for x.entered--; x.entered >= 0; x.entered-- {
		if leave := stages[x.entered].leave; leave != nil {
			leave(x)
		}
	}
	if x.out.req.URL != nil && forward.IsPlain(&x.out.req) { // nobody else has it any more
		x.out.reset()
		*x = exchange{out: x.out}
		exchanges.Put(x)
	}
}
