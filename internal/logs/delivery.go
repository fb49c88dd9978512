package logs

import (
	"errors"
	"io"
	"os"
	"time"

	"sdp/internal/sdp"
)

// part is a piece of a stream about to be sent.
type part struct {
	stream   string
	offset   int64 // in the stream
	position int64 // in the file
	length   int64
	final    bool // nothing follows
}

// claim takes the entry out of the queue for one goroutine of the shipper to take care of.
func (e *entry) claim() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.queued = false
	if e.shipping {
		return false
	}
	e.shipping = true
	return true
}

// park ends the care without the stream being delivered: the shipper is stopping.
func (e *entry) park() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.shipping = false
	e.wakeShipper()
}

// pace returns how long to wait so that what is written meanwhile goes with the next request. The first line after a
// silence does not wait, and neither does a backlog.
func (e *entry) pace() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.pending() || e.end()-e.state.Shipped >= shipBytes {
		return 0
	}
	return shipEvery - time.Since(e.lastPost)
}

// next returns what to send now. If that is nothing, the entry is no longer being shipped: the next write queues it.
func (e *entry) next(limit int64) (p part, more bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.pending() {
		e.shipping = false
		return part{}, false
	}
	e.lastPost = time.Now()
	n := min(e.end()-e.state.Shipped, limit)
	if e.unsure { // send nothing new before it is sure where that belongs; nothing at all is a question too
		n = min(n, e.inherited-e.state.Shipped)
	}
	return part{
		stream: e.name, offset: e.state.Shipped, position: e.state.Shipped - e.state.Base, length: n,
		final: e.state.Final && e.state.Shipped+n == e.end(),
	}, true
}

// confirm takes over the server's offset. Where it differs from ours the server is right, and where that needs bytes
// the spool does not have, what the spool has follows what the server has.
func (e *entry) confirm(p part, a answer) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	moved := a.offset != e.state.Shipped || e.unsure
	switch {
	case a.offset < e.state.Base: // the server lost what is deleted here: its database was restored from a backup
		e.state.Base = a.offset
	case e.unsure && a.offset > e.inherited: // a power failure took the end of the file: what is new follows it
		e.state.Base += a.offset - e.inherited
	case a.offset > e.end(): // the data directory was replaced: the same
		e.state.Base = a.offset - p.position
	}
	e.unsure = false
	e.state.Shipped = a.offset
	if !a.conflict && p.final && e.state.Final && e.state.Shipped == e.end() {
		e.state.DeliveredAt, moved = time.Now().UTC(), true
	}
	if !moved {
		return sdp.Errorf(sdp.Unavailable, "log-stalled", "the server stays at offset %d of log stream %s", a.offset, e.name)
	}
	e.unsaved = true
	if !e.pending() && e.state.Final || time.Since(e.savedAt) > saveEvery {
		_ = e.save(false) // progress is a hint: without it the server tells the offset
	}
	return nil
}

// saveProgress saves what confirm has not, and makes sure that what is pending is queued.
func (e *entry) saveProgress(stopping bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if stopping || time.Since(e.savedAt) > saveEvery {
		_ = e.saveIfNewer()
	}
	e.wakeShipper()
}

// reader reads a stream's file. It opens the file when it is needed.
type reader struct {
	path string
	file *os.File
	buf  []byte
}

// read returns the bytes of p. They are valid until the next call.
func (r *reader) read(p part) ([]byte, error) {
	if p.length == 0 {
		return nil, nil
	}
	if r.file == nil {
		file, err := os.Open(r.path)
		if err != nil {
			return nil, err
		}
		r.file = file
	}
	if int64(cap(r.buf)) < p.length {
		r.buf = make([]byte, max(p.length, 4096))
	}
	n, err := r.file.ReadAt(r.buf[:p.length], p.position)
	if int64(n) < p.length {
		if errors.Is(err, io.EOF) {
			err = sdp.Errorf(sdp.Internal, "log-spool", "%s is shorter than what was written to it", r.path).
				WithRemedy("do not change the files of the log spool")
		}
		return nil, err
	}
	return r.buf[:n], nil
}

func (r *reader) close() {
	if r.file != nil {
		r.file.Close()
	}
}
