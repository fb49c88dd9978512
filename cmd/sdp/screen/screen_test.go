package screen_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"sdp/cmd/sdp/screen"
	"sdp/internal/sdp"
)

func plain() (*screen.Screen, *bytes.Buffer, *bytes.Buffer) {
	var out, err bytes.Buffer
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s := &screen.Screen{Out: &out, Err: &err, Format: screen.Text, Now: func() time.Time { return now },
		Width: func() int { return 40 }}
	return s, &out, &err
}

func TestTableAlignsByCharactersNotBytes(t *testing.T) {
	s, out, _ := plain()
	table := s.Table("NAME", "STATE", "WHAT")
	table.Row("müller", screen.Cell{Text: "up", Style: screen.Green}, "a\nb")
	table.Row("x", "", 3)
	table.Print("none")
	want := "NAME    STATE  WHAT\nmüller  up     a b\nx       -      3\n"
	if out.String() != want {
		t.Errorf("got\n%q\nwant\n%q", out, want)
	}
}

func TestTableStylesDoNotShiftColumns(t *testing.T) {
	s, out, _ := plain()
	s.Color = true
	table := s.Table("A", "B")
	table.Row(screen.Cell{Text: "red", Style: screen.Red}, "1")
	table.Print("none")
	if got := strings.Split(out.String(), "\n")[1]; got != "\x1b[31mred\x1b[0m  1" {
		t.Errorf("got %q", got)
	}
}

func TestTableWithoutRowsSaysSo(t *testing.T) {
	s, out, _ := plain()
	s.Table("A").Print("There is nothing.")
	if out.String() != "There is nothing.\n" {
		t.Errorf("got %q", out)
	}
}

func TestDataFormats(t *testing.T) {
	type item struct {
		Name string `json:"name"`
		URL  string `json:"url,omitempty"`
		Yes  string `json:"yes"`
		List []int  `json:"list"`
	}
	v := []item{{Name: "a<b", URL: "http://x/?a=1&b=2", Yes: "true", List: []int{1}}}
	tests := map[screen.Format]string{
		screen.JSON: "[\n  {\n    \"name\": \"a<b\",\n    \"url\": \"http://x/?a=1&b=2\",\n    \"yes\": \"true\",\n    \"list\": [\n      1\n    ]\n  }\n]\n",
		screen.YAML: "- name: a<b\n  url: http://x/?a=1&b=2\n  yes: \"true\"\n  list:\n    - 1\n",
		screen.Text: "text\n",
	}
	for format, want := range tests {
		s, out, _ := plain()
		s.Format = format
		if err := s.Data(v, func() { s.Printf("text") }); err != nil {
			t.Fatal(err)
		}
		if got := out.String(); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", format, got, want)
		}
	}
}

func TestAnEmptyListIsAList(t *testing.T) {
	s, out, _ := plain()
	s.Format = screen.JSON
	if err := s.Data([]string(nil), nil); err != nil || out.String() != "[]\n" {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestErrorSaysWhatToDo(t *testing.T) {
	s, out, errs := plain()
	s.Error(sdp.Errorf(sdp.NotFound, "x", "there is no sandbox %q", "a").WithRemedy("`sdp sandbox list` lists them"))
	want := "Error: not found: there is no sandbox \"a\"\n  -> `sdp sandbox list` lists them\n"
	if errs.String() != want || out.Len() > 0 {
		t.Errorf("got %q on stderr, %q on stdout", errs, out)
	}
}

func TestPipesGetNoColourAndNoRedrawing(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if s := screen.New(w, w); s.Live || s.Color {
		t.Errorf("live %v, colour %v", s.Live, s.Color)
	}
}

func TestProgressIntoAPipeWritesOnlyFinalLines(t *testing.T) {
	s, out, _ := plain()
	p := s.Progress()
	p.Show("a", func() string { return "working" })
	p.Line("done a")
	p.Show("a", nil)
	p.Close()
	p.Close() // harmless
	p.Show("b", func() string { return "late" })
	if out.String() != "done a\n" {
		t.Errorf("got %q", out)
	}
}

func TestProgressBesideDataGoesToStandardError(t *testing.T) {
	s, out, errs := plain()
	s.Format = screen.JSON
	p := s.Progress()
	p.Line("step")
	p.Close()
	if out.Len() > 0 || errs.String() != "step\n" {
		t.Errorf("out %q, err %q", out, errs)
	}
}

func TestProgressOnATerminalRedrawsItsLastLines(t *testing.T) {
	s, out, _ := plain()
	s.Live = true
	p := s.Progress()
	long := strings.Repeat("x", 60)
	p.Show("a", func() string { return long })
	p.Show("b", func() string { return "two" })
	p.Line("final")
	p.Close() // nothing draws any more
	got := out.String()
	if !strings.Contains(got, "\x1b[2A\r\x1b[Jfinal\n") {
		t.Errorf("the two lines were not taken away: %q", got)
	}
	if strings.Contains(got, long) || !strings.Contains(got, "x…") {
		t.Errorf("a line was not cut to the width: %q", got)
	}
	if !strings.HasSuffix(got, "\x1b[2A\r\x1b[J") {
		t.Errorf("lines are left behind: %q", got)
	}
}

func TestAge(t *testing.T) {
	s, _, _ := plain()
	now := s.Now()
	for want, at := range map[string]time.Time{
		"never": {}, "just now": now, "59s ago": now.Add(-59 * time.Second), "3m ago": now.Add(-200 * time.Second),
		"47h ago": now.Add(-47 * time.Hour), "2d ago": now.Add(-49 * time.Hour),
	} {
		if got := s.Age(at); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestTookAndBytes(t *testing.T) {
	for want, d := range map[string]time.Duration{"0.14s": 140 * time.Millisecond, "12.3s": 12340 * time.Millisecond, "3m04s": 184 * time.Second} {
		if got := screen.Took(d); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	for want, n := range map[string]int64{"512 B": 512, "1.5 GB": 1_500_000_000, "999.0 kB": 999_000, "5.0 TB": 5e12} {
		if got := screen.Bytes(n); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
