package worker

import (
	"slices"
	"time"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// pruneClonesEvery is how often the clones are looked through.
const pruneClonesEvery = time.Hour

// pruneClones lets `git gc` have the commits that nothing needs any more. A repository that is being deployed waits for
// the next time.
func (r *reconciler) pruneClones(want wire.Desired) {
	if time.Since(r.pruned) < pruneClonesEvery {
		return
	}
	r.pruned = time.Now()
	needed := func(sha string) bool {
		return slices.ContainsFunc(want.Containers, func(c sdp.Container) bool { return c.SHA == sha })
	}
	for name, repository := range r.node.Sources.Repositories() {
		if repository.Problem != "" || slices.ContainsFunc(want.Busy, func(b sdp.ServiceRef) bool { return b.Service == name }) {
			continue
		}
		n, err := r.node.Sources.Prune(name, needed)
		if err != nil {
			r.log.Warn("Pruning a clone failed", "repository", name, "error", err)
		} else if n > 0 {
			r.log.Info("Pruned a clone", "repository", name, "commits", n)
		}
	}
}
