package logs

import (
	"bytes"
	"fmt"
	"sync"

	"sdp/internal/logs/mask"
)

// TaggedWriter writes each line of a tool's output as "[TAG] line".
type TaggedWriter struct {
	stream *Stream
	tag    string

	mu      sync.Mutex
	masking mask.Pieces
	line    []byte // masked, its end has not come yet
}

// Tagged returns a writer for the output of a tool that knows nothing of tags, such as git's progress. A line may come
// in any number of pieces; it appears when it is complete. Of a line that overwrites itself with carriage returns the
// last state appears. Close writes a last line without an end.
func (s *Stream) Tagged(tag string) *TaggedWriter {
	return &TaggedWriter{stream: s, tag: tag, masking: s.masker.Pieces()}
}

// Write never fails.
func (w *TaggedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.line = w.masking.Feed(w.line, p)
	if i := bytes.LastIndexByte(w.line, '\n'); i >= 0 {
		w.emit(w.line[:i])
		w.line = append(w.line[:0], w.line[i+1:]...)
	}
	if len(w.line) >= maxPiece {
		n := WholeRunes(w.line)
		w.emit(w.line[:n])
		w.line = append(w.line[:0], w.line[n:]...)
	}
	return len(p), nil
}

// Close writes the last line if it has no end. The stream stays open.
func (w *TaggedWriter) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.emit(w.masking.Finish(w.line))
	w.line = nil
	return nil
}

func (w *TaggedWriter) emit(text []byte) {
	var b bytes.Buffer
	for line := range bytes.SplitSeq(text, []byte("\n")) {
		line = bytes.TrimRight(line, " \t\r")
		if line = line[bytes.LastIndexByte(line, '\r')+1:]; len(line) > 0 {
			fmt.Fprintf(&b, "[%s] %s\n", w.tag, line)
		}
	}
	if b.Len() > 0 {
		w.stream.writeLines(b.Bytes())
	}
}

// Buffer collects text, such as what a process prints, that is read while it is written.
type Buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// String returns what was written so far.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
