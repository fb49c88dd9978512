package docker

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"sdp/internal/containers"
	"sdp/internal/sdp"
)

// The life of a container: confined, healthy, kept, stopped, started again, renamed, removed.
func TestContainerLife(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	ctx := context.Background()
	s := spec(t, c, "GREETING=hello", "TOKEN=s3cret", "TZ=Asia/Tokyo")
	s.SecretKeys, s.Hosts = []string{"TOKEN"}, map[string]string{"payment": "10.1.2.3"}

	ct := start(t, c, s)
	healthy(t, c, ct)
	if ct.Name != s.Name || ct.Sandbox != s.Sandbox || ct.Deployment != s.Deployment || ct.SHA != sha ||
		ct.State != "running" ||
		!slices.Equal(ct.SecretKeys, s.SecretKeys) || !slices.Contains(ct.Env, "GREETING=hello") {
		t.Errorf("container = %+v", ct)
	}
	status := get(t, "http://"+ct.Address+"/status")
	for _, want := range []string{"Uid:\t65532\t", "Gid:\t65532\t", "CapEff:\t0000000000000000",
		"CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "zone: America/Argentina/Ushuaia <nil>", "JST",
		"10.1.2.3\tpayment", "/tmp dtrwxrwxrwx", "temp: <nil>",
		"/etc/ssl/certs/ca-certificates.crt -rw-r--r-- ", "/home/nonroot drwx------"} {
		if !strings.Contains(status, want) {
			t.Errorf("in the container, %q is not in\n%s", want, status)
		}
	}
	info, err := c.api.ContainerInspect(ctx, ct.ID)
	if err != nil {
		t.Fatal(err)
	}
	if h := info.HostConfig; h.Memory != s.Memory || h.MemorySwap != s.Memory || h.NanoCPUs != 1e9 || *h.PidsLimit != 64 ||
		h.RestartPolicy.Name != "no" || h.LogConfig.Config["max-size"] != "10m" || len(h.PortBindings) > 0 {
		t.Errorf("host configuration = %+v", h)
	}
	if err := c.Keep(ctx, ct.ID); err != nil {
		t.Error(err)
	}
	other := sdp.GenerationName(s.Sandbox, s.Service, s.Deployment)
	if err := c.Rename(ctx, ct.ID, other); err != nil {
		t.Error(err)
	}
	list, err := c.List(ctx)
	if err != nil || len(list) != 1 || list[0].Name != other || list[0].Address != ct.Address ||
		list[0].State != "running" {
		t.Errorf("List = %+v, %v", list, err)
	}
	for range 2 {
		if err := c.Stop(ctx, ct.ID, 5*time.Second); err != nil {
			t.Error(err)
		}
	}
	if out := c.Output(ctx, ct.ID, 10); out != "bye\n" {
		t.Errorf("output = %q", out)
	}
	ct, err = c.StartExisting(ctx, ct.ID)
	if err != nil {
		t.Fatal(err)
	}
	healthy(t, c, ct)
	for range 2 {
		if err := c.Remove(ctx, ct.ID); err != nil {
			t.Error(err)
		}
	}
	if err := c.Stop(ctx, ct.ID, 0); err != nil {
		t.Errorf("stop a container that is gone: %v", err)
	}
	_, err = c.StartExisting(ctx, ct.ID)
	wantCode(t, err, sdp.NotFound, "container-missing")
}

func get(t *testing.T, url string) string {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A retried start removes what the first try left, whatever it is called now; anybody else's name is respected.
func TestStartAgain(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	ctx := context.Background()
	s := spec(t, c)
	first := start(t, c, s)
	if err := c.Rename(ctx, first.ID, s.Name+"."+s.Deployment); err != nil {
		t.Fatal(err)
	}
	second := start(t, c, s)
	if list, err := c.List(ctx); err != nil || len(list) != 1 || list[0].ID != second.ID {
		t.Errorf("List = %+v, %v", list, err)
	}
	other := s
	other.Deployment = sdp.NewID("d")
	_, err := c.Start(ctx, other)
	wantCode(t, err, sdp.Conflict, "name-taken")
	other.Name = s.Name + "." + other.Deployment
	third := start(t, c, other)
	wantCode(t, c.Rename(ctx, third.ID, s.Name), sdp.Conflict, "name-taken")
	if err := c.RemoveDeployment(ctx, s.Deployment); err != nil {
		t.Error(err)
	}
	if err := c.Rename(ctx, third.ID, s.Name); err != nil {
		t.Error(err)
	}
}

// A container somebody runs from an image of ours inherits the image's labels, and is not ours for that.
func TestContainerOfAPersonFromOurImage(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	ctx := context.Background()
	created, err := c.api.ContainerCreate(ctx, &container.Config{Image: image(t, c, "")}, nil, nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	if list, err := c.List(ctx); err != nil || len(list) != 0 {
		t.Errorf("List = %+v, %v", list, err)
	}
	if err := c.Remove(ctx, created.ID); err != nil {
		t.Error(err)
	}
	if _, err := c.api.ContainerInspect(ctx, created.ID); err != nil {
		t.Errorf("it was removed: %v", err)
	}
}

// Neither another node on the same daemon nor another instance sees, stops or removes a container.
func TestOthersAreLeftAlone(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	ctx := context.Background()
	s := spec(t, c)
	ct := start(t, c, s)
	for _, other := range []*Client{clientFor(t, c.instance, "gateway-1"), clientFor(t, c.instance+"x", c.node)} {
		if list, err := other.List(ctx); err != nil || len(list) != 0 {
			t.Errorf("List = %+v, %v", list, err)
		}
		err := errors.Join(other.Stop(ctx, ct.ID, 0), other.Remove(ctx, ct.ID), other.RemoveDeployment(ctx, ct.Deployment))
		if err != nil {
			t.Error(err)
		}
		_, err = other.StartExisting(ctx, ct.ID)
		wantCode(t, err, sdp.NotFound, "container-missing")
		wantCode(t, other.RemoveImage(ctx, s.Image), sdp.Forbidden, "not-ours")
	}
	if _, err := clientFor(t, c.instance+"x", c.node).EnsureNetwork(ctx, s.Sandbox); err == nil {
		t.Error("a network of another instance was taken")
	} else {
		wantCode(t, err, sdp.Conflict, "name-taken")
	}
	if now, found, err := c.Inspect(ctx, ct.ID); err != nil || !found || now.State != "running" {
		t.Errorf("container = %+v, %v, %v", now, found, err)
	}
}

func TestContainerThatDoesNotBecomeHealthy(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	s := spec(t, c)
	for _, test := range []struct {
		mode   string
		probe  containers.Probe
		code   string
		exit   int
		output string
		detail string
	}{
		{"exit", containers.Probe{Path: "/healthz", Timeout: 20 * time.Second}, "container-exited", 3, "no database", "code 3"},
		{"eat", containers.Probe{Path: "/healthz", Timeout: 20 * time.Second}, "container-exited", 137, "", "memory"},
		{"sick", containers.Probe{Path: "/healthz", Timeout: 2 * time.Second}, "never-healthy", -1, "", "503 Service Unavailable"},
		{"hang", containers.Probe{Path: "/healthz", Timeout: 2 * time.Second}, "never-healthy", -1, "hanging", "connection refused"},
		{"", containers.Probe{Port: 8081, Timeout: 2 * time.Second}, "never-healthy", -1, "", "port 8081: connection refused"},
	} {
		t.Run(test.mode+test.code, func(t *testing.T) {
			s := s
			s.Env, s.Deployment = []string{"MODE=" + test.mode}, sdp.NewID("d")
			s.Name += "." + s.Deployment
			ct := start(t, c, s)
			err := c.WaitHealthy(context.Background(), ct, test.probe)
			wantCode(t, err, sdp.Failed, test.code)
			var exit *containers.ExitError
			if !errors.As(err, &exit) || exit.ExitCode != test.exit || !strings.Contains(exit.Output, test.output) ||
				!strings.Contains(err.Error(), test.detail) {
				t.Errorf("error = %v, %+v", err, exit)
			}
		})
	}
}

func TestStartRefuses(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	ctx := context.Background()
	s := spec(t, c)
	wrong := s
	wrong.SHA = strings.Repeat("cd", 20)
	_, err := c.Start(ctx, wrong)
	wantCode(t, err, sdp.Internal, "wrong-commit")
	wrong = s
	wrong.Image = "sdp/none:none"
	_, err = c.Start(ctx, wrong)
	wantCode(t, err, sdp.NotFound, "image-missing")
	wrong = s
	wrong.User = "nobody-by-that-name"
	_, err = c.Start(ctx, wrong)
	wantCode(t, err, sdp.Failed, "container-start-failed")
	if list, err := c.List(ctx); err != nil || len(list) != 0 {
		t.Errorf("left behind: %+v, %v", list, err)
	}
}

// A cancel in the middle of a start leaves nothing, and one while waiting for health returns at once.
func TestCancel(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	s := spec(t, c, "MODE=hang")
	for _, after := range []time.Duration{0, 20 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond} {
		ctx, cancel := context.WithTimeout(context.Background(), after)
		_, err := c.Start(ctx, s)
		cancel()
		if err == nil {
			continue // it was faster
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after %v: %v", after, err)
		}
		if list, err := c.List(context.Background()); err != nil || len(list) != 0 {
			t.Errorf("after %v left behind: %+v, %v", after, list, err)
		}
	}
	ct := start(t, c, s)
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(50*time.Millisecond, cancel)
	began := time.Now()
	err := c.WaitHealthy(ctx, ct, containers.Probe{Path: "/healthz", Timeout: time.Minute})
	if !errors.Is(err, context.Canceled) || time.Since(began) > time.Second {
		t.Errorf("error = %v after %v", err, time.Since(began))
	}
}

func TestDockerDown(t *testing.T) {
	c, err := New("unix:///nonexistent/docker.sock", "x", "micro-1", clientFor(t, "x", "y").pool)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Ping(context.Background())
	wantCode(t, err, sdp.Unavailable, "docker-down")
	_, err = c.List(context.Background())
	wantCode(t, err, sdp.Unavailable, "docker-down")
}

// What the start of a deploy costs when image and network are there. It fails only where something is badly wrong,
// because other things run on this machine; the figure is for people.
func TestStartPathSpeed(t *testing.T) {
	c := newClient(t)
	s := spec(t, c)
	var best time.Duration
	for range 5 {
		s.Deployment = sdp.NewID("d")
		began := time.Now()
		ct := start(t, c, s)
		started := time.Since(began)
		healthy(t, c, ct)
		total := time.Since(began)
		t.Logf("create+start %v, healthy after %v", started, total)
		if best == 0 || total < best {
			best = total
		}
		if err := c.Remove(context.Background(), ct.ID); err != nil {
			t.Fatal(err)
		}
	}
	if best > 2*time.Second {
		t.Errorf("create to healthy took %v at best", best)
	}
}
