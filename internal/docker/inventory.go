package docker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	dockerimage "github.com/docker/docker/api/types/image"
	"golang.org/x/sync/errgroup"

	"sdp/internal/containers"
	"sdp/internal/sdp"
)

// Inventory lists all images of the daemon but those that others were built from and that have no name.
func (c *Client) Inventory(ctx context.Context) ([]containers.StoredImage, error) {
	list, err := c.api.ImageList(ctx, dockerimage.ListOptions{})
	if err != nil {
		return nil, c.fail(ctx, err, "list images")
	}
	users, err := c.imageUsers(ctx)
	if err != nil {
		return nil, err
	}
	looks := make([]look, len(list))
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(4) // the daemon reads files for each
	for i, summary := range list {
		group.Go(func() (err error) {
			looks[i], err = c.look(gctx, summary.ID)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	looks = slices.DeleteFunc(looks, func(l look) bool { return l.image.ID == "" }) // gone meanwhile
	sizeLayers(looks)
	var images []containers.StoredImage
	for _, l := range looks {
		l.image.UsedBy = users[l.image.ID]
		images = append(images, l.image)
	}
	return images, nil
}

// imageUsers names the containers of each image, by its ID.
func (c *Client) imageUsers(ctx context.Context) (map[string][]string, error) {
	list, err := c.api.ContainerList(ctx, container.ListOptions{All: true})
	if err != nil {
		return nil, c.fail(ctx, err, "list containers")
	}
	users := map[string][]string{}
	for _, s := range list {
		name := s.ID
		if len(s.Names) > 0 {
			name = strings.TrimPrefix(s.Names[0], "/")
		}
		users[s.ImageID] = append(users[s.ImageID], name)
	}
	return users, nil
}

// look is what the daemon says of one image. steps are the sizes of its history's steps, in bytes, oldest first; a step
// that only changed the configuration has none.
type look struct {
	image containers.StoredImage
	steps []int64
}

// look returns nothing of an image that is gone meanwhile.
func (c *Client) look(ctx context.Context, id string) (look, error) {
	info, found, err := c.inspectImage(ctx, id)
	if err != nil || !found {
		return look{}, err
	}
	history, err := c.api.ImageHistory(ctx, id)
	if errdefs.IsNotFound(err) {
		return look{}, nil
	}
	if err != nil {
		return look{}, c.fail(ctx, err, "read the history of image %s", id)
	}
	l := look{image: containers.StoredImage{Image: imageOf(info)}}
	l.image.Ours = c.owns(l.image.Labels) && len(history) > 0 && c.lastStepIsOurs(history[0].CreatedBy)
	l.image.Created, _ = time.Parse(time.RFC3339Nano, info.Created) // zero where the daemon does not know
	for _, step := range slices.Backward(history) {
		l.steps = append(l.steps, step.Size)
	}
	chain := ""
	for _, diffID := range info.RootFS.Layers {
		sum := sha256.Sum256([]byte(chain + diffID))
		chain = hex.EncodeToString(sum[:])
		l.image.Layers = append(l.image.Layers, containers.Layer{ID: chain})
	}
	return l, nil
}

// lastStepIsOurs tells an image SDP made from one that somebody made of it, which inherits all labels: SDP's last step is
// the one that adds the program, or these labels.
func (c *Client) lastStepIsOurs(step string) bool {
	return strings.HasPrefix(step, programStep) ||
		strings.Contains(step, "LABEL ") && strings.Contains(step, sdp.LabelInstance+"="+c.instance)
}

// sizeLayers finds out how large each layer is. The daemon says that by step of an image's history, not by layer, and a
// step without a size may have made an empty layer or none. So what is certain is taken first; of an image with such
// steps the sizes left over go to its topmost layers, because directories are made before they are filled.
func sizeLayers(looks []look) {
	known := map[string]int64{}
	for _, l := range looks {
		if steps := l.certain(); steps != nil {
			for i, layer := range l.image.Layers {
				known[layer.ID] = steps[i]
			}
		}
	}
	for _, l := range looks {
		steps := slices.DeleteFunc(slices.Clone(l.steps), func(size int64) bool { return size == 0 })
		var unknown []*containers.Layer
		for i := range l.image.Layers {
			layer := &l.image.Layers[i]
			size, sure := known[layer.ID]
			if !sure {
				unknown = append(unknown, layer)
			} else if at := slices.Index(steps, size); size > 0 && at >= 0 {
				layer.Size, steps = size, slices.Delete(steps, at, at+1)
			}
		}
		for len(unknown) > 0 && len(steps) > 0 {
			unknown[len(unknown)-1].Size = steps[len(steps)-1]
			unknown, steps = unknown[:len(unknown)-1], steps[:len(steps)-1]
		}
	}
}

// certain returns the sizes of the layers where the history leaves no doubt, else nil.
func (l look) certain() []int64 {
	if len(l.steps) == len(l.image.Layers) {
		return l.steps
	}
	steps := slices.DeleteFunc(slices.Clone(l.steps), func(size int64) bool { return size == 0 })
	if len(steps) == len(l.image.Layers) {
		return steps
	}
	return nil
}

// RootDir is the directory in which the daemon keeps images and containers.
func (c *Client) RootDir(ctx context.Context) (string, error) {
	info, err := c.api.Info(ctx)
	if err != nil {
		return "", c.fail(ctx, err, "ask Docker where it keeps its images")
	}
	return info.DockerRootDir, nil
}
