package e2e

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"sdp/internal/sdp"
)

// diskSize is the size of the lab's file system for a node: a little more than a build wants to have free.
const diskSize = "800m"

// limitDisk gives a node's data a small file system of its own, which goes with the installation.
func (s *site) limitDisk(node string) error {
	dir := filepath.Join(s.data, node)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=0700,size="+diskSize); err != nil {
		return err
	}
	s.atEnd = append(s.atEnd, func() error { return syscall.Unmount(dir, 0) })
	return nil
}

// fill leaves at most free bytes on the file system of dir until the test ends or the returned function is called.
func fill(t *testing.T, dir string, free uint64) (empty func()) {
	t.Helper()
	path := filepath.Join(dir, "filler")
	empty = func() {
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			t.Error(err)
		}
	}
	t.Cleanup(empty)
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if size := fs.Bavail*uint64(fs.Bsize) - free; size > 0 {
		if err := syscall.Fallocate(int(f.Fd()), 0, 0, int64(size)); err != nil {
			t.Fatal(err)
		}
	}
	return empty
}

func TestDiskFull(t *testing.T) {
	s := lab(t)
	box := s.newSandbox(t, "services:\n  plain: {branch: main}\n")
	node := filepath.Join(s.data, "micro-1")

	t.Run("before", func(t *testing.T) {
		defer fill(t, node, 100<<20)()
		s.failsWith(t, box.Name, "plain@feature/other", fault{
			step: "checkout", code: "disk-full", detail: "the disk of node micro-1 is full: 100 MB are free, a build needs 512",
			remedy: "free space there",
		})
	})
	t.Run("during", func(t *testing.T) {
		d := s.deployInBackground(t, box.Name, "plain@"+s.slowBranch(t, "plain"))
		s.waitState(t, box.Name, d.ID, time.Minute, sdp.Building)
		eventually(t, time.Minute, func() error {
			if len(goBuilds(t, d.ID)) == 0 {
				return errorf("go build has not started")
			}
			return nil
		})
		empty := fill(t, node, 0)
		d = s.waitState(t, box.Name, d.ID, 3*time.Minute, sdp.DeployFailed)
		if d.Failure == nil || d.Failure.Code != "disk-full" || d.Failure.Step != "build" || d.Failure.Remedy == "" {
			t.Errorf("the failure is %+v", d.Failure)
		}
		empty()
		if _, err := os.Stat(filepath.Join(node, "checkouts", d.ID)); err == nil {
			t.Errorf("the checkout is left")
		}
		if left := s.containers(t, box.Name); len(left) != 1 {
			t.Errorf("containers after the failure: %q", left)
		}
	})
	wantAnswer(t, box.URL+"/plain/", 200, "plain=sandbox@")
	s.ok(t, "deploy", box.Name, "plain@feature/other", "--wait")
}
