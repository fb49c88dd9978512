package forward

import (
	"sync"
	"time"
)

// idleConns is the connections of one kind that wait for their next request, by where they lead, the last used one last.
type idleConns[C idleConn] struct {
	timeout time.Duration
	mu      sync.Mutex
	idle    map[string][]C
}

// idleConn is a connection that can wait for its next request.
type idleConn interface {
	slot() *idleSlot
	// open reports whether the target has neither closed the connection nor sent anything nobody asked for.
	open() bool
	Close() error
}

// idleSlot is where a connection leads, and since when it is idle.
type idleSlot struct {
	key   string
	since time.Time
}

func (s *idleSlot) slot() *idleSlot { return s }

// take returns an idle connection that is still open, nothing if there is none. Each is looked at, however short it was
// idle: what a target sends after its answer would be taken for the answer to the next request.
func (s *idleConns[C]) take(key string) (c C, ok bool) {
	for {
		s.mu.Lock()
		idle := s.idle[key]
		if len(idle) == 0 {
			s.mu.Unlock()
			return c, false
		}
		next := idle[len(idle)-1]
		s.idle[key] = idle[:len(idle)-1]
		s.mu.Unlock()
		if time.Since(next.slot().since) < s.timeout && next.open() {
			return next, true
		}
		next.Close()
	}
}

func (s *idleConns[C]) put(c C) {
	slot := c.slot()
	slot.since = time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.idle == nil {
		s.idle = map[string][]C{}
	}
	if len(s.idle[slot.key]) >= idlePerHost {
		c.Close()
		return
	}
	s.idle[slot.key] = append(s.idle[slot.key], c)
}

func (s *idleConns[C]) closeOld() { s.closeIdle(time.Now().Add(-s.timeout)) }

// closeIdle closes the connections that are idle since before limit; all if limit is zero.
func (s *idleConns[C]) closeIdle(limit time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, idle := range s.idle {
		old := 0
		for old < len(idle) && (limit.IsZero() || idle[old].slot().since.Before(limit)) {
			idle[old].Close()
			old++
		}
		if s.idle[key] = idle[old:]; old == len(idle) {
			delete(s.idle, key)
		}
	}
}
