package worker

import (
	"slices"
	"time"

	"sdp/internal/git"
	"sdp/internal/sdp"
)

// A fetched commit is kept in its clone for keepCommits after it was last asked for, and while a container runs it. The
// clones are looked through every pruneClonesEvery.
const (
	keepCommits      = 14 * 24 * time.Hour
	pruneClonesEvery = time.Hour
)

// pruneClones lets `git gc` have the commits that nothing needs any more. A repository that is being deployed waits for
// the next time.
func (r *reconciler) pruneClones(want sdp.Desired) {
	if time.Since(r.pruned) < pruneClonesEvery {
		return
	}
	r.pruned = time.Now()
	needed := func(sha string) bool {
		return slices.ContainsFunc(want.Containers, func(c sdp.Container) bool { return c.SHA == sha })
	}
	for _, repository := range r.config.Repositories {
		if slices.ContainsFunc(want.Busy, func(b sdp.ServiceRef) bool { return b.Service == repository.Name }) {
			continue
		}
		n, err := pruneClone(repository.Path, needed)
		if err != nil {
			r.log.Warn("Pruning a clone failed", "repository", repository.Name, "error", err)
		} else if n > 0 {
			r.log.Info("Pruned a clone", "repository", repository.Name, "commits", n)
		}
	}
}

func pruneClone(path string, needed func(string) bool) (int, error) {
	clone, err := git.Open(path)
	if err != nil {
		return 0, err
	}
	return clone.Prune(needed, time.Now().Add(-keepCommits))
}
