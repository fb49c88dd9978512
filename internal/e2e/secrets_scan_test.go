package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// A needle is a secret, or a part of one that no escaping changes, in one of the forms in which it may lie somewhere.
// Markers consist of letters and digits, so plain text finds them in URLs, JSON and shell quotes as well.
type needle struct {
	secret string // what it is
	form   string
	text   []byte
}

// minNeedle is the least length of a needle in bytes: shorter ones would be found by chance.
const minNeedle = 8

// forms returns the needles of a secret: as it is, in base64 at each of the three positions it can have within a group of
// three bytes, in hexadecimal, and base64 in hexadecimal, which is how pg_dump shows binary columns.
func forms(secret, value string) []needle {
	out := []needle{{secret, "plain", []byte(value)}}
	for before := range 3 {
		for _, alphabet := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			text := alphabet.EncodeToString(append(make([]byte, before), value...))
			sure := text[(before*8+5)/6 : (before+len(value))*8/6] // what neighbours do not change
			out = append(out, needle{secret, "base64", []byte(sure)})
		}
	}
	for _, n := range slices.Clone(out) {
		lower := hex.EncodeToString(n.text)
		out = append(out, needle{secret, n.form + " in hexadecimal", []byte(lower)},
			needle{secret, n.form + " in hexadecimal", []byte(strings.ToUpper(lower))})
	}
	return out
}

// haystack searches for many needles in one pass.
type haystack struct {
	first [1 << 16]bool // the first two bytes of a needle
	by    map[uint64][]needle

	mu    sync.Mutex
	found map[finding]string // context of the first of each kind
	bytes int64              // searched
}

// finding is a secret where it should not be.
type finding struct{ secret, form, place string }

func newHaystack(secrets map[string]string) (*haystack, error) {
	h := &haystack{by: map[uint64][]needle{}, found: map[finding]string{}}
	for name, value := range secrets {
		for _, n := range forms(name, value) {
			if len(n.text) < minNeedle {
				return nil, fmt.Errorf("%s is too short to be looked for", name)
			}
			key := binary.BigEndian.Uint64(n.text)
			h.first[key>>48] = true
			h.by[key] = append(h.by[key], n)
		}
	}
	return h, nil
}

// search notes the needles in data. place says where data is from.
func (h *haystack) search(place string, data []byte) {
	found := map[finding]string{}
	for i := 0; i+minNeedle <= len(data); i++ {
		if !h.first[uint16(data[i])<<8|uint16(data[i+1])] {
			continue
		}
		for _, n := range h.by[binary.BigEndian.Uint64(data[i:])] {
			f := finding{n.secret, n.form, place}
			if _, known := found[f]; !known && bytes.HasPrefix(data[i:], n.text) {
				found[f] = fmt.Sprintf("%q", data[max(0, i-120):min(len(data), i+len(n.text)+60)])
			}
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.bytes += int64(len(data))
	for f, context := range found {
		if _, known := h.found[f]; !known {
			h.found[f] = context
		}
	}
}

// searchFiles searches every file below dir. Files that go away meanwhile are passed over.
func (h *haystack) searchFiles(name, dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			if os.IsNotExist(err) {
				return nil
			}
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil && !os.IsNotExist(err) {
			return err
		}
		h.search(name+strings.TrimPrefix(path, dir), data)
		return nil
	})
}

// allowance is a place where secrets may be, with the reason.
type allowance struct {
	secret *regexp.Regexp
	place  *regexp.Regexp
	why    string
	// fleeting places are sampled: a process of a few milliseconds may not be seen.
	fleeting bool
}

func allow(secret, place, why string) allowance {
	return allowance{secret: regexp.MustCompile("^(" + secret + ")$"), place: regexp.MustCompile("^(" + place + ")$"), why: why}
}

// allowArgument allows a secret on the command line of a process that a user starts and that ends at once.
func allowArgument(secret, process, why string) allowance {
	a := allow(secret, "command line of "+process, why)
	a.fleeting = true
	return a
}

// unexpected returns the findings no allowance covers, and the allowances that cover nothing and should go.
func (h *haystack) unexpected(allowed []allowance) (leaks, unused []string) {
	used := make([]bool, len(allowed))
	for f, context := range h.found {
		covered := false
		for i, a := range allowed {
			if a.secret.MatchString(f.secret) && a.place.MatchString(f.place) {
				covered, used[i] = true, true
			}
		}
		if !covered {
			leaks = append(leaks, fmt.Sprintf("%s: %s, %s: %s", f.place, f.secret, f.form, context))
		}
	}
	for i, a := range allowed {
		if !used[i] && !a.fleeting {
			unused = append(unused, a.secret.String()+" in "+a.place.String()+": "+a.why)
		}
	}
	slices.Sort(leaks)
	return leaks, unused
}

// has reports whether a secret was found in every form at a place.
func (h *haystack) has(secret, place string, wanted ...string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, form := range wanted {
		if _, ok := h.found[finding{secret, form, place}]; !ok {
			return fmt.Errorf("%s was planted in %s, %s, and not found there", secret, place, form)
		}
	}
	return nil
}
