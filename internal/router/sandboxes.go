package router

import (
	"iter"
	"sync"
	"sync/atomic"
)

// sandboxes is the sandboxes by name. Requests look them up without a lock.
type sandboxes struct {
	byName sync.Map // string -> *sandbox
	count  atomic.Int64
}

func (s *sandboxes) get(name string) *sandbox {
	sb, _ := s.byName.Load(name)
	found, _ := sb.(*sandbox)
	return found
}

func (s *sandboxes) put(sb *sandbox) {
	if _, had := s.byName.Swap(sb.name, sb); !had {
		s.count.Add(1)
	}
}

func (s *sandboxes) delete(name string) {
	if _, had := s.byName.LoadAndDelete(name); had {
		s.count.Add(-1)
	}
}

func (s *sandboxes) len() int { return int(s.count.Load()) }

func (s *sandboxes) all() iter.Seq2[string, *sandbox] {
	return func(yield func(string, *sandbox) bool) {
		s.byName.Range(func(name, sb any) bool { return yield(name.(string), sb.(*sandbox)) })
	}
}
