// Package atomicfile replaces files so that a reader, or a restart after a crash at any moment, sees either the old content
// or the new one, whole. Unlike google/renameio it syncs the directory too, without which the new name may be lost, and can
// make a file that must not be there yet.
package atomicfile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
)

// Write puts content at path, durably: once it returns nil the content is there after a loss of power, too.
func Write(path string, content []byte, mode os.FileMode) error {
	return WriteFrom(path, mode, whole(content))
}

// WriteFrom is Write for content that is not in memory as a whole.
func WriteFrom(path string, mode os.FileMode, content func(io.Writer) error) error {
	return put(path, content, mode, true, os.Rename)
}

// WriteLazily is Write without waiting for the disk. After a loss of power the old content may be back.
func WriteLazily(path string, content []byte, mode os.FileMode) error {
	return put(path, whole(content), mode, false, os.Rename)
}

// Create is Write for a file that is not there yet. It fails with fs.ErrExist if it is.
func Create(path string, content []byte, mode os.FileMode) error {
	return put(path, whole(content), mode, true, os.Link)
}

func whole(content []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	}
}

func put(path string, content func(io.Writer) error, mode os.FileMode, durably bool, name func(from, to string) error) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // after a rename there is nothing left
	err = errors.Join(content(f), f.Chmod(mode))
	if durably && err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := name(f.Name(), path); err != nil || !durably {
		return err
	}
	return syncDir(dir)
}

func syncDir(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
