package docker

import (
	"bytes"
	"context"
	"slices"
	"testing"

	dockerimage "github.com/docker/docker/api/types/image"

	"sdp/internal/containers"
	"sdp/internal/sdp"
)

// Layers that images share are counted once, whoever made the images, also where a step of a build made an empty layer.
func TestInventory(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	ctx := context.Background()
	base := image(t, c, "")
	build := func(recipe string) string {
		dir := files(t, map[string]string{"Dockerfile": "FROM " + base + "\n" + recipe, "shared": string(bytes.Repeat([]byte("s"), 3<<20)), "own": sdp.NewID("")})
		ref := "sdp/" + c.instance + ":" + sdp.NewID("")
		if err := c.BuildImage(ctx, containers.DockerfileBuild{Ref: ref, Dir: dir, Labels: map[string]string{sdp.LabelSHA: sha}}, &bytes.Buffer{}); err != nil {
			t.Fatal(err)
		}
		return ref
	}
	one := build("COPY shared /srv/shared\nWORKDIR /srv\nCOPY own /srv/own\nEXPOSE 1\n")
	two := build("COPY shared /srv/shared\nWORKDIR /srv\nCOPY own /srv/own\nEXPOSE 2\n")
	s := spec(t, c)
	s.Image = base
	ct := start(t, c, s)

	all, err := c.Inventory(ctx)
	if err != nil {
		t.Fatal(err)
	}
	find := func(ref string) containers.StoredImage {
		i := slices.IndexFunc(all, func(i containers.StoredImage) bool { return slices.Contains(i.Refs, ref) })
		if i < 0 {
			t.Fatalf("%s is missing", ref)
		}
		return all[i]
	}
	b, first, second := find(base), find(one), find(two)
	if !b.Ours || !slices.Equal(b.UsedBy, []string{ct.Name}) || len(first.UsedBy) > 0 || b.Created.IsZero() {
		t.Errorf("base %+v", b)
	}
	for _, i := range []containers.StoredImage{b, first, second} {
		var sum int64
		for _, l := range i.Layers {
			sum += l.Size
		}
		if sum != i.Size || i.Size == 0 {
			t.Errorf("%v: the layers have %d bytes, the image %d", i.Refs, sum, i.Size)
		}
	}
	// COPY shared is the same step of both builds, so the daemon has it once.
	if own := containers.Freed([]containers.StoredImage{first}, []containers.StoredImage{b, second}); own > 100 {
		t.Errorf("removing one frees %d bytes, want only its own file", own)
	}
	if both := containers.Freed([]containers.StoredImage{first, second}, []containers.StoredImage{b}); both < 3<<20 || both > 3<<20+200 {
		t.Errorf("removing both frees %d bytes, want 3 MB and little more", both)
	}
	if all := containers.Freed([]containers.StoredImage{first, second, b}, nil); all <= 3<<20+b.Size-1 {
		t.Errorf("removing all frees %d bytes", all)
	}
}

func TestNamedByUs(t *testing.T) {
	labels := map[string]string{sdp.LabelRepository: "account", sdp.LabelSHA: sha}
	for name, want := range map[string]bool{
		sdp.ImageName("account", sha, "12345678"): true, "sdp/account:debug": false, "mine:latest": false,
		sdp.ImageName("payment", sha, "12345678"): false, "sdp/account:abababababab": false,
	} {
		if got := containers.NamedByUs(name, labels); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if containers.NamedByUs(sdp.ImageName("", "", ""), nil) {
		t.Error("an image without labels is SDP's")
	}
}

// An image that goes while the daemon is asked about it is left out.
func TestInventoryWhileImagesGo(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	ctx := context.Background()
	gone := make(chan error, 1)
	var refs []string
	for range 5 {
		refs = append(refs, image(t, c, ""))
	}
	go func() {
		var err error
		for _, ref := range refs {
			if _, e := c.api.ImageRemove(ctx, ref, dockerimage.RemoveOptions{}); e != nil {
				err = e
			}
		}
		gone <- err
	}()
	for range 5 {
		if _, err := c.Inventory(ctx); err != nil {
			t.Error(err)
		}
	}
	if err := <-gone; err != nil {
		t.Error(err)
	}
}
