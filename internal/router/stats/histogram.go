package stats

import (
	"math/bits"
	"sync/atomic"
	"time"
)

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
