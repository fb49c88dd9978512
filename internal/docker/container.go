package docker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/go-connections/nat"
	"golang.org/x/sync/errgroup"

	"sdp/internal/containers"
	"sdp/internal/sdp"
)

// labelPort is a container's label for the TCP port its service listens on.
const labelPort = "sdp.port"

// Start creates a container and starts it. It runs as a user that is not root, without capabilities, without a way to
// gain any, and within its limits. What a former call for the same deployment left is removed first; after an error
// or a cancel nothing is left. Its restart policy is "no" until Keep.
//
// Codes: "image-missing", "wrong-commit" if the image was not built from Spec.SHA, "name-taken",
// "container-start-failed" if its user is unknown, "no-docker-init", and those of files that do not fit the image (see
// putFiles). That its program cannot be run is for WaitHealthy to find out.
func (c *Client) Start(ctx context.Context, s containers.Spec) (containers.Container, error) {
	from, err := c.prepare(ctx, s)
	if err != nil {
		return containers.Container{}, err
	}
	// Creating takes about 300 ms and cannot be cancelled half way: the daemon would go on, unseen.
	work, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	ct, err := c.createAndStart(ctx, work, s, from)
	if err == nil {
		return ct, nil
	}
	undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	return containers.Container{}, errors.Join(err, c.RemoveDeployment(undo, s.Deployment))
}

// origin is the image a container is made of, whom it runs as, and whether it has Docker's init process.
type origin struct {
	image, user string
	init        bool
}

// prepare checks the image and removes leftovers, side by side.
func (c *Client) prepare(ctx context.Context, s containers.Spec) (o origin, err error) {
	group, gctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		o, err = c.originOf(gctx, s)
		return err
	})
	group.Go(func() error { return c.RemoveDeployment(gctx, s.Deployment) })
	return o, group.Wait()
}

func (c *Client) originOf(ctx context.Context, s containers.Spec) (origin, error) {
	img, found, err := c.ImageInfo(ctx, s.Image)
	o := origin{img.ID, img.User, !bringsInit(img.Command)}
	switch {
	case err != nil:
		return origin{}, err
	case !found:
		return origin{}, sdp.Errorf(sdp.NotFound, "image-missing", "node %s does not have the image %s any more", c.node, s.Image).
			WithRemedy("deploy the branch again")
	case img.Labels[sdp.LabelSHA] != s.SHA:
		return origin{}, sdp.Errorf(sdp.Internal, "wrong-commit", "image %s was built from commit %q, not %s",
			s.Image, img.Labels[sdp.LabelSHA], s.SHA).WithRemedy("remove the image and deploy again: `docker rmi %s`", s.Image)
	case s.User != "":
		o.user = s.User
	case isRoot(img.User):
		o.user = Nonroot
	}
	return o, nil
}

func isRoot(user string) bool {
	name, _, _ := strings.Cut(user, ":")
	id, err := strconv.Atoi(name)
	return name == "" || name == "root" || err == nil && id == 0
}

func (c *Client) createAndStart(ctx, work context.Context, s containers.Spec, from origin) (containers.Container, error) {
	if err := ctx.Err(); err != nil {
		return containers.Container{}, fmt.Errorf("start container %s: %w", s.Name, err)
	}
	created, err := c.api.ContainerCreate(work, c.config(s, from.user), hostConfig(s, from.init), networking(s), nil, s.Name)
	if errdefs.IsConflict(err) {
		return containers.Container{}, c.nameTaken(work, s.Name)
	}
	if err != nil {
		return containers.Container{}, c.fail(work, err, "create container %s", s.Name)
	}
	if err := c.putFiles(work, created.ID, from.image, s.Files); err != nil {
		return containers.Container{}, err
	}
	if err := ctx.Err(); err != nil {
		return containers.Container{}, fmt.Errorf("start container %s: %w", s.Name, err)
	}
	ct, err := c.start(work, created.ID, s.Name)
	if err == nil && ctx.Err() != nil {
		err = fmt.Errorf("start container %s: %w", s.Name, ctx.Err())
	}
	return ct, err
}

func (c *Client) start(ctx context.Context, id, name string) (containers.Container, error) {
	if err := c.api.ContainerStart(ctx, id, container.StartOptions{}); err != nil {
		return containers.Container{}, c.startError(ctx, err, name)
	}
	ct, found, err := c.Inspect(ctx, id)
	if err == nil && !found {
		err = sdp.Errorf(sdp.Conflict, "container-removed", "container %s was removed while it started", name).
			WithRemedy("try again")
	}
	return ct, err
}

func (c *Client) startError(ctx context.Context, err error, name string) error {
	switch text := err.Error(); {
	case strings.Contains(text, `"docker-init": executable file not found`):
		return c.noInit()
	case strings.Contains(text, "OCI runtime") || strings.Contains(text, "unable to find user"):
		return sdp.Errorf(sdp.Failed, "container-start-failed", "container %s cannot run its program: %s", name, shortReason(err)).
			WithRemedy("check the program, and the user, the image starts with")
	}
	return c.fail(ctx, err, "start container %s", name)
}

// shortReason is the end of the runtime's chain of errors, which is where the reason is.
func shortReason(err error) string {
	text := strings.TrimSuffix(strings.TrimSpace(err.Error()), ": unknown")
	if i := strings.LastIndex(text, "starting container process caused: "); i >= 0 {
		return text[i+len("starting container process caused: "):]
	}
	return text
}

func (c *Client) nameTaken(ctx context.Context, name string) error {
	holder, remedy := "another container", "remove that container: `docker rm "+name+"`"
	if info, err := c.api.ContainerInspect(ctx, name); err == nil && info.Config != nil {
		holder = "a container SDP did not make"
		if instance := info.Config.Labels[sdp.LabelInstance]; instance != "" {
			holder = fmt.Sprintf("node %s of instance %s", info.Config.Labels[sdp.LabelNode], instance)
			remedy = "delete the sandbox there"
		}
	}
	return sdp.Errorf(sdp.Conflict, codeNameTaken, "the container name %s is held by %s", name, holder).
		WithRemedy("choose another sandbox name, or %s", remedy)
}

func (c *Client) config(s containers.Spec, user string) *container.Config {
	labels := c.ownLabels()
	maps.Copy(labels, map[string]string{
		sdp.LabelSandbox: s.Sandbox, sdp.LabelService: s.Service, sdp.LabelSHA: s.SHA, sdp.LabelDeployment: s.Deployment,
		sdp.LabelRepository: s.Repository, sdp.LabelSecretKeys: strings.Join(s.SecretKeys, ","),
		labelPort: strconv.Itoa(s.Port),
	})
	labels[labelFiles] = "" // not the image's
	if len(s.Files) > 0 {
		labels[labelFiles] = filesLabel(s.Files)
	}
	return &container.Config{
		Image: s.Image, Env: s.Env, User: user, Labels: labels,
		ExposedPorts: nat.PortSet{nat.Port(fmt.Sprintf("%d/tcp", s.Port)): {}},
	}
}

func hostConfig(s containers.Spec, init bool) *container.HostConfig {
	h := &container.HostConfig{
		NetworkMode:   container.NetworkMode(s.Network),
		Init:          &init,
		RestartPolicy: container.RestartPolicy{Name: container.RestartPolicyDisabled},
		LogConfig:     container.LogConfig{Type: "json-file", Config: map[string]string{"max-size": "10m", "max-file": "2"}},
		CapDrop:       []string{"ALL"},
		SecurityOpt:   []string{"no-new-privileges"},
		Resources:     container.Resources{Memory: s.Memory, MemorySwap: s.Memory, NanoCPUs: int64(s.CPUs * 1e9)},
	}
	if s.PIDs > 0 {
		h.PidsLimit = &s.PIDs
	}
	for _, name := range slices.Sorted(maps.Keys(s.Hosts)) {
		h.ExtraHosts = append(h.ExtraHosts, name+":"+s.Hosts[name])
	}
	return h
}

func networking(s containers.Spec) *network.NetworkingConfig {
	return &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{s.Network: {}}}
}
