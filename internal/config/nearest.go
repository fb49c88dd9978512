package config

import "strings"

// nearest returns the name most like word, or "" if none is close enough to be a slip of the fingers.
func nearest(word string, names []string) string {
	best, limit := "", 3
	for _, name := range names {
		if d := distance(strings.ToLower(word), strings.ToLower(name)); d < limit && d < len(name) {
			best, limit = name, d
		}
	}
	return best
}

// distance is the Levenshtein distance, with two rows.
func distance(a, b string) int {
	prev := make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := range len(a) {
		cur := make([]int, len(b)+1)
		cur[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			cur[j+1] = min(prev[j+1]+1, cur[j]+1, prev[j]+cost)
		}
		prev = cur
	}
	return prev[len(b)]
}
