package router

import (
	"net/http"
	"slices"
	"testing"

	"sdp/internal/sdp"
)

// The dashboard's cookie reaches every port of its host; what runs in a sandbox must neither see nor set it.
func TestSessionCookieStaysOut(t *testing.T) {
	const session = sdp.SessionCookie + "=sealed"
	for in, want := range map[string]string{
		"a=1; b=2":                      "a=1; b=2",
		session:                         "",
		"a=1; " + session + "; b=2":     "a=1; b=2",
		session + "; a=1":               "a=1",
		"a=" + sdp.SessionCookie:        "a=" + sdp.SessionCookie,
		sdp.SessionCookie + "2=x":       sdp.SessionCookie + "2=x",
		" " + sdp.SessionCookie + " =x": "",
	} {
		for _, edge := range []bool{true, false} {
			out := http.Header{}
			passOn(out, http.Header{"Cookie": {in}}, edge)
			if got := out.Get("Cookie"); got != want || (want == "") != (out["Cookie"] == nil) {
				t.Errorf("Cookie %q became %q, want %q", in, got, want)
			}
		}
	}
	from := http.Header{"Set-Cookie": {"a=1", session + "; Path=/", "b=2"}}
	out := http.Header{}
	copyResponseHeader(out, from, false)
	if !slices.Equal(out["Set-Cookie"], []string{"a=1", "b=2"}) || len(from["Set-Cookie"]) != 3 {
		t.Errorf("Set-Cookie became %q", out["Set-Cookie"])
	}
}
