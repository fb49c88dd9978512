package api

import (
	"fmt"
	"testing"
	"time"

	"sdp/internal/sdp"
)

func TestLimiter(t *testing.T) {
	now := time.Now()
	l := newLoginLimiter(func() time.Time { return now })
	for range loginBurst {
		if err := l.allow("dana", "a"); err != nil {
			t.Fatal(err)
		}
	}
	if sdp.KindOf(l.allow("dana", "a")) != sdp.Exhausted {
		t.Error("one too many was allowed")
	}
	if err := l.allow("dana", "b"); err != nil {
		t.Errorf("another address: %v", err)
	}
	now = now.Add(loginEvery)
	if err := l.allow("dana", "a"); err != nil {
		t.Errorf("after a while: %v", err)
	}
	if l.allow("dana", "a") == nil {
		t.Error("the wait was forgotten")
	}
	l.succeeded("dana", "a")
	if err := l.allow("dana", "a"); err != nil {
		t.Errorf("after a success: %v", err)
	}
	for i := range addressBurst {
		_ = l.allow(fmt.Sprint(i), "c")
	}
	if l.allow("somebody else", "c") == nil {
		t.Error("an address may try any number of users")
	}
	for i := range 2 * maxBuckets {
		_ = l.allow("x", fmt.Sprint(i))
	}
	if len(l.buckets) > maxBuckets+1 {
		t.Errorf("%d buckets", len(l.buckets))
	}
}

func TestWholeRunes(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "abc": "abc", "gr\xc3": "gr", "grü": "grü", "\xe2\x82": "", "a€": "a€", "a\xf0\x9f\x98": "a",
		"\xff\xff": "\xff\xff", "a\x80": "a\x80",
	} {
		if got := string(wholeRunes([]byte(in))); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
