package docker

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/containerd/errdefs"
	dockerimage "github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"

	"sdp/internal/containers"
	"sdp/internal/sdp"
)

// ImageInfo returns an image by name or ID, and whether there is one.
func (c *Client) ImageInfo(ctx context.Context, ref string) (containers.Image, bool, error) {
	info, found, err := c.inspectImage(ctx, ref)
	if err != nil || !found {
		return containers.Image{}, false, err
	}
	return imageOf(info), true, nil
}

func imageOf(info dockerimage.InspectResponse) containers.Image {
	img := containers.Image{ID: info.ID, Refs: info.RepoTags, Size: info.Size}
	if info.Config != nil {
		img.User, img.Labels = info.Config.User, info.Config.Labels
		img.Command = slices.Concat(info.Config.Entrypoint, info.Config.Cmd)
		for port := range info.Config.ExposedPorts {
			number, proto, _ := strings.Cut(port, "/")
			if n, err := strconv.Atoi(number); err == nil && (proto == "" || proto == "tcp") {
				img.Ports = append(img.Ports, n)
			}
		}
		slices.Sort(img.Ports)
	}
	return img
}

func (c *Client) inspectImage(ctx context.Context, ref string) (dockerimage.InspectResponse, bool, error) {
	info, err := c.api.ImageInspect(ctx, ref)
	switch {
	case errdefs.IsNotFound(err):
		return info, false, nil
	case errdefs.IsInvalidArgument(err):
		return info, false, sdp.Errorf(sdp.Invalid, "bad-image-name", "%q is not an image name", ref).
			WithRemedy("write it as Docker does: name:tag")
	case err != nil:
		return info, false, c.fail(ctx, err, "look at image %s", ref)
	}
	return info, true, nil
}

// RequireImage returns a Failed error, with the commands that bring the image here, unless the daemon has it.
func (c *Client) RequireImage(ctx context.Context, ref string) error {
	_, found, err := c.inspectImage(ctx, ref)
	if err == nil && !found {
		return c.missingBase(ref)
	}
	return err
}

func (c *Client) missingBase(ref string) error {
	return sdp.Errorf(sdp.Failed, "missing-base-image",
		"node %s does not have the image %s, and SDP pulls nothing", c.node, ref).
		WithRemedy("bring it there from a machine that has it: `docker save %s | ssh %s docker load`, or"+
			" `docker save -o image.tar %s` and, on the node, `sdp images import image.tar`", ref, c.node, ref)
}

// ListImages lists the images this node made, those that lost their name included.
func (c *Client) ListImages(ctx context.Context) ([]containers.Image, error) {
	list, err := c.api.ImageList(ctx, dockerimage.ListOptions{Filters: c.ownFilter()})
	if err != nil {
		return nil, c.fail(ctx, err, "list images")
	}
	images := make([]containers.Image, 0, len(list))
	for _, i := range list {
		refs := slices.DeleteFunc(i.RepoTags, func(ref string) bool { return strings.HasPrefix(ref, "<none>") })
		images = append(images, containers.Image{ID: i.ID, Refs: refs, Labels: i.Labels, Size: i.Size})
	}
	return images, nil
}

// RemoveImage removes an image this node made; with several names, only the given one. An image that is gone is no
// error, one that a container uses is a Conflict, and one that is not ours is Forbidden.
func (c *Client) RemoveImage(ctx context.Context, ref string) error {
	img, found, err := c.ImageInfo(ctx, ref)
	if err != nil || !found {
		return err
	}
	if !c.owns(img.Labels) {
		return sdp.Errorf(sdp.Forbidden, "not-ours",
			"image %s was not made by node %s of instance %s", ref, c.node, c.instance).
			WithRemedy("remove it with `docker rmi` if nobody needs it")
	}
	_, err = c.api.ImageRemove(ctx, ref, dockerimage.RemoveOptions{PruneChildren: true})
	switch {
	case errdefs.IsNotFound(err):
		return nil
	case errdefs.IsConflict(err):
		return sdp.Errorf(sdp.Conflict, "image-in-use", "image %s is in use: %w", ref, err).
			WithRemedy("remove its containers first")
	}
	return c.fail(ctx, err, "remove image %s", ref)
}

// ImportImage loads the images of an archive that `docker save` made and returns their names.
func (c *Client) ImportImage(ctx context.Context, r io.Reader) ([]string, error) {
	refs, err := c.load(ctx, r)
	var refused *loadError
	if errors.As(err, &refused) {
		return nil, sdp.Errorf(sdp.Invalid, "bad-image-archive", "Docker cannot load the archive: %s", refused.message).
			WithRemedy("make it with `docker save -o image.tar NAME:TAG`")
	}
	if err == nil && len(refs) == 0 {
		return nil, sdp.Errorf(sdp.Invalid, "bad-image-archive", "the archive has no images in it").
			WithRemedy("make it with `docker save -o image.tar NAME:TAG`")
	}
	return refs, c.fail(ctx, err, "load images")
}

// loadError is the daemon's refusal of an archive.
type loadError struct{ message string }

func (e *loadError) Error() string { return e.message }

// message is one line of the daemon's answer to a load or a build.
type message struct {
	Stream string `json:"stream"`
	Error  string `json:"error"`
}

func (c *Client) load(ctx context.Context, r io.Reader) ([]string, error) {
	res, err := c.api.ImageLoad(ctx, r, client.ImageLoadWithQuiet(true))
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	var refs []string
	for dec := json.NewDecoder(res.Body); ; {
		var m message
		if err := dec.Decode(&m); errors.Is(err, io.EOF) {
			return refs, nil
		} else if err != nil {
			return nil, err
		}
		if m.Error != "" {
			return nil, &loadError{m.Error}
		}
		for _, prefix := range []string{"Loaded image: ", "Loaded image ID: "} {
			if ref, ok := strings.CutPrefix(strings.TrimSpace(m.Stream), prefix); ok {
				refs = append(refs, ref)
			}
		}
	}
}
