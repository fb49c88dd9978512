package activities

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"strings"

	"sdp/internal/docker"
	"sdp/internal/git"
	"sdp/internal/logs"
	"sdp/internal/sdp"
)

// source is a commit of a repository of this node.
type source struct {
	host  *Host
	repo  Repository
	clone *git.Clone
	sha   string
}

// errNotFetched is why the name of a commit's image is not known: the Dockerfile that names its bases is not here yet.
var errNotFetched = errors.New("the clone does not have the commit")

// imageName is the content-addressed name of a commit's image: what else decides the result is hashed into it, base
// images by their content, so that a commit is built again once one of them is another. Errors: errNotFetched,
// "missing-base-image".
func (s source) imageName(ctx context.Context) (string, error) {
	parts := []string{string(s.repo.Kind)}
	switch s.repo.Kind {
	case sdp.GoRepository:
		base, err := s.host.Docker.BaseKey(ctx, s.repo.BaseImage)
		if err != nil {
			return "", err
		}
		parts = append(parts, s.repo.Build, base, s.host.Builder.Key())
	default:
		bases, err := s.baseKeys(ctx)
		if err != nil {
			return "", err
		}
		parts = append(append(parts, s.repo.Dockerfile), bases...)
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return sdp.ImageName(s.repo.Name, s.sha, hex.EncodeToString(sum[:])), nil
}

// baseKeys identifies the images a Dockerfile starts from, none if the commit has no Dockerfile: building it says so.
func (s source) baseKeys(ctx context.Context) ([]string, error) {
	dockerfile, err := s.dockerfile(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, ref := range docker.BaseImages(dockerfile) {
		key, err := s.host.Docker.BaseKey(ctx, ref)
		if err != nil {
			return nil, err
		}
		keys = append(keys, ref+" "+key)
	}
	return keys, nil
}

// dockerfile reads the commit's Dockerfile from the clone. Errors: errNotFetched, fs.ErrNotExist.
func (s source) dockerfile(ctx context.Context) (string, error) {
	if !s.clone.Has(s.sha) {
		return "", errNotFetched
	}
	content, err := s.clone.File(ctx, s.sha, s.repo.dockerfile())
	return string(content), err
}

func (r Repository) dockerfile() string { return cmp.Or(r.Dockerfile, "Dockerfile") }

// findImage returns the name of the image a deployment uses and whether it is there. One that the deployment brings
// along, because a restart, a plan or a snapshot knows it to be of the commit, is taken where it is still there.
func (h *Host) findImage(ctx context.Context, s source, in FetchInput) (name string, found bool, err error) {
	if in.Image != "" {
		if found, err := h.claimImage(ctx, in.Deployment, in.Image, s.sha); err != nil || found {
			return in.Image, found, err
		}
	}
	if name, err = s.imageName(ctx); err != nil {
		return "", false, err
	}
	found, err = h.claimImage(ctx, in.Deployment, name, s.sha)
	return name, found, err
}

// claimImage claims an image for a deployment and reports whether it is there: in this order, so that what is there stays.
func (h *Host) claimImage(ctx context.Context, deployment, name, sha string) (bool, error) {
	h.claims.take(deployment, name)
	return h.hasImage(ctx, name, sha)
}

// hasImage reports whether an image is there and of a commit.
func (h *Host) hasImage(ctx context.Context, name, sha string) (bool, error) {
	image, found, err := h.Docker.ImageInfo(ctx, name)
	return found && image.Labels[sdp.LabelSHA] == sha, err
}

// madeBefore is the way out where a commit can neither be fetched nor built any more, because it vanished from the
// repository, a restart brings no credentials, or a base image is gone: an image of it that is still there. Without one
// it is the failure why.
func (h *Host) madeBefore(ctx context.Context, s source, in FetchInput, out Fetched, why error, log *logs.Stream) (Fetched, error) {
	if ctx.Err() != nil {
		return out, why
	}
	name, err := s.anyImage(ctx)
	if err != nil || name == "" {
		return out, errors.Join(why, err)
	}
	if out.Cached, err = h.claimImage(ctx, in.Deployment, name, s.sha); err != nil || !out.Cached {
		return out, errors.Join(why, err)
	}
	out.Image = name
	log.Printf("FETCH", "%s; but its image %s is there: nothing to fetch or build", sdp.AsError(why).Detail, name)
	return out, nil
}

// anyImage returns the newest image of the commit, whatever it was built on; "" = there is none.
func (s source) anyImage(ctx context.Context) (string, error) {
	images, err := s.host.Docker.ListImages(ctx) // newest first
	for _, i := range images {
		if i.Labels[sdp.LabelSHA] == s.sha && i.Labels[sdp.LabelRepository] == s.repo.Name && len(i.Refs) > 0 {
			return i.Refs[0], nil
		}
	}
	return "", err
}
