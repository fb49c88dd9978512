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
	"sdp/internal/docker"
	"sdp/internal/git"
	"sdp/internal/logs"
	"sdp/internal/router"
	"sdp/internal/sdp"
	"sdp/internal/secret"
)

// Version is the version of this build, set by the linker.
var Version = "dev"

// node is a running worker process.
type node struct {
	config NodeConfig
	server *server
	docker *docker.Client
	router *router.Client
	keys   *secret.NodeKeys
	spool  *logs.Spool
	host   *activities.Host
	output *output
	sick   *ward
	log    *slog.Logger

	traffic traffic
}

// RunNode runs a node's worker until ctx ends. It needs nothing to be up: it waits for Temporal, the server, Docker and
// the router, and says what it waits for.
func RunNode(ctx context.Context, c NodeConfig, logger *slog.Logger) error {
	n, err := newNode(ctx, c, logger)
	if err != nil {
		return err
	}
	codec, err := c.loadCodecKeys()
	if err != nil {
		return err
	}
	temporal, err := Dial(c.Temporal, codec, "sdp-worker@"+c.Node, logger)
	if err != nil {
		return err
	}
	defer temporal.Close()
	n.sweep()

	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return n.ship(ctx) })
	group.Go(func() error { return n.output.run(ctx) })
	group.Go(func() error { return n.register(ctx) })
	group.Go(func() error { return n.reconcile(ctx) })
	group.Go(func() error { return n.watchHealth(ctx) })
	group.Go(func() error { return n.watchDisk(ctx) })
	group.Go(func() error {
		return runWorker(ctx, func() sdkworker.Worker { return newQuickWorker(temporal, n.host) }, logger)
	})
	group.Go(func() error {
		return runWorker(ctx, func() sdkworker.Worker { return newBuildWorker(temporal, n.host, c.Builds.Concurrency) }, logger)
	})
	logger.Info("Started", "node", c.Node, "type", c.Type, "repositories", len(c.Repositories))
	err = group.Wait()
	n.host.Background.Wait()
	return errors.Join(ignoreCancel(err), n.spool.Close())
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

func newNode(ctx context.Context, c NodeConfig, logger *slog.Logger) (*node, error) {
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
	n := &node{config: c, server: newServer(c, token), router: router.NewClient(c.RouterSocket()),
		sick: &ward{}, log: logger}
	if n.docker, err = docker.New(c.Docker, c.Instance, c.Node, pool); err != nil {
		return nil, err
	}
	if n.keys, err = secret.OpenNodeKeys(filepath.Join(c.Data, "keys")); err != nil {
		return nil, err
	}
	if n.spool, err = logs.OpenSpool(filepath.Join(c.Data, "logs")); err != nil {
		return nil, err
	}
	n.output = newOutput(n.docker, n.spool, logger)
	if n.host, err = n.newHost(ctx); err != nil {
		return nil, err
	}
	return n, nil
}

func (n *node) newHost(ctx context.Context) (*activities.Host, error) {
	c := n.config
	builder, err := c.builder(ctx)
	if err != nil {
		return nil, err
	}
	repositories := map[string]activities.Repository{}
	for _, r := range c.Repositories {
		clone, err := git.Open(r.Path)
		if err != nil {
			return nil, err
		}
		repositories[r.Name] = activities.Repository{
			Repository: sdp.Repository{Name: r.Name, Node: c.Node, NodeType: c.Type, Kind: r.Kind, RemoteURL: clone.RemoteURL(),
				Port: r.Port, HealthPath: r.Health, OCP: r.OCP, Variables: r.Env.Vars, UpstreamEnv: r.Env.Upstreams},
			Path: r.Path, Build: r.Build, Dockerfile: r.Dockerfile, BaseImage: r.BaseImage, User: r.User,
		}
	}
	return &activities.Host{Node: c.Node, Data: c.Data, Instance: c.Instance, Docker: n.docker, Router: n.router,
		Keys: n.keys, Spool: n.spool, Repositories: repositories, Builder: builder, Drain: c.Drain,
		HealthTimeout: c.HealthTimeout, Limits: activities.Limits(c.Limits), Follow: n.output.follow}, nil
}

// builder asks the installed toolchain where its caches are, so that builds share them with the people on the host.
func (c NodeConfig) builder(ctx context.Context) (activities.Builder, error) {
	b := activities.Builder{Timeout: c.Builds.Timeout, Online: c.Builds.Online, Memory: c.Builds.Memory, Cache: c.Builds.Cache}
	if !c.buildsGo() {
		return b, nil
	}
	raw, err := exec.CommandContext(ctx, "go", "env", "GOCACHE", "GOMODCACHE", "GOVERSION").Output()
	if err != nil {
		return b, sdp.Errorf(sdp.Invalid, "no-go", "`go env` failed: %w", err).
			WithRemedy("install Go on the node, or configure no repository of kind go")
	}
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	if len(lines) != 3 {
		return b, sdp.Errorf(sdp.Internal, "no-go", "`go env` answered %q", raw)
	}
	b.Modules, b.Version = lines[1], lines[2]
	if b.Cache == "" {
		b.Cache = lines[0]
	}
	return b, nil
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
func (n *node) sweep() {
	if err := os.RemoveAll(activities.CheckoutsDir(n.config.Data)); err != nil {
		n.log.Warn("Sweeping checkouts failed", "error", err)
	}
}

func (n *node) ship(ctx context.Context) error {
	target := logs.Target{URL: n.server.url, Node: n.config.Node, Token: func() string { return n.server.token },
		Retention: time.Hour}
	return logs.NewShipper(n.spool, target).Run(ctx)
}
