package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestReadersSeeOldOrNewAndWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	contents := []string{strings.Repeat("a", 1<<16), strings.Repeat("b", 1<<10)}
	for _, write := range []func(string, []byte, os.FileMode) error{Write, WriteLazily} {
		var readers sync.WaitGroup
		done := make(chan struct{})
		if err := write(path, []byte(contents[0]), 0o600); err != nil {
			t.Fatal(err)
		}
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				raw, err := os.ReadFile(path)
				if text := string(raw); err != nil || text != contents[0] && text != contents[1] {
					t.Errorf("read %d bytes, %v", len(raw), err)
					return
				}
			}
		})
		for i := range 50 {
			if err := write(path, []byte(contents[i%2]), 0o640); err != nil {
				t.Error(err)
			}
		}
		close(done)
		readers.Wait()
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	wantAlone(t, path)
}

func TestCreateLeavesWhatIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if err := Create(path, []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Create(path, []byte("two"), 0o600); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v, want that it exists", err)
	}
	if raw, err := os.ReadFile(path); err != nil || string(raw) != "one" {
		t.Errorf("it holds %q, %v", raw, err)
	}
	wantAlone(t, path)
}

func TestFailureLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state")
	if err := os.MkdirAll(filepath.Join(path, "in-the-way"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := Write(path, []byte("x"), 0o600); err == nil {
		t.Error("a directory was replaced")
	}
	wantAlone(t, path)
}

// wantAlone wants nothing beside path.
func wantAlone(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("there are %v, %v", entries, err)
	}
}
