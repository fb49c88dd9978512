package worker

import (
	"context"
	"log/slog"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	sdkworker "go.temporal.io/sdk/worker"

	"sdp/activities"
	"sdp/internal/sdp"
)

// retryEvery is how long the node waits before it tries again to reach something that does not answer.
const retryEvery = time.Second

// register tells the server who this node is, and then that it lives. Whenever the server answers that it does not know
// the node, as after a restore of its database, it registers again.
func (n *node) register(ctx context.Context) error {
	ticker := time.NewTicker(sdp.HeartbeatEvery)
	defer ticker.Stop()
	registered := false
	for {
		registered = n.beat(ctx, registered)
		wait := ticker.C
		if !registered {
			wait = time.After(retryEvery)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-wait:
		}
	}
}

// beat registers or sends a heartbeat, and reports whether the server knows the node now.
func (n *node) beat(ctx context.Context, registered bool) bool {
	n.rotateKeys(&registered)
	if registered {
		err := n.heartbeat(ctx)
		return err == nil || sdp.KindOf(err) == sdp.Unavailable
	}
	if err := n.server.register(ctx, n.registration(ctx)); err != nil {
		n.log.Warn("Registration failed; trying again", "error", err)
		return false
	}
	n.log.Info("Registered", "node", n.config.Node)
	n.traffic.forget()
	_ = n.heartbeat(ctx) // it has logged, and the next one comes
	return true
}

func (n *node) heartbeat(ctx context.Context) error {
	h := sdp.Heartbeat{NodeHealth: n.health(ctx), Traffic: n.counted(ctx)}
	err := n.server.heartbeat(ctx, h)
	if err != nil {
		n.log.Warn("Heartbeat failed", "error", err)
		return err
	}
	n.traffic.took(h.Traffic)
	return nil
}

// rotateKeys makes a new key pair when that is due; the server must then learn of it.
func (n *node) rotateKeys(registered *bool) {
	rotated, err := n.keys.RotateDue(time.Now())
	if err != nil {
		n.log.Error("Rotating the node's keys failed", "error", err)
	}
	if rotated {
		*registered = false
	}
}

func (n *node) registration(ctx context.Context) sdp.NodeRegistration {
	c := n.config
	keyID, public := n.keys.Public()
	first, last, _ := c.Ports.Bounds() // checked when the configuration was loaded
	version, err := n.docker.Ping(ctx)
	if err != nil {
		n.log.Warn("Docker does not answer", "error", err)
	}
	r := sdp.NodeRegistration{Node: sdp.Node{Name: c.Node, Type: c.Type, Address: c.Address, MeshPort: c.MeshPort,
		PortFirst: first, PortLast: last, KeyID: keyID, PublicKey: public, Builds: c.Builds.Concurrency,
		Limits:  sdp.Limits{CPUs: c.Limits.CPUs, Memory: c.Limits.Memory, PIDs: c.Limits.PIDs},
		Version: Version, DockerVersion: version}}
	for _, repo := range c.Repositories {
		r.Repositories = append(r.Repositories, n.host.Repositories[repo.Name].Repository)
	}
	return r
}

func (n *node) health(ctx context.Context) sdp.NodeHealth {
	h := sdp.NodeHealth{CPUs: runtime.NumCPU()}
	if _, err := n.docker.Ping(ctx); err != nil {
		h.DockerError = sdp.AsError(err).Detail
	}
	if r, err := n.router.Health(ctx); err != nil {
		h.RouterError = sdp.AsError(err).Detail
	} else {
		h.RouterError = strings.Join(r.Problems, "; ")
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(n.config.Data, &fs); err == nil {
		h.DiskFree, h.DiskTotal = int64(fs.Bavail)*fs.Bsize, int64(fs.Blocks)*fs.Bsize
	}
	h.ImagesUsed, h.Watermark = n.imagesUsed(ctx), n.config.Images.Watermark
	h.MemoryFree, h.MemoryTotal = memory()
	if raw, err := os.ReadFile("/proc/loadavg"); err == nil {
		field, _, _ := strings.Cut(string(raw), " ")
		h.Load1, _ = strconv.ParseFloat(field, 64) // 0 where the kernel says nothing readable
	}
	if entries, err := os.ReadDir(activities.CheckoutsDir(n.config.Data)); err == nil {
		h.RunningBuilds = len(entries)
	}
	return h
}

// memory reads available and total memory in bytes from /proc/meminfo (proc(5)); zero where it cannot.
func memory() (free, total int64) {
	raw, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(raw)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		kb, _ := strconv.ParseInt(fields[1], 10, 64)
		switch fields[0] {
		case "MemAvailable:":
			free = kb << 10
		case "MemTotal:":
			total = kb << 10
		}
	}
	return free, total
}

// runWorker runs a Temporal worker until ctx ends. Temporal being away, or dismissing the worker, is no reason to end:
// a new worker is made until one runs, because one whose start failed cannot be started again.
func runWorker(ctx context.Context, build func() sdkworker.Worker, log *slog.Logger) error {
	interrupt := InterruptOf(ctx)
	for {
		err := build().Run(interrupt)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // told to stop
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
