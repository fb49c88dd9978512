package worker

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	sdkworker "go.temporal.io/sdk/worker"

	"sdp/internal/node"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// retryEvery is how long the node waits before it tries again to reach something that does not answer; upgradeEvery is how
// long before it asks a server again that does not understand it.
const (
	retryEvery   = time.Second
	upgradeEvery = 15 * time.Second
)

// register tells the server who this node is, and then that it lives. Whenever the server answers that it does not know
// the node, as after a restore of its database, it registers again.
func (a *agent) register(ctx context.Context) error {
	ticker := time.NewTicker(sdp.HeartbeatEvery)
	defer ticker.Stop()
	registered := false
	for {
		registered = a.beat(ctx, registered)
		wait := ticker.C
		switch {
		case a.mismatch != nil:
			wait = time.After(upgradeEvery)
		case !registered:
			wait = time.After(retryEvery)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-a.changed:
			registered = false
		case <-wait:
		}
	}
}

// beat registers or sends a heartbeat, and reports whether the server knows the node now.
func (a *agent) beat(ctx context.Context, registered bool) bool {
	a.rotateKeys(&registered)
	if registered {
		err := a.judge(a.heartbeat(ctx))
		return err == nil || sdp.KindOf(err) == sdp.Unavailable
	}
	if err := a.judge(a.server.register(ctx, a.registration(ctx))); err != nil {
		a.log.Warn("Registration failed; trying again", "error", err, "remedy", sdp.AsError(err).Remedy)
		return false
	}
	a.log.Info("Registered", "node", a.config.Node)
	a.traffic.forget()
	_ = a.heartbeat(ctx) // it has logged, and the next one comes
	return true
}

// judge has the node take tasks from Temporal once the server has understood it, and no more once the server says that the
// two have no version in common, as what they write into Temporal for each other would be misunderstood, or that the node was
// removed.
func (a *agent) judge(err error) error {
	if err == nil {
		a.mismatch = nil
		a.gate.open()
	} else if e := sdp.AsError(err); e.Code == wire.VersionMismatch || e.Code == wire.NodeRemoved {
		a.mismatch = e
		a.gate.shut()
	}
	return err
}

func (a *agent) heartbeat(ctx context.Context) error {
	h := sdp.Heartbeat{NodeHealth: a.health(ctx), Traffic: a.counted(ctx), Waiting: a.node.Slots.Waiting()}
	err := a.server.heartbeat(ctx, h)
	if err != nil {
		a.log.Warn("Heartbeat failed", "error", err)
		return err
	}
	a.traffic.took(h.Traffic)
	return nil
}

// rotateKeys makes a new key pair when that is due; the server must then learn of it.
func (a *agent) rotateKeys(registered *bool) {
	rotated, err := a.keys.RotateDue(time.Now())
	if err != nil {
		a.log.Error("Rotating the node's keys failed", "error", err)
	}
	if rotated {
		*registered = false
	}
}

func (a *agent) registration(ctx context.Context) sdp.NodeRegistration {
	c := a.config
	keyID, public := a.keys.Public()
	first, last, _ := c.Ports.Bounds() // checked when the configuration was loaded
	version, err := a.runtime.Ping(ctx)
	if err != nil {
		a.log.Warn("Docker does not answer", "error", err)
	} else if err := a.runtime.RequireInit(ctx); err != nil {
		a.log.Error("Docker cannot run containers", "error", err)
	}
	r := sdp.NodeRegistration{Node: sdp.Node{Name: c.Node, Type: c.Type, Address: c.Address, MeshPort: c.MeshPort,
		PortFirst: first, PortLast: last, KeyID: keyID, PublicKey: public, Builds: a.node.Slots.Limit(),
		Limits:  sdp.Limits{CPUs: c.Limits.CPUs, Memory: sdp.Bytes(c.Limits.Memory), PIDs: c.Limits.PIDs},
		Version: Version, DockerVersion: version}}
	repositories := a.node.Sources.Repositories()
	for _, name := range slices.Sorted(maps.Keys(repositories)) {
		repo := repositories[name]
		if repo.Problem != "" {
			a.log.Error("A configured repository cannot be used", "repository", name, "problem", repo.Problem)
		}
		r.Repositories = append(r.Repositories, repo.Repository)
	}
	return r
}

// healthLimit bounds what a heartbeat asks of each: a router or a Docker daemon that hangs must not silence its node.
const healthLimit = sdp.LivenessLimit / 4

func unanswered(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer within " + healthLimit.String()
	}
	return sdp.AsError(err).Detail
}

func (a *agent) health(ctx context.Context) sdp.NodeHealth {
	ctx, done := context.WithTimeout(ctx, healthLimit)
	defer done()
	h := sdp.NodeHealth{CPUs: runtime.NumCPU()}
	var asked sync.WaitGroup
	asked.Go(func() {
		if _, err := a.runtime.Ping(ctx); err != nil {
			h.DockerError = unanswered(err)
		}
	})
	asked.Go(func() {
		if r, err := a.router.Health(ctx); err != nil {
			h.RouterError = unanswered(err)
		} else {
			h.RouterError, h.PortHeld = strings.Join(r.Problems, "; "), r.Held
		}
	})
	asked.Wait()
	if disk, err := a.node.Sources.Disk(); err == nil {
		h.DiskFree, h.DiskTotal = disk.Free, disk.Total
	}
	h.ImagesUsed, h.Watermark = a.imagesUsed(ctx), a.config.Images.Watermark
	h.MemoryFree, h.MemoryTotal = node.MemoryOf("/proc")
	if raw, err := os.ReadFile("/proc/loadavg"); err == nil {
		field, _, _ := strings.Cut(string(raw), " ")
		h.Load1, _ = strconv.ParseFloat(field, 64) // 0 where the kernel says nothing readable
	}
	if a.file != nil {
		h.ConfigError = a.file.whyNot()
	}
	h.RunningBuilds = a.node.Slots.Running()
	return h
}

// runWorker runs a Temporal worker until ctx ends, while the gate is open. Temporal being away, or dismissing the worker, is
// no reason to end: a new worker is made until one runs, because one whose start failed cannot be started again.
func runWorker(ctx context.Context, g *gate, build func() sdkworker.Worker, log *slog.Logger) error {
	for {
		open, done := g.wait(ctx)
		if ctx.Err() != nil {
			done()
			return nil //nolint:nilerr // told to stop
		}
		err := build().Run(InterruptOf(open))
		stopped := open.Err() != nil // the gate was shut, or ctx has ended
		done()
		if stopped {
			continue
		}
		log.Warn("Temporal does not answer; trying again", "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(retryEvery):
		}
	}
}

// InterruptOf is ctx in the form the Temporal SDK wants.
func InterruptOf(ctx context.Context) <-chan any {
	interrupt := make(chan any)
	context.AfterFunc(ctx, func() { close(interrupt) })
	return interrupt
}
