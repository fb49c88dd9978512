package logs

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// tailBytes is how much of the end of a stream is kept when it exceeds its limit.
const tailBytes = 256 << 10

// overflow keeps the last tailBytes of what is left out of a stream in two files, <prefix><n-1> and <prefix><n>, of at
// most tailBytes each. The number tells how many were deleted before, so that all there is to know is in the files.
type overflow struct {
	prefix string
	n      int64
	file   *os.File
	size   int64 // bytes in file
	missed int64 // bytes that could not be written
}

func newOverflow(prefix string) (*overflow, error) {
	o := &overflow{prefix: prefix}
	return o, o.openSegment(0)
}

// reopenOverflow finds what an earlier writer left, nil if there is nothing.
func reopenOverflow(prefix string) (*overflow, error) {
	dir, base := filepath.Split(prefix)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	last := int64(-1)
	for _, e := range entries {
		number, ours := strings.CutPrefix(e.Name(), base)
		if n, err := strconv.ParseInt(number, 10, 64); ours && err == nil {
			last = max(last, n)
		}
	}
	if last < 0 {
		return nil, nil
	}
	o := &overflow{prefix: prefix}
	return o, o.openSegment(last)
}

func (o *overflow) segment(n int64) string { return fmt.Sprint(o.prefix, n) }

func (o *overflow) openSegment(n int64) error {
	file, err := os.OpenFile(o.segment(n), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return err
	}
	o.n, o.file, o.size = n, file, info.Size()
	return nil
}

// write appends data and drops what is no longer among the last tailBytes. It does not fail; what cannot be written is
// counted as left out.
func (o *overflow) write(data []byte) {
	for len(data) > 0 {
		if o.size >= tailBytes {
			if err := o.next(); err != nil {
				o.missed += int64(len(data))
				return
			}
		}
		part := data[:min(int64(len(data)), tailBytes-o.size)]
		n, err := o.file.Write(part)
		o.size += int64(n)
		if err != nil {
			o.missed += int64(len(data) - n)
			return
		}
		data = data[n:]
	}
}

func (o *overflow) next() error {
	old := o.file
	if err := o.openSegment(o.n + 1); err != nil {
		return err
	}
	return errors.Join(old.Close(), removeIfExists(o.segment(o.n-2)))
}

// end returns the last tailBytes, from the start of a line on, and how many bytes came before them.
func (o *overflow) end() (left int64, tail []byte, err error) {
	total := o.n*tailBytes + o.size + o.missed
	for _, n := range []int64{o.n - 1, o.n} {
		if n < 0 {
			continue
		}
		raw, readErr := os.ReadFile(o.segment(n))
		err = errors.Join(err, readErr)
		tail = append(tail, raw...)
	}
	if cut := len(tail) - tailBytes; cut > 0 {
		tail = fromLineStart(tail[cut:])
	}
	return total - int64(len(tail)), tail, err
}

// fromLineStart cuts the first, incomplete line off, if there is another.
func fromLineStart(text []byte) []byte {
	if i := bytes.IndexByte(text, '\n'); i >= 0 && i+1 < len(text) {
		return text[i+1:]
	}
	return text
}

func (o *overflow) close() error { return o.file.Close() }

func (o *overflow) remove() {
	_ = o.file.Close()
	for _, n := range []int64{o.n - 2, o.n - 1, o.n} {
		_ = removeIfExists(o.segment(n)) // what stays is found again when the stream is opened, and removed then
	}
}
