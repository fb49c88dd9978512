package git

import (
	"slices"
	"sort"
	"strings"

	"sdp/internal/sdp"
)

// branchNotFound names the branches that are called nearly the same.
func branchNotFound(branch string, adv *advertisement) error {
	err := sdp.Errorf(sdp.NotFound, "branch-not-found", "the git server has no branch %q", branch)
	names := make([]string, 0, len(adv.branches))
	for name := range adv.branches {
		names = append(names, name)
	}
	switch near := nearest(branch, names); {
	case len(names) == 0:
		return err.WithRemedy("the repository is empty: push the branch first")
	case len(near) == 0:
		return err.WithRemedy("push the branch, or take one of those `sdp branches` lists")
	default:
		return err.WithRemedy("push the branch, or take one called nearly the same: %s", strings.Join(near, ", "))
	}
}

// nearest returns up to three names that contain wanted, are contained in it, or differ in few letters; best first.
func nearest(wanted string, names []string) []string {
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
		case far <= max(2, len(low)/4):
		case len(low) > 2 && (strings.Contains(n, low) || len(n) > 2 && strings.Contains(low, n)):
			far += 100 // after those that may be a slip of the finger
		default:
			continue
		}
		found = append(found, candidate{name, far})
	}
	sort.Slice(found, func(i, j int) bool {
		if found[i].far != found[j].far {
			return found[i].far < found[j].far
		}
		return found[i].name < found[j].name
	})
	near := make([]string, 0, 3)
	for _, c := range found[:min(3, len(found))] {
		near = append(near, c.name)
	}
	return slices.Clip(near)
}

// distance is the Levenshtein distance of two strings, in bytes.
func distance(a, b string) int {
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
