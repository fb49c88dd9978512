package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"

	"sdp/internal/containers"
	"sdp/internal/docker/dockerfile"
	"sdp/internal/sdp"
)

// A step of a build runs in a container with the labels the Dockerfile has set so far. With those of a deployment it is
// still not that deployment's: not listed, not found, not heard of and not removed.
func TestBuildContainerWithLabelsOfADeployment(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	s := spec(t, c)
	victim := start(t, c, s)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	events := c.Events(ctx)
	if first := <-events; first.Action != containers.Resync {
		t.Fatalf("first event %+v", first)
	}
	done := make(chan error, 1)
	build := imitate(ctx, t, c, s, victim)
	go func() { done <- build() }()
	step := stranger(t, c, victim)
	list, err := c.List(ctx)
	if err != nil || len(list) != 1 || list[0].ID != victim.ID {
		t.Errorf("List = %+v, %v", list, err)
	}
	if found, is, err := c.Inspect(ctx, step); is || err != nil {
		t.Errorf("Inspect = %+v, %v", found, err)
	}
	err = errors.Join(c.Stop(ctx, step, 0), c.Remove(ctx, step), c.RemoveDeployment(ctx, victim.Deployment))
	if err != nil {
		t.Error(err)
	}
	if _, err := c.api.ContainerInspect(ctx, victim.ID); err == nil {
		t.Error("the deployment's container is still there")
	}
	if info, err := c.api.ContainerInspect(ctx, step); err != nil || !info.State.Running {
		t.Errorf("the build was stopped: %+v, %v", info.ContainerJSONBase, err)
	}
	for e := range events {
		if e.ID != victim.ID {
			t.Errorf("event %+v", e)
		}
		if e.Action == "destroy" {
			break
		}
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("build: %v", err)
	}
}

// imitate returns what builds an image with all labels of a container, as one that passed the check would: a base image may
// have them, too.
func imitate(ctx context.Context, t *testing.T, c *Client, s containers.Spec, victim containers.Container) func() error {
	t.Helper()
	var recipe strings.Builder
	fmt.Fprintf(&recipe, "FROM %s\n", s.Image)
	for label, value := range c.config(s, "").Labels {
		fmt.Fprintf(&recipe, "LABEL %q=%q\n", label, value)
	}
	recipe.WriteString(`RUN ["/app/service", "hang"]` + "\n")
	b := containers.DockerfileBuild{Ref: "sdp/" + c.instance + ":" + victim.Deployment, Dockerfile: "Dockerfile",
		Dir: files(t, map[string]string{"Dockerfile": recipe.String()})}
	return func() error { return c.build(ctx, b, io.Discard) }
}

// stranger waits for a running container that carries a container's deployment and is not that one.
func stranger(t *testing.T, c *Client, victim containers.Container) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	carries := c.ownFilter(sdp.LabelDeployment + "=" + victim.Deployment)
	started, failed := c.api.Events(ctx, events.ListOptions{Filters: filters.NewArgs(filters.Arg("event", "start"))})
	for {
		list, err := c.api.ContainerList(ctx, container.ListOptions{Filters: carries})
		if err != nil {
			t.Fatal(err)
		}
		for _, other := range list {
			if other.ID != victim.ID {
				return other.ID
			}
		}
		select {
		case <-started:
		case err := <-failed:
			t.Fatal("the step of the build does not run: ", err)
		}
	}
}

func TestLabelsOfSDPAreRefused(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for recipe, where := range map[string]string{
		"FROM scratch\nLABEL sdp.deployment=d1\n":                       "line 2",
		"FROM scratch\n\n# no\nlabel a=b \\\n  'sdp.node'=\"x\"\n":      "line 4",
		"FROM scratch\nLABEL sdp.sandbox shop\n":                        "line 2",
		"FROM scratch\nONBUILD LABEL \"sdp.service\"=x\n":               "line 2",
		"FROM scratch\nLABEL a=\"b c\" \"sdp.secretkeys\"= d=e\n":       "line 2",
		"FROM scratch\nUSER 1\nLABEL x=1\nLABEL sdp.a=\"b\\\"c\" d=e\n": "line 4",
	} {
		_, err := buildFiles(t, c, map[string]string{"Dockerfile": recipe})
		wantCode(t, err, sdp.Failed, "reserved-label")
		if !strings.Contains(fmt.Sprint(err), where+":") {
			t.Errorf("%q: %v, want %s", recipe, err, where)
		}
	}
	for _, recipe := range []string{
		"LABEL description=\"not sdp.deployment=x\" sdpx.y=1\n",
		"LABEL note 'say sdp.deployment=x'\n", "LABEL note=a\\ sdp.b=c\n", "ENV sdp.x=y\n",
	} {
		if err := dockerfile.Check(recipe); err != nil {
			t.Errorf("%q: %v", recipe, err)
		}
	}
}
