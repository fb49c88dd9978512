package node

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"sdp/internal/containers"
	"sdp/internal/sdp"
)

// PruneTime is how long a prune goes on removing images. What is left then is kept until the next.
const PruneTime = 30 * time.Second

// removeTimeout bounds the removal of one image: deployments that claim images wait for it.
const removeTimeout = 20 * time.Second

// List lists the images this node made and those that it makes images from, with what keeps each.
func (i *Images) List(ctx context.Context, needed sdp.NeededImages) ([]sdp.NodeImage, error) {
	all, err := i.runtime.Inventory(ctx)
	if err != nil {
		return nil, err
	}
	s := stock{images: i, all: all, needed: needed}
	var out []sdp.NodeImage
	for _, image := range all {
		if kind := s.kind(image); kind != "" {
			out = append(out, s.view(image, kind))
		}
	}
	slices.SortFunc(out, byName)
	return out, nil
}

func byName(a, b sdp.NodeImage) int {
	return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
}

// Prune removes the images a node made and that neither the control plane needs nor a container, nor a deployment this
// worker is busy with. Nobody else's image is touched, nor one that somebody gave a name of their own. The oldest go
// first.
func (i *Images) Prune(ctx context.Context, needed sdp.NeededImages, dryRun bool) (sdp.PruneReport, error) {
	i.pruning.Lock()
	defer i.pruning.Unlock()
	all, err := i.runtime.Inventory(ctx)
	if err != nil {
		return sdp.PruneReport{}, err
	}
	slices.SortFunc(all, func(a, b containers.StoredImage) int { return a.Created.Compare(b.Created) })
	s := stock{images: i, all: all, needed: needed, until: time.Now().Add(PruneTime)}
	out := sdp.PruneReport{Node: i.node, DryRun: dryRun}
	var gone, stay []containers.StoredImage
	for _, image := range all {
		kind := s.kind(image)
		ours := kind == sdp.ServiceImage || kind == sdp.LeftoverImage
		v := s.view(image, kind)
		if kind == sdp.SharedImage { // needed here, removed by whoever made it
			out.Kept = append(out.Kept, v)
		}
		if ours && len(v.NeededBy) == 0 && !dryRun {
			v.NeededBy = s.remove(ctx, image)
		}
		switch {
		case !ours:
			stay = append(stay, image)
		case len(v.NeededBy) > 0:
			stay, out.Kept = append(stay, image), append(out.Kept, v)
		default:
			gone, out.Removed = append(gone, image), append(out.Removed, v)
		}
	}
	disk := i.Disk(ctx)
	out.Freed, out.DiskFree, out.DiskTotal = containers.Freed(gone, stay), disk.Free, disk.Total
	return out, ctx.Err()
}

// stock is what is on a node, and what of it is needed.
type stock struct {
	images *Images
	all    []containers.StoredImage
	needed sdp.NeededImages
	until  time.Time
}

// kind says what an image is to SDP, "" if nothing.
func (s *stock) kind(i containers.StoredImage) sdp.ImageKind {
	named := slices.ContainsFunc(i.Refs, func(name string) bool { return containers.NamedByUs(name, i.Labels) })
	switch {
	case i.Ours && named:
		return sdp.ServiceImage
	case i.Ours && len(i.Refs) == 0:
		return sdp.LeftoverImage
	case s.used(i):
		return sdp.SharedImage
	case len(i.Refs) > 0 && len(s.baseOf(i)) > 0:
		return sdp.BaseImage
	}
	return ""
}

// used reports whether an image is one of those that this installation needs.
func (s *stock) used(i containers.StoredImage) bool {
	return slices.ContainsFunc(i.Refs, func(name string) bool { return len(s.needed.Images[name]) > 0 })
}

// extends reports whether i has all layers of base and more.
func extends(i, base containers.StoredImage) bool {
	n := len(base.Layers)
	return n > 0 && len(i.Layers) > n && i.Layers[n-1].ID == base.Layers[n-1].ID
}

// baseOf names the repositories whose images are, or will be, made from an image.
func (s *stock) baseOf(i containers.StoredImage) []string {
	of := map[string]bool{}
	for name, r := range s.images.sources.Repositories() {
		if r.BaseImage != "" && slices.Contains(i.Refs, r.BaseImage) {
			of[name] = true
		}
	}
	for _, o := range s.all {
		if (o.Ours || s.used(o)) && !i.Ours && !s.used(i) && extends(o, i) {
			of[o.Labels[sdp.LabelRepository]] = true
		}
	}
	return slices.Sorted(maps.Keys(of))
}

func (s *stock) view(i containers.StoredImage, kind sdp.ImageKind) sdp.NodeImage {
	v := sdp.NodeImage{Node: s.images.node, ID: i.ID, Kind: kind, Size: i.Size, CreatedAt: i.Created}
	for _, name := range i.Refs {
		if v.Name == "" || containers.NamedByUs(name, i.Labels) {
			v.Name = name
		}
	}
	if kind == sdp.BaseImage {
		for _, repository := range s.baseOf(i) {
			v.NeededBy = append(v.NeededBy, "images of "+repository)
		}
		return v
	}
	v.Repository, v.SHA = i.Labels[sdp.LabelRepository], i.Labels[sdp.LabelSHA]
	v.NeededBy = few(s.neededBy(i))
	return v
}

func (s *stock) neededBy(i containers.StoredImage) []string {
	var by []string
	for _, name := range i.Refs {
		by = append(by, s.needed.Images[name]...)
		if d := s.images.claims.holder(name); d != "" {
			by = append(by, underWay(d))
		}
		if !containers.NamedByUs(name, i.Labels) {
			by = append(by, "somebody who called it "+name)
		}
	}
	if d := s.needed.Repositories[i.Labels[sdp.LabelRepository]]; d != "" && len(i.Refs) > 0 {
		by = append(by, underWay(d))
	}
	if len(by) > 0 {
		return by
	}
	for _, name := range i.UsedBy { // containers of live sandboxes have been named better
		by = append(by, "container "+name)
	}
	return by
}

func underWay(deployment string) string { return "deployment " + deployment + ", which is under way" }

// few keeps a list of reasons short.
func few(reasons []string) []string {
	const most = 4
	slices.Sort(reasons)
	reasons = slices.Compact(reasons)
	if len(reasons) > most {
		return append(slices.Clone(reasons[:most]), fmt.Sprintf("%d more", len(reasons)-most))
	}
	return reasons
}

// remove removes an image, all its names if it has several, and says what is in the way if it cannot.
func (s *stock) remove(ctx context.Context, i containers.StoredImage) []string {
	if time.Now().After(s.until) || ctx.Err() != nil {
		return []string{"nobody, but the time was up: prune again"}
	}
	names := i.Refs
	if len(names) == 0 {
		names = []string{""}
	}
	for _, name := range names {
		done, err := s.images.claims.unclaimed(name, func() error {
			ctx, cancel := context.WithTimeout(ctx, removeTimeout)
			defer cancel()
			return s.images.runtime.RemoveImage(ctx, cmp.Or(name, i.ID))
		})
		if err != nil {
			return []string{sdp.AsError(err).Detail}
		}
		if !done {
			return []string{underWay(cmp.Or(s.images.claims.holder(name), "of a new image"))}
		}
	}
	return nil
}
