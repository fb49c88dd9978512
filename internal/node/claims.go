package node

import (
	"sync"
	"time"

	"sdp/internal/wire"
)

// claims keeps images that deployments of this node are about to use: between the moment a deployment finds an image, or
// decides to make it, and the moment it has a container of it, neither Docker nor the database can tell that it is
// needed. What a former process of the worker claimed is in the database by now.
type claims struct {
	mu     sync.Mutex
	held   map[string]claim // by deployment
	making int              // images being made right now
}

type claim struct {
	image string
	since time.Time
}

// take claims an image for a deployment until drop. A deployment has one claim.
func (c *claims) take(deployment, image string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held == nil {
		c.held = map[string]claim{}
	}
	c.held[deployment] = claim{image, time.Now()}
}

// drop gives up a deployment's claim: it has its container, or it has ended.
func (c *claims) drop(deployment string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.held, deployment)
}

// whileMaking claims an image for a deployment and runs the making of it. Meanwhile no nameless image is removed: it may
// be a step of this one.
func (c *claims) whileMaking(deployment, image string, do func() error) error {
	c.take(deployment, image)
	c.count(1)
	defer c.count(-1)
	return do()
}

func (c *claims) count(by int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.making += by
}

// holder names the deployment that claims an image, "" if none does.
func (c *claims) holder(image string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.holderOf(image)
}

func (c *claims) holderOf(image string) string {
	for deployment, held := range c.held {
		if held.image == image && time.Since(held.since) < wire.BoxLifetime { // nothing of an older deployment can go on
			return deployment
		}
	}
	return ""
}

// unclaimed runs remove unless the image is claimed, and reports whether it did. Nobody can claim the image while it runs. For a
// nameless image, image is "".
func (c *claims) unclaimed(image string, remove func() error) (done bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if image == "" && c.making > 0 || image != "" && c.holderOf(image) != "" {
		return false, nil
	}
	return true, remove()
}
