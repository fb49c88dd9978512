package activities

import (
	"context"
	"sync"
	"syscall"

	"sdp/internal/docker"
)

// ImageDisk is how much of the disk is free where Docker keeps its images, and its size, in bytes; where this machine
// cannot see that, it is the disk of the node's own data.
func ImageDisk(ctx context.Context, h *Host) (free, total int64) {
	var fs syscall.Statfs_t
	if dir := h.disk.of(ctx, h.Docker); dir == "" || syscall.Statfs(dir, &fs) != nil {
		if syscall.Statfs(h.Data, &fs) != nil {
			return 0, 0
		}
	}
	return int64(fs.Bavail) * fs.Bsize, int64(fs.Blocks) * fs.Bsize
}

// imageDisk remembers where Docker keeps its images, once it has said so.
type imageDisk struct {
	mu  sync.Mutex
	dir string
}

func (d *imageDisk) of(ctx context.Context, c *docker.Client) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dir == "" {
		d.dir, _ = c.RootDir(ctx) // asked again next time where Docker does not answer
	}
	return d.dir
}
