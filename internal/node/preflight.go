package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"sdp/internal/docker/dockerfile"
	"sdp/internal/git"
	"sdp/internal/sdp"
	"sdp/internal/sdp/planning"
)

// searchLimit bounds the search for a pinned commit that the clone lacks: only bringing it here tells whether the git
// server still has it. What takes longer counts as not vanished; the deployment will fetch it.
const searchLimit = 10 * time.Second

// unknownImage is what an image is taken to need where the repository has none yet, in bytes.
const unknownImage = 64 << 20

// Preflight finds out, for all services at once, which commits would be deployed, whether their images are there, and
// what building the others needs. Nothing is built, pulled or started. What is wrong with one service is in its result.
func (r *Resolver) Preflight(ctx context.Context, items []planning.PreflightItem, cred git.Credentials) (planning.PreflightReport, error) {
	report := planning.PreflightReport{Node: r.node, Results: make([]planning.PreflightResult, len(items))}
	disk, err := r.sources.Disk()
	if err != nil {
		return report, err
	}
	report.DiskFree = disk.Free
	if err := r.runtime.RequireInit(ctx); err != nil {
		return report, err
	}
	sizes := sync.OnceValues(func() (map[string]int64, error) { return r.images.sizes(ctx) })
	var group sync.WaitGroup
	for i, item := range items {
		group.Go(func() {
			p := preflight{Resolver: r, item: item, cred: cred, sizes: sizes}
			report.Results[i] = p.run(ctx)
		})
	}
	group.Wait()
	return report, ctx.Err()
}

// sizes is the size of the largest image of each repository on this node, in bytes.
func (i *Images) sizes(ctx context.Context) (map[string]int64, error) {
	images, err := i.runtime.ListImages(ctx)
	sizes := map[string]int64{}
	for _, image := range images {
		name := image.Labels[sdp.LabelRepository]
		sizes[name] = max(sizes[name], image.Size)
	}
	return sizes, err
}

// preflight is the look at one service.
type preflight struct {
	*Resolver
	item   planning.PreflightItem
	cred   git.Credentials
	sizes  func() (map[string]int64, error)
	commit commit
	out    planning.PreflightResult
}

func (p *preflight) run(ctx context.Context) planning.PreflightResult {
	p.out.Service = p.item.Service
	for _, step := range []func(context.Context) error{p.open, p.resolve, p.look, p.search, p.bases, p.estimate} {
		if err := step(ctx); err != nil {
			problem := planning.ProblemOf(p.item.Service, err)
			p.out.Problem = &problem
			break
		}
	}
	return p.out
}

func (p *preflight) open(context.Context) (err error) {
	p.commit.repo, p.commit.clone, err = p.sources.open(p.item.Repository, p.cred)
	return err
}

// resolve asks the git server once, also about a commit: whoever may not read the repository may not deploy it.
func (p *preflight) resolve(ctx context.Context) (err error) {
	began := time.Now()
	if p.out.SHA = p.item.SHA; p.out.SHA == "" {
		p.out.SHA, err = p.commit.clone.Resolve(ctx, p.item.Branch, p.cred)
	} else {
		err = mayRead(ctx, p.commit.clone, p.cred)
	}
	p.out.Asked, p.commit.sha = time.Since(began), p.out.SHA
	return err
}

// look finds the commit's image. A base image that is missing is no failure yet: bases names it.
func (p *preflight) look(ctx context.Context) error {
	name, err := p.images.nameOf(ctx, p.commit)
	unknown := errors.Is(err, errNotFetched) || err != nil && sdp.AsError(err).Code == "missing-base-image"
	if err != nil && !unknown {
		return err
	}
	before := ""
	if unknown && p.item.SHA != "" { // a commit that cannot be built any more may run from an image it has
		if before, err = p.images.newestOf(ctx, p.commit); err != nil {
			return err
		}
	}
	for _, ref := range []string{name, p.item.Image, before} {
		if ref == "" || p.out.Cached {
			continue
		}
		if p.out.Cached, err = p.images.has(ctx, ref, p.out.SHA); err != nil {
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

// search finds out whether a pinned commit still exists. Branches were asked for just now.
func (p *preflight) search(ctx context.Context) error {
	if p.item.SHA == "" || p.commit.clone.Has(p.out.SHA) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, searchLimit)
	defer cancel()
	err := p.commit.clone.Fetch(ctx, "", p.out.SHA, p.cred, nil)
	if err == nil || sdp.AsError(err).Code != "commit-vanished" {
		return nil // what else went wrong is for the deployment to try again
	}
	p.out.Vanished = true
	if p.out.Cached {
		return nil
	}
	return sdp.Errorf(sdp.NotFound, "commit-vanished",
		"no branch of %s contains commit %s any more, and node %s has no image of it", p.commit.repo.Name, sdp.ShortSHA(p.out.SHA), p.node).
		WithRemedy("push the commit again, or choose another one or a branch")
}

// bases says which images a build starts from.
func (p *preflight) bases(ctx context.Context) error {
	if p.out.Cached {
		return nil
	}
	refs := []string{p.commit.repo.BaseImage}
	if p.commit.repo.Kind != sdp.GoRepository {
		recipe, err := p.dockerfile(ctx)
		if err != nil || recipe == "" {
			return err
		}
		if err := dockerfile.Check(recipe); err != nil {
			return err
		}
		refs = dockerfile.BaseImages(recipe)
	}
	for _, ref := range refs {
		if ref == "" {
			continue // SDP's own, which is always there
		}
		image := planning.RequiredImage{Ref: ref, Present: true}
		if _, err := p.runtime.BaseKey(ctx, ref); err != nil {
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
	content, err := p.commit.dockerfile(ctx)
	switch name := p.commit.repo.dockerfile(); {
	case errors.Is(err, errNotFetched):
		p.out.Base = append(p.out.Base, planning.RequiredImage{Unknown: true, Ref: "bases of " + p.commit.repo.Name + "'s " + name})
		return "", nil
	case errors.Is(err, fs.ErrNotExist):
		return "", sdp.Errorf(sdp.Failed, "no-dockerfile", "commit %s of %s has no %s", sdp.ShortSHA(p.out.SHA), p.commit.repo.Name, name).
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
	history, err := p.commit.clone.PackedBytes()
	if err != nil {
		return fmt.Errorf("measuring the clone: %w", err)
	}
	sizes, err := p.sizes()
	image := sizes[p.commit.repo.Name]
	if image == 0 {
		image = unknownImage
	}
	p.out.Need = history + 2*image
	return err
}
