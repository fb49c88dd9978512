package secret

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"sdp/internal/sdp"
)

// keyset is the content of a key file in memory. A process that meets a key it does not know reads the file again, so
// a rotation by another process needs no restart.
type keyset struct {
	path string

	mu    sync.RWMutex
	keys  []key // oldest first
	stamp os.FileInfo
}

// loadKeyset reads the key file, or creates it with one active key. Several processes may do so at once: the first
// one's file wins.
func loadKeyset(path string, now time.Time) (*keyset, error) {
	s := &keyset{path: path}
	err := s.reload()
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return s, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, keyFileError(path, err)
	}
	if err := writeKeys(path, []key{newKey(KeyActive, now)}, true); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return s, s.reload()
}

// newKey makes a random key. Its ID is random too, so that keys made apart on two machines are never mistaken for
// each other.
func newKey(state KeyState, now time.Time) key {
	k := key{
		KeyInfo: KeyInfo{ID: sdp.NewID("k"), State: state, Since: now.UTC().Truncate(time.Second)},
		secret:  make([]byte, keySize),
	}
	rand.Read(k.secret) // never fails since Go 1.24
	return k
}

func (s *keyset) reload() error {
	info, err := os.Stat(s.path)
	if err != nil {
		return keyFileError(s.path, err)
	}
	keys, err := readKeys(s.path)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys, s.stamp = keys, info
	return nil
}

// changed reports whether the file is another one than was read. Files are replaced, never written in place.
func (s *keyset) changed() bool {
	info, err := os.Stat(s.path)
	if err != nil {
		return false
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return !os.SameFile(info, s.stamp) || !info.ModTime().Equal(s.stamp.ModTime()) || info.Size() != s.stamp.Size()
}

func (s *keyset) all() []key {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Clone(s.keys)
}

func (s *keyset) active() key {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.keys[slices.IndexFunc(s.keys, isActive)]
}

func isActive(k key) bool { return k.State == KeyActive }

// find returns the key with this ID, reading the file again if it has changed since.
func (s *keyset) find(id string) (key, bool) {
	if k, ok := s.lookup(id); ok {
		return k, true
	}
	if !s.changed() || s.reload() != nil {
		return key{}, false
	}
	return s.lookup(id)
}

func (s *keyset) lookup(id string) (key, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	i := slices.IndexFunc(s.keys, func(k key) bool { return k.ID == id })
	if i < 0 {
		return key{}, false
	}
	return s.keys[i], true
}

// change replaces the keys in the file and in memory by what edit returns. It starts from the file, not from memory,
// because another process may have changed it.
func (s *keyset) change(edit func([]key) ([]key, error)) error {
	unlock, err := lockFile(s.path)
	if err != nil {
		return err
	}
	defer unlock()
	keys, err := readKeys(s.path)
	if err != nil {
		return err
	}
	if keys, err = edit(keys); err != nil {
		return err
	}
	if err := writeKeys(s.path, keys, false); err != nil {
		return err
	}
	return s.reload()
}

// prepare adds a key in state next, or finds the one there is.
func (s *keyset) prepare(now time.Time) (id string, err error) {
	err = s.change(func(keys []key) ([]key, error) {
		i := slices.IndexFunc(keys, func(k key) bool { return k.State == KeyNext })
		if i < 0 {
			i, keys = len(keys), append(keys, newKey(KeyNext, now))
		}
		id = keys[i].ID
		return keys, nil
	})
	return id, err
}

// rotate makes the next key active, or a new one if none was prepared, and the active one old.
func (s *keyset) rotate(now time.Time) error {
	return s.change(func(keys []key) ([]key, error) {
		since := now.UTC().Truncate(time.Second)
		for i := range keys {
			if keys[i].State == KeyActive {
				keys[i].State, keys[i].Since = KeyOld, since
			}
		}
		i := slices.IndexFunc(keys, func(k key) bool { return k.State == KeyNext })
		if i < 0 {
			return append(keys, newKey(KeyActive, now)), nil
		}
		keys[i].State, keys[i].Since = KeyActive, since
		return keys, nil
	})
}

// retire deletes an old key for good.
func (s *keyset) retire(id string) error {
	return s.change(func(keys []key) ([]key, error) {
		i := slices.IndexFunc(keys, func(k key) bool { return k.ID == id })
		if i < 0 {
			return nil, sdp.Errorf(sdp.NotFound, "no-such-key", "there is no key %s in %s", id, s.path)
		}
		if keys[i].State != KeyOld {
			return nil, sdp.Errorf(sdp.Conflict, "key-in-use", "key %s is still %s", id, keys[i].State).
				WithRemedy("rotate first, and retire it when nothing it sealed is needed any more")
		}
		return slices.Delete(keys, i, i+1), nil
	})
}

func (s *keyset) infos() []KeyInfo {
	var infos []KeyInfo
	for _, k := range s.all() {
		infos = append(infos, k.KeyInfo)
	}
	return infos
}
