package api

import (
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"sdp/internal/sdp"
)

// Login attempts: a user may try loginBurst times from one address and then once per loginEvery; one address may try
// addressBurst times over all users. A success forgives the user's failures.
const (
	loginBurst   = 5
	loginEvery   = 20 * time.Second
	addressBurst = 60
	addressEvery = 2 * time.Second
	maxBuckets   = 10_000
)

// loginLimiter slows down guessing. Each replica of the server counts for itself.
type loginLimiter struct {
	now     func() time.Time
	mu      sync.Mutex
	buckets map[string]bucket
}

// bucket is a token bucket, kept as the time at which it will be full again.
type bucket struct {
	full  time.Time
	every time.Duration
}

func newLoginLimiter(now func() time.Time) *loginLimiter {
	return &loginLimiter{now: now, buckets: map[string]bucket{}}
}

// allow takes a token for the attempt, or says how long to wait.
func (l *loginLimiter) allow(user, address string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweep()
	wait := max(l.take("address "+address, addressBurst, addressEvery), l.take(pair(user, address), loginBurst, loginEvery))
	if wait <= 0 {
		return nil
	}
	seconds := int(math.Ceil(wait.Seconds()))
	return withStatus(http.StatusTooManyRequests, sdp.Errorf(sdp.Exhausted, "too-many-logins", "too many attempts to sign in").
		WithRemedy("wait %d seconds", seconds), "Retry-After", strconv.Itoa(seconds))
}

func (l *loginLimiter) take(key string, burst int, every time.Duration) time.Duration {
	now := l.now()
	b := l.buckets[key]
	if b.full.Before(now) {
		b.full = now
	}
	if wait := b.full.Add(every).Sub(now) - time.Duration(burst)*every; wait > 0 {
		return wait
	}
	l.buckets[key] = bucket{full: b.full.Add(every), every: every}
	return 0
}

func (l *loginLimiter) succeeded(user, address string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.buckets, pair(user, address))
}

// sweep drops full buckets once there are many, and all of them if an attack fills the map nevertheless: the
// addresses' own limit is then what remains.
func (l *loginLimiter) sweep() {
	if len(l.buckets) < maxBuckets {
		return
	}
	for key, b := range l.buckets {
		if b.full.Before(l.now()) {
			delete(l.buckets, key)
		}
	}
	if len(l.buckets) >= maxBuckets {
		clear(l.buckets)
	}
}

func pair(user, address string) string { return "user " + strconv.Quote(user) + " " + address }
