package worker

import (
	"context"
	"errors"
	"os"
	"reflect"
	"sync"
	"time"

	"sdp/internal/node"
	"sdp/internal/sdp"
)

// errOtherConfig ends the agent for one that is made of the configuration as it is by now.
var errOtherConfig = errors.New("the configuration has changed")

// followEvery is how often the node's configuration is looked at.
const followEvery = time.Second

// configFile is a node's configuration file and what of it counts.
type configFile struct {
	path string
	now  NodeConfig
	asOf time.Time // when the file was changed last, as far as it was read

	mu      sync.Mutex
	problem string // why what it says now does not count
}

func openConfig(path string) (*configFile, error) {
	f := &configFile{path: path, asOf: changedAt(path)}
	var err error
	f.now, err = LoadNodeConfig(path)
	return f, err
}

// changedAt is zero for a file that is not there: an editor may be replacing it right now.
func changedAt(path string) time.Time {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

func (f *configFile) setProblem(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.problem = text
}

func (f *configFile) whyNot() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.problem
}

// followConfig takes over what is changed in the node's configuration, until ctx ends. It fails with errOtherConfig once
// nothing is being built where a change needs an agent of its own.
func (a *agent) followConfig(ctx context.Context) error {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := a.reread(); err != nil {
			return err
		}
	}
}

// reread looks at the configuration. Repositories and how many builds run at once count from now on, for deployments that
// begin; of one that cannot be read nothing counts. A repository that could not be used is looked at again each time.
func (a *agent) reread() error {
	f, known := a.file, a.node.Sources.Repositories()
	at := changedAt(f.path)
	changed := !at.IsZero() && !at.Equal(f.asOf)
	if !changed && !anyUnusable(known) {
		return nil
	}
	next, err := LoadNodeConfig(f.path)
	if err != nil {
		if changed && f.whyNot() != sdp.AsError(err).Detail {
			a.log.Error("The changed configuration does not count", "error", err)
			f.setProblem(sdp.AsError(err).Detail)
		}
		return nil
	}
	f.setProblem("")
	if !sameAgent(f.now, next) {
		a.node.Slots.Hold()
		if !a.node.Slots.Idle() {
			return nil
		}
		return errOtherConfig
	}
	a.node.Slots.SetLimit(next.Builds.Concurrency)
	repositories := next.repositories()
	if !changed {
		keepUsable(repositories, known)
	}
	f.now, f.asOf = next, at
	if !reflect.DeepEqual(repositories, known) {
		a.node.Sources.Configure(repositories)
	} else if !changed {
		return nil
	}
	a.log.Info("Took over the configuration", "repositories", len(repositories))
	select {
	case a.changed <- struct{}{}:
	default: // it is about to be told
	}
	return nil
}

// sameAgent reports whether an agent of one configuration can go on with another.
func sameAgent(now, next NodeConfig) bool {
	if now.buildsGo() != next.buildsGo() {
		return false
	}
	next.Repositories, next.problems, next.Builds.Concurrency = now.Repositories, now.problems, now.Builds.Concurrency
	return reflect.DeepEqual(now, next)
}

func anyUnusable(repositories map[string]node.Repository) bool {
	for _, r := range repositories {
		if r.Problem != "" {
			return true
		}
	}
	return false
}

// keepUsable keeps what was known to be usable as people were shown it: nobody's credentials go to a remote that was changed
// without the node's configuration.
func keepUsable(repositories, known map[string]node.Repository) {
	for name, r := range known {
		if r.Problem == "" {
			repositories[name] = r
		}
	}
}
