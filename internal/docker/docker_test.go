package docker

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	dockerimage "github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/network"

	"sdp/internal/containers"
	"sdp/internal/sdp"
)

const host = "unix:///var/run/docker.sock"

// sha is the commit the tests' images say they were built from.
var sha = strings.Repeat("ab", 20)

var program string // testdata/service, built for a container

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "sdp-docker-test-*")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "service")
	build := exec.Command("go", "build", "-o", program, "./testdata/service")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		panic(string(out))
	}
	return m.Run()
}

// newClient returns the client of a node of an instance of its own, and removes all that instance made when the test
// ends. Its pool is one that the tests of other packages do not use.
func newClient(t *testing.T) *Client {
	t.Helper()
	c := clientFor(t, sdp.NewID("t"), "micro-1")
	if _, err := c.Ping(context.Background()); err != nil {
		t.Fatalf("these tests need a Docker daemon (apt-get install docker.io; dockerd &): %v", err)
	}
	t.Cleanup(func() { removeInstance(t, c) })
	return c
}

func clientFor(t *testing.T, instance, node string) *Client {
	t.Helper()
	c, err := New(host, instance, node, netip.MustParsePrefix("10.214.64.0/18"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func removeInstance(t *testing.T, c *Client) {
	ctx := context.Background()
	ours := filters.NewArgs(filters.Arg("label", sdp.LabelInstance+"="+c.instance))
	list, err := c.api.ContainerList(ctx, container.ListOptions{All: true, Filters: ours})
	for _, ct := range list {
		err = errors.Join(err, c.remove(ctx, containers.Container{ID: ct.ID}))
	}
	networks, lerr := c.api.NetworkList(ctx, network.ListOptions{Filters: ours})
	for _, n := range networks {
		lerr = errors.Join(lerr, c.api.NetworkRemove(ctx, n.ID))
	}
	if err := errors.Join(err, lerr, removeImages(ctx, c, ours)); err != nil {
		t.Errorf("clean up: %v", err)
	}
}

// removeImages removes images until none is left, because one can only go after those that were made from it.
func removeImages(ctx context.Context, c *Client, ours filters.Args) error {
	for {
		images, err := c.api.ImageList(ctx, dockerimage.ListOptions{All: true, Filters: ours})
		if err != nil || len(images) == 0 {
			return err
		}
		removed := 0
		for _, i := range images {
			options := dockerimage.RemoveOptions{Force: true, PruneChildren: true}
			if _, rerr := c.api.ImageRemove(ctx, i.ID, options); rerr != nil {
				err = errors.Join(err, rerr)
				continue
			}
			removed++
		}
		if removed == 0 {
			return err
		}
	}
}

// image assembles the tests' program on a base and returns the image's name.
func image(t *testing.T, c *Client, base string) string {
	t.Helper()
	g := containers.GoImage{
		Ref: "sdp/" + c.instance + ":" + sdp.NewID(""), Base: base, Binary: program, Name: "service", Port: 8080,
		Labels: map[string]string{sdp.LabelSHA: sha, sdp.LabelRepository: "account"},
	}
	if err := c.AssembleGoImage(context.Background(), g); err != nil {
		t.Fatal(err)
	}
	return g.Ref
}

// spec describes a container of the tests' image in a network of its own.
func spec(t *testing.T, c *Client, env ...string) containers.Spec {
	t.Helper()
	sandbox := sdp.NewID("s")
	n, err := c.EnsureNetwork(context.Background(), sandbox)
	if err != nil {
		t.Fatal(err)
	}
	return containers.Spec{
		Name: sdp.ContainerName(sandbox, "account"), Sandbox: sandbox, Service: "account", Deployment: sdp.NewID("d"),
		SHA: sha, Image: image(t, c, ""), Repository: "account", Env: env, Network: n.Name, Port: 8080,
		Memory: 64 << 20, CPUs: 1, PIDs: 64,
	}
}

func start(t *testing.T, c *Client, s containers.Spec) containers.Container {
	t.Helper()
	ct, err := c.Start(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	return ct
}

func healthy(t *testing.T, c *Client, ct containers.Container) {
	t.Helper()
	if err := c.WaitHealthy(context.Background(), ct, containers.Probe{Path: "/healthz", Timeout: 20 * time.Second}); err != nil {
		t.Fatal(err)
	}
}

func wantCode(t *testing.T, err error, kind sdp.Kind, code string) {
	t.Helper()
	var e *sdp.Error
	if !errors.As(err, &e) || e.Kind != kind || e.Code != code {
		t.Errorf("error = %v, want %s %s", err, kind, code)
		return
	}
	if e.Remedy == "" {
		t.Errorf("%s has no remedy: %s", code, e.Detail)
	}
}
