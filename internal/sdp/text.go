package sdp

import (
	"cmp"
	"slices"
	"strings"
)

// Nearest returns up to three names that may have been meant by wanted, best first: those that differ in few letters,
// then those that contain it or are contained in it. Case does not matter.
func Nearest(wanted string, names []string) []string {
	type candidate struct {
		name string
		far  int
	}
	var found []candidate
	low := strings.ToLower(wanted)
	for _, name := range names {
		n := strings.ToLower(name)
		far := distance(low, n)
		switch {
		case far <= max(2, len(low)/4) && far < len(n):
		case len(low) > 2 && (strings.Contains(n, low) || len(n) > 2 && strings.Contains(low, n)):
			far += 1000 // after those that may be a slip of the finger
		default:
			continue
		}
		found = append(found, candidate{name, far})
	}
	slices.SortFunc(found, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.far, b.far), strings.Compare(a.name, b.name))
	})
	near := make([]string, 0, 3)
	for _, c := range found[:min(3, len(found))] {
		near = append(near, c.name)
	}
	return near
}

// distance is the Levenshtein distance of two strings in bytes. Strings too long to be names are far from everything.
func distance(a, b string) int {
	const longest = 200
	if len(a) > longest || len(b) > longest {
		return longest
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := last
			if a[i] != b[j] {
				change++
			}
			last = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// Printable makes text that somebody sent fit for people and for the audit: valid UTF-8 without control characters, and
// not much longer than limit bytes.
func Printable(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "") + "..."
	}
	return text
}
