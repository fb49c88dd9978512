package screen

import (
	"bytes"
	"io"
	"slices"
	"strings"
)

// onTerminal makes w a writer for a terminal: whatever a verb writes, nothing acts on the terminal but the screen's own
// styles. Programs behind a pipe and files get every byte as it is.
func onTerminal(w io.Writer) io.Writer { return &filter{out: w, keep: isOwn, misleading: unseen} }

var ownStyles = []Style{"0", Bold, Dim, Red, Green, Yellow, Cyan}

func isOwn(sgr []byte) bool { return slices.Contains(ownStyles, Style(sgr)) }

// unfiltered is for the screen's own cursor movements.
func unfiltered(w io.Writer) io.Writer {
	if f, ok := w.(*filter); ok {
		return f.out
	}
	return w
}

// Log returns a writer for what programs print. A terminal gets it with its colours, if it gets any. It must be closed.
func (s *Screen) Log() io.WriteCloser {
	f, ok := s.Out.(*filter)
	if !ok {
		return asItIs{s.Out}
	}
	return &logFilter{filter{out: f.out, keep: func([]byte) bool { return s.Color }, misleading: reorders, lines: true}}
}

type asItIs struct{ io.Writer }

func (asItIs) Close() error { return nil }

type logFilter struct{ filter }

// Close ends a style that the log left on.
func (l *logFilter) Close() error {
	if !l.styled {
		return nil
	}
	_, err := io.WriteString(l.out, "\x1b[0m")
	return err
}

// clean keeps a value on its line: commit subjects and details come from other people. Its width is what is shown of it.
func (s *Screen) clean(value string) string {
	if _, ok := s.Out.(*filter); ok {
		var b bytes.Buffer
		f := filter{out: &b, keep: isOwn, misleading: unseen}
		_, _ = f.Write([]byte(value)) // a buffer takes everything
		value = b.String()
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, value)
}
