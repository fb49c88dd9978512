package gobuild

import (
	"fmt"
	"strings"
	"testing"
)

func TestBothEndsOfAnOutputAreKept(t *testing.T) {
	var w ends
	for i := range 100_000 {
		fmt.Fprintf(&w, "line %d\n", i)
	}
	text := w.String()
	if !strings.HasPrefix(text, "line 0\n") || !strings.HasSuffix(text, "line 99999\n") || len(text) > 4*64<<10 {
		t.Errorf("%d bytes, from %.20q", len(text), text)
	}
}
