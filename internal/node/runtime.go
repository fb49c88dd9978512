package node

import (
	"context"
	"io"
	"time"

	"sdp/internal/containers"
)

// Runtime runs containers. It touches nothing but what this node made, pulls nothing, and takes what is gone already as
// removed. Codes of its errors are stable: "missing-base-image", "image-missing", "name-taken", "docker-down", ...
//
// Every method may be called from any number of goroutines and returns within a second of its context being cancelled;
// Start and BuildImage only after they have undone what they began.
type Runtime interface {
	ContainerRuntime
	NetworkRuntime
	ImageRuntime
	// Ping returns the runtime's version.
	Ping(ctx context.Context) (version string, err error)
	// RequireInit fails if containers would have no init process.
	RequireInit(ctx context.Context) error
}

// ContainerRuntime makes, watches and removes containers. Where it takes an id, a container's name will do.
type ContainerRuntime interface {
	// Start creates a container and starts it. What an earlier call for the same deployment left is removed first.
	Start(ctx context.Context, s containers.Spec) (containers.Container, error)
	// StartExisting starts a container that was stopped. It may get another address than it had.
	StartExisting(ctx context.Context, id string) (containers.Container, error)
	// WaitHealthy waits until a container answers its probe. It fails with an *containers.ExitError.
	WaitHealthy(ctx context.Context, c containers.Container, p containers.Probe) error
	// Keep has the runtime start a container again whenever it ends.
	Keep(ctx context.Context, id string) error
	Stop(ctx context.Context, id string, grace time.Duration) error
	Remove(ctx context.Context, id string) error
	// RemoveDeployment removes what a deployment started, whatever it is called.
	RemoveDeployment(ctx context.Context, deployment string) error
	Rename(ctx context.Context, id, name string) error
	List(ctx context.Context) ([]containers.Container, error)
	Inspect(ctx context.Context, id string) (c containers.Container, found bool, err error)
	Whereabouts(ctx context.Context, id string) (w containers.Whereabouts, found bool, err error)
	// Events says what happens to containers until ctx ends, and containers.Resync whenever something may have been missed.
	Events(ctx context.Context) <-chan containers.Event
	// Follow calls w for each line a container prints after since, until it stops.
	Follow(ctx context.Context, id string, since time.Time, w func(ts time.Time, line []byte)) error
	// Files reads back the files a container was given.
	Files(ctx context.Context, c containers.Container) ([]containers.File, error)
}

// NetworkRuntime makes and removes the networks of sandboxes.
type NetworkRuntime interface {
	EnsureNetwork(ctx context.Context, sandbox string) (containers.Network, error)
	RemoveNetwork(ctx context.Context, sandbox string) error
	Networks(ctx context.Context) ([]containers.Network, error)
}

// ImageRuntime makes, finds and removes images.
type ImageRuntime interface {
	ImageInfo(ctx context.Context, ref string) (i containers.Image, found bool, err error)
	// BaseKey identifies the content of a base image, "" = SDP's own. It fails with "missing-base-image".
	BaseKey(ctx context.Context, ref string) (string, error)
	// AssembleGoImage puts a binary on a base image.
	AssembleGoImage(ctx context.Context, g containers.GoImage) error
	// BuildImage builds a Dockerfile and writes what its steps print to out.
	BuildImage(ctx context.Context, b containers.DockerfileBuild, out io.Writer) error
	RemoveImage(ctx context.Context, ref string) error
	// ListImages lists what this node made, newest first.
	ListImages(ctx context.Context) ([]containers.Image, error)
	// Inventory lists all images, whoever made them.
	Inventory(ctx context.Context) ([]containers.StoredImage, error)
	// RootDir is the directory the runtime keeps images in.
	RootDir(ctx context.Context) (string, error)
}
