package logs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"sdp/internal/logs/mask"
	"sdp/internal/sdp"
)

// DefaultMaxBytes is how long a stream may become unless Options say otherwise.
const DefaultMaxBytes = 32 << 20

// Spool is the directory in which a node keeps its streams until the server has them.
type Spool struct {
	dir  string
	lock *os.File
	wake chan struct{} // holds a token while the queue may not be empty

	mu      sync.Mutex // taken before any entry's
	closed  bool
	entries map[string]*entry

	queueMu sync.Mutex // taken after an entry's
	queue   []*entry   // have something to ship and nobody who does
}

// Options says how a stream is written.
type Options struct {
	// Masker knows the secrets that must not appear. nil masks nothing.
	Masker *mask.Masker
	// MaxBytes bounds the stream, 0 means DefaultMaxBytes. What exceeds it is left out but for the last 256 KiB, which are
	// appended at Close after a line that says how much is missing.
	MaxBytes int64
}

// OpenSpool opens the spool in dir, creates it if need be, and finds the streams an earlier process left there. A spool
// belongs to one process at a time; a second one gets a Conflict until the first has closed it or has died.
func OpenSpool(dir string) (*Spool, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, spoolError(dir, err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, ".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, spoolError(dir, err)
	}
	if err := lockSoon(lock); err != nil {
		lock.Close()
		return nil, sdp.Errorf(sdp.Conflict, "spool-in-use", "another process uses the log spool %s: %w", dir, err).
			WithRemedy("stop the other worker of this node, or give this one a data directory of its own")
	}
	s := &Spool{dir: dir, lock: lock, wake: make(chan struct{}, 1), entries: map[string]*entry{}}
	if err := s.scan(); err != nil {
		lock.Close()
		return nil, err
	}
	return s, nil
}

// lockSoon locks a file. What an earlier owner has just started holds its lock until it runs its own program, so a lock that
// is held is tried again for a moment.
func lockSoon(file *os.File) error {
	const patience, pace = time.Second, 10 * time.Millisecond
	for deadline := time.Now().Add(patience); ; time.Sleep(pace) {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) || time.Now().After(deadline) {
			return err
		}
	}
}

// Close gives the spool up. Streams still open are left as they are, not final.
func (s *Spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	var errs []error
	for _, e := range s.entries {
		errs = append(errs, e.abandon())
	}
	return errors.Join(append(errs, s.lock.Close())...)
}

var streamName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$`)

// Create opens a stream for writing, at its end if it exists. A stream may be open several times: writes are then mixed
// by line. A stream that was final no longer is.
func (s *Spool) Create(stream string, o Options) (*Stream, error) {
	if !streamName.MatchString(stream) {
		return nil, sdp.Errorf(sdp.Invalid, "bad-stream", "%.40q cannot name a log stream", stream).
			WithRemedy("use letters, digits, dashes and underscores")
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, spoolError(s.dir, fs.ErrClosed)
	}
	e := s.entry(stream)
	if err := e.open(o.MaxBytes); err != nil {
		return nil, spoolError(s.dir, err)
	}
	return &Stream{entry: e, masker: o.Masker, masking: o.Masker.Pieces(), tail: e.last(maxTail)}, nil
}

// entry returns the entry of a stream. The caller holds s.mu.
func (s *Spool) entry(stream string) *entry {
	e := s.entries[stream]
	if e == nil {
		e = &entry{spool: s, name: stream}
		s.entries[stream] = e
	}
	return e
}

// scan finds the streams there are.
func (s *Spool) scan() error {
	files, err := os.ReadDir(s.dir)
	if err != nil {
		return spoolError(s.dir, err)
	}
	for _, f := range files {
		if strings.HasPrefix(f.Name(), ".") && strings.Contains(f.Name(), ".state.") { // its writer was killed meanwhile
			if err := removeIfExists(filepath.Join(s.dir, f.Name())); err != nil {
				return spoolError(s.dir, err)
			}
			continue
		}
		stream, suffix, _ := strings.Cut(f.Name(), ".")
		if !streamName.MatchString(stream) || suffix != "log" && suffix != "state" || s.entries[stream] != nil {
			continue
		}
		if err := s.entry(stream).load(); err != nil {
			return spoolError(s.dir, err)
		}
	}
	return nil
}

// all returns the entries there are at the moment.
func (s *Spool) all() []*entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	entries := make([]*entry, 0, len(s.entries))
	for _, e := range s.entries {
		entries = append(entries, e)
	}
	return entries
}

// Unfinished lists the streams that are not final and that nobody has open.
func (s *Spool) Unfinished() []string {
	var names []string
	for _, e := range s.all() {
		e.mu.Lock()
		if e.handles == 0 && !e.state.Final {
			names = append(names, e.name)
		}
		e.mu.Unlock()
	}
	return names
}

// enqueue hands an entry to the shipper.
func (s *Spool) enqueue(e *entry) {
	s.queueMu.Lock()
	s.queue = append(s.queue, e)
	s.queueMu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// dequeue returns the entries handed over since the last call.
func (s *Spool) dequeue() []*entry {
	s.queueMu.Lock()
	defer s.queueMu.Unlock()
	queue := s.queue
	s.queue = nil
	return queue
}

// forgetAfter is how long a stream that nobody has open or has written to is remembered, delivered or not.
const forgetAfter = 30 * 24 * time.Hour

// prune deletes what was delivered retention ago and forgets what is older than forgetAfter.
func (s *Spool) prune(now time.Time, retention time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for name, e := range s.entries {
		forget, err := e.prune(now, retention)
		errs = append(errs, err)
		if forget {
			delete(s.entries, name)
		}
	}
	return errors.Join(errs...)
}

func spoolError(dir string, err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return sdp.Errorf(sdp.Exhausted, "disk-full", "no space left for logs in %s: %w", dir, err).
			WithRemedy("free space on the file system of %s", dir)
	}
	e := sdp.Errorf(sdp.Internal, "log-spool", "the log spool %s cannot be used: %w", dir, err)
	if errors.Is(err, fs.ErrPermission) {
		return e.WithRemedy("give the user who runs the worker write access to %s", dir)
	}
	return e.WithRemedy("check the file system of %s", dir)
}
