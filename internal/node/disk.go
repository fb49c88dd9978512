package node

import (
	"fmt"
	"syscall"
)

// Disk is how full a disk is, in bytes. Free is what may still be written without being root.
type Disk struct{ Free, Total int64 }

// Used is how much of it may not be written any more, in percent; 0 = unknown.
func (d Disk) Used() int {
	if d.Total == 0 {
		return 0
	}
	return int((d.Total - d.Free) * 100 / d.Total)
}

// DiskOf looks at the disk a directory is on.
func DiskOf(dir string) (Disk, error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return Disk{}, fmt.Errorf("reading the free disk space: %w", err)
	}
	return Disk{Free: int64(fs.Bavail) * fs.Bsize, Total: int64(fs.Blocks) * fs.Bsize}, nil
}
