package logs_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"sdp/internal/logs"
	"sdp/internal/logs/mask"
)

func TestWholeRunes(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "abc": "abc", "gr\xc3": "gr", "grü": "grü", "\xe2\x82": "", "a€": "a€", "a\xf0\x9f\x98": "a",
		"\xff\xff": "\xff\xff", "a\x80": "a\x80",
	} {
		if got := in[:logs.WholeRunes([]byte(in))]; got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// However a text is split, the result is that of the whole.
func TestMaskingDoesNotDependOnSplits(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		secrets := make([]string, 1+r.IntN(4))
		for i := range secrets {
			secrets[i] = randomText(r, 4+r.IntN(12))
		}
		var text strings.Builder
		for range r.IntN(20) {
			text.WriteString(randomText(r, r.IntN(10)))
			if s := secrets[r.IntN(len(secrets))]; r.IntN(2) == 0 {
				text.WriteString(s[:r.IntN(len(s)+1)])
			} else {
				text.WriteString(s)
			}
		}
		m := mask.New(secrets...)
		want := m.Mask(text.String())
		for _, s := range secrets {
			if strings.Contains(want, s) {
				t.Fatalf("%q is left in %q", s, want)
			}
		}
		spool := openSpool(t, t.TempDir())
		stream := create(t, spool, "s", logs.Options{Masker: m})
		for rest := text.String(); rest != ""; {
			n := 1 + r.IntN(len(rest))
			fmt.Fprint(stream, rest[:n])
			rest = rest[n:]
		}
		closeAll(t, stream, spool)
		if got := stream.Tail(1 << 16); got != want {
			t.Fatalf("secrets %q, text %q: %q in pieces, %q whole", secrets, text.String(), got, want)
		}
	}
}

// randomText uses few letters, so that secrets overlap with text and each other.
func randomText(r *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = "ab\n"[min(r.IntN(12)/5, 2)]
	}
	return string(b)
}
