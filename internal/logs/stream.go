package logs

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"sdp/internal/logs/mask"
)

const (
	holdFor   = 100 * time.Millisecond // how long an incomplete line waits for its end
	maxPiece  = 64 << 10               // bytes; a longer line is passed on in pieces
	feedBytes = 32 << 10               // bytes masked at a time, to bound memory
	maxTail   = 64 << 10               // bytes kept for Tail
)

// Stream writes to a stream of a spool. It may be used from several goroutines. Lines are passed on whole where they
// end within 100 ms and 64 KiB.
type Stream struct {
	entry *entry

	mu      sync.Mutex
	masker  *mask.Masker
	masking mask.Pieces
	line    []byte // masked, its end has not come yet
	timer   *time.Timer
	armed   bool
	tail    []byte // the end of what was passed on
	own     int    // bytes passed on here, not by others before
	closed  bool
}

// Write masks p and appends it. It fails only after Close: an error would end the build whose output it takes, and a
// full disk is reported in the stream itself and by Close.
func (s *Stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, os.ErrClosed
	}
	for rest := p; len(rest) > 0; {
		piece := rest[:min(len(rest), feedBytes)]
		rest = rest[len(piece):]
		before := len(s.line)
		s.line = s.masking.Feed(s.line, piece)
		if i := bytes.LastIndexByte(s.line[before:], '\n'); i >= 0 {
			s.pass(before + i + 1)
		}
		if len(s.line) >= maxPiece {
			s.pass(WholeRunes(s.line))
		}
	}
	s.arm()
	return len(p), nil
}

// Mask returns text as it would stand in the stream, every secret in it replaced.
func (s *Stream) Mask(text string) string { return s.masker.Mask(text) }

// Printf writes each line of the text as "[TAG] line", on lines of their own.
func (s *Stream) Printf(tag, format string, args ...any) {
	text := s.masker.Mask(strings.TrimRight(fmt.Sprintf(format, args...), "\n"))
	var b bytes.Buffer
	for line := range strings.SplitSeq(text, "\n") {
		fmt.Fprintf(&b, "[%s] %s\n", tag, line)
	}
	s.writeLines(b.Bytes())
}

// writeLines appends masked lines, on lines of their own.
func (s *Stream) writeLines(lines []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.pass(len(s.line))
	s.append(lines, true)
}

// Tail returns the last n bytes of the stream, at most 64 KiB, from the start of a line on, masked: what was written
// here, and before that what the stream held when it was opened. It works after Close too.
func (s *Stream) Tail(n int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lastLines(n)
}

// TailOwn is Tail of what was written here only: the output of one step, without the steps before it.
func (s *Stream) TailOwn(n int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lastLines(min(n, s.own+len(s.line)))
}

func (s *Stream) lastLines(n int) string {
	text := append(bytes.Clone(s.tail), s.line...)
	if cut := len(text) - min(n, maxTail); cut > 0 {
		if text[cut-1] == '\n' {
			text = text[cut:]
		} else {
			text = fromLineStart(text[cut:])
		}
	}
	return strings.ToValidUTF8(string(text), "")
}

// Close writes what is still held back and makes the stream final. Its error says that some of the log was lost.
func (s *Stream) Close() error { return s.end(true) }

// Release writes what is still held back and leaves the stream to be continued, by the next activity of a deployment or
// by the next process.
func (s *Stream) Release() error { return s.end(false) }

func (s *Stream) end(final bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	if s.timer != nil {
		s.timer.Stop()
	}
	s.line = s.masking.Finish(s.line)
	s.pass(len(s.line))
	return s.entry.release(final)
}

// pass hands the first n bytes of the line on. The caller holds s.mu.
func (s *Stream) pass(n int) {
	if n == 0 {
		return
	}
	s.append(s.line[:n], s.own == 0) // an earlier writer may have been killed in the middle of a line
	s.line = append(s.line[:0], s.line[n:]...)
}

// append adds masked data to the stream, on a line of its own if fresh is set. The caller holds s.mu.
func (s *Stream) append(data []byte, fresh bool) {
	if fresh && len(s.tail) > 0 && s.tail[len(s.tail)-1] != '\n' {
		s.tail = append(s.tail, '\n')
	}
	s.remember(data)
	s.entry.write(data, fresh)
}

func (s *Stream) remember(data []byte) {
	s.own += len(data)
	if len(data) > maxTail {
		data = data[len(data)-maxTail:]
	}
	s.tail = append(s.tail, data...)
	if len(s.tail) > 2*maxTail {
		s.tail = append(s.tail[:0], s.tail[len(s.tail)-maxTail:]...)
	}
}

// arm sees to it that nothing waits for longer than holdFor. The caller holds s.mu.
func (s *Stream) arm() {
	if s.armed || len(s.line) == 0 && !s.masking.Holds() {
		return
	}
	s.armed = true
	if s.timer == nil {
		s.timer = time.AfterFunc(holdFor, s.holdingEnded)
		return
	}
	s.timer.Reset(holdFor)
}

// holdingEnded passes an incomplete line on.
func (s *Stream) holdingEnded() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armed = false
	if s.closed {
		return
	}
	s.line = s.masking.Pause(s.line)
	s.pass(WholeRunes(s.line))
}

// WholeRunes returns the length of text without a character cut off at its end, so that a piece can be shown by itself.
func WholeRunes(text []byte) int {
	for i := len(text) - 1; i >= max(0, len(text)-utf8.UTFMax); i-- {
		if utf8.RuneStart(text[i]) {
			if !utf8.FullRune(text[i:]) {
				return i
			}
			break
		}
	}
	return len(text)
}
