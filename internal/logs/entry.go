package logs

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// entry is one stream of a spool: its files, how much of it the server has, and who has it open. Offsets are those of
// the stream; the file's first byte has offset state.Base.
type entry struct {
	spool *Spool
	name  string

	mu       sync.Mutex
	state    state
	size     int64    // bytes in the file
	file     *os.File // for appending, while handles > 0
	handles  int
	limit    int64
	overflow *overflow // not nil once the limit was reached
	midline  bool      // the last byte written does not end a line
	lost     int64     // bytes that could not be written since the last one that could
	failure  error     // the first failed write since open
	touched  time.Time // last write

	inherited int64 // end of the stream when this process took it over
	unsure    bool  // the stream was taken over and the server has not been asked where it stands

	queued   bool      // in the spool's queue
	shipping bool      // a goroutine of the shipper takes care of it
	lastPost time.Time // when the last request was sent
	unsaved  bool      // state is newer than its file
	savedAt  time.Time
}

func (e *entry) path(suffix string) string { return filepath.Join(e.spool.dir, e.name+suffix) }

// load takes over what an earlier process left.
func (e *entry) load() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.state = readState(e.path(".state"))
	if e.state.Pruned { // the process ended between saving this and deleting the file
		if err := removeIfExists(e.path(".log")); err != nil {
			return err
		}
	}
	info, err := os.Stat(e.path(".log"))
	if err == nil {
		e.size, e.touched = info.Size(), info.ModTime()
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	} else if info, err := os.Stat(e.path(".state")); err == nil {
		e.touched = info.ModTime()
	}
	if e.state.Shipped > e.end() { // a power failure took the end of the file after the server had got it
		e.state.Base = e.state.Shipped - e.size
		e.unsaved = true
	}
	e.state.Shipped = max(e.state.Shipped, e.state.Base)
	e.inherited, e.unsure = e.end(), true
	e.wakeShipper()
	return nil
}

func (e *entry) end() int64 { return e.state.Base + e.size }

// open adds a writer.
func (e *entry) open(limit int64) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.limit = limit
	if e.state.Final || e.state.Pruned {
		e.goOn()
		if err := e.save(true); err != nil {
			return err
		}
	}
	if e.handles > 0 {
		e.handles++
		return nil
	}
	file, err := os.OpenFile(e.path(".log"), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if e.overflow, err = reopenOverflow(e.path(".tail.")); err != nil {
		file.Close()
		return err
	}
	e.file, e.handles, e.failure, e.touched = file, 1, nil, time.Now()
	e.midline = e.size > 0 && !bytes.HasSuffix(e.tail(1), []byte{'\n'}) // unreadable counts: a newline too many at worst
	return nil
}

// last returns up to n bytes from the end of what was written, also by others before. It is for people and for finding
// the place to go on, so an unreadable file counts as empty.
func (e *entry) last(n int64) []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.tail(n)
}

// tail is last for who holds e.mu.
func (e *entry) tail(n int64) []byte {
	if e.overflow != nil {
		if _, tail, _ := e.overflow.end(); len(tail) > 0 {
			return tail[max(0, int64(len(tail))-n):]
		}
	}
	tail := make([]byte, min(n, e.size))
	if _, err := e.file.ReadAt(tail, e.size-int64(len(tail))); err != nil {
		return nil
	}
	return tail
}

// goOn makes a stream that had ended one that has not.
func (e *entry) goOn() {
	e.state.Final, e.state.Pruned, e.state.DeliveredAt = false, false, time.Time{}
	e.unsaved = true
}

// release removes a writer; the last one's final makes the stream final.
func (e *entry) release(final bool) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.handles == 0 {
		return nil // the spool was closed
	}
	e.handles--
	if final {
		e.appendTail()
		e.state.Final = true
	}
	err := e.failure
	if e.handles == 0 {
		err = errors.Join(err, e.closeFiles())
	}
	if final {
		err = errors.Join(err, e.save(false))
	}
	e.wakeShipper()
	if err != nil {
		return spoolError(e.spool.dir, err)
	}
	return nil
}

func (e *entry) closeFiles() error {
	err := e.file.Close()
	if e.overflow != nil {
		err = errors.Join(err, e.overflow.close())
	}
	e.file, e.overflow = nil, nil
	return err
}

// abandon closes the files whoever has them open.
func (e *entry) abandon() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	err := e.saveIfNewer()
	if e.handles > 0 {
		e.handles = 0
		err = errors.Join(err, e.closeFiles())
	}
	return err
}

// wakeShipper queues the entry if it has something to ship and nobody does so. The caller holds e.mu.
func (e *entry) wakeShipper() {
	if e.queued || e.shipping || !e.pending() {
		return
	}
	e.queued = true
	e.spool.enqueue(e)
}

// pending reports whether the server lacks something. The caller holds e.mu.
func (e *entry) pending() bool {
	return e.state.Shipped < e.end() || e.state.Final && e.state.DeliveredAt.IsZero()
}

// prune deletes the stream's data if it is no longer needed, and reports whether all trace of it is gone.
func (e *entry) prune(now time.Time, retention time.Duration) (forget bool, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.handles > 0 || e.shipping {
		return false, nil
	}
	if now.Sub(e.touched) > forgetAfter {
		return true, errors.Join(e.removeData(), removeIfExists(e.path(".state")))
	}
	delivered := e.state.Final && !e.pending() && now.Sub(e.state.DeliveredAt) >= retention
	if e.state.Pruned || !delivered {
		return false, nil
	}
	e.state.Base, e.state.Pruned = e.end(), true
	e.size = 0
	if err := e.save(true); err != nil {
		return false, err // the data must not go before its offset is safe
	}
	return false, e.removeData()
}

func (e *entry) removeData() error {
	err := removeIfExists(e.path(".log"))
	if o, openErr := reopenOverflow(e.path(".tail.")); openErr == nil && o != nil {
		o.remove()
	}
	return err
}

func removeIfExists(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
