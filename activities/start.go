package activities

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"sdp/internal/docker"
	"sdp/internal/logs"
	"sdp/internal/router"
	"sdp/internal/sdp"
)

// Start creates a service's new generation beside the old one, on the sandbox's network, and waits until it is healthy.
// Errors: "container-exited" and "never-healthy" carry the container's last output; "name-taken", "missing-image".
func (h *Host) Start(ctx context.Context, in StartInput) (sdp.Container, error) {
	var out sdp.Container
	err := h.do(ctx, func(ctx context.Context) error {
		given, err := h.confidential(in.Secrets, in.Deployment)
		if err != nil {
			return err
		}
		return h.logged(in.Deployment, given.secrets(), func(log *logs.Stream) error {
			out, err = h.start(ctx, in, given, log)
			return err
		})
	})
	return out, err
}

func (h *Host) start(ctx context.Context, in StartInput, given Confidential, log *logs.Stream) (sdp.Container, error) {
	repo, err := h.repository(in.Repository)
	if err != nil {
		return sdp.Container{}, err
	}
	network, err := h.joinNetwork(ctx, in)
	if err != nil {
		return sdp.Container{}, err
	}
	spec, err := h.spec(ctx, in, repo, network, given)
	if err != nil {
		return sdp.Container{}, err
	}
	log.Printf("START", "starting %s", spec.Name)
	h.claims.take(in.Deployment, in.Image) // a worker started anew since the image was found has forgotten
	running, err := h.Docker.Start(ctx, spec)
	if err != nil {
		return sdp.Container{}, h.withOutput(err, log)
	}
	h.claims.drop(in.Deployment) // Docker keeps it for the container
	h.Follow(running)
	probe := docker.Probe{Path: repo.HealthPath, Port: repo.Port, Timeout: h.HealthTimeout}
	if err := h.Docker.WaitHealthy(ctx, running, probe); err != nil {
		return sdp.Container{}, h.withOutput(err, log)
	}
	log.Printf("START", "%s is healthy at %s", spec.Name, running.Address)
	return sdp.Container{Deployment: in.Deployment, Sandbox: in.Sandbox, Service: in.Service, Node: h.Node,
		DockerID: running.ID, Address: running.Address, SHA: in.SHA, Image: in.Image, State: sdp.Starting}, nil
}

// joinNetwork makes the sandbox's network and has the router listen on it, so that the container finds its neighbours
// from its first instruction on.
func (h *Host) joinNetwork(ctx context.Context, in StartInput) (docker.Network, error) {
	network, err := h.Docker.EnsureNetwork(ctx, in.Sandbox)
	if err != nil {
		return network, err
	}
	err = h.Router.SetNetwork(ctx, in.Sandbox, router.Network{Gateway: network.Gateway, Subnet: network.Subnet})
	if err != nil {
		return network, err
	}
	return network, h.apply(ctx, in.Table)
}

// apply gives the router a table. That it has a newer one already is fine: tables are replaced as a whole.
func (h *Host) apply(ctx context.Context, table sdp.RoutingTable) error {
	err := h.Router.Apply(ctx, table)
	var e *sdp.Error
	if errors.As(err, &e) && e.Code == "stale-table" {
		return nil
	}
	return err
}

func (h *Host) spec(ctx context.Context, in StartInput, repo Repository, network docker.Network, given Confidential) (docker.Spec, error) {
	name, err := h.containerName(ctx, in)
	hosts := map[string]string{}
	for _, s := range in.Table.Services {
		hosts[s.Service] = network.Gateway
	}
	limits := in.Limits.Or(sdp.Limits{CPUs: h.Limits.CPUs, Memory: h.Limits.Memory, PIDs: h.Limits.PIDs})
	return docker.Spec{
		Name: name, Sandbox: in.Sandbox, Service: in.Service, Deployment: in.Deployment, SHA: in.SHA, Image: in.Image,
		Repository: in.Repository, Env: environment(in, repo, given.Vars), SecretKeys: slices.Sorted(maps.Keys(given.Vars)),
		Hosts: hosts, Network: network.Name, User: repo.User, Port: repo.Port,
		Memory: limits.Memory, CPUs: limits.CPUs, PIDs: limits.PIDs, Files: given.files(),
	}, err
}

// containerName is the canonical name, or the generation's own while the old generation still holds that.
func (h *Host) containerName(ctx context.Context, in StartInput) (string, error) {
	name := sdp.ContainerName(in.Sandbox, in.Service)
	holder, found, err := h.Docker.Inspect(ctx, name)
	if err != nil || !found || holder.Deployment == in.Deployment {
		return name, err
	}
	if holder.Sandbox == in.Sandbox && holder.Service == in.Service {
		return sdp.GenerationName(in.Sandbox, in.Service, in.Deployment), nil
	}
	return name, nil // somebody else's: Docker.Start refuses it and says whose it is
}

// environment is what a service finds in its environment. Later entries win: SDP's own and the addresses of the other
// services, the layers of its settings as the control plane sent them, the secrets among them.
func environment(in StartInput, repo Repository, secrets map[string]string) []string {
	env := sdp.PlatformVariables(repo.Repository, in.Table, sdp.Deployment{ID: in.Deployment, Sandbox: in.Sandbox,
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
func (h *Host) withOutput(err error, log *logs.Stream) error {
	if sdp.KindOf(err) != sdp.Failed {
		return err
	}
	var exit *docker.ExitError
	if !errors.As(err, &exit) || exit.Output == "" {
		return err
	}
	log.Printf("START", "the container's last output:")
	fmt.Fprintf(log, "%s\n", strings.TrimRight(exit.Output, "\n"))
	return &OutputError{Err: err, Output: log.TailOwn(min(outputTail, len(exit.Output)+1))}
}
