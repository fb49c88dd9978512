package sdp

import (
	"slices"
	"testing"
)

func TestNearest(t *testing.T) {
	names := []string{"feature/loyalty-points", "feature/new-greeting", "main", "master"}
	for wanted, want := range map[string][]string{
		"feature/loyalty-point": {"feature/loyalty-points"},
		"loyalty":               {"feature/loyalty-points"},
		"Main":                  {"main"},
		"mian":                  {"main"},
		"x":                     {},
		"release/7":             {},
	} {
		if got := Nearest(wanted, names); !slices.Equal(got, want) {
			t.Errorf("Nearest(%q) = %q, want %q", wanted, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"account", "acount", 1}, {"user", "user", 0}, {"user", "", 4}, {"abc", "xyz", 3}, {"payment", "paymnet", 2}} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("%s %s: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
