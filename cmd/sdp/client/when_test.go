package client

import (
	"testing"
	"time"
)

func TestWhen(t *testing.T) {
	time.Local = time.UTC
	for text, want := range map[string]string{
		"2026-11-22": "2026-11-22T00:00:00Z", "2026-11-22 15:04": "2026-11-22T15:04:00Z", "2026-11-22T15:04:05+02:00": "2026-11-22T15:04:05+02:00",
	} {
		var w when
		if err := w.Set(text); err != nil || w.String() != want {
			t.Errorf("%s: %s, %v", text, w.String(), err)
		}
	}
	var w when
	if err := w.Set("24h"); err != nil || time.Since(w.Time).Round(time.Hour) != 24*time.Hour {
		t.Errorf("24h: %s, %v", w.String(), err)
	}
	for _, bad := range []string{"", "yesterday", "-1h", "22.11.2026"} {
		if err := w.Set(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
