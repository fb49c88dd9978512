package docker

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"
)

const (
	maxOutput = 64 << 10 // bytes Output returns at most
	maxLine   = 1 << 20  // bytes of a line Follow holds back at most; a longer one comes in pieces
)

// Output returns the last lines a container printed, to both streams, as text; "" if there are none or it is gone.
// Secrets in it are not masked.
func (c *Client) Output(ctx context.Context, id string, tail int) string {
	options := container.LogsOptions{ShowStdout: true, ShowStderr: true, Tail: strconv.Itoa(tail)}
	logs, err := c.api.ContainerLogs(ctx, id, options)
	if err != nil {
		return ""
	}
	defer logs.Close()
	var buf lastBytes
	if _, err := stdcopy.StdCopy(&buf, &buf, logs); err != nil && buf.Len() == 0 {
		return ""
	}
	return lastLines(buf.Bytes(), maxOutput)
}

// lastBytes keeps between maxOutput and twice as many of the last bytes written to it.
type lastBytes struct{ bytes.Buffer }

func (b *lastBytes) Write(p []byte) (int, error) {
	n, err := b.Buffer.Write(p)
	if b.Len() > 2*maxOutput {
		b.Next(b.Len() - maxOutput)
	}
	return n, err
}

// lastLines returns the end of a text, whole lines of at most limit bytes together.
func lastLines(text []byte, limit int) string {
	if len(text) <= limit {
		return string(text)
	}
	text = text[len(text)-limit:]
	if i := bytes.IndexByte(text, '\n'); i >= 0 && i < len(text)-1 {
		text = text[i+1:]
	}
	return string(text)
}

// Follow calls w for each line a container printed after since, to either stream and without the line's end, and goes
// on until the container stops (nil) or ctx is done. To resume, pass the latest time seen. Docker times the two streams
// apart, so what they print within the same microseconds may come in any order, and twice or not at all when resumed.
func (c *Client) Follow(ctx context.Context, id string, since time.Time, w func(ts time.Time, line []byte)) error {
	options := container.LogsOptions{ShowStdout: true, ShowStderr: true, Follow: true, Timestamps: true}
	if !since.IsZero() {
		options.Since = fmt.Sprintf("%d.%09d", since.Unix(), since.Nanosecond())
	}
	logs, err := c.api.ContainerLogs(ctx, id, options)
	if errdefs.IsNotFound(err) {
		return c.noContainer(id)
	}
	if err != nil {
		return c.fail(ctx, err, "follow container %s", id)
	}
	defer logs.Close()
	f := follower{since: since, emit: w}
	if err := f.run(logs); err != nil {
		return c.fail(ctx, err, "follow container %s", id)
	}
	return nil
}

// follower turns the daemon's frames into lines. Each frame is one record of the container's log: a time, a space and a
// line, or a piece of 16 KiB of a longer line.
type follower struct {
	since time.Time
	emit  func(time.Time, []byte)
	parts [3][]byte // by stream: the pieces of a line whose end has not come
}

func (f *follower) run(r io.Reader) error {
	var header [8]byte // stream, 3 unused, length
	var frame []byte
	for {
		if _, err := io.ReadFull(r, header[:]); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		size := binary.BigEndian.Uint32(header[4:])
		if header[0] > 2 || size > 16<<20 {
			return errors.New("the daemon sent a malformed log frame")
		}
		frame = append(frame[:0], make([]byte, size)...)
		if _, err := io.ReadFull(r, frame); err != nil {
			return err
		}
		f.record(header[0], frame)
	}
}

func (f *follower) record(stream byte, frame []byte) {
	stamp, text, _ := bytes.Cut(frame, []byte(" "))
	ts, err := time.Parse(time.RFC3339Nano, string(stamp))
	if err != nil || !ts.After(f.since) {
		return
	}
	line, ended := bytes.CutSuffix(text, []byte("\n"))
	f.parts[stream] = append(f.parts[stream], line...)
	if ended || len(f.parts[stream]) >= maxLine {
		f.emit(ts, f.parts[stream])
		f.parts[stream] = f.parts[stream][:0]
	}
}
