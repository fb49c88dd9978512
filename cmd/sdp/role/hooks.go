package role

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"time"

	"sdp/cmd/sdp/screen"
	"sdp/deploy/demo"
	"sdp/internal/containers"
	"sdp/internal/devstack"
	"sdp/internal/docker"
	"sdp/internal/postgres"
	"sdp/internal/sdp"
	"sdp/internal/secret"
	"sdp/internal/wire"
)

// hooks connect devstack, which knows processes and files only, with the packages that know keys, Docker, the database
// and the demo. A node counts as ready once it has registered after since.
func hooks(s *screen.Screen, since time.Time) devstack.Hooks {
	return devstack.Hooks{
		NodeToken: nodeToken,
		Seed:      seed,
		NodeReady: func(ctx context.Context, stack devstack.Stack, node string) (string, error) {
			return nodeReady(ctx, stack, node, since)
		},
		Ready:          ready(s),
		StopContainers: stopContainers,
	}
}

func nodeReady(ctx context.Context, stack devstack.Stack, name string, since time.Time) (out string, err error) {
	c, err := loadServerConfig(stack.Config["server"])
	if err != nil {
		return "", err
	}
	password, err := c.password()
	if err != nil {
		return "", err
	}
	db, err := postgres.Open(ctx, c.Database.URL, password)
	if err != nil {
		return "", err
	}
	defer db.Close()
	node, err := db.Node(ctx, name)
	if err != nil && sdp.AsError(err).Code == wire.NodeRemoved {
		return removedNode(ctx, db, stack, name, err)
	}
	if err != nil {
		return "", err
	}
	// One that was there before the last stop still looks alive for some seconds.
	if node.RegisteredAt.Before(since) || !node.Alive() {
		return "", sdp.Errorf(sdp.Unavailable, "node-down", "the worker of %s has not registered yet", name)
	}
	return "", nil
}

// removedNode says that a node was removed and stays out, unless its token is from after that: then it registers.
func removedNode(ctx context.Context, db *postgres.DB, stack devstack.Stack, name string, removed error) (out string, err error) {
	raw, err1 := os.ReadFile(stack.TokenFile(name))
	keys, err2 := secret.LoadKeyring(stack.MasterKey)
	after, err3 := db.TokensSince(ctx, name)
	if err := errors.Join(err1, err2, err3); err != nil {
		return "", err
	}
	if issued, _ := keys.CheckNodeToken(name, strings.TrimSpace(string(raw))); issued.UnixMilli() >= after.UnixMilli() {
		return "", removed
	}
	return sdp.AsError(removed).Detail + fmt.Sprintf("; back with `sdp node token %s --config %s > %s`", name, stack.Config["server"],
		stack.TokenFile(name)), nil
}

// seed makes the demo's repositories and clones, gives Docker the image the gateway builds on, and says what goes into
// the configuration files.
func seed(ctx context.Context, stack devstack.Stack) (devstack.Content, error) {
	d := stack.Demo
	if err := demo.Seed(ctx, d.Clones, d.GitURL, demo.Users()); err != nil {
		return devstack.Content{}, err
	}
	if err := loadPHPBase(ctx, stack); err != nil {
		return devstack.Content{}, err
	}
	ocp := demo.OCPConfig{ListenHost: d.OCPHost, BasePort: d.OCPPort}
	out := devstack.Content{
		Repositories: map[string][]wire.RepositoryConfig{},
		Shared:       map[string]devstack.SharedService{},
		Login:        "account",
	}
	have := map[string]bool{}
	for _, r := range demo.Repositories(d.Clones) {
		node := devstack.MicroNode
		if r.Node == string(sdp.Gateway) {
			node = devstack.GatewayNode
		}
		have[r.Name] = true
		out.Repositories[node] = append(out.Repositories[node], demoRepository(r, ocp.URL(r.Name)))
	}
	for _, service := range demo.OCPServices() {
		if !have[service] {
			out.Shared[service] = devstack.SharedService{URL: ocp.URL(service), Port: demo.ServicePort}
		}
	}
	return out, nil
}

func demoRepository(r demo.Repository, ocp string) wire.RepositoryConfig {
	return wire.RepositoryConfig{
		Name: r.Name, Path: r.Path, Kind: sdp.RepositoryKind(r.Kind), Build: r.Build, Dockerfile: r.Dockerfile,
		Port: r.Port, Health: r.Health, OCP: ocp,
		Env: wire.EnvConfig{Upstreams: "{{SERVICE}}_URL"},
	}
}

// anyPool stands for the address range a Docker client may take networks from: those made here make none.
var anyPool = netip.MustParsePrefix("10.213.0.0/16")

// loadPHPBase gives Docker the demo's PHP image, made from this machine's PHP, unless it has it.
func loadPHPBase(ctx context.Context, stack devstack.Stack) error {
	d, err := docker.New(stack.Docker, stack.Instance, devstack.GatewayNode, anyPool)
	if err != nil {
		return err
	}
	defer d.Close()
	if _, found, err := d.ImageInfo(ctx, demo.PHPBase); err != nil || found {
		return err
	}
	r, w := io.Pipe()
	made := make(chan error, 1)
	go func() {
		err := demo.PHPBaseTar(ctx, w)
		w.CloseWithError(err)
		made <- err
	}()
	_, err = d.ImportImage(ctx, r)
	r.CloseWithError(err) // ends the maker if the import ended first
	if tarErr := <-made; tarErr != nil && !errors.Is(tarErr, io.ErrClosedPipe) {
		return tarErr // the cause; the import only saw its end
	}
	return err
}

// stopGrace is how long containers may take to stop.
const stopGrace = 5 * time.Second

// stopContainers stops the instance's containers and keeps them: the next start finds them.
func stopContainers(ctx context.Context, stack devstack.Stack) error {
	return eachContainer(ctx, stack, func(d *docker.Client, c containers.Container) error {
		return d.Stop(ctx, c.ID, stopGrace)
	})
}

// removeContainers removes the instance's containers, networks and images. It returns the names of the images that stay
// because other containers run them: images are named after their content, so instances on one Docker daemon share them.
func removeContainers(ctx context.Context, stack devstack.Stack) (inUse []string, err error) {
	err = eachContainer(ctx, stack, func(d *docker.Client, c containers.Container) error { return d.Remove(ctx, c.ID) })
	if err != nil {
		return nil, err
	}
	err = eachNode(stack, func(d *docker.Client) error {
		networks, err := d.Networks(ctx)
		for _, n := range networks {
			err = errors.Join(err, containers.UnlessMiscounted(d.RemoveNetwork(ctx, n.Sandbox)))
		}
		used, imageErr := removeImages(ctx, d)
		inUse = append(inUse, used...)
		return errors.Join(err, imageErr)
	})
	return inUse, err
}

func removeImages(ctx context.Context, d *docker.Client) (inUse []string, err error) {
	images, err := d.ListImages(ctx)
	for _, image := range images {
		for _, ref := range image.Refs {
			failed := d.RemoveImage(ctx, ref)
			if failed != nil && sdp.AsError(failed).Code == "image-in-use" {
				inUse = append(inUse, ref)
				continue
			}
			err = errors.Join(err, failed)
		}
	}
	return inUse, err
}

func eachContainer(ctx context.Context, stack devstack.Stack, do func(*docker.Client, containers.Container) error) error {
	return eachNode(stack, func(d *docker.Client) error {
		list, err := d.List(ctx)
		for _, c := range list {
			err = errors.Join(err, do(d, c))
		}
		return err
	})
}

// eachNode does something for all nodes: what fails for one is no reason to leave the others'.
func eachNode(stack devstack.Stack, do func(*docker.Client) error) (err error) {
	for _, node := range stack.Nodes {
		d, dialErr := docker.New(stack.Docker, stack.Instance, node, anyPool)
		if dialErr != nil {
			err = errors.Join(err, dialErr)
			continue
		}
		err = errors.Join(err, do(d), d.Close())
	}
	return err
}
