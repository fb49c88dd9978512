package screen

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

// through writes pieces as a terminal gets them: result text, and what a log prints.
func through(t *testing.T, pieces ...string) (result, log string) {
	t.Helper()
	var out bytes.Buffer
	s := &Screen{Out: onTerminal(&out), Color: true}
	write := func(p string, w interface{ Write([]byte) (int, error) }) {
		if n, err := w.Write([]byte(p)); n != len(p) || err != nil {
			t.Errorf("%q: wrote %d, %v", p, n, err)
		}
	}
	for _, p := range pieces {
		write(p, s.Out)
	}
	result = out.String()
	out.Reset()
	w := s.Log()
	for _, p := range pieces {
		write(p, w)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	return result, out.String()
}

var sequences = []struct{ name, in, result, log string }{
	{"text", "naïve 日本 👍 a\tb\n", "naïve 日本 👍 a\tb\n", ""},
	{"own style", "\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m", ""},
	{"other colours", "\x1b[1;38;5;196mx\x1b[38:2::1:2:3my\x1b[0m", "xy\x1b[0m", "\x1b[1;38;5;196mx\x1b[38:2::1:2:3my\x1b[0m"},
	{"a colour left on", "\x1b[8mhidden\n", "hidden\n", "\x1b[8mhidden\n\x1b[0m"},
	{"clipboard", "a\x1b]52;c;ZXZpbA==\x07b", "ab", ""},
	{"title, ended by ST", "a\x1b]0;t\x1b\\b\x1b]0;t\u009cc\x1b]0;t\x9cd", "abcd", ""},
	{"hyperlink", "\x1b]8;;http://evil\x1b\\link\x1b]8;;\x07", "link", ""},
	{"cursor", "a\x1b[2J\x1b[10;20H\x1b[?25l\x1b[1Ab\x1b7\x1b=c", "abc", ""},
	{"device status and answers", "a\x1b[6n\x1b[c\x1bZb\x05c", "abc", ""},
	{"character set", "a\x1b(0b\x1b)Bc\x0e\x0fd", "abcd", ""},
	{"reset", "a\x1bcb", "ab", ""},
	{"DCS, APC, PM, SOS", "a\x1bPq\x1b\\b\x1b_x\x1b\\c\x1b^x\x1b\\d\x1bXx\x1b\\e", "abcde", ""},
	{"C1 in UTF-8", "a\u009b2Jb\u009d0;t\x07c\u0090q\u009cd\u0085e\u009f!\u009cf", "abcdef", ""},
	{"C1 in one byte", "a\x9b2Jb\x9d0;t\x07c\x90q\x9cd\x85e", "abcde", ""},
	{"an SGR of C1", "\u009b31mred\x9b0m", "\x1b[31mred\x1b[0m", ""},
	{"no SGR", "\x1b[>4;2mx\x1b[?1my\x1b[1 mz", "xyz", ""},
	{"C0", "a\x00b\x07c\x08d\x0be\x0cf\x7fg", "abcdefg", ""},
	{"carriage returns", "10%\r20%\r\n\rdone\r\n", "10%20%\ndone\n", "10%\n20%\n\ndone\n"},
	{"a sequence that never ends", "a\x1b]0;forever\nb\x1b[1;\nc\x1b\nd", "a\nb\nc\nd", ""},
	{"a colour without end", "a\x1b[" + strings.Repeat("1;", 1000) + "mb", "ab", ""},
	{"an escape in a sequence", "a\x1b[\x1b[31mb\x1b\x1b[0mc\x1b]t\x1b[0md", "a\x1b[31mb\x1b[0mc\x1b[0md", ""},
	{"controls in a sequence", "a\x1b[3\x081mb\x1b[0m", "a\x1b[31mb\x1b[0m", ""},
	{"not UTF-8", "a\xffb\xc3(c\xe2\x82", "a\ufffdb\ufffd(c", ""},
	{"overrides and isolates", "a\u202eb\u2066c\u2069", `a\u202eb\u2066c\u2069`, ""},
	{"what is not seen", "a\u200bb\ufeffc\u2028d", `a\u200bb\ufeffc\u2028d`, "a\u200bb\ufeffc\u2028d"},
	{"beyond the first plane", "a\U000e0041", `a\udb40\udc41`, "a\U000e0041"},
}

func TestFilter(t *testing.T) {
	t.Parallel()
	for _, s := range sequences {
		if s.log == "" {
			s.log = s.result
		}
		if result, log := through(t, s.in); result != s.result || log != s.log {
			t.Errorf("%s: %q\nresult %q, want %q\n   log %q, want %q", s.name, s.in, result, s.result, log, s.log)
		}
	}
}

// Where a text is cut makes no difference.
func TestFilterOfPieces(t *testing.T) {
	t.Parallel()
	for _, s := range sequences {
		wantResult, wantLog := through(t, s.in)
		for i := range s.in {
			if result, log := through(t, s.in[:i], s.in[i:]); result != wantResult || log != wantLog {
				t.Errorf("%s, cut at %d: %q and %q, want %q and %q", s.name, i, result, log, wantResult, wantLog)
			}
		}
		if result, log := through(t, strings.Split(s.in, "")...); result != wantResult || log != wantLog {
			t.Errorf("%s, in characters: %q and %q", s.name, result, log)
		}
	}
	single := func(s string) (bytes []string) {
		for i := range len(s) {
			bytes = append(bytes, s[i:i+1])
		}
		return bytes
	}
	for _, s := range sequences {
		wantResult, wantLog := through(t, s.in)
		if result, log := through(t, single(s.in)...); result != wantResult || log != wantLog {
			t.Errorf("%s, in bytes: %q and %q", s.name, result, log)
		}
	}
}

func TestLogWithoutColours(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := &Screen{Out: onTerminal(&out)} // NO_COLOR
	w := s.Log()
	_, _ = w.Write([]byte("\x1b[31mred\x1b[0m"))
	if err := w.Close(); err != nil || out.String() != "red" {
		t.Errorf("%q, %v", out.String(), err)
	}
}

// Columns are as wide as what is shown, not as what came.
func TestTableCountsWhatIsShown(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := &Screen{Out: onTerminal(&out)}
	table := s.Table("NAME", "WHAT")
	table.Row("a\x1b]0;a long title\x07b\u202e", "x")
	table.Row(Cell{Text: "c\u009b2J\nd\re"}, "y")
	table.Print("")
	if want := "NAME      WHAT\nab\\u202e  x\nc de      y\n"; out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func FuzzFilter(f *testing.F) {
	for _, s := range sequences {
		f.Add([]byte(s.in), 3)
	}
	f.Fuzz(func(t *testing.T, in []byte, cut int) {
		cut = min(max(cut, 0), len(in))
		var out bytes.Buffer
		w := onTerminal(&out)
		_, _ = w.Write(in[:cut])
		_, _ = w.Write(in[cut:])
		rest := out.String()
		for _, own := range ownStyles {
			rest = strings.ReplaceAll(rest, "\x1b["+string(own)+"m", "")
		}
		if !utf8.ValidString(rest) {
			t.Errorf("%q: not UTF-8: %q", in, rest)
		}
		for _, r := range rest {
			if r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 || unseen(r) {
				t.Errorf("%q: %U gets through: %q", in, r, rest)
			}
		}
	})
}
