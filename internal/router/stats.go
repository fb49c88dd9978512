package router

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// statsWindow is how often percentiles start anew; they cover the current window and the one before.
const statsWindow = time.Minute

// Traffic counts requests.
type Traffic struct {
	Requests int64
	Errors   int64         // answered with 5xx, or cut by the target
	InFlight int64         // upgraded connections included
	P50, P95 time.Duration // until the response's end, over the last one to two minutes, upgraded connections excluded
}

// Stats is what a router counted for one sandbox since it started. Health probes (User-Agent "sdp-probe...") are not
// counted.
type Stats struct {
	Sandbox      string
	Since        time.Time // when counting began: the router's start or the sandbox's first table
	LastActivity time.Time // start or end of the last request; zero if there was none
	Public       int64     // requests that came through the public port; the others came from containers and routers
	Traffic                // all requests
	Services     map[string]Traffic
}

// sandboxStats counts what enters for one sandbox.
type sandboxStats struct {
	since    time.Time
	activity atomic.Int64 // Unix nanoseconds
	public   atomic.Int64
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
