// Package screen writes what the command line shows: tables, data as JSON or YAML, progress and errors. On a terminal
// it uses colour and redraws; into a pipe or a file it writes plain lines that stay as they are.
package screen

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"
	"golang.org/x/term"

	"sdp/internal/sdp"
)

// Format is how data is printed.
type Format string

const (
	Text   Format = "text"
	JSON   Format = "json"
	YAML   Format = "yaml"
	NDJSON Format = "ndjson" // one JSON object a line, the last an End; for commands that wait or follow
	CSV    Format = "csv"    // for the few commands that say so
)

// Screen is where a command writes. Results go to Out; progress goes to Out too, but to Err when Out carries data
// for another program; errors go to Err. Where they are a terminal, New lets nothing but text and colours through.
type Screen struct {
	Out    io.Writer
	Err    io.Writer
	Format Format
	Color  bool
	Live   bool             // progress may be redrawn
	Width  func() int       // columns of the terminal
	Now    func() time.Time // for ages

	result any // with NDJSON: what Data was given, for the last line
}

// New returns a Screen on the process's own output. NO_COLOR (https://no-color.org) and TERM=dumb are honoured.
func New(out, err *os.File) *Screen {
	s := &Screen{Out: forFile(out), Err: forFile(err), Format: Text, Now: time.Now}
	s.Live = term.IsTerminal(int(out.Fd())) && os.Getenv("TERM") != "dumb"
	s.Color = s.Live && os.Getenv("NO_COLOR") == ""
	s.Width = func() int {
		if w, _, e := term.GetSize(int(out.Fd())); e == nil && w > 20 {
			return w
		}
		return 80
	}
	return s
}

func forFile(f *os.File) io.Writer {
	if term.IsTerminal(int(f.Fd())) {
		return onTerminal(f)
	}
	return f
}

// Printf writes a line of result text.
func (s *Screen) Printf(format string, args ...any) { fmt.Fprintf(s.Out, format+"\n", args...) }

// Notef writes a line for the person at the keyboard. It never mixes with data for another program.
func (s *Screen) Notef(format string, args ...any) { fmt.Fprintf(s.notes(), format+"\n", args...) }

func (s *Screen) notes() io.Writer {
	switch s.Format {
	case Text:
		return s.Out
	case NDJSON:
		return io.Discard // the lines say it
	default:
		return s.Err
	}
}

// Data prints v as JSON or YAML if that was asked for, and calls text otherwise.
func (s *Screen) Data(v any, text func()) error {
	if list := reflect.ValueOf(v); list.Kind() == reflect.Slice && list.IsNil() {
		v = []any{} // an empty list, not null
	}
	switch s.Format {
	case NDJSON:
		s.result = v
		return nil
	case JSON:
		return s.writeJSON(v, "  ")
	case YAML:
		return s.yaml(v)
	default:
		text()
		return nil
	}
}

// JSONLine writes v as one line of JSON.
func (s *Screen) JSONLine(v any) error { return s.writeJSON(v, "") }

func (s *Screen) writeJSON(v any, indent string) error {
	raw, err := jsonOf(v, indent)
	if err == nil {
		_, err = s.Out.Write(raw)
	}
	return err
}

// jsonOf returns v as JSON in which nothing acts on a terminal: encoding/json writes C1 and what is not seen as it is.
func jsonOf(v any, indent string) ([]byte, error) {
	var raw, out bytes.Buffer
	enc := json.NewEncoder(&raw)
	enc.SetIndent("", indent)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	for _, r := range raw.String() {
		if r != '\n' && unicode.IsControl(r) || unseen(r) {
			writeEscaped(&out, r)
		} else {
			out.WriteRune(r)
		}
	}
	return out.Bytes(), nil
}

// yaml prints v under its JSON names: JSON is YAML, so it is parsed as such and printed in block style.
func (s *Screen) yaml(v any) error {
	raw, err := jsonOf(v, "")
	if err != nil {
		return err
	}
	var node yaml.Node
	if err := yaml.Unmarshal(raw, &node); err != nil {
		return err
	}
	blockStyle(&node)
	out := yaml.NewEncoder(s.Out)
	out.SetIndent(2)
	if err := out.Encode(&node); err != nil {
		return err
	}
	return out.Close()
}

func blockStyle(n *yaml.Node) {
	if n.Kind != yaml.ScalarNode && len(n.Content) > 0 {
		n.Style = 0
	}
	// A quoted text that would read as another type without its quotes keeps them: the encoder sees to that.
	if n.Kind == yaml.ScalarNode && n.Style == yaml.DoubleQuotedStyle {
		n.Style = 0
	}
	for _, c := range n.Content {
		blockStyle(c)
	}
}

// Error writes err with what to do about it: for programs as one line of JSON.
func (s *Screen) Error(err error) {
	if s.Machine() {
		if raw, marshalled := jsonOf(ProblemOf(err), ""); marshalled == nil {
			_, _ = s.Err.Write(raw) // nobody is left to be told
		}
		return
	}
	e := sdp.AsError(err)
	detail := strings.TrimRight(e.Detail, "\n")
	if title := titles[e.Kind]; title != "" {
		detail = title + ": " + detail
	}
	fmt.Fprintln(s.Err, s.paint(Red, "Error:")+" "+detail)
	if e.Remedy != "" {
		s.Hint(e.Remedy)
	}
}

// Hint writes a line that says what to do.
func (s *Screen) Hint(text string) { fmt.Fprintln(s.Err, "  -> "+text) }

// titles are the kinds as people say them; kinds whose detail says it all have none.
var titles = map[sdp.Kind]string{
	sdp.Forbidden:   "not allowed",
	sdp.NotFound:    "not found",
	sdp.Conflict:    "conflict",
	sdp.Exhausted:   "nothing left",
	sdp.Unavailable: "not available",
	sdp.Internal:    "internal error",
}

// Style is how a piece of text is set apart.
type Style string

const (
	Plain  Style = ""
	Bold   Style = "1"
	Dim    Style = "2"
	Red    Style = "31"
	Green  Style = "32"
	Yellow Style = "33"
	Cyan   Style = "36"
)

// Paint returns text in a style, or as it is where there is no colour.
func (s *Screen) Paint(style Style, text string) string { return s.paint(style, text) }

func (s *Screen) paint(style Style, text string) string {
	if !s.Color || style == Plain || text == "" {
		return text
	}
	return "\x1b[" + string(style) + "m" + text + "\x1b[0m"
}
