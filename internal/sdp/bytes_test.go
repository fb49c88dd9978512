package sdp

import "testing"

func TestSizesAreReadAsTheyAreWritten(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "1000": 1000, "512M": 512 << 20, "1G": 1 << 30, "1.5G": 3 << 29, "64MiB": 64 << 20, "64mb": 64 << 20,
		"2k": 2048, " 3 M ": 3 << 20,
	} {
		if got, err := ParseBytes(text); err != nil || got != want {
			t.Errorf("%q is %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "M", "x", "-1M", "12Q", "1e30G", "NaN", "1 2M"} {
		if got, err := ParseBytes(text); err == nil || KindOf(err) != Invalid {
			t.Errorf("%q is taken for %d", text, got)
		}
	}
	for n, want := range map[int64]string{0: "0", 512: "512", 1024: "1K", 1536 << 20: "1536M", 1500: "1.5K", 5 << 30: "5G",
		1<<30 + 1: "1.0G"} {
		if got := FormatBytes(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}

func TestSizesAreRoundedForPeople(t *testing.T) {
	for n, want := range map[int64]string{0: "0B", 24684084 << 10: "23.5G", 8 << 30: "8G", 1<<30 + 1: "1G", 3 << 19: "1.5M"} {
		if got := RoundBytes(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}
