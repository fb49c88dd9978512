// Package stats counts requests.
package stats

import (
	"sync/atomic"
	"time"

	"sdp/internal/wire"
)

// Window is how often percentiles start anew; they cover the current window and the one before.
const Window = time.Minute

// Counters counts requests of one kind. All of it is lock-free, and small until a request has ended.
type Counters struct {
	requests, errors, inFlight atomic.Int64
	current, previous          atomic.Pointer[histogram]  // nil until there is something to count
	unanswered                 atomic.Pointer[unanswered] // nil while the target answers
}

// unanswered is why a target did not answer. It says nothing about the next target.
type unanswered struct{ target, why string }

// Missed keeps why a target did not answer.
func (c *Counters) Missed(target, why string) { c.unanswered.Store(&unanswered{target, why}) }

// Answered forgets it. Nearly always there is nothing to forget, and reading costs the other requests nothing.
func (c *Counters) Answered() {
	if c.unanswered.Load() != nil {
		c.unanswered.Store(nil)
	}
}

// Rotate begins a new window.
func (c *Counters) Rotate() { c.previous.Store(c.current.Swap(nil)) }

// Begin counts a request that starts.
func (c *Counters) Begin() {
	c.requests.Add(1)
	c.inFlight.Add(1)
}

// End counts a request that has ended. How long an upgraded connection was open says nothing.
func (c *Counters) End(took time.Duration, failed, upgraded bool) {
	c.inFlight.Add(-1)
	if failed {
		c.errors.Add(1)
	}
	if !upgraded {
		c.histogram().add(took)
	}
}

func (c *Counters) histogram() *histogram {
	for {
		if h := c.current.Load(); h != nil {
			return h
		}
		c.current.CompareAndSwap(nil, new(histogram))
	}
}

// Traffic is what was counted.
func (c *Counters) Traffic() wire.RouterTraffic {
	p50, p95 := percentiles(c.previous.Load(), c.current.Load())
	return wire.RouterTraffic{Requests: c.requests.Load(), Errors: c.errors.Load(), InFlight: c.inFlight.Load(), P50: p50, P95: p95}
}

// InFlight is how many requests are under way.
func (c *Counters) InFlight() int64 { return c.inFlight.Load() }

// Unanswered returns which target did not answer the last request, and why; "" where it did.
func (c *Counters) Unanswered() (target, why string) {
	if u := c.unanswered.Load(); u != nil {
		return u.target, u.why
	}
	return "", ""
}
