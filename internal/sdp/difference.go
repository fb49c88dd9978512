package sdp

import (
	"maps"
	"slices"
)

// DifferenceKind says how one entry of two versions differs.
type DifferenceKind string

const (
	Added        DifferenceKind = "added"
	RemovedEntry DifferenceKind = "removed"
	Changed      DifferenceKind = "changed"
)

// Difference is one entry in which two things differ. Before and After are empty for secrets and files: that they
// changed is all that is told.
type Difference struct {
	What   string // "variable", "secret", "file", "branch", "commit", "route", "limit", "environment", ...
	Key    string // variable name, path, service, ...
	Kind   DifferenceKind
	Before string
	After  string
}

// Differences compares two sets entry by entry; show says what may be told of a value.
func Differences[V any](what string, before, after map[string]V, same func(a, b V) bool, show func(V) string) []Difference {
	keys := map[string]bool{}
	for key := range before {
		keys[key] = true
	}
	for key := range after {
		keys[key] = true
	}
	var list []Difference
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		d := Difference{What: what, Key: key}
		old, had := before[key]
		now, has := after[key]
		switch {
		case !had:
			d.Kind, d.After = Added, show(now)
		case !has:
			d.Kind, d.Before = RemovedEntry, show(old)
		case same(old, now):
			continue
		default:
			d.Kind, d.Before, d.After = Changed, show(old), show(now)
		}
		list = append(list, d)
	}
	return list
}
