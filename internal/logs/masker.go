package logs

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

const (
	mask = "***" // printed in place of a secret, of any length

	minSecret     = 4       // bytes; shorter values are not masked, they would match everywhere
	minSecretLine = 8       // bytes; a shorter line of a multi-line secret is masked only as part of the whole
	minInner      = 6       // characters; shorter inner pieces of base64 are not looked for
	maxAllForms   = 8 << 10 // bytes; of a longer secret only the plainest forms are looked for, to bound memory
	base64Line    = 76      // characters after which base64(1) and MIME break lines
)

// Masker finds secrets in text and replaces them. Besides a secret itself it knows its usual disguises: base64 in all
// alphabets and at any position inside something larger (the "user:password" of a Basic header), URL-escaped, JSON- and
// Go-quoted, hexadecimal, and single lines of a secret of several lines. It does not change and may be shared.
// A nil Masker masks nothing.
type Masker struct{ match *matcher }

// NewMasker returns a Masker for these secrets. Values of less than 4 bytes are ignored.
func NewMasker(secrets ...string) *Masker {
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

// MaskString returns s with every secret in it replaced by "***".
func (m *Masker) MaskString(s string) string {
	w := masking{masker: m}
	out := w.feed(nil, []byte(s))
	return string(w.finish(out))
}

// secretForms lists how a secret may appear in output.
func secretForms(s string) []string {
	if len(s) < minSecret {
		return nil
	}
	forms := []string{s, base64.StdEncoding.EncodeToString([]byte(s))}
	if lines := strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' }); len(lines) > 1 {
		for _, line := range lines {
			if line = strings.TrimSpace(line); len(line) >= minSecretLine {
				forms = append(forms, line)
			}
		}
	}
	if len(s) > maxAllForms {
		return forms
	}
	forms = append(forms, innerBase64(s)...)
	forms = append(forms, wrappedBase64(s)...)
	return append(forms, escapedForms(s)...)
}

func escapedForms(s string) []string {
	query, path := url.QueryEscape(s), url.PathEscape(s)
	user := strings.TrimPrefix(url.UserPassword("", s).String(), ":")
	forms := []string{query, path, user, lowerEscapes(query), lowerEscapes(path), lowerEscapes(user)}
	hexed := hex.EncodeToString([]byte(s))
	forms = append(forms, hexed, strings.ToUpper(hexed), strings.ReplaceAll(s, "'", `'\''`))
	return append(forms, quotedForms(s)...)
}

// quotedForms are s as JSON writes it, once with <, > and & escaped and once without.
func quotedForms(s string) []string {
	var plain strings.Builder
	e := json.NewEncoder(&plain)
	e.SetEscapeHTML(false)
	escaped, err := json.Marshal(s)
	if err != nil || e.Encode(s) != nil {
		return nil // a string is always marshalled
	}
	unquote := func(q string) string { return strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(q), `"`), `"`) }
	return []string{unquote(string(escaped)), unquote(plain.String())}
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
