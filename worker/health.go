package worker

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"sdp/internal/containers"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

const probesAtOnce = 8

// probeFailure is why a container does not answer.
type probeFailure struct{ deployment, why string }

// unhealthy holds the containers that do not answer, by sandbox and service.
type unhealthy map[string]map[string]probeFailure

// healthMonitor probes the node's serving containers.
type healthMonitor struct {
	probe func(service string) containers.Probe
	every time.Duration

	mu      sync.Mutex
	targets []sdp.Container // as of the last round of the reconciler
	found   unhealthy
}

// unhealthy returns what the last round of probes found.
func (m *healthMonitor) unhealthy() unhealthy {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.found // replaced whole, never changed
}

// setTargets sets which containers should answer: those that serve and are not being changed.
func (m *healthMonitor) setTargets(want wire.Desired) {
	var targets []sdp.Container
	for _, c := range want.Containers {
		if c.State == sdp.Serving && !busy(want, c.Sandbox, c.Service) {
			targets = append(targets, c)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.targets = targets
}

// run probes the targets until ctx ends.
func (m *healthMonitor) run(ctx context.Context) error {
	ticker := time.NewTicker(m.every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			m.probeAll(ctx)
		}
	}
}

// probeAll probes every target once, and those that do not answer a second time.
func (m *healthMonitor) probeAll(ctx context.Context) {
	m.mu.Lock()
	targets := m.targets
	m.mu.Unlock()
	failures := make([]string, len(targets))
	var group errgroup.Group
	group.SetLimit(probesAtOnce)
	for i, c := range targets {
		group.Go(func() error {
			failures[i] = m.failureOf(ctx, c)
			return nil
		})
	}
	_ = group.Wait() // no probe returns an error
	found := unhealthy{}
	for i, c := range targets {
		if failures[i] == "" {
			continue
		}
		if found[c.Sandbox] == nil {
			found[c.Sandbox] = map[string]probeFailure{}
		}
		found[c.Sandbox][c.Service] = probeFailure{c.Deployment, failures[i]}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if ctx.Err() == nil {
		m.found = found
	}
}

// failureOf returns why a container does not answer, "" if it does. After a first failure it is asked again: one that is
// only busy is not unhealthy.
func (m *healthMonitor) failureOf(ctx context.Context, c sdp.Container) string {
	probe := m.probe(c.Service)
	if probe.Try(ctx, c.Address) == nil {
		return ""
	}
	select {
	case <-ctx.Done():
		return ""
	case <-time.After(m.every / 3):
	}
	if err := probe.Try(ctx, c.Address); err != nil {
		return err.Error()
	}
	return ""
}
