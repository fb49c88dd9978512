package git

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/format/idxfile"
	"github.com/go-git/go-git/v5/plumbing/format/objfile"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// streamFrom is the size, in bytes, from which an object in a pack is streamed and not held in memory.
const streamFrom = 4 << 20

// objectDB reads the objects of a clone and of its alternates. It is for one call and one goroutine. Like git, and
// unlike go-git's storage (go-git issues 2242 and 2392), it looks for new packs before it says that an object is
// missing, because git may repack at any time, and knows packs by their index, because one may be half written.
type objectDB struct {
	dirs  []string // object directories, the clone's own first
	packs map[string]*packfile.Packfile
	cache cache.Object
	trees map[plumbing.Hash]*object.Tree // those read, as one directory may occur very often
}

func (c *Clone) objects() *objectDB {
	db := &objectDB{
		packs: map[string]*packfile.Packfile{}, trees: map[plumbing.Hash]*object.Tree{},
		cache: cache.NewObjectLRUDefault(),
	}
	db.addDir(filepath.Join(c.common, "objects"), 0)
	return db
}

// addDir adds an object directory and the alternates it names, five levels deep as git does. Relative alternates start
// at the object directory.
func (db *objectDB) addDir(dir string, depth int) {
	if depth > 5 || slices.Contains(db.dirs, dir) {
		return
	}
	db.dirs = append(db.dirs, dir)
	f, err := os.Open(filepath.Join(dir, "info", "alternates"))
	if err != nil {
		return
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		alternate := s.Text()
		if alternate == "" || strings.HasPrefix(alternate, "#") {
			continue
		}
		if !filepath.IsAbs(alternate) {
			alternate = filepath.Join(dir, alternate)
		}
		db.addDir(filepath.Clean(alternate), depth+1)
	}
}

func (db *objectDB) close() {
	for _, p := range db.packs {
		p.Close()
	}
}

// maxLooks bounds how often a lookup starts again because git repacked meanwhile.
const maxLooks = 10

// open returns an object's type, size and content; plumbing.ErrObjectNotFound if the clone does not have it.
func (db *objectDB) open(h plumbing.Hash) (plumbing.ObjectType, int64, io.ReadCloser, error) {
	for range maxLooks {
		if file, p := db.find(h); p != nil {
			t, size, r, err := packed(p, h)
			if !errors.Is(err, fs.ErrNotExist) {
				return t, size, r, err
			}
			db.drop(file) // git repacked and removed it
			continue
		}
		if t, size, r, err := db.loose(h); !errors.Is(err, fs.ErrNotExist) {
			return t, size, r, err
		}
		if !db.reload() {
			break
		}
	}
	return 0, 0, nil, plumbing.ErrObjectNotFound
}

func packed(p *packfile.Packfile, h plumbing.Hash) (plumbing.ObjectType, int64, io.ReadCloser, error) {
	o, err := p.Get(h)
	if err != nil {
		return 0, 0, nil, fmt.Errorf("object %s: %w", h, err)
	}
	r, err := o.Reader()
	return o.Type(), o.Size(), r, err
}

func (db *objectDB) drop(file string) {
	db.packs[file].Close()
	delete(db.packs, file)
}

// has reports whether the clone has an object, without reading it.
func (db *objectDB) has(h plumbing.Hash) bool {
	for range maxLooks {
		if _, p := db.find(h); p != nil {
			return true
		}
		for _, dir := range db.dirs {
			if _, err := os.Stat(loosePath(dir, h)); err == nil {
				return true
			}
		}
		if !db.reload() {
			break
		}
	}
	return false
}

func (db *objectDB) find(h plumbing.Hash) (string, *packfile.Packfile) {
	for file, p := range db.packs {
		if found, _ := p.Contains(h); found {
			return file, p
		}
	}
	return "", nil
}

func loosePath(dir string, h plumbing.Hash) string {
	hex := h.String()
	return filepath.Join(dir, hex[:2], hex[2:])
}

func (db *objectDB) loose(h plumbing.Hash) (plumbing.ObjectType, int64, io.ReadCloser, error) {
	for _, dir := range db.dirs {
		f, err := os.Open(loosePath(dir, h))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return 0, 0, nil, err
		}
		r, err := objfile.NewReader(f)
		if err != nil {
			f.Close()
			return 0, 0, nil, fmt.Errorf("loose object %s: %w", h, err)
		}
		t, size, err := r.Header()
		return t, size, readCloser{r, closers{r, f}}, err
	}
	return 0, 0, nil, fs.ErrNotExist
}

type closers []io.Closer

func (cs closers) Close() error {
	var errs []error
	for _, c := range cs {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// reload opens the packs that appeared since it last looked. It reports whether to look again: there were some, or one
// vanished under its hands, so that its objects are in another by now.
func (db *objectDB) reload() bool {
	again := false
	for _, dir := range db.dirs {
		indexes, _ := fs.Glob(os.DirFS(dir), "pack/pack-*.idx") // fails for a malformed pattern only
		for _, name := range indexes {
			file := filepath.Join(dir, filepath.FromSlash(name))
			if db.packs[file] != nil {
				continue
			}
			p, err := db.openPack(file)
			switch {
			case err == nil:
				db.packs[file] = p
				again = true
			case gone(file):
				again = true
			}
		}
	}
	return again
}

func gone(file string) bool {
	_, err := os.Stat(file)
	return errors.Is(err, fs.ErrNotExist)
}

func (db *objectDB) openPack(indexFile string) (*packfile.Packfile, error) {
	raw, err := os.ReadFile(indexFile)
	if err != nil {
		return nil, err
	}
	index := idxfile.NewMemoryIndex()
	if err := idxfile.NewDecoder(bytes.NewReader(raw)).Decode(index); err != nil {
		return nil, err
	}
	dir := osfs.New(filepath.Dir(indexFile))
	f, err := dir.Open(strings.TrimSuffix(filepath.Base(indexFile), ".idx") + ".pack")
	if err != nil {
		return nil, err
	}
	return packfile.NewPackfileWithCache(index, dir, f, db.cache, streamFrom), nil
}

// encoded reads a commit, tree or link target into memory; anything larger than limit bytes is refused.
func (db *objectDB) encoded(t plumbing.ObjectType, h plumbing.Hash, limit int64) (*plumbing.MemoryObject, error) {
	typ, size, r, err := db.open(h)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if typ != t || size > limit {
		return nil, fmt.Errorf("object %s is a %s of %d bytes, not a %s of at most %d", h, typ, size, t, limit)
	}
	o := &plumbing.MemoryObject{}
	o.SetType(typ)
	if _, err := io.Copy(o, r); err != nil {
		return nil, fmt.Errorf("object %s: %w", h, err)
	}
	return o, nil
}

func (db *objectDB) commit(h plumbing.Hash) (*object.Commit, error) {
	o, err := db.encoded(plumbing.CommitObject, h, 16<<20)
	if err != nil {
		return nil, err
	}
	c := &object.Commit{}
	return c, c.Decode(o)
}

func (db *objectDB) tree(h plumbing.Hash) (*object.Tree, error) {
	if t := db.trees[h]; t != nil {
		return t, nil
	}
	o, err := db.encoded(plumbing.TreeObject, h, 64<<20)
	if err != nil {
		return nil, err
	}
	t := &object.Tree{}
	if err := t.Decode(o); err != nil {
		return nil, fmt.Errorf("object %s: %w", h, err)
	}
	db.trees[h] = t
	return t, nil
}
