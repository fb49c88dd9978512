package worker

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"sdp/internal/docker"
	"sdp/internal/sdp"
)

const (
	// probeEvery is how often serving containers are asked whether they are well, in the way a deployment asks before it
	// switches the route to them.
	probeEvery = 10 * time.Second
	// probeAgain is how long after a first failure a container is asked again: one that is only busy is not sick.
	probeAgain   = 3 * time.Second
	probesAtOnce = 8
)

// ailment is why a container does not answer.
type ailment struct{ deployment, why string }

// sickness holds the containers that do not answer, by sandbox and service.
type sickness map[string]map[string]ailment

// ward knows which containers of the node are sick.
type ward struct {
	mu      sync.Mutex
	serving []sdp.Container // as of the last round of the reconciler
	sick    sickness
}

func (w *ward) now() sickness {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sick // replaced whole, never changed
}

// admit sets which containers should answer: those that serve and are not being changed.
func (w *ward) admit(want sdp.Desired) {
	var serving []sdp.Container
	for _, c := range want.Containers {
		if c.State == sdp.Serving && !busy(want, c.Sandbox, c.Service) {
			serving = append(serving, c)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.serving = serving
}

func (w *ward) patients() []sdp.Container {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.serving
}

// watchHealth asks the serving containers until ctx ends.
func (n *node) watchHealth(ctx context.Context) error {
	ticker := time.NewTicker(probeEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			n.visit(ctx)
		}
	}
}

// visit asks every serving container once, and those that do not answer a second time.
func (n *node) visit(ctx context.Context) {
	patients := n.sick.patients()
	found := make([]string, len(patients))
	var group errgroup.Group
	group.SetLimit(probesAtOnce)
	for i, c := range patients {
		group.Go(func() error {
			found[i] = n.examine(ctx, c)
			return nil
		})
	}
	_ = group.Wait() // no probe returns an error
	sick := sickness{}
	for i, c := range patients {
		if found[i] == "" {
			continue
		}
		if sick[c.Sandbox] == nil {
			sick[c.Sandbox] = map[string]ailment{}
		}
		sick[c.Sandbox][c.Service] = ailment{c.Deployment, found[i]}
	}
	n.sick.mu.Lock()
	defer n.sick.mu.Unlock()
	if ctx.Err() == nil {
		n.sick.sick = sick
	}
}

// examine returns why a container does not answer, "" if it does.
func (n *node) examine(ctx context.Context, c sdp.Container) string {
	probe := docker.Probe{}
	if n.host != nil {
		probe.Path = n.host.Repositories[c.Service].HealthPath
	}
	if docker.Answers(ctx, c.Address, probe) == nil {
		return ""
	}
	select {
	case <-ctx.Done():
		return ""
	case <-time.After(probeAgain):
	}
	if err := docker.Answers(ctx, c.Address, probe); err != nil {
		return err.Error()
	}
	return ""
}
