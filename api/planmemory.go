package api

import (
	"slices"
	"sync"

	"sdp/internal/sdp"
)

// keptPlans is how many plans are remembered, to say what has changed since one was looked at.
const keptPlans = 200

// recentPlans are the plans made last. A plan that is not among them is as stale as any other, only without a reason.
type recentPlans struct {
	mu     sync.Mutex
	byHash map[string]sdp.Plan
	order  []string
}

func (r *recentPlans) keep(p sdp.Plan) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byHash == nil {
		r.byHash = map[string]sdp.Plan{}
	}
	if _, again := r.byHash[p.Hash]; !again {
		r.order = append(r.order, p.Hash)
	}
	r.byHash[p.Hash] = p
	if len(r.order) > keptPlans {
		delete(r.byHash, r.order[0])
		r.order = slices.Delete(r.order, 0, 1)
	}
}

func (r *recentPlans) find(hash string) (sdp.Plan, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p, ok := r.byHash[hash]
	return p, ok
}
