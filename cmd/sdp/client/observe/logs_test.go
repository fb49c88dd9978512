package observe

import (
	"strings"
	"testing"

	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

func TestParseTarget(t *testing.T) {
	for arg, want := range map[string]target{
		"d-abcdefghij": {deployment: "d-abcdefghij"},
		"demo/account": {sandbox: "demo", service: "account"},
	} {
		if got, err := parseTarget(arg); err != nil || got != want {
			t.Errorf("%s: got %+v, %v", arg, got, err)
		}
	}
	for arg, want := range map[string]string{
		"shop": "`sdp logs shop/account`", "checkout": "`sdp logs checkout/account`", "o-aaaaaaaaaa": "sdp history",
	} {
		_, err := parseTarget(arg)
		e := sdp.AsError(err)
		if !usage.Is(err) || !strings.Contains(e.Detail, "SANDBOX/SERVICE or the ID") || !strings.Contains(e.Remedy, want) {
			t.Errorf("%s: got %v", arg, err)
		}
	}
	for _, arg := range []string{"", "../x", "demo/", "/account", "demo/a/b", "D-ABC", "d-1?x=y"} {
		if _, err := parseTarget(arg); !usage.Is(err) {
			t.Errorf("%s: got %v", arg, err)
		}
	}
}
