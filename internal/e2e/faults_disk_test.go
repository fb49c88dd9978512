package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sdp/api/rest"
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

	t.Run("known beforehand", func(t *testing.T) {
		empty := fill(t, node, 100<<20)
		s.awaitNode(t, "micro-1", "MB of its disk are free")
		s.fails(t, 1, []string{"node micro-1: only ", "MB of its disk are free", "\n  -> make room on micro-1"},
			"deploy", box.Name, "plain@main", "--wait")
		empty()
		s.awaitNode(t, "micro-1", "")
	})
	t.Run("during the build", func(t *testing.T) {
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
		if f := d.Failure; f == nil || f.Code != "disk-full" || f.Step != sdp.StepBuild ||
			!strings.Contains(f.Detail, "the disk of node micro-1 is full") || !strings.Contains(f.Remedy, "free space there") {
			t.Errorf("the failure is %+v", f)
		}
		empty()
		s.leftNothing(t, box.Name, d.ID, 1)
		s.awaitNode(t, "micro-1", "")
	})
	wantAnswer(t, box.URL+"/plain/", 200, "plain=sandbox@")
	s.ok(t, "deploy", box.Name, "plain@feature/other", "--wait")
}

// awaitNode waits until a node reports a problem, or none if that is "".
func (s *site) awaitNode(t *testing.T, node, problem string) {
	t.Helper()
	eventually(t, time.Minute, func() error {
		for _, n := range askJSON[[]rest.Node](t, s.installation, "nodes") {
			if text := strings.Join(n.Problems, "; "); n.Name == node &&
				(problem == "" && text != "" || !strings.Contains(text, problem)) {
				return errorf("%s reports %q, want %q", node, text, problem)
			}
		}
		return nil
	})
}
