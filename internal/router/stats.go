package router

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// statsWindow is how often percentiles start anew; they cover the current window and the one before.
const statsWindow = time.Minute

// Traffic counts requests. A request counts in the router where it enters, not again in one it is handed to.
type Traffic struct {
	Requests int64
	Errors   int64         // answered with 5xx, or cut by the target
	InFlight int64         // upgraded connections included
	P50, P95 time.Duration // until the response's end, over the last one to two minutes, upgraded connections excluded
}

// ServiceTraffic counts the requests for one service.
type ServiceTraffic struct {
	Traffic
	// Unanswered is why its present target did not answer the last request, for people; "" = it did, or was not asked.
	Unanswered string
}

// Stats is what a router counted for one sandbox since it started. Health probes (User-Agent "sdp-probe...") are not
// counted.
type Stats struct {
	Sandbox      string
	Since        time.Time // when counting began: the router's start or the sandbox's first table
	LastActivity time.Time // start or end of the last request, of those from other routers too; zero if there was none
	Entered      Traffic   // requests that came through the public port
	Traffic                // all requests
	Services     map[string]ServiceTraffic
}

// sandboxStats counts what enters for one sandbox.
type sandboxStats struct {
	since    time.Time
	activity atomic.Int64 // Unix nanoseconds
	public   *counters
	total    *counters
}

func (s *sandboxStats) touch(now time.Time) { s.activity.Store(now.UnixNano()) }

func (s *sandboxStats) lastActivity() time.Time {
	if ns := s.activity.Load(); ns != 0 {
		return time.Unix(0, ns)
	}
	return time.Time{}
}

// counters counts requests of one kind. All of it is lock-free.
type counters struct {
	requests, errors, inFlight atomic.Int64
	current, previous          atomic.Pointer[histogram]
	unanswered                 atomic.Pointer[unanswered] // nil while the target answers
}

// unanswered is why a target did not answer. It says nothing about the next target.
type unanswered struct{ target, why string }

// missed keeps why rt did not answer.
func (c *counters) missed(rt *route, why string) { c.unanswered.Store(&unanswered{rt.target, why}) }

// answered forgets it. Nearly always there is nothing to forget, and reading costs the other requests nothing.
func (c *counters) answered() {
	if c.unanswered.Load() != nil {
		c.unanswered.Store(nil)
	}
}

func newCounters() *counters {
	c := &counters{}
	c.rotate()
	c.rotate()
	return c
}

// rotate begins a new window.
func (c *counters) rotate() { c.previous.Store(c.current.Swap(new(histogram))) }

func (c *counters) begin() {
	c.requests.Add(1)
	c.inFlight.Add(1)
}

func (c *counters) end(took time.Duration, failed, upgraded bool) {
	c.inFlight.Add(-1)
	if failed {
		c.errors.Add(1)
	}
	if !upgraded {
		c.current.Load().add(took)
	}
}

func (c *counters) traffic() Traffic {
	p50, p95 := percentiles(c.previous.Load(), c.current.Load())
	return Traffic{c.requests.Load(), c.errors.Load(), c.inFlight.Load(), p50, p95}
}

// service is traffic with what is known of the service's present target.
func (c *counters) service(rt *route) ServiceTraffic {
	t := ServiceTraffic{Traffic: c.traffic()}
	if u := c.unanswered.Load(); u != nil && rt != nil && rt.target == u.target {
		t.Unanswered = u.why
	}
	return t
}

// histogram counts durations in buckets four to the octave, so a percentile is off by 12 % at most.
type histogram [4 * 40]atomic.Uint32

func (h *histogram) add(d time.Duration) { h[bucket(d)].Add(1) }

// bucket returns the index for d: the position of the highest bit of its microseconds and the two bits below it.
func bucket(d time.Duration) int {
	us := uint64(max(d.Microseconds(), 0)) + 4 // from 4 on there are two bits below the highest
	high := bits.Len64(us) - 1
	return min((high-2)*4+int(us>>(high-2)&3), len(histogram{})-1)
}

// middle returns the duration in the middle of bucket i.
func middle(i int) time.Duration {
	shift := i / 4
	low := uint64(4+i%4) << shift
	return time.Duration(low-4+(1<<shift)/2) * time.Microsecond
}

func percentiles(windows ...*histogram) (p50, p95 time.Duration) {
	var sum [len(histogram{})]uint64
	var total uint64
	for _, h := range windows {
		for i := range sum {
			if h != nil {
				n := uint64(h[i].Load())
				sum[i] += n
				total += n
			}
		}
	}
	return rank(sum[:], (total+1)/2), rank(sum[:], (total*95+99)/100)
}

func rank(buckets []uint64, nth uint64) time.Duration {
	for i, n := range buckets {
		if n >= nth && nth > 0 {
			return middle(i)
		}
		nth -= n
	}
	return 0
}
