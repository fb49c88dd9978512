package docker

import (
	"strings"
	"testing"
)

// TestNobodyIsSentToOutputThatIsNotThere says of a container that ended without a word what else there is to do.
func TestNobodyIsSentToOutputThatIsNotThere(t *testing.T) {
	for _, c := range []struct {
		code        int
		outOfMemory bool
		output      string
		want        string
	}{
		{3, false, "no database\n", "last output says why"},
		{3, false, "\n", "it printed nothing"},
		{killed, false, "", "killed from outside"},
		{killed, true, "", "memory limit"},
	} {
		if e := exitReason("account", c.code, c.outOfMemory, c.output); !strings.Contains(e.Remedy, c.want) {
			t.Errorf("%+v: remedy %q", c, e.Remedy)
		}
	}
}
