package mask_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"sdp/internal/logs/mask"
)

const marker = "hunter2&m/r k?r=é" // has to be escaped in every way there is

func TestMaskerFindsEveryForm(t *testing.T) {
	m := mask.New(marker, "0therSecret")
	quoted, _ := json.Marshal(marker)
	std := base64.StdEncoding.EncodeToString([]byte(marker))
	for name, form := range map[string]string{
		"itself":            marker,
		"base64":            std,
		"base64, raw":       strings.TrimRight(std, "="),
		"base64, URL":       base64.URLEncoding.EncodeToString([]byte(marker)),
		"base64, raw URL":   base64.RawURLEncoding.EncodeToString([]byte(marker)),
		"query":             url.QueryEscape(marker),
		"path":              url.PathEscape(marker),
		"query, lower case": "hunter2%26m%2fr+k%3fr%3d%c3%a9",
		"userinfo":          strings.TrimPrefix(url.UserPassword("", marker).String(), ":"),
		"JSON":              string(quoted[1 : len(quoted)-1]),
		"JSON, plain":       marker,
		"JSON, PHP":         `hunter2&m\/r k?r=\u00e9`,
		"JSON, Python":      `hunter2&m/r k?r=\u00e9`,
		"percent, all":      "hunter2%26m%2Fr%20k%3Fr%3D%C3%A9",
		"percent, Python":   "hunter2%26m/r%20k%3Fr%3D%C3%A9",
		"hex":               hex.EncodeToString([]byte(marker)),
		"hex, upper case":   strings.ToUpper(hex.EncodeToString([]byte(marker))),
	} {
		if got := m.Mask("before " + form + " after"); got != "before *** after" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestMaskerFindsQuotes(t *testing.T) {
	m := mask.New(`it's (a) \ secret!`)
	for name, form := range map[string]string{
		"shell":      `it'\''s (a) \ secret!`,
		"var_export": `it\'s (a) \\ secret!`,
		"JavaScript": `it's%20(a)%20%5C%20secret!`,
		"JSON":       `it's (a) \\ secret!`,
	} {
		if got := m.Mask("'" + form + "'"); got != "'***'" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// The Basic header of every git request holds the password at some position within base64.
func TestMaskerFindsASecretInsideBase64(t *testing.T) {
	secret := "s3cret-Pa55word"
	m := mask.New(secret)
	for user := range 7 {
		plain := strings.Repeat("u", user) + ":" + secret + ":x"
		for _, alphabet := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
			got := m.Mask("Basic " + alphabet.EncodeToString([]byte(plain)) + "\n")
			if !strings.Contains(got, "***") {
				t.Fatalf("user of %d bytes: %q", user, got)
			}
			for _, piece := range strings.Split(strings.TrimSpace(strings.TrimPrefix(got, "Basic ")), "***") {
				raw, _ := alphabet.DecodeString(piece)
				if strings.Contains(string(raw), secret[:3]) {
					t.Errorf("user of %d bytes: %q leaves %q", user, got, raw)
				}
			}
		}
	}
}

func TestMaskerOfSeveralLines(t *testing.T) {
	key := "-----BEGIN KEY-----\nMIIEvQIBADANBg\n  kqhkiG9w0BAQEF\n}\n-----END KEY-----\n"
	m := mask.New(key)
	encoded := base64.StdEncoding.EncodeToString([]byte(key))
	got := m.Mask("> MIIEvQIBADANBg\n> kqhkiG9w0BAQEF\n> }\nkey: " + key + "wrapped: " + wrap(encoded))
	for _, line := range []string{"MIIEv", "kqhki", encoded[:20]} {
		if strings.Contains(got, line) {
			t.Errorf("%q is left in %q", line, got)
		}
	}
	if !strings.Contains(got, "> }\nkey: ***") {
		t.Errorf("%q", got)
	}
}

// A program that reads a file of several lines may print each of them in any disguise.
func TestMaskerFindsDisguisedLines(t *testing.T) {
	m := mask.New("the first line\n  " + marker + "\nshort\n")
	quoted, _ := json.Marshal(marker)
	for name, form := range map[string]string{
		"query":  url.QueryEscape(marker),
		"JSON":   string(quoted[1 : len(quoted)-1]),
		"PHP":    `hunter2&m\/r k?r=\u00e9`,
		"hex":    hex.EncodeToString([]byte(marker)),
		"base64": base64.URLEncoding.EncodeToString([]byte(marker)),
	} {
		if got := m.Mask("before " + form + " after short"); got != "before *** after short" {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := m.Mask(base64.StdEncoding.EncodeToString([]byte("user:" + marker))); !strings.Contains(got, "***") {
		t.Errorf("inside base64: %q", got)
	}
}

func wrap(s string) string {
	var lines []string
	for len(s) > 76 {
		lines, s = append(lines, s[:76]), s[76:]
	}
	return strings.Join(append(lines, s), "\n")
}

func TestMaskerKeepsTheRest(t *testing.T) {
	var none *mask.Masker
	for name, m := range map[string]*mask.Masker{
		"nil": none, "empty": mask.New(), "short": mask.New("", "abc", "  a "),
	} {
		if got := m.Mask("abc and a"); got != "abc and a" {
			t.Errorf("%s: %q", name, got)
		}
	}
	m := mask.New("password", "pass", "words", "word\n")
	for text, want := range map[string]string{
		"":                   "",
		"no match":           "no match",
		"pas swor":           "pas swor",
		"a pass.":            "a ***.",
		"a password.":        "a ***.",
		"a passwords.":       "a ***.", // overlapping secrets are one
		"passpassword":       "***",
		"pass-pass":          "***-***",
		"the wor":            "the wor",
		"word":               "***", // trimmed
		"ends with passwor":  "ends with ***",
		"ppasspasswo passwo": "p***wo ***",
	} {
		if got := m.Mask(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func BenchmarkMasking(b *testing.B) {
	var secrets []string
	for i := range 20 {
		secrets = append(secrets, fmt.Sprintf("secret-%d-value-%x", i, i*7919))
	}
	m := mask.New(secrets...)
	line := strings.Repeat("internal/account/handler.go:42:17: undefined: sessionStore, see https://example/errors\n", 12)
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		m.Mask(line)
	}
}
