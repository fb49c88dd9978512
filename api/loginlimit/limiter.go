// Package loginlimit slows down the guessing of passwords.
package loginlimit

import (
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Login attempts: a user may try loginBurst times from one address and then once per loginEvery; one address may try
// addressBurst times over all users. A success forgives the user's failures.
const (
	loginBurst   = 5
	loginEvery   = 20 * time.Second
	addressBurst = 60
	addressEvery = 2 * time.Second
	maxBuckets   = 10_000 // of each kind
)

// Limiter counts attempts. Each replica of the server counts for itself.
type Limiter struct {
	now       func() time.Time
	mu        sync.Mutex
	addresses *buckets
	attempts  *buckets // of one user from one address
}

// New returns a Limiter that nobody has tried yet.
func New(now func() time.Time) *Limiter {
	return &Limiter{now: now, addresses: newBuckets(addressBurst, addressEvery), attempts: newBuckets(loginBurst, loginEvery)}
}

// Take takes a token for the attempt; where there is none it returns how long to wait. An address that has none left takes
// none of its users': it cannot make up names without end.
func (l *Limiter) Take(user, address string) (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, from := l.now(), network(address)
	if wait = l.addresses.take(from, now); wait == 0 {
		wait = l.attempts.take(pair(user, from), now)
	}
	return wait
}

// Succeeded forgives a user's failures.
func (l *Limiter) Succeeded(user, address string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.attempts.byKey, pair(user, network(address)))
}

func pair(user, address string) string { return address + " " + user }

// network is what one peer is counted by: an IPv4 address, or the /64 of an IPv6 address, which one host has all of.
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	if ip = ip.Unmap(); ip.Is4() {
		return ip.String()
	}
	return netip.PrefixFrom(ip.WithZone(""), 64).Masked().String()
}

// buckets are token buckets of one kind, at most maxBuckets.
type buckets struct {
	burst int
	every time.Duration
	byKey map[string]*bucket
}

type bucket struct {
	limiter *rate.Limiter
	full    time.Time // when it will have all its tokens again
}

func newBuckets(burst int, every time.Duration) *buckets {
	return &buckets{burst: burst, every: every, byKey: map[string]*bucket{}}
}

// take takes a token of the key, or returns how long to wait for one.
func (b *buckets) take(key string, now time.Time) time.Duration {
	k := b.byKey[key]
	if k == nil {
		b.makeRoom(now)
		k = &bucket{limiter: rate.NewLimiter(rate.Every(b.every), b.burst)}
		b.byKey[key] = k
	}
	r := k.limiter.ReserveN(now, 1)
	if wait := r.DelayFrom(now); wait > 0 {
		r.CancelAt(now)
		return wait
	}
	missing := float64(b.burst) - k.limiter.TokensAt(now)
	k.full = now.Add(time.Duration(missing * float64(b.every)))
	return 0
}

// makeRoom forgets full buckets once there are many, as they are the same as none. If an attack from many addresses keeps
// them all from being full, those go that are the nearest to it: they limit least. To refuse new ones instead would let
// such an attack lock everybody out.
func (b *buckets) makeRoom(now time.Time) {
	if len(b.byKey) < maxBuckets {
		return
	}
	maps.DeleteFunc(b.byKey, func(_ string, k *bucket) bool { return !k.full.After(now) })
	if len(b.byKey) < maxBuckets {
		return
	}
	keys := slices.SortedFunc(maps.Keys(b.byKey), func(x, y string) int { return b.byKey[x].full.Compare(b.byKey[y].full) })
	for _, key := range keys[:maxBuckets/10] { // several, so that not each attempt of an attack sorts them
		delete(b.byKey, key)
	}
}
