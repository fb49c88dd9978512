package screen

import (
	"bytes"
	"io"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// filter lets a terminal have text and nothing that acts on it: branches, commits, errors and logs come from people and
// programs elsewhere. The rules are the dashboard's for logs: sequences of ECMA-48 are dropped whole and end at the latest
// with their line, so that one that never ends hides nothing; of colours and weights (SGR) those stay that keep says.
// Other C0 and C1 controls are dropped too, characters that mislead are written as \u202e.
// Sequences and characters may be cut anywhere between two calls of Write.
type filter struct {
	out        io.Writer
	keep       func(sgr []byte) bool
	misleading func(rune) bool
	lines      bool // a carriage return begins a line, as each step of a progress bar does; else it is dropped

	state   state
	sgr     []byte
	styled  bool   // a style was let through and not reset since
	back    bool   // the last character was a carriage return
	partial []byte // the beginning of a character
	shown   bytes.Buffer
}

type state int

const (
	ground state = iota
	escape
	intermediate // ESC ( B and the like
	csi
	text       // of an OSC, DCS, SOS, PM or APC
	textEscape // ESC in it: the beginning of its end
)

// mostParameters is how many bytes an SGR may have; longer ones are nobody's.
const mostParameters = 256

// Write implements io.Writer.
func (f *filter) Write(p []byte) (int, error) {
	in := p
	if len(f.partial) > 0 {
		in = append(f.partial, p...)
	}
	for utf8.FullRune(in) {
		r, size := utf8.DecodeRune(in)
		if r == utf8.RuneError && size == 1 && in[0] < 0xa0 {
			r = rune(in[0]) // C1 as one byte
		}
		f.take(r)
		in = in[size:]
	}
	f.partial = bytes.Clone(in)
	_, err := f.out.Write(f.shown.Bytes())
	f.shown.Reset()
	return len(p), err
}

func (f *filter) take(r rune) {
	if r == '\n' {
		f.state, f.back = ground, false
		f.shown.WriteByte('\n')
		return
	}
	switch f.state {
	case ground:
		f.show(r)
	case escape:
		f.escaped(r)
	case intermediate:
		if r >= '0' {
			f.state = ground
		}
	case csi:
		f.parameter(r)
	case text:
		switch r {
		case '\a', 0x9c:
			f.state = ground
		case 0x1b:
			f.state = textEscape
		}
	case textEscape:
		f.escaped(r) // \ ends both
	}
}

// show takes a character outside of sequences.
func (f *filter) show(r rune) {
	switch {
	case r == 0x1b:
		f.state = escape
	case r == 0x9b:
		f.begin()
	case r == 0x90, r == 0x98, r >= 0x9d && r <= 0x9f:
		f.state = text
	case r == '\r':
		f.back = f.lines
	case r == '\t' || !unicode.IsControl(r):
		f.print(r)
	}
}

func (f *filter) print(r rune) {
	if f.back {
		f.back = false
		f.shown.WriteByte('\n')
	}
	if f.misleading(r) {
		writeEscaped(&f.shown, r)
		return
	}
	f.shown.WriteRune(r)
}

func (f *filter) escaped(r rune) {
	switch {
	case r == 0x1b:
		f.state = escape
	case r == '[':
		f.begin()
	case r == ']', r == 'P', r == 'X', r == '^', r == '_':
		f.state = text
	case r >= 0x20 && r <= 0x2f:
		f.state = intermediate
	default:
		f.state = ground
	}
}

func (f *filter) begin() { f.state, f.sgr = csi, f.sgr[:0] }

func (f *filter) parameter(r rune) {
	switch {
	case r == 0x1b:
		f.state = escape
	case r >= 0x40 && r <= 0x7e:
		f.state = ground
		if r == 'm' && isSGR(f.sgr) && f.keep(f.sgr) {
			f.styled = len(bytes.Trim(f.sgr, "0")) > 0
			f.shown.WriteString("\x1b[" + string(f.sgr) + "m")
		}
	case r >= 0x20 && r <= 0x3f && len(f.sgr) <= mostParameters:
		f.sgr = append(f.sgr, byte(r))
	}
}

// isSGR refuses what ends with m and is no colour: ESC [ > 4 ; 2 m is about the keyboard.
func isSGR(parameters []byte) bool {
	return len(parameters) <= mostParameters && len(bytes.Trim(parameters, "0123456789:;")) == 0
}

// writeEscaped writes r as JSON writes it, so that data on a terminal still means the same.
func writeEscaped(b *bytes.Buffer, r rune) {
	const digits = "0123456789abcdef"
	for _, unit := range utf16.Encode([]rune{r}) {
		b.WriteString(`\u`)
		for shift := 12; shift >= 0; shift -= 4 {
			b.WriteByte(digits[unit>>shift&15])
		}
	}
}

// reorders says which characters change the order in which others are shown (Unicode UAX 9).
func reorders(r rune) bool {
	return unicode.Is(unicode.Bidi_Control, r) && r != 0x200e && r != 0x200f && r != 0x61c
}

// unseen says which characters are not seen, or change how others are: two names with and without one look the same.
func unseen(r rune) bool { return unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) }
