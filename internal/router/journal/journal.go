// Package journal keeps what a router must not forget in a file that has a line for each change since it was last written
// anew. So a change costs what it is big, and not what is there already.
package journal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"iter"
	"os"

	"sdp/internal/atomicfile"
	"sdp/internal/wire"
)

// slack is how much longer than after it was written anew a file may be before that is worth while, in bytes.
const slack = 1 << 20

// Journal is the file. It is not safe for concurrent use.
type Journal struct {
	path  string
	state func() iter.Seq[wire.RouterChange]
	file  *os.File // nil: what is in the file is not known, it must be written anew
	size  int64
	anew  int64 // size when the file was written anew
}

// New returns a journal that is written with Rewrite first. state is all there is, as changes from nothing.
func New(path string, state func() iter.Seq[wire.RouterChange]) *Journal {
	return &Journal{path: path, state: state}
}

// Append makes a change durable. If it returns an error the change is not in the file.
func (j *Journal) Append(c wire.RouterChange) error {
	line, err := encode(c)
	if err != nil {
		return err
	}
	if j.file == nil {
		if err := j.Rewrite(); err != nil {
			return err
		}
	}
	if _, err = j.file.Write(line); err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		err = errors.Join(err, j.file.Truncate(j.size))
		j.Close()
		return err
	}
	j.size += int64(len(line))
	return nil
}

// Grown reports whether most of the file is history.
func (j *Journal) Grown() bool { return j.size > 2*j.anew+slack }

// Rewrite replaces the file by one that has what there is now, and nothing of how it came to be.
func (j *Journal) Rewrite() error {
	j.Close()
	if err := atomicfile.WriteFrom(j.path, 0o600, j.write); err != nil {
		return err
	}
	f, err := os.OpenFile(j.path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return err
	}
	j.file, j.size, j.anew = f, info.Size(), info.Size()
	return nil
}

func (j *Journal) write(to io.Writer) error {
	out := bufio.NewWriterSize(to, 64<<10)
	put := func(c wire.RouterChange) error {
		line, err := encode(c)
		if err == nil {
			_, err = out.Write(line)
		}
		return err
	}
	if err := put(wire.RouterChange{Format: wire.RouterStateFormat}); err != nil {
		return err
	}
	for c := range j.state() {
		if err := put(c); err != nil {
			return err
		}
	}
	return out.Flush()
}

// Close lets go of the file.
func (j *Journal) Close() {
	if j.file != nil {
		j.file.Close()
		j.file = nil
	}
}

// encode makes a line of a change: its checksum, a space and its JSON.
func encode(c wire.RouterChange) ([]byte, error) {
	raw, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(make([]byte, 0, len(raw)+10), "%08x %s\n", crc32.ChecksumIEEE(raw), raw), nil
}

func decode(line []byte) (c wire.RouterChange, err error) {
	sum, raw, _ := bytes.Cut(line, []byte(" "))
	if string(sum) != fmt.Sprintf("%08x", crc32.ChecksumIEEE(raw)) {
		return c, errors.New("a line of the state file is damaged")
	}
	return c, json.Unmarshal(raw, &c)
}

// Read returns the state in a file, the one before the first change if there is no file. A last line that is not whole was
// being written when the router, or the machine, died: that change has not happened. With an error comes what was read
// before it.
func Read(path string) (s wire.RouterState, err error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil || len(raw) == 0 {
		return s, err
	}
	if raw[0] == '{' {
		return readWhole(raw)
	}
	for first := true; len(raw) > 0; first = false {
		line, rest, whole := bytes.Cut(raw, []byte("\n"))
		c, err := decode(line)
		if err == nil && first {
			err = wire.CheckRouterState(c.Format)
		}
		if !whole || err != nil && len(rest) == 0 && !first {
			return s, nil
		}
		if err != nil {
			return s, err
		}
		s.Change(c)
		raw = rest
	}
	return s, nil
}

// readWhole reads a file of the format 1.
func readWhole(raw []byte) (s wire.RouterState, err error) {
	if err := json.Unmarshal(raw, &s); err != nil {
		return wire.RouterState{}, err
	}
	if err := wire.CheckRouterState(s.Format); err != nil {
		return wire.RouterState{}, err
	}
	return s, nil
}
