package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/build"
	dockerimage "github.com/docker/docker/api/types/image"

	"sdp/internal/containers"
	"sdp/internal/docker/buildcontext"
	"sdp/internal/docker/dockerfile"
	"sdp/internal/sdp"
)

// BuildImage builds an image with the daemon's classic builder and writes its output to out. Images it starts from must
// be there: nothing is pulled. If ctx is cancelled the running step is killed, and BuildImage returns once it is gone.
//
// Codes: "no-dockerfile", "reserved-label", "missing-base-image", and "image-build-failed" with the failed step as its detail.
func (c *Client) BuildImage(ctx context.Context, b containers.DockerfileBuild, out io.Writer) error {
	if b.Dockerfile == "" {
		b.Dockerfile = "Dockerfile"
	}
	recipe, err := readDockerfile(b)
	if err != nil {
		return err
	}
	if err := dockerfile.Check(recipe); err != nil {
		return err
	}
	for _, base := range dockerfile.BaseImages(recipe) {
		if err := c.RequireImage(ctx, base); err != nil {
			return err
		}
	}
	return c.build(ctx, b, out)
}

// build builds what was checked.
func (c *Client) build(ctx context.Context, b containers.DockerfileBuild, out io.Writer) error {
	run := &buildRun{client: c, out: out, began: time.Now()}
	err := run.do(ctx, b)
	if ctx.Err() != nil {
		run.awaitStop(ctx)
		err = fmt.Errorf("build image %s: %w", b.Ref, ctx.Err())
	}
	if err != nil {
		run.discard(ctx)
	}
	return err
}

// readDockerfile reads the Dockerfile without following a link out of the context.
func readDockerfile(b containers.DockerfileBuild) (string, error) {
	root, err := os.OpenRoot(b.Dir)
	if err != nil {
		return "", sdp.Errorf(sdp.Internal, "no-build-context", "build context: %w", err)
	}
	defer root.Close()
	content, err := root.ReadFile(filepath.FromSlash(b.Dockerfile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", sdp.Errorf(sdp.Failed, "no-dockerfile", "the commit has no %s", b.Dockerfile).
			WithRemedy("add one to the branch, or set `dockerfile:` of the repository to where it is")
	}
	if err != nil {
		return "", sdp.Errorf(sdp.Failed, "no-dockerfile", "read %s: %w", b.Dockerfile, err).
			WithRemedy("make it a plain file of the repository")
	}
	return string(content), nil
}

// buildRun is one build.
type buildRun struct {
	client *Client
	out    io.Writer
	began  time.Time
	step   string // the container of the step that runs now
	made   string // the image of the last step that is done
}

func (r *buildRun) do(ctx context.Context, b containers.DockerfileBuild) error {
	source := buildcontext.Open(b)
	defer func() { _ = source.End() }() // its error was asked for by then
	options := build.ImageBuildOptions{
		Tags: []string{b.Ref}, Dockerfile: b.Dockerfile, Labels: r.client.imageLabels(b.Labels),
		Version: build.BuilderV1, Remove: true, ForceRemove: true,
		Memory: b.MemoryBytes, MemorySwap: b.MemoryBytes, NetworkMode: "none",
	}
	if b.Online {
		options.NetworkMode = "default"
	}
	res, err := r.client.api.ImageBuild(ctx, source, options)
	if sourceErr := source.End(); sourceErr != nil && ctx.Err() == nil {
		return r.client.fail(ctx, sourceErr, "read the build context")
	}
	if errdefs.IsInvalidArgument(err) {
		return buildFailed(err.Error())
	}
	if err != nil {
		return r.client.fail(ctx, err, "build image %s", b.Ref)
	}
	defer res.Body.Close()
	return r.follow(ctx, res.Body)
}

func (r *buildRun) follow(ctx context.Context, body io.Reader) error {
	for dec := json.NewDecoder(body); ; {
		var m message
		if err := dec.Decode(&m); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return r.client.fail(ctx, err, "follow the build")
		}
		if m.Error != "" {
			if strings.Contains(m.Error, "no space left on device") {
				return r.client.fail(ctx, errors.New(m.Error), "build the image")
			}
			return buildFailed(m.Error)
		}
		if found := runningIn.FindStringSubmatch(m.Stream); found != nil {
			r.step = found[1]
		} else if found := stepDone.FindStringSubmatch(m.Stream); found != nil {
			r.made = found[1]
		}
		if _, err := io.WriteString(r.out, m.Stream); err != nil {
			return r.client.fail(ctx, err, "write the build's output")
		}
	}
}

func buildFailed(reason string) error {
	return sdp.Errorf(sdp.Failed, "image-build-failed", "the Dockerfile does not build: %s", strings.TrimSpace(reason)).
		WithRemedy("the deployment's log has the output of the failed step")
}

var (
	runningIn = regexp.MustCompile(`^ ---> Running in ([0-9a-f]{12,64})\n?$`)
	stepDone  = regexp.MustCompile(`^ ---> ([0-9a-f]{12,64})\n?$`)
)

// discard removes what the steps of a failed build made before it failed: images without a name, which nobody would
// find. A build's output may pretend to be the line that names the image, so it must be younger than the build: the ID
// of such a one of somebody else's cannot be known inside it.
func (r *buildRun) discard(ctx context.Context) {
	if r.made == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	info, found, err := r.client.inspectImage(ctx, r.made)
	if err == nil && found && len(info.RepoTags) == 0 {
		created, parseErr := time.Parse(time.RFC3339Nano, info.Created)
		if parseErr != nil || created.Before(r.began) {
			return
		}
		_, err = r.client.api.ImageRemove(ctx, info.ID, dockerimage.RemoveOptions{PruneChildren: true})
	}
	if err != nil && !errdefs.IsNotFound(err) && !errdefs.IsConflict(err) { // another build goes on from it
		slog.Warn("Removing what a failed build left behind failed", "image", r.made, "error", err)
	}
}

// awaitStop waits until the step that ran when the build was cancelled has stopped. It only looks: a build's output may
// pretend to be the line that names the step's container, so what it names may be anybody's.
func (r *buildRun) awaitStop(ctx context.Context) {
	if r.step == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		info, err := r.client.api.ContainerInspect(ctx, r.step)
		if err != nil || info.State == nil || !info.State.Running {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// buildOnBase does with the builder what assemble does with an archive, for daemons that want every layer sent: those
// that keep images in containerd.
func (c *Client) buildOnBase(ctx context.Context, g containers.GoImage) error {
	info, _, err := c.inspectImage(ctx, g.Base)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "sdp-image-*")
	if err != nil {
		return c.fail(ctx, err, "make image %s", g.Ref)
	}
	defer os.RemoveAll(dir)
	user := ""
	if info.Config == nil || isRoot(info.Config.User) {
		user = "USER " + Nonroot + "\n"
	}
	if g.Port > 0 {
		user += fmt.Sprintf("EXPOSE %d\n", g.Port)
	}
	recipe := fmt.Sprintf("FROM %s\nCOPY binary /app/%s\n%sENTRYPOINT [\"/app/%s\"]\n", g.Base, g.Name, user, g.Name)
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(recipe), 0o644); err != nil {
		return c.fail(ctx, err, "make image %s", g.Ref)
	}
	if err := copyProgram(filepath.Join(dir, "binary"), g.Binary); err != nil {
		return c.fail(ctx, err, "make image %s", g.Ref)
	}
	return c.BuildImage(ctx, containers.DockerfileBuild{Ref: g.Ref, Dir: dir, Labels: g.Labels}, io.Discard)
}

func copyProgram(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Chmod(0o755), out.Close())
}
