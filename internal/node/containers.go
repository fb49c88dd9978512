package node

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"sdp/internal/containers"
	"sdp/internal/logs"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// Containers starts, keeps and removes the containers of services.
type Containers struct {
	node          string
	runtime       Runtime
	sources       *Sources
	images        *Images
	routes        *Routes
	targets       *Targets
	output        *Output
	limits        sdp.Limits
	drain         time.Duration
	healthTimeout time.Duration
	background    sync.WaitGroup
}

// networkTimeout bounds the making of a network in the background.
const networkTimeout = 30 * time.Second

// PrepareNetwork makes a sandbox's network in the background: that takes longer than asking the git server. Start waits
// for it, and says so if it did not work.
func (c *Containers) PrepareNetwork(ctx context.Context, sandbox string) {
	c.background.Go(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), networkTimeout)
		defer cancel()
		_, _ = c.runtime.EnsureNetwork(ctx, sandbox)
	})
}

// Wait waits for what goes on in the background.
func (c *Containers) Wait() { c.background.Wait() }

// Start creates a service's new generation beside the old one, on the sandbox's network, and waits until it is healthy.
// Errors: "container-exited" and "never-healthy" carry the container's last output; "name-taken", "missing-image".
func (c *Containers) Start(ctx context.Context, in wire.Job, given Confidential, log *logs.Stream) (sdp.Container, error) {
	repo, err := c.sources.of(in)
	if err != nil {
		return sdp.Container{}, err
	}
	network, err := c.joinNetwork(ctx, in)
	if err != nil {
		return sdp.Container{}, err
	}
	spec, err := c.spec(ctx, in, repo, network, given)
	if err != nil {
		return sdp.Container{}, err
	}
	log.Printf("START", "starting %s", spec.Name)
	c.images.claims.take(in.Deployment, in.Image) // a worker started anew since the image was found has forgotten
	running, err := c.begin(ctx, in, spec)
	if err != nil {
		return sdp.Container{}, withOutput(err, log)
	}
	c.images.claims.drop(in.Deployment) // Docker keeps it for the container
	c.output.Follow(running)
	// The watch of the worker tells it as well, but later than the routes are changed where the node has much to do.
	if err := c.targets.Tell(ctx, running.ID); err != nil {
		return sdp.Container{}, err
	}
	probe := containers.Probe{Path: repo.HealthPath, Port: repo.Port, Timeout: c.healthTimeout}
	if err := c.runtime.WaitHealthy(ctx, running, probe); err != nil {
		return sdp.Container{}, withOutput(err, log)
	}
	log.Printf("START", "%s is healthy at %s", spec.Name, running.Address)
	c.sources.end(in.Deployment)
	return sdp.Container{Deployment: in.Deployment, Sandbox: in.Sandbox, Service: in.Service, Node: c.node,
		DockerID: running.ID, Address: running.Address, SHA: in.SHA, Image: in.Image, State: sdp.Starting}, nil
}

// begin starts a container. A retirement may have passed the canonical name on to another generation since it was chosen.
func (c *Containers) begin(ctx context.Context, in wire.Job, spec containers.Spec) (containers.Container, error) {
	running, err := c.runtime.Start(ctx, spec)
	if sdp.KindOf(err) != sdp.Conflict {
		return running, err
	}
	name, failed := c.containerName(ctx, in)
	if failed != nil || name == spec.Name {
		return running, err
	}
	spec.Name = name
	return c.runtime.Start(ctx, spec)
}

// joinNetwork makes the sandbox's network and has the router listen on it, so that the container finds its neighbours
// from its first instruction on.
func (c *Containers) joinNetwork(ctx context.Context, in wire.Job) (containers.Network, error) {
	network, err := c.runtime.EnsureNetwork(ctx, in.Sandbox)
	if err != nil {
		return network, err
	}
	if err := c.routes.Listen(ctx, network); err != nil {
		return network, err
	}
	return network, c.routes.Apply(ctx, in.Table)
}

func (c *Containers) spec(ctx context.Context, in wire.Job, repo Repository, network containers.Network, given Confidential) (containers.Spec, error) {
	name, err := c.containerName(ctx, in)
	hosts := map[string]string{}
	for _, s := range in.Table.Services {
		hosts[s.Service] = network.Gateway
	}
	limits := in.Limits.Or(c.limits)
	return containers.Spec{
		Name: name, Sandbox: in.Sandbox, Service: in.Service, Deployment: in.Deployment, SHA: in.SHA, Image: in.Image,
		Repository: in.Repository, Env: Environment(in, repo, given.Vars), SecretKeys: slices.Sorted(maps.Keys(given.Vars)),
		Hosts: hosts, Network: network.Name, User: repo.User, Port: repo.Port,
		Memory: int64(limits.Memory), CPUs: limits.CPUs, PIDs: limits.PIDs, Files: given.files(),
	}, err
}

// containerName is the canonical name, or the generation's own while the old generation still holds that.
func (c *Containers) containerName(ctx context.Context, in wire.Job) (string, error) {
	name := sdp.ContainerName(in.Sandbox, in.Service)
	holder, found, err := c.runtime.Inspect(ctx, name)
	if err != nil || !found || holder.Deployment == in.Deployment {
		return name, err
	}
	if holder.Sandbox == in.Sandbox && holder.Service == in.Service {
		return sdp.GenerationName(in.Sandbox, in.Service, in.Deployment), nil
	}
	return name, nil // somebody else's: Start refuses it and says whose it is
}

// Environment is what a service finds in its environment. Later entries win: SDP's own and the addresses of the other
// services, the layers of its settings as the control plane sent them, the secrets among them.
func Environment(in wire.Job, repo Repository, secrets map[string]string) []string {
	env := sdp.PlatformVariables(repo.Repository, in.Table.Upstreams(), sdp.Deployment{ID: in.Deployment, Sandbox: in.Sandbox,
		Service: in.Service, Branch: in.Branch, SHA: in.SHA})
	maps.Copy(env, in.Env)
	maps.Copy(env, secrets)
	var out []string
	for _, key := range slices.Sorted(maps.Keys(env)) {
		out = append(out, key+"="+env[key])
	}
	return out
}

// withOutput adds what the container printed last to a failure of the container itself, and to the log.
func withOutput(err error, log *logs.Stream) error {
	if sdp.KindOf(err) != sdp.Failed {
		return err
	}
	var exit *containers.ExitError
	if !errors.As(err, &exit) || exit.Output == "" {
		return err
	}
	log.Printf("START", "the container's last output:")
	fmt.Fprintf(log, "%s\n", strings.TrimRight(exit.Output, "\n"))
	return &OutputError{Err: err, Output: log.TailOwn(min(outputTail, len(exit.Output)+1))}
}
