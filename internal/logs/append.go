package logs

import (
	"bytes"
	"fmt"
	"log/slog"
	"time"
)

// write appends data, which starts a line of its own if fresh is set. It never fails: a full disk must not fail the
// build that prints. What is lost is counted and reported in the stream as soon as there is space again.
func (e *entry) write(data []byte, fresh bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.handles == 0 || len(data) == 0 {
		return
	}
	e.touched = time.Now()
	if e.state.Final { // another writer of the same stream has closed it
		e.goOn()
	}
	if fresh && e.midline {
		data = append([]byte{'\n'}, data...)
	}
	if e.overflow == nil && e.size+int64(len(data)) > e.limit {
		fit := bytes.LastIndexByte(data[:max(0, min(e.limit-e.size, int64(len(data))))], '\n') + 1
		e.put(data[:fit])
		data = data[fit:]
		e.startOverflow()
	}
	if e.overflow != nil {
		e.overflow.write(data)
		e.midline = data[len(data)-1] != '\n'
		return
	}
	e.put(data)
}

func (e *entry) startOverflow() {
	o, err := newOverflow(e.path(".tail."))
	if err != nil {
		e.fail(0, err) // the next write tries again
		return
	}
	e.notice("the limit of %d bytes was reached; what follows is left out, but for its end", e.limit)
	e.overflow = o
}

// appendTail ends a stream that exceeded its limit with a line that says so and with what came last.
func (e *entry) appendTail() {
	if e.overflow == nil {
		return
	}
	left, tail, err := e.overflow.end()
	if err != nil {
		e.fail(0, err)
	}
	e.midline = false // startOverflow's notice ended a line
	e.notice("%d bytes left out here; the last %d bytes follow", left, len(tail))
	e.put(tail)
	e.overflow.remove()
	e.overflow = nil
}

// notice puts a line of SDP's own into the stream, past any limit.
func (e *entry) notice(format string, args ...any) {
	line := fmt.Sprintf("[LOG] "+format+"\n", args...)
	if e.midline {
		line = "\n" + line
	}
	e.put([]byte(line))
}

func (e *entry) put(data []byte) {
	if len(data) == 0 {
		return
	}
	if e.lost > 0 {
		lost := e.lost
		e.lost = 0
		e.notice("%d bytes are missing here: %v", lost, e.failure)
		if e.lost > 0 { // still no space
			e.lost = lost + int64(len(data))
			return
		}
	}
	n, err := e.file.Write(data)
	e.size += int64(n)
	if n > 0 {
		e.midline = data[n-1] != '\n'
	}
	if err != nil {
		e.fail(int64(len(data)-n), err)
	}
	e.wakeShipper()
}

func (e *entry) fail(lost int64, err error) {
	e.lost += lost
	if e.failure == nil {
		e.failure = err
		slog.Error("Log lines lost", "stream", e.name, "error", spoolError(e.spool.dir, err))
	}
}
