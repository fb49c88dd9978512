package gobuild

import (
	"errors"
	"strings"
	"testing"
)

func TestMissingModulesAreNamed(t *testing.T) {
	for downloads, want := range map[string]string{
		"":                       "account needs a module, which is not on the node",
		"a v1":                   "account needs a v1, which is not on the node",
		"a v1\nb v2":             "account needs a v1 and b v2, which are not on the node",
		"a v1\nb v2\nc v3\nd v4": "account needs a v1, b v2, c v3 and more, which are not on the node",
	} {
		output := "x: " + moduleLookup + "\n"
		for line := range strings.Lines(downloads) {
			output += "go: downloading " + strings.TrimSpace(line) + "\n"
		}
		if err := failureOf(Job{Repository: "account"}, output, errors.New("exit 1")); !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
