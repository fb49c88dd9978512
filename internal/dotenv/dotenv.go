// Package dotenv reads .env files. It is strict, and no error repeats a value: such files hold secrets.
//
// A line is KEY=VALUE; "export " before it and blanks around the = are allowed, and so are empty lines and comments that
// start with #. A value without quotes ends at a # that follows a blank, or with the line. Between single quotes all is
// meant as it stands; between double quotes \n, \r, \t, \\, \" and \$ stand for what they do in C and the shell. Both
// kinds of quotes may span lines. Nothing is expanded: $HOME is five characters.
package dotenv

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"sdp/internal/sdp"
)

// CodeSyntax is the code of every error about what a file says.
const CodeSyntax = "bad-dotenv"

// Variable is one line of a file.
type Variable struct {
	Key   string
	Value string
	Line  int
}

// Parse reads data; name stands for the file in errors, which name the line too. A key that is set twice is an error.
func Parse(name string, data []byte) ([]Variable, error) {
	p := &parser{name: name, rest: string(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))), line: 1}
	if !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0 {
		return nil, p.fail(lineOfBadText(data), "save it as UTF-8 text", "there are bytes that are not text")
	}
	p.rest = strings.ReplaceAll(p.rest, "\r\n", "\n")
	first := map[string]int{}
	var list []Variable
	for {
		v, more, err := p.next()
		if err != nil {
			return nil, err
		}
		if !more {
			return list, nil
		}
		if at, twice := first[v.Key]; twice {
			return nil, p.fail(v.Line, "keep one of the two lines", "%s is set again, first on line %d", v.Key, at)
		}
		first[v.Key] = v.Line
		list = append(list, v)
	}
}

func lineOfBadText(data []byte) int {
	for i, line := range bytes.Split(data, []byte("\n")) {
		if !utf8.Valid(line) || bytes.IndexByte(line, 0) >= 0 {
			return i + 1
		}
	}
	return 1
}

type parser struct {
	name string
	rest string // not yet read
	line int    // of rest's first byte
}

func (p *parser) fail(line int, remedy, format string, args ...any) error {
	return sdp.Errorf(sdp.Invalid, CodeSyntax, "%s:%d: %s", p.name, line, fmt.Sprintf(format, args...)).WithRemedy("%s", remedy)
}

// next reads up to and including the next variable; more is false at the end of the file.
func (p *parser) next() (v Variable, more bool, err error) {
	for p.rest != "" {
		text, _, _ := strings.Cut(p.rest, "\n")
		trimmed := strings.TrimSpace(text)
		if trimmed == "" || trimmed[0] == '#' {
			p.skipLine()
			continue
		}
		v, err = p.variable(text)
		return v, err == nil, err
	}
	return v, false, nil
}

func (p *parser) skipLine() {
	_, p.rest, _ = strings.Cut(p.rest, "\n")
	p.line++
}

// variable reads the variable that starts on the line text.
func (p *parser) variable(text string) (Variable, error) {
	v := Variable{Line: p.line}
	before, value, found := strings.Cut(text, "=")
	if !found {
		return v, p.fail(p.line, "write KEY=VALUE; a value that spans lines goes between quotes", "the line has no \"=\"")
	}
	v.Key = strings.TrimSpace(before)
	if rest, ok := strings.CutPrefix(v.Key, "export"); ok && rest != strings.TrimLeft(rest, " \t") {
		v.Key = strings.TrimSpace(rest)
	}
	if sdp.CheckEnvKey(v.Key) != nil { // what stands there may be part of a value: not repeated
		return v, p.fail(p.line, "use letters, digits and underscores; a value that spans lines goes between quotes",
			"what stands before the \"=\" cannot name a variable")
	}
	value = strings.TrimLeft(value, " \t")
	if value == "" || value[0] != '"' && value[0] != '\'' {
		v.Value = bare(value)
		p.skipLine()
		return v, nil
	}
	p.rest = p.rest[len(text)-len(value):]
	var err error
	v.Value, err = p.quoted(v.Key)
	return v, err
}

// bare is a value without quotes, less a comment.
func bare(value string) string {
	for i := range value {
		if value[i] == '#' && (i == 0 || value[i-1] == ' ' || value[i-1] == '\t') {
			value = value[:i]
			break
		}
	}
	return strings.TrimSpace(value)
}

// quoted reads a value between quotes, which p.rest starts with, and the rest of the line it ends on.
func (p *parser) quoted(key string) (string, error) {
	quote, opened := p.rest[0], p.line
	var value strings.Builder
	i := 1
	for ; i < len(p.rest) && p.rest[i] != quote; i++ {
		c := p.rest[i]
		if c == '\\' && quote == '"' && i+1 < len(p.rest) {
			i++
			value.WriteString(unescape(p.rest[i]))
			c = p.rest[i]
		} else {
			value.WriteByte(c)
		}
		if c == '\n' {
			p.line++
		}
	}
	if i >= len(p.rest) {
		return "", p.fail(opened, "add it, or remove the first", "%s has no closing %c", key, quote)
	}
	p.rest = p.rest[i+1:]
	after, _, _ := strings.Cut(p.rest, "\n")
	if after = strings.TrimSpace(after); after != "" && after[0] != '#' {
		return "", p.fail(p.line, `put a backslash before quotes within the value, or remove what follows it`,
			"there is text after the closing quote of %s", key)
	}
	p.skipLine()
	return value.String(), nil
}

// unescape is what a backslash and c stand for.
func unescape(c byte) string {
	switch c {
	case 'n':
		return "\n"
	case 'r':
		return "\r"
	case 't':
		return "\t"
	case '\\', '"', '$':
		return string(c)
	}
	return `\` + string(c)
}
