package deploy

import (
	"strings"
	"testing"

	"sdp/api/rest"
	"sdp/cmd/sdp/usage"
)

func TestParseSource(t *testing.T) {
	for arg, want := range map[string]rest.SetRoute{
		"ocp":                  {Source: "ocp"},
		"sandbox":              {Source: "sandbox"},
		"http://10.0.0.1:9000": {Source: "url", URL: "http://10.0.0.1:9000"},
	} {
		if got, err := parseSource(arg); err != nil || got != want {
			t.Errorf("%s: got %+v, %v", arg, got, err)
		}
	}
	for _, arg := range []string{"", "url", "ftp://x", "http://", "http://u:hunter2@x", "javascript:1"} {
		if _, err := parseSource(arg); !usage.Is(err) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v", arg, err)
		}
	}
}
