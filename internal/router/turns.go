package router

import "sync/atomic"

// turns says which target gets the next request: order has the indexes of those that serve, each as often as its weight
// says and spread as evenly as can be, so that 90 and 10 become nine of the one and one of the other in each ten. The order
// depends on the table alone.
type turns struct {
	order []uint8
	next  atomic.Uint32
}

// takeTurns makes the order. A target that does not serve leaves its part to the others; one with the weight 0 gets nothing,
// even if nobody else serves.
func (rt *route) takeTurns() {
	weights := make([]int, len(rt.targets))
	for i, tg := range rt.targets {
		if tg.pool != nil {
			weights[i] = tg.Weight
		}
	}
	rt.turns.order = spread(weights)
	if rt.turns.order == nil && rt.reason == "" {
		rt.reason = "no target of " + rt.Service + " has a weight"
	}
}

// spread is nginx's smooth weighted round robin: in each turn all gain their weight, and who has most pays the sum for it.
func spread(weights []int) []uint8 {
	sum, common := 0, 0
	for _, w := range weights {
		sum, common = sum+w, divisor(common, w)
	}
	if sum == 0 {
		return nil
	}
	order, have := make([]uint8, sum/common), make([]int, len(weights))
	for turn := range order {
		most := 0
		for i, w := range weights {
			if have[i] += w; have[i] > have[most] {
				most = i
			}
		}
		have[most] -= sum
		order[turn] = uint8(most) // at most wire.MaxShares
	}
	return order
}

// divisor is the greatest common one.
func divisor(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// choose returns the target whose turn it is; nil if nobody serves. A deployment that another router has chosen is taken if
// it serves.
func (rt *route) choose(deployment string) *target {
	if deployment != "" {
		for _, tg := range rt.targets {
			if tg.Deployment == deployment && tg.pool != nil {
				return tg
			}
		}
	}
	switch n := uint32(len(rt.turns.order)); n {
	case 0:
		return nil
	case 1:
		return rt.targets[rt.turns.order[0]]
	default:
		return rt.targets[rt.turns.order[(rt.turns.next.Add(1)-1)%n]]
	}
}
