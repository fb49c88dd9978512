package dotenv

import (
	"slices"
	"strings"
	"testing"

	"sdp/internal/sdp"
)

func TestParse(t *testing.T) {
	text := "\xef\xbb\xbf# comment\r\n\r\nPLAIN=a b\r\n" + `
export  EXPORTED = x # comment
exported=1
EMPTY=
BLANK= # nothing
HASH=a#b
URL=http://x/?a=b&c=d#e
SINGLE='a $HOME \n "q" # no comment' # comment
DOUBLE="a\tb\"c\" \$x \\ \d # no comment"
PEM="-----BEGIN-----
ab=c

# kept
-----END-----"
LAST='two
lines'`
	list, err := Parse("x.env", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := []Variable{{"PLAIN", "a b", 3}, {"EXPORTED", "x", 5}, {"exported", "1", 6}, {"EMPTY", "", 7}, {"BLANK", "", 8},
		{"HASH", "a#b", 9}, {"URL", "http://x/?a=b&c=d#e", 10}, {"SINGLE", `a $HOME \n "q" # no comment`, 11},
		{"DOUBLE", "a\tb\"c\" $x \\ \\d # no comment", 12}, {"PEM", "-----BEGIN-----\nab=c\n\n# kept\n-----END-----", 13},
		{"LAST", "two\nlines", 18}}
	if !slices.Equal(list, want) {
		t.Errorf("got  %+v\nwant %+v", list, want)
	}
}

// Errors name the file and the line, and nothing of what may be a value.
func TestErrorsNameTheLineAndNoValue(t *testing.T) {
	const marker = "s3cretMarker"
	for text, want := range map[string]string{
		"A=1\nno equals " + marker + "\n":           `x.env:2: the line has no "="`,
		"A=1\n\n" + marker + "+/" + marker + "==\n": `x.env:3: what stands before the "=" cannot name a variable`,
		"A-B=" + marker:                  `x.env:1: what stands before`,
		"=" + marker:                     `x.env:1: what stands before`,
		"# c\nA=\"" + marker + "\nB=1\n": `x.env:2: A has no closing "`,
		"A='" + marker:                   `x.env:1: A has no closing '`,
		"A=\"x\ny\" " + marker:           `x.env:2: there is text after the closing quote of A`,
		"A=" + marker + "\nB=\"\n\"\nA=" + marker + "2":       `x.env:4: A is set again, first on line 1`,
		"A=1\nB=" + marker + "\xff\n":                         `x.env:2: there are bytes that are not text`,
		"A=1\nB=" + marker + "\x00\n":                         `x.env:2: there are bytes that are not text`,
		"A=\"" + marker + "\\\"":                              `x.env:1: A has no closing "`,
		"A=\"a\nb\nc\"\nB=" + marker + "\nC " + marker + "\n": `x.env:5: the line has no "="`,
	} {
		_, err := Parse("x.env", []byte(text))
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), marker) {
			t.Errorf("%q: got %v, want %s", text, err, want)
			continue
		}
		if e := sdp.AsError(err); e.Code != CodeSyntax || e.Remedy == "" {
			t.Errorf("%+v", e)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("A=\"x\\\ny\"\nB='z' # c")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := Parse("x.env", []byte(text))
		if err != nil {
			return
		}
		lines := strings.Count(text, "\n") + 1
		for _, v := range list {
			if sdp.CheckEnvKey(v.Key) != nil || v.Line < 1 || v.Line > lines {
				t.Errorf("%+v in %q", v, text)
			}
		}
	})
}
