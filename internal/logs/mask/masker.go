// Package mask replaces secrets in text, also in text that arrives in pieces, by "***".
package mask

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	mark = "***" // printed in place of a secret, of any length

	minSecret     = 4       // bytes; shorter values are not masked, they would match everywhere
	minSecretLine = 8       // bytes; a shorter line of a multi-line secret is masked only as part of the whole
	minInner      = 6       // characters; shorter inner pieces of base64 are not looked for
	maxAllForms   = 8 << 10 // bytes; of a longer secret only the plainest forms are looked for, to bound memory
	maxLineForms  = 4 << 10 // bytes; of a longer secret single lines are looked for in their plain form only
	base64Line    = 76      // characters after which base64(1) and MIME break lines
)

// Masker finds secrets in text and replaces them. Besides a secret itself it knows its usual disguises: base64 in all
// alphabets and at any position inside something larger (the "user:password" of a Basic header), URL-escaped, JSON- and
// Go-quoted, hexadecimal, and single lines of a secret of several lines, disguised as well. It does not change and may be
// shared.
// A nil Masker masks nothing.
type Masker struct{ match *matcher }

// New returns a Masker for these secrets. Values of less than 4 bytes are ignored.
func New(secrets ...string) *Masker {
	var forms []string
	for _, s := range secrets {
		forms = append(forms, secretForms(s)...)
		if trimmed := strings.TrimSpace(s); trimmed != s {
			forms = append(forms, secretForms(trimmed)...)
		}
	}
	forms = slices.DeleteFunc(forms, func(f string) bool { return len(f) < minSecret })
	slices.Sort(forms)
	return &Masker{match: newMatcher(slices.Compact(forms))}
}

// Mask returns s with every secret in it replaced by "***".
func (m *Masker) Mask(s string) string {
	w := m.Pieces()
	out := w.Feed(nil, []byte(s))
	return string(w.Finish(out))
}

// secretForms lists how a secret may appear in output.
func secretForms(s string) []string {
	if len(s) < minSecret {
		return nil
	}
	forms := append([]string{s, base64.StdEncoding.EncodeToString([]byte(s))}, lineForms(s)...)
	if len(s) > maxAllForms {
		return forms
	}
	forms = append(forms, innerBase64(s)...)
	forms = append(forms, wrappedBase64(s)...)
	return append(forms, escapedForms(s)...)
}

// lineForms lists how single lines of a secret of several may appear: programs read a file line by line, too.
func lineForms(s string) (forms []string) {
	lines := strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' })
	if len(lines) < 2 {
		return nil
	}
	for _, line := range lines {
		if line = strings.TrimSpace(line); len(line) < minSecretLine {
			continue
		}
		if forms = append(forms, line); len(s) <= maxLineForms {
			forms = append(forms, innerBase64(line)...)
			forms = append(forms, escapedForms(line)...)
		}
	}
	return forms
}

// escapedForms are s as URLs, hexadecimal dumps, shells and the literals of programming languages write it.
func escapedForms(s string) []string {
	query, path := url.QueryEscape(s), url.PathEscape(s)
	user := strings.TrimPrefix(url.UserPassword("", s).String(), ":")
	all := strings.ReplaceAll(query, "+", "%20") // PHP's rawurlencode
	forms := []string{query, path, user, all, pythonQuote.Replace(all), encodeURIComponent.Replace(all)}
	for _, f := range forms {
		forms = append(forms, lowerEscapes(f))
	}
	hexed := hex.EncodeToString([]byte(s))
	forms = append(forms, hexed, strings.ToUpper(hexed), strings.ReplaceAll(s, "'", `'\''`), singleQuoted.Replace(s))
	return append(forms, quotedForms(s)...)
}

var (
	pythonQuote        = strings.NewReplacer("%2F", "/")                                                 // urllib.parse.quote
	encodeURIComponent = strings.NewReplacer("%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*") // JavaScript's
	singleQuoted       = strings.NewReplacer(`\`, `\\`, "'", `\'`)                                       // PHP's var_export, Python's repr
)

// quotedForms are s as JSON writes it: with <, > and & escaped as Go does or not, with "/" escaped as PHP does or not,
// and with everything beyond ASCII escaped as PHP and Python do or not.
func quotedForms(s string) []string {
	var plain strings.Builder
	e := json.NewEncoder(&plain)
	e.SetEscapeHTML(false)
	escaped, err := json.Marshal(s)
	if err != nil || e.Encode(s) != nil {
		return nil // a string is always marshalled
	}
	unquote := func(q string) string { return strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(q), `"`), `"`) }
	forms := []string{unquote(string(escaped)), unquote(plain.String())}
	forms = append(forms, asciiOnly(forms[1]))
	return append(forms, strings.ReplaceAll(forms[1], "/", `\/`), strings.ReplaceAll(forms[2], "/", `\/`))
}

// asciiOnly escapes what is not ASCII in a JSON string.
func asciiOnly(s string) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(s)) {
		if unit < utf8.RuneSelf {
			b.WriteByte(byte(unit))
		} else {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

// lowerEscapes turns %2F into %2f: both are in use.
func lowerEscapes(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i:], strings.ToLower(s[i:i+3]))
		}
	}
	return string(b)
}

// innerBase64 returns what of s stays the same in the base64 of anything that contains s. A character holds 6 bits and
// s may begin at any of three positions within a group of three bytes, so there are three such pieces per alphabet.
func innerBase64(s string) []string {
	var forms []string
	for before := range 3 {
		padded := append(make([]byte, before), s...)
		for _, alphabet := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			text := alphabet.EncodeToString(padded)
			first, last := (before*8+5)/6, len(padded)*8/6
			if last-first >= minInner {
				forms = append(forms, text[first:last])
			}
		}
	}
	return append(forms, base64.URLEncoding.EncodeToString([]byte(s)), base64.RawURLEncoding.EncodeToString([]byte(s)))
}

// wrappedBase64 returns the lines base64(1) breaks a long secret into.
func wrappedBase64(s string) []string {
	text := base64.StdEncoding.EncodeToString([]byte(s))
	if len(text) <= base64Line {
		return nil
	}
	var lines []string
	for line := range slices.Chunk([]byte(text), base64Line) {
		if len(line) >= minSecretLine {
			lines = append(lines, string(line))
		}
	}
	return lines
}
