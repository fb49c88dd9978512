package git

import (
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
	switch near := sdp.Nearest(branch, names); {
	case len(names) == 0:
		return err.WithRemedy("the repository is empty: push the branch first")
	case len(near) == 0:
		return err.WithRemedy("push the branch, or take one of those `sdp branches` lists")
	default:
		return err.WithRemedy("push the branch, or take one called nearly the same: %s", strings.Join(near, ", "))
	}
}
