package activities

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"syscall"
	"time"

	"sdp/internal/docker"
	"sdp/internal/git"
	"sdp/internal/sdp"
)

// PreflightInput asks a node about the services of a plan. ID must be the operation the box is bound to.
type PreflightInput struct {
	ID          string
	Node        string
	Items       []sdp.PreflightItem
	Credentials sdp.SealedBox
}

// searchLimit bounds the search for a pinned commit that the clone lacks: only bringing it here tells whether the git
// server still has it. What takes longer counts as not vanished; the deployment will fetch it.
const searchLimit = 10 * time.Second

// unknownImage is what an image is taken to need where the repository has none yet, in bytes.
const unknownImage = 64 << 20

// Preflight finds out, for all services at once, which commits would be deployed, whether their images are there, and
// what building the others needs. Nothing is built, pulled or started. What is wrong with one service is in its result.
func (h *Host) Preflight(ctx context.Context, in PreflightInput) (sdp.PreflightReport, error) {
	report := sdp.PreflightReport{Node: h.Node, Results: make([]sdp.PreflightResult, len(in.Items))}
	err := h.do(ctx, func(ctx context.Context) error {
		cred, err := h.credentials(in.Credentials, in.ID)
		if err != nil {
			return err
		}
		if report.DiskFree, err = h.diskFree(); err != nil {
			return err
		}
		sizes := sync.OnceValues(func() (map[string]int64, error) { return h.imageSizes(ctx) })
		var items sync.WaitGroup
		for i, item := range in.Items {
			items.Go(func() {
				p := preflight{host: h, item: item, cred: cred, sizes: sizes}
				report.Results[i] = p.run(ctx)
			})
		}
		items.Wait()
		return ctx.Err()
	})
	return report, err
}

func (h *Host) diskFree() (int64, error) {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(h.Data, &disk); err != nil {
		return 0, fmt.Errorf("reading the free disk space: %w", err)
	}
	return int64(disk.Bavail) * disk.Bsize, nil
}

// imageSizes is the size of the largest image of each repository on this node, in bytes.
func (h *Host) imageSizes(ctx context.Context) (map[string]int64, error) {
	images, err := h.Docker.ListImages(ctx)
	sizes := map[string]int64{}
	for _, i := range images {
		name := i.Labels[sdp.LabelRepository]
		sizes[name] = max(sizes[name], i.Size)
	}
	return sizes, err
}

// preflight is the look at one service.
type preflight struct {
	host  *Host
	item  sdp.PreflightItem
	cred  git.Credentials
	sizes func() (map[string]int64, error)
	repo  Repository
	clone *git.Clone
	out   sdp.PreflightResult
}

func (p *preflight) run(ctx context.Context) sdp.PreflightResult {
	p.out.Service = p.item.Service
	for _, step := range []func(context.Context) error{p.open, p.resolve, p.look, p.search, p.bases, p.estimate} {
		if err := step(ctx); err != nil {
			problem := sdp.ProblemOf(p.item.Service, err)
			p.out.Problem = &problem
			break
		}
	}
	return p.out
}

func (p *preflight) open(context.Context) (err error) {
	if p.repo, err = p.host.repository(p.item.Repository); err == nil {
		p.clone, err = git.Open(p.repo.Path)
	}
	return err
}

// resolve asks the git server once, also about a commit: whoever may not read the repository may not deploy it.
func (p *preflight) resolve(ctx context.Context) (err error) {
	began := time.Now()
	if p.out.SHA = p.item.SHA; p.out.SHA == "" {
		p.out.SHA, err = p.clone.Resolve(ctx, p.item.Branch, p.cred)
	} else {
		err = mayRead(ctx, p.clone, p.cred)
	}
	p.out.Asked = time.Since(began)
	return err
}

// look finds the commit's image. A base image that is missing is no failure yet: bases names it.
func (p *preflight) look(ctx context.Context) error {
	from := p.source()
	name, err := from.imageName(ctx)
	unknown := errors.Is(err, errNotFetched) || err != nil && sdp.AsError(err).Code == "missing-base-image"
	if err != nil && !unknown {
		return err
	}
	before := ""
	if unknown && p.item.SHA != "" { // a commit that cannot be built any more may run from an image it has
		if before, err = from.anyImage(ctx); err != nil {
			return err
		}
	}
	for _, ref := range []string{name, p.item.Image, before} {
		if ref == "" || p.out.Cached {
			continue
		}
		if p.out.Cached, err = p.host.hasImage(ctx, ref, p.out.SHA); err != nil {
			return err
		}
		if p.out.Cached {
			p.out.Image = ref
		}
	}
	if !p.out.Cached {
		p.out.Image = name
	}
	return nil
}

func (p *preflight) source() source {
	return source{host: p.host, repo: p.repo, clone: p.clone, sha: p.out.SHA}
}

// search finds out whether a pinned commit still exists. Branches were asked for just now.
func (p *preflight) search(ctx context.Context) error {
	if p.item.SHA == "" || p.clone.Has(p.out.SHA) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, searchLimit)
	defer cancel()
	err := p.clone.Fetch(ctx, "", p.out.SHA, p.cred, nil)
	if err == nil || sdp.AsError(err).Code != "commit-vanished" {
		return nil // what else went wrong is for the deployment to try again
	}
	p.out.Vanished = true
	if p.out.Cached {
		return nil
	}
	return sdp.Errorf(sdp.NotFound, "commit-vanished",
		"no branch of %s contains commit %s any more, and node %s has no image of it", p.repo.Name, sdp.ShortSHA(p.out.SHA), p.host.Node).
		WithRemedy("push the commit again, or choose another one or a branch")
}

// bases says which images a build starts from.
func (p *preflight) bases(ctx context.Context) error {
	if p.out.Cached {
		return nil
	}
	refs := []string{p.repo.BaseImage}
	if p.repo.Kind != sdp.GoRepository {
		dockerfile, err := p.dockerfile(ctx)
		if err != nil || dockerfile == "" {
			return err
		}
		refs = docker.BaseImages(dockerfile)
	}
	for _, ref := range refs {
		if ref == "" {
			continue // SDP's own, which is always there
		}
		image := sdp.RequiredImage{Ref: ref, Present: true}
		if err := p.host.Docker.RequireImage(ctx, ref); err != nil {
			e := sdp.AsError(err)
			if e.Code != "missing-base-image" {
				return err
			}
			image.Present, image.Remedy = false, e.Remedy
		}
		p.out.Base = append(p.out.Base, image)
	}
	return nil
}

// dockerfile reads the commit's Dockerfile, or says that it cannot be known yet.
func (p *preflight) dockerfile(ctx context.Context) (string, error) {
	content, err := p.source().dockerfile(ctx)
	switch name := p.repo.dockerfile(); {
	case errors.Is(err, errNotFetched):
		p.out.Base = append(p.out.Base, sdp.RequiredImage{Unknown: true, Ref: "bases of " + p.repo.Name + "'s " + name})
		return "", nil
	case errors.Is(err, fs.ErrNotExist):
		return "", sdp.Errorf(sdp.Failed, "no-dockerfile", "commit %s of %s has no %s", sdp.ShortSHA(p.out.SHA), p.repo.Name, name).
			WithRemedy("add one to the branch, or set `dockerfile:` of the repository to where it is")
	}
	return content, err
}

// estimate says how much disk a build needs: the checkout, taken to be no larger than the clone's packed history, and
// the image twice, as a build's result and as the image made of it; the image is taken to be as large as the largest one
// of the repository.
func (p *preflight) estimate(ctx context.Context) error {
	if p.out.Cached {
		return nil
	}
	history, err := p.clone.PackedBytes()
	if err != nil {
		return fmt.Errorf("measuring the clone: %w", err)
	}
	sizes, err := p.sizes()
	image := sizes[p.repo.Name]
	if image == 0 {
		image = unknownImage
	}
	p.out.Need = history + 2*image
	return err
}
