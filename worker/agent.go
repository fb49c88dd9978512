package worker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	sdkworker "go.temporal.io/sdk/worker"
	"golang.org/x/sync/errgroup"

	"sdp/activities"
	"sdp/internal/containers"
	"sdp/internal/docker"
	"sdp/internal/git"
	"sdp/internal/logs"
	"sdp/internal/node"
	"sdp/internal/node/gobuild"
	"sdp/internal/router/socket"
	"sdp/internal/sdp"
	"sdp/internal/secret"
	"sdp/internal/wire"
)

// Version is the version of this build, set by the linker.
var Version = "dev"

// agent is a running worker process: it answers Temporal for its node, and keeps the node as the server wants it.
type agent struct {
	config   NodeConfig
	server   *server
	runtime  node.Runtime
	close    func() error // ends what the runtime has open
	router   *socket.Client
	keys     *secret.NodeKeys
	spool    *logs.Spool
	node     *node.Node
	monitor  *healthMonitor
	gate     *gate
	file     *configFile
	changed  chan struct{} // something of the registration has changed
	mismatch *sdp.Error    // the server and this node have no version in common, or it was removed
	log      *slog.Logger

	traffic traffic
}

// RunNode runs a node's worker until ctx ends. It needs nothing to be up: it waits for Temporal, the server, Docker and
// the router, and says what it waits for. path is the node's configuration; when that changes, it counts from then on.
func RunNode(ctx context.Context, path string, logger *slog.Logger) error {
	for {
		file, err := openConfig(path)
		if err != nil {
			return err
		}
		if err := runNode(ctx, file, logger); !errors.Is(err, errOtherConfig) || ctx.Err() != nil {
			return err
		}
		logger.Info("Starting again with another configuration", "node", file.now.Node)
	}
}

func runNode(ctx context.Context, file *configFile, logger *slog.Logger) error {
	c := file.now
	a, err := newAgent(ctx, c, logger)
	if err != nil {
		return err
	}
	defer func() { _ = a.close() }() // nothing uses the runtime any more
	a.file = file
	codec, err := c.loadCodecKeys()
	if err != nil {
		return err
	}
	temporal, err := Dial(c.Temporal, codec, "sdp-worker@"+c.Node, logger)
	if err != nil {
		return err
	}
	defer temporal.Close()
	a.sweep()
	host, err := activities.NewHost(a.node, a.server, c.Data)
	if err != nil {
		return err
	}

	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { activities.ReportLost(ctx, host, temporal); return nil })
	group.Go(func() error { return a.followConfig(ctx) })
	group.Go(func() error { return a.ship(ctx) })
	group.Go(func() error { return a.node.Output.Run(ctx) })
	group.Go(func() error { return a.register(ctx) })
	group.Go(func() error { return a.watchTargets(ctx) })
	group.Go(func() error { return a.reconcile(ctx) })
	group.Go(func() error { return a.monitor.run(ctx) })
	group.Go(func() error { return a.watchDisk(ctx) })
	for queue, tasks := range hostQueues(c.Node) {
		group.Go(func() error {
			return runWorker(ctx, a.gate, func() sdkworker.Worker { return newHostWorker(temporal, queue, tasks, host) }, logger)
		})
	}
	logger.Info("Started", "node", c.Node, "type", c.Type, "repositories", len(c.Repositories))
	err = group.Wait()
	a.node.Containers.Wait()
	return errors.Join(ignoreCancel(err), a.spool.Close())
}

// loadCodecKeys reads the codec keys. Unlike the server's, a node's file is never made: keys of its own would leave the
// node unable to read anything.
func (c NodeConfig) loadCodecKeys() (*secret.CodecKeys, error) {
	if _, err := os.Stat(c.CodecKeys); errors.Is(err, fs.ErrNotExist) {
		return nil, sdp.Errorf(sdp.NotFound, "no-codec-keys", "there is no key file %s", c.CodecKeys).
			WithRemedy("copy the file that keys.codec of the server's configuration names to codecKeys of this node's, mode 0600")
	}
	return secret.LoadCodecKeys(c.CodecKeys)
}

func ignoreCancel(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func newAgent(ctx context.Context, c NodeConfig, logger *slog.Logger) (*agent, error) {
	token, err := c.Token()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(c.Data, 0o711); err != nil {
		return nil, fmt.Errorf("making the data directory: %w", err)
	}
	pool, err := netip.ParsePrefix(c.Networks)
	if err != nil {
		return nil, err
	}
	a := &agent{config: c, server: newServer(c, token), router: socket.NewClient(c.RouterSocket()), gate: newGate(),
		changed: make(chan struct{}, 1), log: logger}
	daemon, err := docker.New(c.Docker, c.Instance, c.Node, pool)
	if err != nil {
		return nil, err
	}
	a.runtime, a.close = daemon, daemon.Close
	if a.keys, err = secret.OpenNodeKeys(filepath.Join(c.Data, "keys")); err != nil {
		return nil, err
	}
	if a.spool, err = logs.OpenSpool(filepath.Join(c.Data, "logs")); err != nil {
		return nil, err
	}
	toolchain, err := c.toolchain(ctx)
	if err != nil {
		return nil, err
	}
	a.equip(c.repositories(), toolchain)
	return a, nil
}

// equip gives the agent what its node can do.
func (a *agent) equip(repositories map[string]node.Repository, toolchain gobuild.Toolchain) {
	c := a.config
	a.node = node.New(node.Config{Name: c.Node, Data: c.Data, Instance: c.Instance, Runtime: a.runtime, Router: a.router,
		Keys: a.keys, Token: secret.New(a.server.token), Spool: a.spool, Repositories: repositories, Toolchain: toolchain,
		Builds: c.Builds.Concurrency, Pressure: node.Pressure(c.Builds.Pressure), StepMemory: c.Builds.Memory,
		Drain: c.Drain, HealthTimeout: c.HealthTimeout, Log: a.log,
		Limits: sdp.Limits{CPUs: c.Limits.CPUs, Memory: sdp.Bytes(c.Limits.Memory), PIDs: c.Limits.PIDs}})
	a.monitor = &healthMonitor{probe: a.probe, every: c.ProbeEvery}
}

// probe is how a service is asked whether it is well.
func (a *agent) probe(service string) containers.Probe {
	repo, err := a.node.Sources.Repository(service)
	if err != nil {
		return containers.Probe{} // not configured any more: whether it listens must do
	}
	return containers.Probe{Path: repo.HealthPath}
}

// repositories are the configured ones with the remotes their clones have.
func (c NodeConfig) repositories() map[string]node.Repository {
	all := map[string]node.Repository{}
	for _, r := range c.Repositories {
		all[r.Name] = c.repository(r)
	}
	return all
}

func (c NodeConfig) repository(r wire.RepositoryConfig) node.Repository {
	out := node.Repository{
		Repository: sdp.Repository{Name: r.Name, Node: c.Node, NodeType: c.Type, Kind: r.Kind,
			Port: r.Port, HealthPath: r.Health, OCP: r.OCP, Variables: r.Env.Vars, UpstreamEnv: r.Env.Upstreams},
		Path: r.Path, Build: r.Build, Dockerfile: r.Dockerfile, BaseImage: r.BaseImage, User: r.User,
	}
	problem := c.problems[r.Name]
	if problem == "" {
		clone, err := git.Open(r.Path)
		if err == nil {
			out.RemoteURL = clone.RemoteURL()
			return out
		}
		problem = sdp.AsError(err).Detail
	}
	kind := r.Kind
	if kind != sdp.DockerfileRepository {
		kind = sdp.GoRepository
	}
	return node.Repository{Repository: sdp.Repository{Name: r.Name, Node: c.Node, NodeType: c.Type, Kind: kind, Problem: problem}}
}

// toolchain asks the installed toolchain where its caches are, so that builds share them with the people on the host.
func (c NodeConfig) toolchain(ctx context.Context) (gobuild.Toolchain, error) {
	t := gobuild.Toolchain{Timeout: c.Builds.Timeout, Online: c.Builds.Online, Cache: c.Builds.Cache}
	if !c.buildsGo() {
		return t, nil
	}
	raw, err := exec.CommandContext(ctx, "go", "env", "GOCACHE", "GOMODCACHE", "GOVERSION").Output()
	if err != nil {
		return t, sdp.Errorf(sdp.Invalid, "no-go", "`go env` failed: %w", err).
			WithRemedy("install Go on the node, or configure no repository of kind go")
	}
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	if len(lines) != 3 {
		return t, sdp.Errorf(sdp.Internal, "no-go", "`go env` answered %q", raw)
	}
	t.Modules, t.Version = lines[1], lines[2]
	if t.Cache == "" {
		t.Cache = lines[0]
	}
	return t, nil
}

func (c NodeConfig) buildsGo() bool {
	for _, r := range c.Repositories {
		if r.Kind == sdp.GoRepository {
			return true
		}
	}
	return false
}

// sweep removes checkouts that an earlier process left behind; a repeated activity makes its own anew.
func (a *agent) sweep() {
	if err := a.node.Sources.DropCheckouts(); err != nil {
		a.log.Warn("Sweeping checkouts failed", "error", err)
	}
}

func (a *agent) ship(ctx context.Context) error {
	target := logs.Target{URL: a.server.url, Node: a.config.Node, Token: func() string { return a.server.token },
		Retention: time.Hour}
	return logs.NewShipper(a.spool, target).Run(ctx)
}
