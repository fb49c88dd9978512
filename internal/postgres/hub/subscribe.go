package hub

import (
	"slices"
	"strings"
	"sync"
)

// subscriber is one subscription: what it wants, and what it has not taken yet.
type subscriber struct {
	topics map[string]bool
	out    chan Event
	stop   chan struct{}
	wake   chan struct{} // holds one token while pending may be non-empty

	mu      sync.Mutex
	pending []Event
}

// Subscribe returns the events of some topics: those of Event, or "all" for everything but logs, traffic and "events".
// "sandbox/<name>" brings the events of the sandbox's deployments and traffic too, and every subscription brings "resync".
// A subscriber that is slow holds up nobody: of several events about one thing it gets the newest. cancel ends the
// subscription and closes the channel; so does the end of the hub.
func (h *Hub) Subscribe(topics ...string) (events <-chan Event, cancel func()) {
	s := &subscriber{topics: map[string]bool{topicResync: true}, out: make(chan Event), stop: make(chan struct{}),
		wake: make(chan struct{}, 1)}
	for _, t := range topics {
		s.topics[t] = true
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		close(s.out)
		return s.out, func() {}
	}
	h.subs[s] = struct{}{}
	go s.deliver()
	return s.out, func() { h.unsubscribe(s) }
}

func (h *Hub) unsubscribe(s *subscriber) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.subs[s]; ok {
		delete(h.subs, s)
		close(s.stop)
	}
}

func (h *Hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for s := range h.subs {
		delete(h.subs, s)
		close(s.stop)
	}
}

func (h *Hub) publish(e Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.subs {
		if s.wants(e) {
			s.add(e)
		}
	}
}

func (s *subscriber) wants(e Event) bool {
	return s.topics[e.Topic] || e.Sandbox != "" && s.topics["sandbox/"+e.Sandbox] ||
		s.topics[topicAll] && !strings.HasPrefix(e.Topic, "log/") && !strings.HasPrefix(e.Topic, "traffic/") &&
			e.Topic != topicEvents
}

// add queues an event; it takes the place of one about the same thing that was not taken yet.
func (s *subscriber) add(e Event) {
	s.mu.Lock()
	if i := slices.IndexFunc(s.pending, func(p Event) bool { return p.Topic == e.Topic && p.ID == e.ID }); i >= 0 {
		s.pending[i] = e
	} else {
		s.pending = append(s.pending, e)
	}
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *subscriber) next() (e Event, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pending) == 0 {
		return e, false
	}
	e, s.pending = s.pending[0], s.pending[1:]
	return e, true
}

func (s *subscriber) deliver() {
	defer close(s.out)
	for {
		e, ok := s.next()
		if !ok {
			select {
			case <-s.wake:
				continue
			case <-s.stop:
				return
			}
		}
		select {
		case s.out <- e:
		case <-s.stop:
			return
		}
	}
}
