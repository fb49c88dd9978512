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

	"go.yaml.in/yaml/v3"
	"golang.org/x/term"

	"sdp/internal/sdp"
)

// Format is how data is printed.
type Format string

const (
	Text Format = "text"
	JSON Format = "json"
	YAML Format = "yaml"
	CSV  Format = "csv" // for the few commands that say so
)

// Screen is where a command writes. Results go to Out; progress goes to Out too, but to Err when Out carries JSON or
// YAML for another program; errors go to Err.
type Screen struct {
	Out    io.Writer
	Err    io.Writer
	Format Format
	Color  bool
	Live   bool             // progress may be redrawn
	Width  func() int       // columns of the terminal
	Now    func() time.Time // for ages
}

// New returns a Screen on the process's own output. NO_COLOR (https://no-color.org) and TERM=dumb are honoured.
func New(out, err *os.File) *Screen {
	s := &Screen{Out: out, Err: err, Format: Text, Now: time.Now}
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

// Printf writes a line of result text.
func (s *Screen) Printf(format string, args ...any) { fmt.Fprintf(s.Out, format+"\n", args...) }

// Notef writes a line for the person at the keyboard. It never mixes with data for another program.
func (s *Screen) Notef(format string, args ...any) { fmt.Fprintf(s.notes(), format+"\n", args...) }

func (s *Screen) notes() io.Writer {
	if s.Format == Text {
		return s.Out
	}
	return s.Err
}

// Data prints v as JSON or YAML if that was asked for, and calls text otherwise.
func (s *Screen) Data(v any, text func()) error {
	if list := reflect.ValueOf(v); list.Kind() == reflect.Slice && list.IsNil() {
		v = []any{} // an empty list, not null
	}
	switch s.Format {
	case JSON:
		enc := json.NewEncoder(s.Out)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(v)
	case YAML:
		return s.yaml(v)
	default:
		text()
		return nil
	}
}

// yaml prints v under its JSON names: JSON is YAML, so it is parsed as such and printed in block style.
func (s *Screen) yaml(v any) error {
	var raw bytes.Buffer
	enc := json.NewEncoder(&raw)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	var node yaml.Node
	if err := yaml.Unmarshal(raw.Bytes(), &node); err != nil {
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

// Error writes err with what to do about it.
func (s *Screen) Error(err error) {
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
