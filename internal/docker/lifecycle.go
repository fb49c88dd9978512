package docker

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"

	"sdp/internal/containers"
	"sdp/internal/sdp"
)

// StartExisting starts a container that was stopped. It may get another address than it had.
func (c *Client) StartExisting(ctx context.Context, id string) (containers.Container, error) {
	ct, found, err := c.Inspect(ctx, id)
	if err != nil {
		return containers.Container{}, err
	}
	if !found {
		return containers.Container{}, c.noContainer(id)
	}
	return c.start(ctx, ct.ID, ct.Name)
}

func (c *Client) noContainer(id string) error {
	return sdp.Errorf(sdp.NotFound, "container-missing", "node %s has no container %s", c.node, id).
		WithRemedy("deploy the service again")
}

// Keep makes the daemon start the container again whenever it ends, and after a reboot.
func (c *Client) Keep(ctx context.Context, id string) error {
	ct, found, err := c.Inspect(ctx, id)
	if err != nil {
		return err
	}
	if !found {
		return c.noContainer(id)
	}
	_, err = c.api.ContainerUpdate(ctx, ct.ID, container.UpdateConfig{
		RestartPolicy: container.RestartPolicy{Name: container.RestartPolicyUnlessStopped}})
	return c.fail(ctx, err, "keep container %s", ct.Name)
}

// Stop asks a container to end and kills it after grace. A container that is gone, or does not run, is no error.
func (c *Client) Stop(ctx context.Context, id string, grace time.Duration) error {
	ct, found, err := c.Inspect(ctx, id)
	if err != nil || !found {
		return err
	}
	seconds := int(math.Ceil(grace.Seconds()))
	err = c.api.ContainerStop(ctx, ct.ID, container.StopOptions{Timeout: &seconds})
	if errdefs.IsNotFound(err) {
		return nil
	}
	return c.fail(ctx, err, "stop container %s", ct.Name)
}

// Remove kills a container and removes it and its anonymous volumes. One that is gone, or not ours, is left alone.
func (c *Client) Remove(ctx context.Context, id string) error {
	ct, found, err := c.Inspect(ctx, id)
	if err != nil || !found {
		return err
	}
	return c.remove(ctx, ct)
}

func (c *Client) remove(ctx context.Context, ct containers.Container) error {
	err := c.api.ContainerRemove(ctx, ct.ID, container.RemoveOptions{Force: true, RemoveVolumes: true})
	switch {
	case errdefs.IsNotFound(err):
		return nil
	case errdefs.IsConflict(err): // somebody else removes it right now
		return c.awaitRemoval(ctx, ct)
	}
	return c.fail(ctx, err, "remove container %s", ct.Name)
}

func (c *Client) awaitRemoval(ctx context.Context, ct containers.Container) error {
	ctx, cancel := context.WithTimeout(ctx, cleanupTimeout)
	defer cancel()
	removed, failed := c.api.ContainerWait(ctx, ct.ID, container.WaitConditionRemoved)
	select {
	case <-removed:
		return nil
	case err := <-failed:
		if errdefs.IsNotFound(err) {
			return nil
		}
		return c.fail(ctx, err, "remove container %s", ct.Name)
	}
}

// RemoveDeployment removes the containers a deployment started, whatever they are called.
func (c *Client) RemoveDeployment(ctx context.Context, deployment string) error {
	if deployment == "" {
		return nil
	}
	list, err := c.list(ctx, sdp.LabelDeployment+"="+deployment)
	for _, ct := range list {
		err = errors.Join(err, c.remove(ctx, ct))
	}
	return err
}

// Rename gives a container another name, which nobody else may hold.
func (c *Client) Rename(ctx context.Context, id, name string) error {
	ct, found, err := c.Inspect(ctx, id)
	if err != nil {
		return err
	}
	if !found {
		return c.noContainer(id)
	}
	if ct.Name == name {
		return nil
	}
	err = c.api.ContainerRename(ctx, ct.ID, name)
	if errdefs.IsConflict(err) {
		return c.nameTaken(ctx, name)
	}
	return c.fail(ctx, err, "rename container %s", ct.Name)
}

// List lists the containers of this node, running or not, without their environment.
func (c *Client) List(ctx context.Context) ([]containers.Container, error) {
	return c.list(ctx, sdp.LabelDeployment)
}

// list lists the containers of this node that have a label, "key" or "key=value".
func (c *Client) list(ctx context.Context, label string) ([]containers.Container, error) {
	list, err := c.api.ContainerList(ctx, container.ListOptions{All: true, Filters: c.ownFilter(label)})
	if err != nil {
		return nil, c.fail(ctx, err, "list containers")
	}
	out := make([]containers.Container, 0, len(list))
	for _, s := range list {
		if !c.ownsContainer(s.Labels, s.Names...) {
			continue
		}
		ct := labelled(s.Labels)
		ct.ID, ct.Image, ct.State = s.ID, s.Image, s.State
		if len(s.Names) > 0 {
			ct.Name = strings.TrimPrefix(s.Names[0], "/")
		}
		if s.NetworkSettings != nil {
			ct.Address = address(s.NetworkSettings.Networks, s.Labels)
		}
		out = append(out, ct)
	}
	return out, nil
}

// Inspect returns a container of this node by ID or name, and whether there is one.
func (c *Client) Inspect(ctx context.Context, id string) (containers.Container, bool, error) {
	info, found, err := c.inspect(ctx, id)
	if !found {
		return containers.Container{}, false, err
	}
	ct := labelled(info.Config.Labels)
	ct.ID, ct.Name, ct.Image = info.ID, strings.TrimPrefix(info.Name, "/"), info.Config.Image
	ct.Env, ct.State = info.Config.Env, info.State.Status
	if info.State.Running {
		ct.Address = address(info.NetworkSettings.Networks, info.Config.Labels)
	}
	return ct, true, nil
}

// inspect returns what Docker says of a container by ID or name. found is false for one that is not there, or not ours.
func (c *Client) inspect(ctx context.Context, id string) (info container.InspectResponse, found bool, err error) {
	info, err = c.api.ContainerInspect(ctx, id)
	switch {
	case errdefs.IsNotFound(err):
		return info, false, nil
	case err != nil:
		return info, false, c.fail(ctx, err, "look at container %s", id)
	}
	return info, info.Config != nil && c.ownsContainer(info.Config.Labels, info.Name), nil
}

func labelled(labels map[string]string) containers.Container {
	ct := containers.Container{
		Sandbox: labels[sdp.LabelSandbox], Service: labels[sdp.LabelService],
		Deployment: labels[sdp.LabelDeployment], SHA: labels[sdp.LabelSHA],
	}
	if keys := labels[sdp.LabelSecretKeys]; keys != "" {
		ct.SecretKeys = strings.Split(keys, ",")
	}
	if paths := labels[labelFiles]; paths != "" {
		_ = json.Unmarshal([]byte(paths), &ct.Files) // written by filesLabel
	}
	return ct
}

func address(networks map[string]*network.EndpointSettings, labels map[string]string) string {
	for _, n := range networks {
		if n != nil && n.IPAddress != "" {
			return net.JoinHostPort(n.IPAddress, labels[labelPort])
		}
	}
	return ""
}

// Whereabouts returns how a container of this node is now, and whether there is one.
func (c *Client) Whereabouts(ctx context.Context, id string) (containers.Whereabouts, bool, error) {
	info, found, err := c.inspect(ctx, id)
	if !found {
		return containers.Whereabouts{}, false, err
	}
	w := containers.Whereabouts{Name: strings.TrimPrefix(info.Name, "/"), Deployment: labelled(info.Config.Labels).Deployment,
		State: info.State.Status, ExitCode: info.State.ExitCode, OutOfMemory: info.State.OOMKilled, Restarts: info.RestartCount}
	w.Ended, _ = time.Parse(time.RFC3339Nano, info.State.FinishedAt) // zero where the daemon does not know
	switch w.State {
	case "running":
		w.Address = address(info.NetworkSettings.Networks, info.Config.Labels)
	case "restarting":
		w.Restarts = max(0, w.Restarts-1) // the daemon counts the one it waits for
	}
	return w, true, nil
}
