package logs

import (
	"bytes"
	"fmt"
	"sync"
)

// TaggedWriter writes each line of a tool's output as "[TAG] line".
type TaggedWriter struct {
	stream *Stream
	tag    string

	mu      sync.Mutex
	masking masking
	line    []byte // masked, its end has not come yet
}

// Tagged returns a writer for the output of a tool that knows nothing of tags, such as git's progress. A line may come
// in any number of pieces; it appears when it is complete. Of a line that overwrites itself with carriage returns the
// last state appears. Close writes a last line without an end.
func (s *Stream) Tagged(tag string) *TaggedWriter {
	return &TaggedWriter{stream: s, tag: tag, masking: masking{masker: s.masking.masker}}
}

// Write never fails.
func (w *TaggedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.line = w.masking.feed(w.line, p)
	if i := bytes.LastIndexByte(w.line, '\n'); i >= 0 {
		w.emit(w.line[:i])
		w.line = append(w.line[:0], w.line[i+1:]...)
	}
	if len(w.line) >= maxPiece {
		n := wholeRunes(w.line)
		w.emit(w.line[:n])
		w.line = append(w.line[:0], w.line[n:]...)
	}
	return len(p), nil
}

// Close writes the last line if it has no end. The stream stays open.
func (w *TaggedWriter) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.emit(w.masking.finish(w.line))
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
