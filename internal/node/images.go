package node

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"sdp/internal/containers"
	"sdp/internal/docker/dockerfile"
	"sdp/internal/git"
	"sdp/internal/logs"
	"sdp/internal/node/gobuild"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// Images are the images of a node: those it makes of commits, and those they are made from.
type Images struct {
	node       string
	instance   string
	runtime    ImageRuntime
	sources    *Sources
	builder    *Builder
	slots      *Slots
	stepMemory int64
	online     bool
	claims     claims
	pruning    sync.Mutex // one at a time

	mu  sync.Mutex
	dir string // where the runtime keeps images, once it has said so
}

// Build builds the binary that Make puts into the image, unless the image is there. cached says that it is: one deployment
// makes the image of a commit, and others that want it wait for that.
func (i *Images) Build(ctx context.Context, in wire.Job, log *logs.Stream) (cached bool, err error) {
	if cached, err = i.claimMaking(ctx, in, saying(log, "BUILD")); err != nil || cached {
		return cached, err
	}
	err = i.slots.during(ctx, in.Deployment, saying(log, "BUILD"), func() error { return i.builder.Build(ctx, in, log) })
	if err != nil {
		i.slots.drop(in.Deployment)
		return false, err
	}
	i.slots.park(in.Deployment) // Make goes on
	return false, nil
}

// Make makes the image of a built binary, or builds the repository's Dockerfile, unless the image is there, and removes the
// checkout.
func (i *Images) Make(ctx context.Context, in wire.Job, log *logs.Stream) error {
	cached, err := i.claimMaking(ctx, in, saying(log, "IMAGE"))
	if err != nil {
		return err
	}
	defer i.slots.drop(in.Deployment)
	if !cached {
		if err := i.claims.whileMaking(in.Deployment, in.Image, func() error { return i.make(ctx, in, log) }); err != nil {
			return err
		}
	}
	return i.sources.DropCheckout(in.Deployment)
}

// claimMaking waits until this deployment is to make the image, or the image is there.
func (i *Images) claimMaking(ctx context.Context, in wire.Job, say func(string)) (cached bool, err error) {
	if cached, err = i.claim(ctx, in.Deployment, in.Image, in.SHA); err != nil || cached {
		return cached, err
	}
	if err := i.slots.claim(ctx, in.Image, in.Deployment, say); err != nil {
		return false, err
	}
	if cached, err = i.has(ctx, in.Image, in.SHA); err != nil || cached {
		i.slots.drop(in.Deployment)
	}
	if cached {
		say("image " + in.Image + " is there by now")
	}
	return cached, err
}

func saying(log *logs.Stream, tag string) func(string) {
	return func(text string) { log.Printf(tag, "%s", text) }
}

func (i *Images) make(ctx context.Context, in wire.Job, log *logs.Stream) error {
	repo, err := i.sources.of(in)
	if err != nil {
		return err
	}
	labels := map[string]string{sdp.LabelInstance: i.instance, sdp.LabelRepository: repo.Name, sdp.LabelSHA: in.SHA}
	if repo.Kind == sdp.GoRepository {
		err = i.assemble(ctx, in, repo, labels, log)
	} else {
		err = i.slots.during(ctx, in.Deployment, saying(log, "IMAGE"), func() error { return i.buildDockerfile(ctx, in, repo, labels, log) })
	}
	if err != nil {
		if sdp.KindOf(err) == sdp.Failed {
			return &OutputError{Err: err, Output: log.TailOwn(outputTail)}
		}
		return diskError(i.node, "making the image", err)
	}
	log.Printf("IMAGE", "made %s", in.Image)
	return nil
}

// assemble puts the built binary on its base image, which is no build: it takes no time to speak of. A binary that is gone
// with an earlier attempt is built again.
func (i *Images) assemble(ctx context.Context, in wire.Job, repo Repository, labels map[string]string, log *logs.Stream) error {
	path := filepath.Join(i.sources.checkoutDir(in.Deployment), gobuild.Binary)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		err := i.slots.during(ctx, in.Deployment, saying(log, "BUILD"), func() error { return i.builder.Build(ctx, in, log) })
		if err != nil {
			return err
		}
	}
	log.Printf("IMAGE", "making %s", in.Image)
	return i.runtime.AssembleGoImage(ctx, containers.GoImage{Ref: in.Image, Base: repo.BaseImage, Name: repo.Name,
		Binary: path, Labels: labels, Port: repo.Port})
}

func (i *Images) buildDockerfile(ctx context.Context, in wire.Job, repo Repository, labels map[string]string, log *logs.Stream) error {
	if err := i.sources.needCheckout(ctx, in, log); err != nil {
		return err
	}
	log.Printf("IMAGE", "making %s", in.Image)
	limited, cancel := context.WithTimeout(ctx, i.builder.toolchain.Timeout)
	defer cancel()
	err := i.runtime.BuildImage(limited, i.dockerfileBuild(in, repo, labels), log)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return gobuild.TooLong(i.builder.toolchain.Timeout)
	}
	return err
}

// dockerfileBuild says how a commit of a repository with a Dockerfile is built on this node.
func (i *Images) dockerfileBuild(in wire.Job, repo Repository, labels map[string]string) containers.DockerfileBuild {
	return containers.DockerfileBuild{Ref: in.Image, Dir: i.sources.checkoutDir(in.Deployment), Dockerfile: repo.Dockerfile,
		Labels: labels, MemoryBytes: i.stepMemory, Online: i.online}
}

// commit is a commit of a repository of this node.
type commit struct {
	repo  Repository
	clone *git.Clone
	sha   string
}

// errNotFetched is why the name of a commit's image is not known: the Dockerfile that names its bases is not here yet.
var errNotFetched = errors.New("the clone does not have the commit")

// dockerfile reads the commit's Dockerfile from the clone. Errors: errNotFetched, fs.ErrNotExist.
func (c commit) dockerfile(ctx context.Context) (string, error) {
	if !c.clone.Has(c.sha) {
		return "", errNotFetched
	}
	content, err := c.clone.File(ctx, c.sha, c.repo.dockerfile())
	return string(content), err
}

// nameOf is the content-addressed name of a commit's image: what else decides the result is hashed into it, base
// images by their content, so that a commit is built again once one of them is another. Errors: errNotFetched,
// "missing-base-image".
func (i *Images) nameOf(ctx context.Context, c commit) (string, error) {
	parts := []string{string(c.repo.Kind)}
	switch c.repo.Kind {
	case sdp.GoRepository:
		base, err := i.runtime.BaseKey(ctx, c.repo.BaseImage)
		if err != nil {
			return "", err
		}
		parts = append(parts, c.repo.Build, base, i.builder.toolchain.Key())
	default:
		bases, err := i.baseKeys(ctx, c)
		if err != nil {
			return "", err
		}
		parts = append(append(parts, c.repo.Dockerfile), bases...)
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return sdp.ImageName(c.repo.Name, c.sha, hex.EncodeToString(sum[:])), nil
}

// baseKeys identifies the images a Dockerfile starts from, none if the commit has no Dockerfile: building it says so.
func (i *Images) baseKeys(ctx context.Context, c commit) ([]string, error) {
	recipe, err := c.dockerfile(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, ref := range dockerfile.BaseImages(recipe) {
		key, err := i.runtime.BaseKey(ctx, ref)
		if err != nil {
			return nil, err
		}
		keys = append(keys, ref+" "+key)
	}
	return keys, nil
}

// claim claims an image for a deployment and reports whether it is there: in this order, so that what is there stays.
func (i *Images) claim(ctx context.Context, deployment, name, sha string) (bool, error) {
	i.claims.take(deployment, name)
	return i.has(ctx, name, sha)
}

// has reports whether an image is there and of a commit.
func (i *Images) has(ctx context.Context, name, sha string) (bool, error) {
	image, found, err := i.runtime.ImageInfo(ctx, name)
	return found && image.Labels[sdp.LabelSHA] == sha, err
}

// newestOf returns the newest image of a commit, whatever it was built on; "" = there is none.
func (i *Images) newestOf(ctx context.Context, c commit) (string, error) {
	images, err := i.runtime.ListImages(ctx) // newest first
	for _, image := range images {
		if image.Labels[sdp.LabelSHA] == c.sha && image.Labels[sdp.LabelRepository] == c.repo.Name && len(image.Refs) > 0 {
			return image.Refs[0], nil
		}
	}
	return "", err
}

// Disk is the disk the runtime keeps its images on, or, where this machine cannot see that, that of the node's own data;
// empty if neither can be looked at.
func (i *Images) Disk(ctx context.Context) Disk {
	if dir := i.rootDir(ctx); dir != "" {
		if disk, err := DiskOf(dir); err == nil {
			return disk
		}
	}
	disk, _ := i.sources.Disk()
	return disk
}

func (i *Images) rootDir(ctx context.Context) string {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.dir == "" {
		i.dir, _ = i.runtime.RootDir(ctx) // asked again next time where the runtime does not answer
	}
	return i.dir
}
