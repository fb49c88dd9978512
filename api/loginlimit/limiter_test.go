package loginlimit

import (
	"fmt"
	"testing"
	"time"
)

func TestLimiter(t *testing.T) {
	now := time.Now()
	l := New(func() time.Time { return now })
	for range loginBurst {
		if wait := l.Take("dana", "a"); wait > 0 {
			t.Fatal("wait", wait)
		}
	}
	if l.Take("dana", "a") == 0 {
		t.Error("one too many was allowed")
	}
	if wait := l.Take("dana", "b"); wait > 0 {
		t.Errorf("another address: wait %v", wait)
	}
	now = now.Add(loginEvery)
	if wait := l.Take("dana", "a"); wait > 0 {
		t.Errorf("after a while: wait %v", wait)
	}
	if l.Take("dana", "a") == 0 {
		t.Error("the wait was forgotten")
	}
	l.Succeeded("dana", "a")
	if wait := l.Take("dana", "a"); wait > 0 {
		t.Errorf("after a success: wait %v", wait)
	}
	for i := range addressBurst {
		_ = l.Take(fmt.Sprint(i), "c")
	}
	if l.Take("somebody else", "c") == 0 {
		t.Error("an address may try any number of users")
	}
}

// Whatever one address makes up, the limits of others and its own stay.
func TestLimiterOutlastsMadeUpNames(t *testing.T) {
	now := time.Now()
	l := New(func() time.Time { return now })
	exhaust(t, l, "dana", "192.0.2.1", loginBurst)
	exhaust(t, l, "dana", "192.0.2.9", loginBurst)
	for i := range maxBuckets + maxBuckets/4 {
		_ = l.Take(fmt.Sprint("made up ", i), "192.0.2.9")
	}
	for _, address := range []string{"192.0.2.1", "192.0.2.9"} {
		if l.Take("dana", address) == 0 {
			t.Errorf("the limit of dana from %s was forgotten", address)
		}
	}
	if l.Take("somebody else", "192.0.2.9") == 0 {
		t.Error("the limit of the address was forgotten")
	}
}

// Many addresses that try once do not displace one that has tried too often.
func TestLimiterOutlastsManyAddresses(t *testing.T) {
	now := time.Now()
	l := New(func() time.Time { return now })
	for i := range addressBurst {
		_ = l.Take(fmt.Sprint(i), "192.0.2.9")
	}
	exhaust(t, l, "dana", "192.0.2.1", loginBurst)
	for i := range maxBuckets + maxBuckets/4 {
		_ = l.Take("x", fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255))
		now = now.Add(addressEvery / (4 * maxBuckets))
	}
	if l.Take("somebody else", "192.0.2.9") == 0 {
		t.Error("the limit of an address was forgotten")
	}
	if l.Take("dana", "192.0.2.1") == 0 {
		t.Error("the limit of a name was forgotten")
	}
	if n := max(len(l.addresses.byKey), len(l.attempts.byKey)); n > maxBuckets {
		t.Errorf("%d buckets", n)
	}
}

// Room is made by forgetting those that have nothing left to limit.
func TestBucketsForgetIdleOnesFirst(t *testing.T) {
	now := time.Now()
	b := newBuckets(2, time.Second)
	for range 2 {
		b.take("limiting", now)
	}
	for i := range maxBuckets - 1 {
		b.take(fmt.Sprint(i), now)
	}
	now = now.Add(time.Second) // all the others are full again
	if b.take("new", now); len(b.byKey) != 2 || b.byKey["limiting"] == nil {
		t.Errorf("%d buckets are left", len(b.byKey))
	}
}

// Whoever has one IPv6 address has the other 2^64 of its network too.
func TestLimiterCountsNetworksOfIPv6(t *testing.T) {
	l := New(time.Now)
	for i := range addressBurst {
		if wait := l.Take(fmt.Sprint(i), fmt.Sprintf("2001:db8::%x", i+1)); wait > 0 {
			t.Fatal("wait", wait)
		}
	}
	for address, refused := range map[string]bool{
		"2001:db8::ffff": true, "2001:db8:0:0:1:2:3:4%eth0": true, "2001:db8:0:1::1": false, "192.0.2.1": false, "@": false,
	} {
		if wait := l.Take("y", address); (wait > 0) != refused {
			t.Errorf("%s: wait %v", address, wait)
		}
	}
	exhaust(t, l, "dana", "192.0.2.1", loginBurst)
	if l.Take("dana", "::ffff:192.0.2.1") == 0 {
		t.Error("an IPv4 address in IPv6 notation is another one")
	}
}

func exhaust(t *testing.T, l *Limiter, user, address string, attempts int) {
	t.Helper()
	for range attempts {
		if wait := l.Take(user, address); wait > 0 {
			t.Fatal("wait", wait)
		}
	}
	if l.Take(user, address) == 0 {
		t.Fatalf("%s from %s: one too many was allowed", user, address)
	}
}
