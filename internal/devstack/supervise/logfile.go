package supervise

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
)

// A child's log file is renamed to .1 when it has reached maxLogSize, and of the older ones keptLogs remain.
const (
	maxLogSize = 16 << 20
	keptLogs   = 3
)

// logFile is an append-only file that rotates by size.
type logFile struct {
	mu   sync.Mutex
	path string
	max  int64
	file *os.File
	size int64
}

func openLog(path string, max int64) (*logFile, error) {
	l := &logFile{path: path, max: max}
	return l, l.open()
}

func (l *logFile) open() error {
	file, err := os.OpenFile(l.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return err
	}
	l.file, l.size = file, info.Size()
	return nil
}

// Write appends p. It never fails because of a rotation that did not work: a log that grows is better than a child
// that blocks on its output.
func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.size > 0 && l.size+int64(len(p)) > l.max {
		l.rotate()
	}
	n, err := l.file.Write(p)
	l.size += int64(n)
	return n, err
}

func (l *logFile) rotate() {
	for i := keptLogs - 1; i >= 1; i-- {
		_ = os.Rename(fmt.Sprintf("%s.%d", l.path, i), fmt.Sprintf("%s.%d", l.path, i+1))
	}
	if os.Rename(l.path, l.path+".1") != nil {
		return
	}
	old := l.file
	if l.open() != nil {
		l.file = old
		return
	}
	old.Close()
}

func (l *logFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file.Close()
}

// since returns what was written after the file had the size from, at most the last limit bytes of it, without empty
// lines at the ends. After a rotation it may return less.
func (l *logFile) since(from int64, limit int) string {
	l.mu.Lock()
	size := l.size
	l.mu.Unlock()
	if size < from {
		from = 0
	}
	from = max(from, size-int64(limit))
	file, err := os.Open(l.path)
	if err != nil {
		return ""
	}
	defer file.Close()
	text, _ := io.ReadAll(io.NewSectionReader(file, from, size-from))
	return strings.TrimSpace(string(text))
}

func (l *logFile) position() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.size
}
